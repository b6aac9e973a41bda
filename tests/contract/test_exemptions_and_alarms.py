"""Suppression by design, from the filing of an exemption to its end, through the running service and its restarts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract.filings import ENTERPRISE, LEADER, approve, approved, file, numbers, one, post, withdraw
from contract.rooms import Service, running, small_park

from hazmon.registry.colours import load_colours

CONFIG = Path(__file__).resolve().parents[2] / "config"
AT_THE_COMMIT = """
    CREATE FUNCTION at_the_commit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.withdrawn_why = 'going down' OR NEW.decided_why = 'going down' THEN
            RAISE EXCEPTION 'going down' USING ERRCODE = 'admin_shutdown';
        ELSIF NEW.decided_why = 'slow' THEN
            PERFORM pg_sleep(0.5);
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER at_the_commit AFTER INSERT OR UPDATE ON exemption
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_the_commit();
"""


async def designs(service: Service) -> dict[str, str]:
    """What is suppressed by design now, and why."""
    return (await service.http.get("/api/v1/alarms/suppressed")).json()["by_design"]


async def turned(service: Service) -> None:
    """The engine has come round since."""
    engine, now = service.room.engine, service.room.clock.monotonic()
    async with asyncio.timeout(5):
        while engine.turned_at is None or engine.turned_at <= now + 0.3:
            await asyncio.sleep(0.05)


async def quiet(service: Service, reason: str | None, alarm: str = "E01/LT-1.HIGH") -> None:
    """Wait until the alarm is suppressed for that reason, or is not."""
    async with asyncio.timeout(5):
        while (await designs(service)).get(alarm) != reason:
            await asyncio.sleep(0.05)


async def high(service: Service) -> dict[str, Any]:
    """The only alarm of a level."""
    (found,) = (await service.http.get("/api/v1/alarms", params={"kind": "HIGH"})).json()["items"]
    return found


async def last_stimulus(service: Service, alarm: str) -> str:
    return (await service.http.get(f"/api/v1/alarms/{alarm}/events")).json()["items"][-1]["stimulus"]


async def test_it_begins_with_the_approval_is_counted_and_rings_when_it_is_withdrawn(service: Service) -> None:
    number = await file(service)
    await turned(service)
    assert await designs(service) == {}, "what is only filed silences nothing"
    await service.box().level(9.0, 10.5)
    alarm = await high(service)
    assert alarm["suppressions"] == []
    await approve(service, number)
    await quiet(service, "清罐检修")
    alarm = await high(service)
    assert (alarm["suppressions"], alarm["by_design"]) == (["suppressed_by_design"], "清罐检修")
    assert (await service.http.get("/api/v1/alarms/suppressed")).json()["suppressed_by_design"] == 1
    await withdraw(service, number)
    await quiet(service, None)
    assert (await high(service))["suppressions"] == []
    assert await last_stimulus(service, alarm["id"]) == "release"
    assert await numbers(service) == [number], "nothing is deleted"


async def test_a_refused_one_and_an_offline_filing_silence_nothing(service: Service) -> None:
    number = await file(service)
    await post(service, f"/{number}/refuse", 200, {**LEADER, "reason": "无检修票"})
    offline = await approved(service, kind="离线报备")
    await turned(service)
    assert await designs(service) == {}
    assert [(await one(service, offline))[name] for name in ("in_force", "suppresses")] == [True, False]


async def test_a_planned_one_begins_by_itself_and_ends_by_itself(service: Service) -> None:
    number = await approved(service, 2.5, 1.0)
    await turned(service)
    assert await designs(service) == {}
    assert [(await one(service, number))[name] for name in ("state", "in_force")] == ["approved", False]
    await quiet(service, "清罐检修")
    assert [(await one(service, number))[name] for name in ("in_force", "suppresses")] == [True, True]
    await service.box().level(9.0, 10.5)
    alarm = await high(service)
    assert alarm["suppressions"] == ["suppressed_by_design"]
    await quiet(service, None)
    assert (await one(service, number))["state"] == "over"
    assert (await high(service))["suppressions"] == []
    assert await last_stimulus(service, alarm["id"]) == "release"


async def test_a_planned_one_is_kept_over_a_restart_and_may_be_withdrawn_before_it_begins(database: str) -> None:
    async with running(database) as service:
        soon = await approved(service, 60, 1.5)
        never = await approved(service, 90, 1.5, unit="E02/V-1", reason="改期")
        await withdraw(service, never)
    async with running(database) as service:
        assert await designs(service) == {}
        await quiet(service, "清罐检修")
        assert await designs(service) == dict.fromkeys(await designs(service), "清罐检修"), "E02 is not exempt"
        assert (await one(service, never))["valid"] is None
    async with running(database) as service:
        await quiet(service, "清罐检修")
        await service.box().level(9.0, 10.5)
        assert (await high(service))["suppressions"] == ["suppressed_by_design"]
        await withdraw(service, soon)
        await quiet(service, None)
    async with running(database) as service:
        await turned(service)
        assert await designs(service) == {}


async def test_a_whole_source_is_every_unit_of_it(service: Service) -> None:
    number = await approved(service, source="E02-S1", kind="停用", reason="全厂停车")
    await quiet(service, "全厂停车", "E02/LT-1.HIGH")
    assert {name.partition("/")[0] for name in await designs(service)} == {"E02"}
    await withdraw(service, number)
    await quiet(service, None, "E02/LT-1.HIGH")


async def test_of_two_exemptions_of_a_unit_the_longer_one_holds(database: str) -> None:
    async with running(database) as service:
        longer = await approved(service, reason="长")
        await approved(service, 300, reason="短")
        await turned(service)
        await quiet(service, "长")
    async with running(database) as service:
        await quiet(service, "长")
        await withdraw(service, longer)
        await quiet(service, "短")


async def test_exemptions_approved_at_once_reach_the_engine_as_they_are_recorded(service: Service) -> None:
    short, long = await file(service, 300, reason="短"), await file(service, reason="长")
    async with service.room.connection() as connection:
        await connection.execute(AT_THE_COMMIT)
    slow = asyncio.create_task(post(service, f"/{short}/approve", 200, {**LEADER, "reason": "slow"}))
    await asyncio.sleep(0.1)
    await approve(service, long)
    await slow
    assert [each.reason for each in service.room.engine.plant.exempt["E01/V-1"]] == ["短", "长"]


async def test_a_withdrawal_that_may_not_be_recorded_rings_all_the_same(service: Service) -> None:
    number = await approved(service)
    await quiet(service, "清罐检修")
    async with service.room.connection() as connection:
        await connection.execute(AT_THE_COMMIT)
    await post(service, f"/{number}/withdraw", 503, {**ENTERPRISE, "reason": "going down"})
    await quiet(service, None)
    assert (await one(service, number))["state"] == "approved"
    assert (await withdraw(service, number))["state"] == "withdrawn"


async def test_an_approval_that_is_not_recorded_silences_nothing(service: Service) -> None:
    number = await file(service)
    async with service.room.connection() as connection:
        await connection.execute(AT_THE_COMMIT)
    await post(service, f"/{number}/approve", 503, {**LEADER, "reason": "going down"})
    await turned(service)
    assert await designs(service) == {}
    await approve(service, number)
    await quiet(service, "清罐检修")


async def test_an_approval_whose_answer_was_lost_is_followed_when_it_is_asked_for_again(service: Service) -> None:
    number = await file(service)
    async with service.room.connection() as connection:
        await connection.execute("UPDATE exemption SET approved_at = now(), decided_by = '园区班长', decided_why = 'x'")
    await turned(service)
    assert await designs(service) == {}
    assert "approved by 园区班长" in (await approve(service, number, 409))["detail"]
    await quiet(service, "清罐检修")


async def test_a_source_is_marked_while_any_exemption_of_it_is_in_force(database: str) -> None:
    async with running(database, replace(small_park(), colours=load_colours(CONFIG))) as service:

        async def marked() -> list[bool]:
            sources = (await service.http.get("/api/v1/sources")).json()["items"]
            return [source["live"]["colour"]["exempt"] for source in sources]

        planned = await approved(service, 7200, 3600)
        assert await marked() == [False, False]
        offline = await approved(service, kind="离线报备")
        whole = await approved(service, source="E02-S1")
        assert await marked() == [True, True]
        for number in (planned, offline, whole):
            await withdraw(service, number)
        assert await marked() == [False, False]
