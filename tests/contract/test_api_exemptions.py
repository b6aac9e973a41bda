"""Exemptions over HTTP, on a real database: what is filed, who may decide, what is refused and why, and what the lists say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from contract.filings import (
    ENTERPRISE,
    LEADER,
    OTHER_LEADER,
    ahead,
    approve,
    approved,
    file,
    filing,
    numbers,
    one,
    post,
    withdraw,
)
from contract.rooms import Service, running, small_park, until

from hazmon.store.pool import connect

DAY_S = 86_400
UNTOLD = ("approved_at", "refused_at", "decided_by", "decided_why", "withdrawn_at", "withdrawn_by", "withdrawn_why")


async def test_the_life_of_an_exemption_keeps_who_when_and_why(service: Service) -> None:
    filed = await post(service, "", 201, filing(service))
    assert (filed["enterprise"], filed["source"], filed["unit"], filed["kind"]) == ("E01", "E01-S1", "E01/V-1", "检修")
    assert (filed["state"], filed["filed_by"], filed["in_force"], filed["valid"]) == ("filed", "企业安全员", False, None)
    assert filed["from"] == filed["filed_at"]
    assert [filed[name] for name in UNTOLD] == [None] * len(UNTOLD)
    known = await approve(service, filed["id"])
    assert (known["state"], known["decided_by"], known["decided_why"]) == ("approved", "园区班长", "检修票已核对")
    assert (known["in_force"], known["suppresses"], known["refused_at"]) == (True, True, None)
    assert known["approved_at"] >= filed["filed_at"]
    assert known["valid"] == {"from": filed["from"], "to": filed["until"]}
    gone = await withdraw(service, filed["id"])
    assert (gone["state"], gone["withdrawn_by"], gone["withdrawn_why"]) == ("withdrawn", "企业安全员", "检修提前结束")
    assert (gone["in_force"], gone["suppresses"]) == (False, False)
    assert gone["valid"] == {"from": filed["from"], "to": gone["withdrawn_at"]}
    assert (gone["decided_by"], gone["approved_at"]) == (known["decided_by"], known["approved_at"])
    assert await one(service, filed["id"]) == gone


async def test_a_refused_one_says_why_and_means_nothing(service: Service) -> None:
    number = await file(service)
    refused = await post(service, f"/{number}/refuse", 200, {**LEADER, "reason": "无检修票"})
    assert (refused["state"], refused["decided_by"], refused["decided_why"]) == ("refused", "园区班长", "无检修票")
    assert (refused["approved_at"], refused["valid"], refused["in_force"]) == (None, None, False)
    assert not any(service.room.engine.plant.exempt.values())


@pytest.mark.parametrize(
    ("begin_s", "late", "within", "counts"),
    [(None, False, True, "from"), (600, False, True, "from"), (-3600, True, True, "from"), (-3 * 3600, True, False, "filed_at")],
)
async def test_filed_late_and_within_the_grace(
    service: Service, begin_s: float | None, late: bool, within: bool, counts: str
) -> None:
    known = await approve(service, await file(service, 7200, begin_s))
    assert (known["filed_late"], known["within_grace"]) == (late, within)
    assert known["valid"] == {"from": known[counts], "to": known["until"]}
    assert known["in_force"] is (begin_s is None or begin_s < 0)


async def test_one_that_is_decided_after_its_end_still_counts(service: Service) -> None:
    number = await file(service, -1800, -3600)
    assert (await one(service, number))["state"] == "filed"
    known = await approve(service, number)
    assert (known["state"], known["in_force"], known["suppresses"]) == ("over", False, False)
    assert known["valid"] == {"from": known["from"], "to": known["until"]}
    assert "was over at" in (await withdraw(service, number, 409))["detail"]
    never = await approve(service, await file(service, -3 * 3600, -5 * 3600))
    assert (never["state"], never["valid"]) == ("over", None)


async def test_a_whole_source(service: Service) -> None:
    filed = await post(service, "", 201, filing(service, source="E01-S1", kind="停用"))
    assert (filed["enterprise"], filed["source"], filed["unit"], filed["kind"]) == ("E01", "E01-S1", None, "停用")


NOT_FILED: list[tuple[dict[str, Any], int, str]] = [
    ({"unit": "E01/V-9"}, 404, "no unit E01/V-9"),
    ({"unit": None, "source": "E09-S1"}, 404, "no source E09-S1"),
    ({"source": "E01-S1", "unit": "E01/V-1"}, 422, "either unit or source"),
    ({"unit": None}, 422, "either unit or source"),
    ({"unit": "V-1"}, 422, "unit"),
    ({"kind": "maintenance"}, 422, "停用"),
    ({"reason": "  "}, 422, "reason"),
    ({"by": ""}, 422, "by"),
    ({"role": "boss"}, 422, "role"),
    ({"role": "operator"}, 409, "企业"),
    ({"role": "shift_leader"}, 409, "企业"),
    ({"until": "2026-01-01T00:00:00"}, 422, "until"),
    ({"until": "9999-01-01T00:00:00Z"}, 422, "until"),
    ({"from": "1970-01-01T00:00:00Z"}, 422, "from"),
    ({"minutes": 5}, 422, "minutes"),
]


async def test_what_may_not_be_filed_says_why(service: Service) -> None:
    for more, status, words in NOT_FILED:
        body = {**filing(service), **more}
        assert words in str(await post(service, "", status, body))
        assert await numbers(service) == []


NOT_AT_SUCH_TIMES: list[tuple[float | None, float, str]] = [
    (60, 60, "ends after it begins"),
    (120, 60, "ends after it begins"),
    (None, -60, "ends after it begins"),
    (0, 366 * DAY_S + 60, "at most 366 days"),
    (-31 * DAY_S - 60, 60, "at most 31 days before"),
    (366 * DAY_S + 60, 367 * DAY_S, "at most 366 days ahead"),
]


async def test_times_that_may_not_be_filed(service: Service) -> None:
    for begin_s, until_s, words in NOT_AT_SUCH_TIMES:
        body = {**filing(service, until_s, begin_s)}
        if begin_s == until_s:
            body["until"] = body["from"]
        assert words in (await post(service, "", 409, body))["detail"]


async def test_times_that_may_just_be_filed(service: Service) -> None:
    await file(service, 335 * DAY_S - 120, -31 * DAY_S + 60)
    await file(service, 367 * DAY_S, 366 * DAY_S - 60)


NOT_BY_THEM: list[tuple[str, dict[str, Any], str]] = [
    ("approve", {"by": "园区值班员", "role": "operator"}, "班长"),
    ("refuse", {"by": "园区值班员", "role": "operator"}, "班长"),
    ("approve", ENTERPRISE, "班长"),
    ("approve", {"by": "企业安全员", "role": "shift_leader"}, "another person"),
    ("refuse", {"by": "企业 安全员", "role": "shift_leader"}, "another person"),
    ("withdraw", LEADER, "企业"),
    ("withdraw", {"by": "园区值班员", "role": "operator"}, "企业"),
]


async def test_who_may_not_decide_or_withdraw(service: Service) -> None:
    for step, who, words in NOT_BY_THEM:
        number = await file(service)
        assert words in (await post(service, f"/{number}/{step}", 409, {**who, "reason": "x"}))["detail"]
        assert (await one(service, number))["state"] == "filed"


DONE_BEFORE: list[tuple[str, str, str]] = [
    ("approve", "approve", "was approved by 园区班长 at"),
    ("approve", "refuse", "was approved by 园区班长 at"),
    ("refuse", "approve", "was refused by 园区班长 at"),
    ("refuse", "withdraw", "was refused by 园区班长 at"),
    ("withdraw", "approve", "was withdrawn by 企业安全员 at"),
    ("withdraw", "withdraw", "was withdrawn by 企业安全员 at"),
]


async def test_what_was_done_before_is_named(service: Service) -> None:
    for done, then, words in DONE_BEFORE:
        number = await file(service)
        people = {"approve": LEADER, "refuse": LEADER, "withdraw": ENTERPRISE}
        before = await post(service, f"/{number}/{done}", 200, {**people[done], "reason": "先"})
        who = OTHER_LEADER if then != "withdraw" else ENTERPRISE
        assert words in (await post(service, f"/{number}/{then}", 409, {**who, "reason": "后"}))["detail"]
        assert await one(service, number) == before


async def test_steps_that_cannot_be_taken(service: Service) -> None:
    for step in ("approve", "refuse", "withdraw"):
        who = ENTERPRISE if step == "withdraw" else LEADER
        assert "77" in (await post(service, f"/77/{step}", 404, {**who, "reason": "x"}))["detail"]
        number = await file(service)
        assert "reason" in (await post(service, f"/{number}/{step}", 422, {**who, "reason": " "}))["detail"]
        assert "role" in (await post(service, f"/{number}/{step}", 422, {"by": "班长", "reason": "x"}))["detail"]
        await post(service, f"/0/{step}", 422, {**who, "reason": "x"})
        await post(service, f"/{2**70}/{step}", 422, {**who, "reason": "x"})


async def test_there_is_no_other_way_to_end_one(service: Service) -> None:
    number = await file(service)
    await post(service, f"/{number}/end", 404, {**ENTERPRISE, "note": "x"})
    assert (await service.http.delete(f"/api/v1/exemptions/{number}")).status_code == 405
    assert (await service.http.get("/api/v1/exemptions/77")).status_code == 404


async def test_of_two_deciders_one_wins_and_the_other_is_told_who(service: Service) -> None:
    number = await file(service)
    people = [{"by": f"班长{k}", "role": "shift_leader", "reason": "x"} for k in range(4)]
    steps = ["approve", "refuse", "approve", "refuse"]
    answers = await asyncio.gather(
        *(service.http.post(f"/api/v1/exemptions/{number}/{step}", json=who) for step, who in zip(steps, people, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    for answer in answers:
        if answer.status_code == 409:
            assert f"{won['state']} by {won['decided_by']} at" in answer.json()["detail"]
    assert await one(service, number) == won


@pytest.mark.parametrize(("step", "who"), [("approve", LEADER), ("withdraw", ENTERPRISE)])
async def test_a_decision_being_recorded_elsewhere_is_waited_for(service: Service, step: str, who: dict[str, Any]) -> None:
    number = await file(service)
    async with await connect(service.database) as other, other.transaction():
        await other.execute(
            "UPDATE exemption SET refused_at = now(), decided_by = '夜班班长', decided_why = 'x' WHERE exemption_id = %s",
            (number,),
        )
        waiting = asyncio.create_task(post(service, f"/{number}/{step}", 409, {**who, "reason": "x"}))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    assert "was refused by 夜班班长 at" in (await waiting)["detail"]


async def test_the_list_by_state_source_and_range_in_parts(service: Service) -> None:
    waiting = await file(service)
    standing = await approved(service, 7200)
    refused = await file(service, unit="E02/V-1")
    await post(service, f"/{refused}/refuse", 200, {**LEADER, "reason": "无检修票"})
    gone = await approved(service, source="E02-S1")
    await withdraw(service, gone)
    over = await approved(service, -1800, -3600)
    planned = await approved(service, 10 * DAY_S, 9 * DAY_S)
    assert await numbers(service) == [planned, over, gone, refused, standing, waiting]
    states = {"filed": [waiting], "approved": [planned, standing], "refused": [refused], "withdrawn": [gone], "over": [over]}
    for state, found in states.items():
        assert await numbers(service, state=state) == found
        assert {(await one(service, number))["state"] for number in found} == {state}
    assert await numbers(service, source="E02-S1") == [gone, refused]
    assert await numbers(service, source="E02-S1", state="refused") == [refused]
    assert await numbers(service, source="E03-S1") == []
    assert await numbers(service, **{"from": ahead(service, 2 * DAY_S)}) == [planned]
    assert await numbers(service, to=ahead(service, -900)) == [over]
    assert await numbers(service, **{"from": ahead(service, -900), "to": ahead(service, 60)}) == [
        gone,
        refused,
        standing,
        waiting,
    ]
    first = (await service.http.get("/api/v1/exemptions", params={"limit": 4})).json()
    assert [each["id"] for each in first["items"]] == [planned, over, gone, refused]
    rest = (await service.http.get("/api/v1/exemptions", params={"limit": 4, "cursor": first["next"]})).json()
    assert ([each["id"] for each in rest["items"]], rest["next"]) == ([standing, waiting], None)


NOT_LISTED: list[tuple[dict[str, Any], int]] = [
    ({"state": "gone"}, 422),
    ({"limit": 0}, 422),
    ({"limit": 1001}, 422),
    ({"from": "2026-01-01T00:00:00"}, 422),
    ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, 422),
    ({"to": "9999-01-01T00:00:00Z"}, 422),
    ({"cursor": "x"}, 400),
]


async def test_a_list_that_cannot_be_given(service: Service) -> None:
    for query, status in NOT_LISTED:
        answer = await service.http.get("/api/v1/exemptions", params=query)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_unit_name_of_two_sources_is_not_enough(database: str) -> None:
    park = small_park()
    first = park.enterprises[0]
    second = replace(first.sources[0], id="E01-S2")
    park = replace(park, enterprises=(replace(first, sources=(*first.sources, second)), *park.enterprises[1:]))
    async with running(database, park) as service:
        detail = (await post(service, "", 409, filing(service)))["detail"]
        assert "E01-S1, E01-S2" in detail
        await approved(service, source="E01-S2")
        await until(lambda: "E01-S2" in service.room.engine.plant.exempt)
