"""The engine on a real database: one commit for many, receipts after it, and nothing twice."""

from __future__ import annotations

import asyncio

import pytest
from park import park, point
from store.living import Box, Service, service

from hazmon.alarms.commands import Acknowledge
from hazmon.alarms.states import AlarmState
from hazmon.engine import Busy
from hazmon.errors import BatchError, CommandRefused, NotFound, StoreUnavailable

PARK = park(point("LT-1"), point("LT-1", edge="E02"))
SMALL_QUEUE = park(point("LT-1"), queue_batches=2)


async def outcomes(service: Service, box: Box, *bodies: bytes) -> list[str]:
    return [receipt.outcome for receipt in await service.engine.submit(box.edge, bodies)]


async def test_two_boxes_share_a_commit_and_wait_for_it(database: str) -> None:
    boxes = [Box("E01"), Box("E02")]
    async with service(database, PARK, running=False) as found:
        asked = [asyncio.create_task(outcomes(found, box, box.batch(9.0), box.batch(9.1))) for box in boxes]
        while found.engine.queue < 4:
            await asyncio.sleep(0.001)
        assert await found.rows("SELECT * FROM batch") == []
        assert not any(task.done() for task in asked)
        found.run()
        assert await asyncio.gather(*asked) == [["accepted", "accepted"]] * 2
        assert await found.rows("SELECT count(*), count(DISTINCT xmin::text) FROM batch") == [(4, 1)]
        assert await found.rows("SELECT edge, count(*) FROM scan JOIN scan_group USING (group_id) GROUP BY 1 ORDER BY 1") == [
            ("E01", 2),
            ("E02", 2),
        ]
        assert found.engine.queue == 0


async def test_a_batch_sent_again_is_a_duplicate_also_after_a_restart(database: str) -> None:
    box = Box("E01")
    bodies = [box.batch(9.0), box.batch(11.0)]
    async with service(database, PARK) as found:
        both = await asyncio.gather(outcomes(found, box, *bodies), outcomes(found, box, *bodies))
        assert both == [["accepted", "accepted"]] * 2
        assert await outcomes(found, box, *bodies) == ["duplicate", "duplicate"]
        assert (found.engine.counts.batches, found.engine.counts.readings) == (2, 2)
        assert found.engine.counts.duplicates == 2
    async with service(database, PARK) as found:
        assert await outcomes(found, box, *bodies, box.batch(11.0)) == ["duplicate", "duplicate", "accepted"]
        assert await found.rows("SELECT count(*) FROM scan") == [(3,)]
        assert await found.rows("SELECT count(*) FROM alarm") == [(1,)]
        assert found.shown == []


async def test_a_group_that_was_never_declared_is_asked_for(database: str) -> None:
    box = Box("E01")
    async with service(database, PARK) as found:
        undeclared = box.batch(9.0, declare=False)
        (receipt,) = await found.engine.submit("E01", [undeclared])
        assert (receipt.outcome, receipt.retry, receipt.reason) == ("rejected", True, "unknown-group")
        assert await outcomes(found, box, box.batch(declare=True), undeclared) == ["accepted", "accepted"]


async def test_refused_readings_are_named_in_the_receipt(database: str) -> None:
    box = Box("E01", tags=("LT-1", "GONE"))
    async with service(database, PARK) as found:
        (receipt,) = await found.engine.submit("E01", [box.batch(9.0, 9.1)])
        assert receipt.outcome == "accepted"
        assert [(entry["tag"], entry["count"], entry["reason"]) for entry in receipt.refused] == [("GONE", 2, "unknown-tag")]
        assert (found.engine.counts.readings, found.engine.counts.refused) == (2, 2)
        assert await found.rows("SELECT tag, count, reason FROM refused") == [("GONE", 2, "unknown-tag")]
        assert await found.rows("SELECT count(*) FROM batch WHERE raw IS NOT NULL") == [(1,)]


async def test_bytes_that_are_no_batch_and_batches_of_another_box(database: str) -> None:
    async with service(database, PARK) as found:
        with pytest.raises(BatchError, match="not HZ"):
            await found.engine.submit("E01", [b"nonsense"])
        for edge in ("E02", "E99"):
            with pytest.raises(PermissionError, match="may not send for E01"):
                await found.engine.submit(edge, [Box("E01").batch(9.0)])
        with pytest.raises(PermissionError):
            await found.engine.submit("E99", [Box("E99").batch(9.0)])
        assert await found.rows("SELECT * FROM batch") == []


async def test_an_alarm_is_shown_when_it_is_recorded_and_acknowledged_for_good(database: str) -> None:
    box = Box("E01")
    async with service(database, PARK) as found:
        await found.engine.submit("E01", [box.batch(9.0, 11.0)])
        await found.until(lambda: found.seen(recorded=True) == [1])
        alarm = found.shown[0].event.alarm
        assert found.engine.open_alarms() == [(alarm, True)]
        outcome = await found.engine.command(Acknowledge(alarm.id, "值班员", ""))
        assert outcome.event is not None
        assert outcome.event.alarm.state is AlarmState.ACKNOWLEDGED
        assert await found.rows("SELECT state, body->>'acknowledged_by' FROM alarm") == [("acknowledged", "值班员")]
        again = await found.engine.command(Acknowledge(alarm.id, "值班员", ""))
        assert isinstance(again.refusal, CommandRefused)
        unknown = await found.engine.command(Acknowledge("00", "值班员", ""))
        assert isinstance(unknown.refusal, NotFound)
    async with service(database, PARK) as found:
        assert [(alarm.acknowledged_by, recorded) for alarm, recorded in found.engine.open_alarms()] == [("值班员", True)]


async def test_a_full_queue_sends_the_box_away(database: str) -> None:
    box = Box("E01")
    bodies = [box.batch(9.0) for _ in range(3)]
    async with service(database, SMALL_QUEUE, running=False) as found:
        waiting = asyncio.create_task(outcomes(found, box, *bodies[:2]))
        while found.engine.queue < 2:
            await asyncio.sleep(0.001)
        with pytest.raises(Busy, match="full"):
            await found.engine.submit("E01", bodies[2:])
        found.run()
        assert await waiting == ["accepted", "accepted"]
        assert await outcomes(found, box, *bodies) == ["duplicate", "duplicate", "accepted"]


async def test_what_the_record_will_never_take_is_refused_alone(database: str) -> None:
    box, other = Box("E01"), Box("E02")
    async with service(database, PARK, running=False) as found:
        async with found.pool.connection() as connection:
            await connection.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'never' USING ERRCODE = 'check_violation'; END $$"
            )
            await connection.execute(
                "CREATE TRIGGER poison BEFORE INSERT ON batch FOR EACH ROW WHEN (NEW.edge = 'E01' AND NEW.seq = 2)"
                " EXECUTE FUNCTION refuse()"
            )
        asked = [
            asyncio.create_task(found.engine.submit("E01", [box.batch(9.0), box.batch(11.0), box.batch(11.1)])),
            asyncio.create_task(found.engine.submit("E02", [other.batch(9.0)])),
        ]
        while found.engine.queue < 4:
            await asyncio.sleep(0.001)
        found.run()
        mine, theirs = await asyncio.gather(*asked)
        assert [receipt.outcome for receipt in mine] == ["accepted", "rejected", "accepted"]
        assert (mine[1].retry, mine[1].reason is not None and "never" in mine[1].reason) == (False, True)
        assert [receipt.outcome for receipt in theirs] == ["accepted"]
        assert await found.rows("SELECT count(*) FROM scan") == [(3,)]
        assert await found.rows("SELECT count(*) FROM alarm_event") == [(1,)]
        assert found.engine.queue == 0


async def test_a_command_that_the_record_will_never_take_fails_and_stops_nothing(database: str) -> None:
    box = Box("E01")
    async with service(database, PARK) as found:
        await found.engine.submit("E01", [box.batch(11.0)])
        ((alarm, _),) = found.engine.open_alarms()
        with pytest.raises(StoreUnavailable, match="the record refuses it"):
            await found.engine.command(Acknowledge(alarm.id, "\ud800", ""))
        assert await outcomes(found, box, box.batch(11.0)) == ["accepted"]


async def test_what_is_in_hand_is_recorded_when_the_service_ends(database: str) -> None:
    box = Box("E01")
    async with service(database, PARK, running=False) as found:
        asked = asyncio.create_task(outcomes(found, box, box.batch(11.0)))
        while not found.engine.queue:
            await asyncio.sleep(0.001)
    assert await asked == ["accepted"]
    async with service(database, PARK) as found:
        assert len(found.engine.open_alarms()) == 1
