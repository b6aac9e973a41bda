"""GET /coverage/findings: what does not count as monitored, in plain words, bounded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from contract.rooms import Service
from contract.test_api_batches import problem

from hazmon.api import coverage_findings
from hazmon.api.coverage_findings import FindingsView
from hazmon.clock import US, as_datetime, iso
from hazmon.coverage.book import Veto
from hazmon.store.coverage import _add_vetoes
from hazmon.store.pool import connect

DAY = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
HOUR = 3600 * US
LIFE: Mapping[str, object] = {"samples": 720, "turns": 411, "levels": 9, "bits": 1893}
VETOES = [
    Veto("r1", "E01/LT-1", "replay", DAY, DAY + HOUR, {"of": "E01/LT-1", "shift_us": 24 * HOUR, **LIFE}),
    Veto("r2", "E01/LT-1", "replay", DAY + HOUR, DAY + 2 * HOUR, {"of": "E02/TT-1", "shift_us": HOUR, **LIFE}),
    Veto("i1", "E02/PT-1", "identical", DAY + 2 * HOUR, DAY + 3 * HOUR, {"with": "E01/LT-1", "shift_us": -2 * US, **LIFE}),
    Veto(
        "c1",
        "E01/TT-1",
        "clock",
        DAY + 3 * HOUR,
        DAY + 4 * HOUR,
        {"edge": "E01", "boot": "7", "earlier_seq": 4, "later_seq": 5, "step_us": HOUR},
    ),
    Veto("f1", "E02/LT-1", "frozen", DAY + 4 * HOUR, None, {"since_s": 3600.0, "lowest": 1.2, "highest": 1.2}),
]


@pytest.fixture
async def told(service: Service) -> Service:
    async with await connect(service.database) as connection:
        await _add_vetoes(connection, VETOES, DAY + 5 * HOUR)
    return service


async def asked(service: Service, **query: Any) -> dict[str, Any]:
    range_ = {"from": iso(DAY), "to": iso(DAY + 24 * HOUR)}
    response = await service.http.get("/api/v1/coverage/findings", params=range_ | query)
    assert response.status_code == 200, response.text
    FindingsView.model_validate(response.json())
    return response.json()


async def test_each_kind_is_told_in_plain_words(told: Service) -> None:
    answer = await asked(told)
    assert [item["id"] for item in answer["items"]] == ["r1", "r2", "i1", "c1", "f1"]
    own, others, identical, clock, frozen = answer["items"]
    assert own == {
        "id": "r1",
        "kind": "replay",
        "point": "E01/LT-1",
        "source": "E01-S1",
        "from": iso(DAY),
        "to": iso(DAY + HOUR),
        "text": "与本位号 2025-12-31T00:00:00.000000Z 起的记录逐值相同：720 个样本；所比一段有 411 次升降转折、9 个不同值，"
        "偶然相同的可能性低于 2 的 -1893 次方",
        "text_en": "the same, value by value, as what this point showed from 2025-12-31T00:00:00.000000Z on: 720 samples;"
        " the stretch compared has 411 turns and 9 levels, by chance less likely than 2^-1893",
        "evidence": {"of": "E01/LT-1", "shift_us": 24 * HOUR, **LIFE},
    }
    assert "位号 E02/TT-1 2026-01-01T00:00:00" in others["text"]
    assert "E01/LT-1 逐值相同（相差 -2 s），无法判断哪一个是复制" in identical["text"]
    assert "either may be the copy" in identical["text_en"]
    assert "采集箱 E01 的时钟在第 4 批与第 5 批之间倒退 3600 s" in clock["text"]
    assert "went back by 3600 s between batches 4 and 5" in clock["text_en"]
    assert (frozen["to"], frozen["text"]) == (None, "数值停滞：发现时已 3600.0 s 未超出 1.2 至 1.2")


async def test_of_a_range_and_of_one_source(told: Service) -> None:
    async def ids(**query: Any) -> list[str]:
        return [item["id"] for item in (await asked(told, **query))["items"]]

    assert await ids(source="E02-S1") == ["i1", "f1"]
    assert await ids(source="E09-S1") == []
    assert await ids(to=iso(DAY + HOUR)) == ["r1"], "what begins with the end is not in it"
    assert await ids(**{"from": iso(DAY + 5 * HOUR)}) == ["f1"], "it goes on"


async def test_the_question_is_bounded(told: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(first: int, last: int) -> None:
        query = {"from": iso(first), "to": iso(last)}
        problem(await told.http.get("/api/v1/coverage/findings", params=query), 422)

    await refused(DAY, DAY)
    long = as_datetime(DAY) + timedelta(days=366, seconds=1)
    await refused(DAY, round(long.timestamp()) * US)
    monkeypatch.setattr(coverage_findings, "MOST", 4)
    await refused(DAY, DAY + 24 * HOUR)
