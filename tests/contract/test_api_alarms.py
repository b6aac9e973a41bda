"""Alarms: listed, looked into, acknowledged once."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from contract.rooms import Service
from contract.streams import stream
from contract.test_api_batches import problem


async def listed(service: Service, **query: Any) -> list[dict[str, Any]]:
    """All alarms of a filter, a part of two at a time."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = query | {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        response = await service.http.get("/api/v1/alarms", params=params)
        assert response.status_code == 200, response.text
        page = response.json()
        assert len(page["items"]) <= 2
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


async def acknowledged(service: Service, alarm: str, by: str = "值班员", note: str = "") -> Any:
    return await service.http.post(f"/api/v1/alarms/{alarm}/acknowledge", json={"by": by, "note": note})


async def test_alarms_newest_first_in_parts_without_gap_or_double(service: Service) -> None:
    box = service.box()
    for _ in range(5):
        await box.level(10.6)
        (standing, *_) = await listed(service, state="unacknowledged")
        assert (await acknowledged(service, standing["id"])).status_code == 200
        await box.level(5.0)
    await service.box("E02").level(0.5)
    alarms = await listed(service)
    assert len({alarm["id"] for alarm in alarms}) == len(alarms) == 6
    assert [alarm["raised_at"] for alarm in alarms] == sorted((alarm["raised_at"] for alarm in alarms), reverse=True)
    assert [alarm["state"] for alarm in alarms] == ["unacknowledged", *["normal"] * 5]
    assert [alarm["rule"] for alarm in await listed(service, enterprise="E02")] == ["L"]
    assert len(await listed(service, source="E01-S1")) == 5
    assert len(await listed(service, priority=[1, 2])) == 0
    assert len(await listed(service, priority=3, state=["normal", "acknowledged"])) == 5
    cut = alarms[2]["raised_at"]
    assert await listed(service, start=cut) == alarms[:3]
    assert await listed(service, end=cut) == alarms[3:]
    shanghai = cut.replace("Z", "+00:00")
    assert await listed(service, end=shanghai) == alarms[3:]


async def test_an_alarm_and_its_events(service: Service) -> None:
    await service.box().level(10.6)
    (alarm,) = await listed(service)
    assert alarm == (await service.http.get(f"/api/v1/alarms/{alarm['id']}")).json()
    assert (alarm["limit"], alarm["unit"], alarm["name"], alarm["cleared_at"]) == (10.0, "m", "名 LT-1", None)
    answer = await acknowledged(service, alarm["id"], " 值班员 ", "看见了")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["acknowledged_by"], answer.json()["recorded"]) == (
        "acknowledged",
        "值班员",
        True,
    )
    await service.box().level(5.0)
    over = (await service.http.get(f"/api/v1/alarms/{alarm['id']}")).json()
    assert (over["state"], over["acknowledged_by"]) == ("normal", "值班员")
    assert over["cleared_at"] is not None
    url = f"/api/v1/alarms/{alarm['id']}/events"
    first = (await service.http.get(url, params={"limit": 2})).json()
    second = (await service.http.get(url, params={"limit": 2, "cursor": first["next"]})).json()
    events = first["items"] + second["items"]
    assert second["next"] is None
    assert [(e["event"], e["stimulus"], e["from"], e["to"]) for e in events] == [
        (1, "raise", "normal", "unacknowledged"),
        (2, "acknowledge", "unacknowledged", "acknowledged"),
        (3, "clear", "acknowledged", "normal"),
    ]
    assert (events[1]["by"], events[1]["reason"]) == ("值班员", "看见了")
    assert all(event["recorded"] for event in events)


async def test_two_who_acknowledge_at_once_make_one_event(service: Service) -> None:
    await service.box().level(10.6)
    (alarm,) = await listed(service)
    async with stream(service) as listener:
        await listener.frame()
        answers = await asyncio.gather(*(acknowledged(service, alarm["id"], f"操作员{k}") for k in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
        (won,) = (answer.json() for answer in answers if answer.status_code == 200)
        told = await listener.next()
        assert told.data["alarm"] == won
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert problem(refused, 409) == "the alarm is acknowledged already"
    events = (await service.http.get(f"/api/v1/alarms/{alarm['id']}/events")).json()["items"]
    assert [event["stimulus"] for event in events] == ["raise", "acknowledge"]


async def test_what_cannot_be_acknowledged(service: Service) -> None:
    problem(await acknowledged(service, "0123456789abcdef"), 404)
    await service.box().level(10.6)
    (alarm,) = await listed(service)
    await acknowledged(service, alarm["id"])
    await service.box().level(5.0)
    assert "over" in problem(await acknowledged(service, alarm["id"]), 409)


@pytest.mark.parametrize(
    "body", [{}, {"by": ""}, {"by": "   "}, {"by": "x" * 65}, {"by": "a\nb"}, {"by": "a", "note": "x" * 501}, {"by": "a", "x": 1}]
)
async def test_who_acknowledges_must_say_who(service: Service, body: dict[str, Any]) -> None:
    problem(await service.http.post("/api/v1/alarms/0123456789abcdef/acknowledge", json=body), 422)


async def test_a_silent_record_takes_no_acknowledgement_and_answers_what_memory_knows(service: Service) -> None:
    box = service.box()
    await box.level(5.0)
    async with stream(service) as listener, await psycopg.AsyncConnection.connect(service.database) as blocker:
        await listener.frame()
        await blocker.execute("LOCK TABLE batch, alarm IN ACCESS EXCLUSIVE MODE")
        delivering = asyncio.create_task(box.level(10.6))
        alarm = (await listener.next()).data["alarm"]["id"]
        answer = await acknowledged(service, alarm)
        problem(answer, 503)
        assert answer.headers["retry-after"]
        shown = (await service.http.get(f"/api/v1/alarms/{alarm}")).json()
        assert (shown["state"], shown["recorded"]) == ("unacknowledged", False)
        events = (await service.http.get(f"/api/v1/alarms/{alarm}/events")).json()
        assert [(event["stimulus"], event["recorded"]) for event in events["items"]] == [("raise", False)]
        problem(await service.http.get("/api/v1/alarms"), 503)
        await blocker.rollback()
        with pytest.raises(AssertionError, match="the record does not answer"):  # the box is told to come again
            await delivering
    await box.level(10.6)  # its receipt comes when all that waited is recorded
    assert (await acknowledged(service, alarm)).status_code == 200
