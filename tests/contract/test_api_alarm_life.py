"""What people do to alarms, over HTTP, on a real database: said once, recorded before it is answered, kept over a restart."""

from __future__ import annotations

import asyncio
from operator import itemgetter
from typing import Any

import httpx
import pytest
from contract.rooms import Service, running

BY: dict[str, Any] = {"by": "值班员"}
LEADER: dict[str, Any] = {"by": "班长", "role": "shift_leader"}


async def one(service: Service, **wanted: str) -> dict[str, Any]:
    """The only alarm of the list with these fields."""
    items = (await service.http.get("/api/v1/alarms", params={"kind": "HIGH"})).json()["items"]
    (found,) = [item for item in items if all(item[key] == value for key, value in wanted.items())]
    return found


async def post(service: Service, path: str, status: int = 200, /, **body: Any) -> dict[str, Any]:
    answer = await service.http.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def stimuli(service: Service, alarm: str) -> list[str]:
    return [event["stimulus"] for event in (await service.http.get(f"/api/v1/alarms/{alarm}/events")).json()["items"]]


async def test_verify_dispose_and_comment_also_when_it_is_over(service: Service) -> None:
    box = service.box()
    await box.level(9.0, 10.5, 12.5)
    alarm = await one(service, point="E01/LT-1")
    assert (alarm["first"]["rule"], alarm["worst"]["rule"], alarm["raised_count"], alarm["peak"]) == ("H", "H", 1, 12.5)
    name = alarm["id"]
    found = await post(service, f"alarms/{name}/verify", **BY, verdict="real", note="进料阀未关")
    assert (found["verified"]["verdict"], found["state"]) == ("real", "unacknowledged")
    await post(service, f"alarms/{name}/acknowledge", **BY)
    await box.level(9.0)
    over = await one(service, point="E01/LT-1")
    assert (over["state"], over["active"]) == ("normal", False)
    done = await post(service, f"alarms/{name}/dispose", **BY, note="已关阀")
    assert (done["disposed"]["note"], done["verified"]["note"]) == ("已关阀", "进料阀未关")
    await post(service, f"alarms/{name}/comment", **BY, note="交班已说明")
    refused = await post(service, f"alarms/{name}/acknowledge", 409, **BY)
    assert "nothing to acknowledge" in refused["detail"]
    assert await stimuli(service, name) == ["raise", "verify", "acknowledge", "clear", "dispose", "comment"]


async def test_an_alarm_of_the_record_can_be_spoken_of_after_a_restart(service: Service) -> None:
    await service.box().level(9.0, 10.5)
    name = (await one(service, point="E01/LT-1"))["id"]
    await post(service, f"alarms/{name}/acknowledge", **BY)
    await service.box().level(9.0)
    service.room.engine.plant.book.closed.clear()  # as if a thousand others had closed since
    done = await post(service, f"alarms/{name}/verify", **BY, verdict="false")
    assert done["verified"]["by"] == "值班员"
    assert await stimuli(service, name) == ["raise", "acknowledge", "clear", "verify"]


async def test_a_shelved_alarm_is_not_heard_but_counted_and_comes_back_acknowledged(service: Service) -> None:
    shelf = "points/E01/LT-1/alarms/HIGH"
    shelved = await post(service, f"{shelf}/shelve", **BY, reason="变送器校验", minutes=30)
    assert (shelved["suppressions"], shelved["state"], shelved["raised_count"]) == (["shelved"], "normal", 0)
    await service.box().level(9.0, 10.5)
    hidden = (await service.http.get("/api/v1/alarms/suppressed")).json()
    assert (hidden["shelved"], hidden["alarms"][0]["state"]) == (1, "unacknowledged")
    assert "already" in (await post(service, f"{shelf}/shelve", 409, **BY, reason="再来", minutes=5))["detail"]
    back = await post(service, f"{shelf}/unshelve", **BY, reason="校验完成")
    assert (back["state"], back["suppressions"], back["acknowledged_by"]) == ("acknowledged", [], "值班员")
    assert (await service.http.get("/api/v1/alarms/suppressed")).json()["alarms"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("points/E01/LT-1/alarms/HIGH/shelve", {**BY, "reason": "x", "minutes": 481}, 409, "at most 8 hours"),
        ("points/E01/LT-1/alarms/HIGH/shelve", {**BY, "reason": " ", "minutes": 5}, 422, "reason"),
        ("points/E01/LT-9/alarms/HIGH/shelve", {**BY, "reason": "x", "minutes": 5}, 404, "LT-9"),
        ("points/E01/TT-1/alarms/HIGH/shelve", {**BY, "reason": "x", "minutes": 5}, 404, "TT-1.HIGH"),
        ("points/E01/LT-1/alarms/HIGH/unshelve", {**BY, "reason": "x"}, 409, "not shelved"),
        ("points/E01/LT-1/alarms/HIGH/remove", {**BY, "reason": "x"}, 409, "班长"),
        ("points/E01/LT-1/alarms/HIGH/return", {**LEADER, "reason": "x"}, 409, "in service"),
        ("points/E01/LT-1/alarms/NONE/shelve", {**BY, "reason": "x", "minutes": 5}, 422, "kind"),
        ("alarms/0123456789abcdef/verify", {**BY, "verdict": "real"}, 404, "0123456789abcdef"),
        ("alarms/0123456789abcdef/verify", {**BY, "verdict": "maybe"}, 422, "verdict"),
        ("alarms/0123456789abcdef/reset", BY, 404, "0123456789abcdef"),
        ("alarms/acknowledge", {**BY, "alarms": ["0123456789abcdef"] * 21}, 422, "20"),
        ("alarms/acknowledge", {**BY, "alarms": []}, 422, "alarms"),
    ],
)
async def test_what_is_not_allowed_says_why(service: Service, path: str, body: dict[str, Any], status: int, words: str) -> None:
    answer = await service.http.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.text


async def test_out_of_service_until_somebody_puts_it_back(service: Service) -> None:
    place = "points/E01/LT-1/alarms/HIGH"
    await post(service, f"{place}/remove", **LEADER, reason="检修")
    await service.box().level(9.0, 10.5)
    assert (await service.http.get("/api/v1/alarms/suppressed")).json()["out_of_service"] == 1
    back = await post(service, f"{place}/return", **LEADER, reason="检修结束")
    assert (back["state"], back["suppressions"]) == ("unacknowledged", [])


async def test_a_selection_is_acknowledged_each_for_itself(service: Service) -> None:
    await service.box("E01").level(9.0, 10.5)
    await service.box("E02").level(9.0, 10.5)
    names = [item["id"] for item in (await service.http.get("/api/v1/alarms", params={"kind": "HIGH"})).json()["items"]]
    answer = await service.http.post("/api/v1/alarms/acknowledge", json={**BY, "alarms": [*names, "0123456789abcdef", names[0]]})
    outcomes: list[dict[str, Any]] = answer.json()
    assert [(each["alarm"], each["done"]) for each in outcomes] == [
        *((name, True) for name in names),
        ("0123456789abcdef", False),
    ]
    assert "no alarm" in outcomes[-1]["why"]
    assert await stimuli(service, names[0]) == ["raise", "acknowledge"]
    async with service.room.connection() as connection:
        said = await connection.execute("SELECT DISTINCT written_at FROM alarm_event WHERE stimulus = 'acknowledge'")
        assert len(await said.fetchall()) == 1, "one commit"


async def test_of_a_selection_one_that_cannot_be_recorded_hides_no_other(service: Service) -> None:
    await service.box("E01").level(9.0, 10.5)
    await service.box("E02").level(9.0, 10.5)
    names = [item["id"] for item in (await service.http.get("/api/v1/alarms", params={"kind": "HIGH"})).json()["items"]]
    async with service.room.connection() as connection:
        await connection.execute(REFUSING_ALARM.replace("REFUSED", names[0]).encode())
    answer = await service.http.post("/api/v1/alarms/acknowledge", json={**BY, "alarms": names})
    outcomes: list[dict[str, Any]] = answer.json()
    assert [each["done"] for each in outcomes] == [False, True]
    assert "refuses" in outcomes[0]["why"]
    assert await stimuli(service, names[1]) == ["raise", "acknowledge"]


REFUSING_ALARM = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'data_exception'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON alarm_event
        FOR EACH ROW WHEN (NEW.alarm_id = 'REFUSED') EXECUTE FUNCTION refuse();
"""


async def test_what_was_answered_survives_a_restart(database: str) -> None:
    async with running(database) as service:
        await service.box().level(9.0, 10.5)
        await post(service, "points/E01/LT-1/alarms/HIGH/shelve", **BY, reason="校验", minutes=60)
        await post(service, "points/E01/PT-1/alarms/HIGH/remove", **LEADER, reason="检修")
        before = (await service.http.get("/api/v1/alarms/suppressed")).json()
    async with running(database) as service:
        after = (await service.http.get("/api/v1/alarms/suppressed")).json()
        assert sorted(after["alarms"], key=itemgetter("id")) == sorted(before["alarms"], key=itemgetter("id"))
        back = await post(service, "points/E01/LT-1/alarms/HIGH/unshelve", **BY, reason="好了")
        assert back["state"] == "acknowledged"


async def test_two_at_once_make_one_record(service: Service) -> None:
    await service.box().level(9.0, 10.5)
    name = (await one(service, point="E01/LT-1"))["id"]
    answers: list[httpx.Response] = await asyncio.gather(
        *(service.http.post(f"/api/v1/alarms/{name}/acknowledge", json={"by": f"值班员{k}", "note": ""}) for k in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert await stimuli(service, name) == ["raise", "acknowledge"]
