"""The auditor's questions over HTTP: readings really sent, figures counted by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest
from contract.rooms import Service, running, small_park

from hazmon.clock import MINUTE_US, SystemClock, iso
from hazmon.store.coverage import CoverageKeeper
from hazmon.store.pool import connect, migrate

HOUR_US = 60 * MINUTE_US
GOOD = (5.0, 1.0, 20.0)


@pytest.fixture
async def begun(database: str) -> AsyncGenerator[Service]:
    """A service whose record began three days ago, with the duty of the small park."""
    park = small_park()
    assert park.coverage is not None
    await migrate(database)
    async with await connect(database) as connection, connection.transaction():
        since = SystemClock().now() - 72 * HOUR_US
        await CoverageKeeper(park, park.coverage, since).keep(connection, [], [], [], since)
    async with running(database, park) as service:
        yield service


def hours_ago(hours: int) -> int:
    """The full hour so long ago."""
    return (SystemClock().now() // HOUR_US - hours) * HOUR_US


async def send(service: Service, begin: int, minutes: int, values: tuple[float | None, ...] = GOOD, edge: str = "E01") -> None:
    """A scan a minute, all in one batch."""
    box = service.box(edge)
    answer = await box.post(box.batch(*((begin + k * MINUTE_US + 1, values) for k in range(minutes))))
    assert [each["outcome"] for each in answer.json()["receipts"]] == ["accepted"], answer.text


async def ask(service: Service, path: str = "coverage", **query: str) -> dict[str, Any]:
    answer = await service.http.get(f"/api/v1/{path}", params={key.rstrip("_"): value for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(service: Service, path: str = "coverage", **query: str) -> tuple[int, str]:
    answer = await service.http.get(f"/api/v1/{path}", params={key.rstrip("_"): value for key, value in query.items()})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


async def test_an_hour_sent_late_and_an_hour_of_nothing(begun: Service) -> None:
    start = hours_ago(10)
    await send(begun, start, 60)
    answer = await ask(begun, from_=iso(start), to=iso(start + 2 * HOUR_US))
    one, other = answer["rows"]
    lost = {"connect": 0, "online": 60, "complete": 0, "valid": 0}
    assert (one["of"], one["name"], one["name_en"]) == ("E01-S1", "液氨球罐区", "Liquid ammonia spheres")
    assert (one["slots"], one["covered"], one["prompt"], one["excused"], one["lost"]) == (120, 60, 0, 0, lost)
    assert one["raw"] == one["net"] == {"numerator": 60, "denominator": 120, "rate": "50.0000"}
    assert one["real_time"] == {"numerator": 0, "denominator": 120, "rate": "0.0000"}
    assert (other["of"], other["covered"], other["lost"]["online"]) == ("E02-S1", 0, 120)
    total = answer["total"]
    assert (total["slots"], total["covered"], total["lost"]["online"]) == (240, 60, 180)
    assert total["factors"]["online"] == {"numerator": 60, "denominator": 240, "rate": "25.0000"}
    assert total["factors"]["complete"] == {"numerator": 60, "denominator": 60, "rate": "100.0000"}
    assert (answer["timezone"], answer["simulated"], answer["by"], answer["step"]) == ("Asia/Shanghai", False, "source", "all")


async def test_the_park_is_the_sum_of_its_enterprises(begun: Service) -> None:
    start = hours_ago(10)
    await send(begun, start, 30)
    await send(begun, start, 45, edge="E02")
    when = {"from_": iso(start), "to": iso(start + HOUR_US)}
    (park,) = (await ask(begun, by="park", **when))["rows"]
    assert (park["of"], park["name"], park["slots"], park["covered"]) == ("", "示例园区", 120, 75)
    enterprises = (await ask(begun, by="enterprise", **when))["rows"]
    assert [(row["of"], row["covered"]) for row in enterprises] == [("E01", 30), ("E02", 45)]
    only = await ask(begun, by="source", of="E02", **when)
    assert [row["of"] for row in only["rows"]] == ["E02-S1"]
    assert only["total"]["covered"] == 45


async def test_days_begin_at_local_midnight(begun: Service) -> None:
    start = hours_ago(40)
    answer = await ask(begun, from_=iso(start), to=iso(start + 39 * HOUR_US), step="day", of="E01-S1")
    rows = answer["rows"]
    assert len(rows) in (2, 3)
    assert sum(row["slots"] for row in rows) == 39 * 60
    for row in rows[1:]:
        moment = datetime.fromisoformat(row["from"]).astimezone(UTC)
        assert (moment.hour, moment.minute) == (16, 0)  # midnight in Shanghai
    assert [row["from"] for row in rows[1:]] == [row["to"] for row in rows[:-1]]


async def test_what_is_not_over_does_not_count(begun: Service) -> None:
    now = begun.room.clock.now()
    answer = await ask(begun, from_=iso(hours_ago(1)), to=iso(hours_ago(-5)), by="park")
    counted = datetime.fromisoformat(answer["counted_to"])
    assert 60 <= now / 1e6 - counted.timestamp() <= 130
    assert answer["total"]["slots"] == 2 * (counted.timestamp() - hours_ago(1) / 1e6) // 60


async def test_nothing_was_owed_before_the_record_began(begun: Service) -> None:
    answer = await ask(begun, from_=iso(hours_ago(96)), to=iso(hours_ago(0)), by="park")
    assert answer["total"]["slots"] in (2 * 72 * 60 - 2 * k for k in range(61))
    before = await ask(begun, from_=iso(hours_ago(200)), to=iso(hours_ago(100)), by="park")
    assert before["total"]["slots"] == 0
    assert before["total"]["raw"] == {"numerator": 0, "denominator": 0, "rate": None}


async def test_what_cannot_be_asked(begun: Service) -> None:
    when = {"from_": iso(hours_ago(10)), "to": iso(hours_ago(9))}
    assert await refusal(begun, of="E09", **when) == (404, "no source or enterprise E09")
    assert await refusal(begun, from_=when["to"], to=when["from_"]) == (422, "from must be before to")
    assert await refusal(begun, from_=iso(hours_ago(24 * 401)), to=when["to"]) == (422, "400 days at most")
    assert (await refusal(begun, by="moon", **when))[0] == 422
