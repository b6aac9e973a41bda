"""A database that does not answer never silences the room, and costs nothing but the wait."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from embedded import Servers
from park import park, point
from psycopg import sql
from store.living import Box, Server, Service, service

from hazmon.alarms.commands import Acknowledge
from hazmon.engine import Busy
from hazmon.errors import StoreUnavailable

PARK = park(point("LT-1"), point("LT-1", edge="E02"))
SMALL_QUEUE = park(point("LT-1"), queue_batches=3)
SHOWN_WITHIN_S = 1.4  # a second of patience, a turn, and a busy machine


@pytest.fixture(scope="module")
def server(server_programs: Servers, session_folder: Path) -> Iterator[Server]:
    """A server of this module's own, which it may freeze and kill."""
    found = Server(server_programs, session_folder / "outage")
    yield found
    found.end()


@pytest.fixture
def frozen_later(server: Server) -> Iterator[str]:
    """URL of an empty database on that server, which answers again when the test is over."""
    name = f"outage_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield urlunsplit(urlsplit(server.url)._replace(path=f"/{name}"))
    server.answer()


async def sent(found: Service, box: Box, *bodies: bytes) -> list[str]:
    """What a box gets for these, which asks again as boxes do until it has its receipts."""
    while True:
        try:
            return [receipt.outcome for receipt in await found.engine.submit(box.edge, bodies)]
        except Busy:
            await asyncio.sleep(0.05)


async def recorded_once(found: Service, batches: int, events: int) -> None:
    """The record holds each batch, scan and event once, the events under the numbers that the room was shown."""
    assert await found.rows("SELECT count(*), count(DISTINCT (edge, boot, seq)) FROM batch") == [(batches, batches)]
    assert await found.rows("SELECT count(*) FROM scan") == [(batches,)]
    rows = await found.rows("SELECT event, alarm_id FROM alarm_event ORDER BY event")
    shown = {notice.event.number: notice.event.alarm.id for notice in found.shown}
    assert rows == sorted(shown.items())
    assert len(rows) == events
    assert sorted(found.seen(recorded=True)) == [number for number, _ in rows]


async def test_a_frozen_database_delays_the_record_and_not_the_room(server: Server, frozen_later: str) -> None:
    box, other = Box("E01"), Box("E02")
    async with service(frozen_later, PARK) as found:
        assert await sent(found, box, box.batch(9.0)) == ["accepted"]
        assert await sent(found, other, other.batch(11.0)) == ["accepted"]
        await found.until(lambda: len(found.shown) == 1)
        server.stop_answering()
        receipt = asyncio.create_task(sent(found, box, box.batch(11.0)))
        await found.until(lambda: found.seen(recorded=False) == [2], SHOWN_WITHIN_S)
        assert found.engine.down
        assert [recorded for alarm, recorded in found.engine.open_alarms() if alarm.subject.enterprise == "E01"] == [False]
        with pytest.raises(StoreUnavailable, match="not carried out"):
            await found.engine.command(Acknowledge(found.shown[0].event.alarm.id, "op1", ""))
        more = asyncio.create_task(sent(found, box, box.batch(9.0)))
        await found.until(lambda: found.seen(recorded=False) == [2, 3], SHOWN_WITHIN_S)
        assert not receipt.done()
        server.answer()
        assert await asyncio.gather(receipt, more) == [["accepted"], ["accepted"]]
        await found.until(lambda: found.seen(recorded=True) == [1, 2, 3])
        assert not found.engine.unrecorded
        await recorded_once(found, batches=4, events=3)
        assert (await found.engine.command(Acknowledge(found.shown[0].event.alarm.id, "op1", ""))).event is not None


async def test_a_killed_database_gets_everything_once_when_it_is_back(server: Server, frozen_later: str) -> None:
    box = Box("E01")
    async with service(frozen_later, PARK) as found:
        assert await sent(found, box, box.batch(9.0)) == ["accepted"]
        server.kill()
        receipt = asyncio.create_task(sent(found, box, box.batch(11.0)))
        await found.until(lambda: found.seen(recorded=False) == [1], SHOWN_WITHIN_S)
        again = asyncio.create_task(sent(found, box, box.batch(11.2)))
        server.start()  # in this thread: the server ends with the thread that started it
        assert await receipt in (["accepted"], ["duplicate"])
        assert await again in (["accepted"], ["duplicate"])
        await found.until(lambda: found.seen(recorded=True) == [1])
        await recorded_once(found, batches=3, events=1)


async def test_a_box_that_restarts_in_the_outage_is_heard_at_once(server: Server, frozen_later: str) -> None:
    box = Box("E01")
    async with service(frozen_later, PARK) as found:
        assert await sent(found, box, box.batch(9.0)) == ["accepted"]
        server.stop_answering()
        box.restart()
        bodies = [box.batch(9.0), *(box.batch(11.0) for _ in range(20))]
        receipts = asyncio.create_task(sent(found, box, *bodies))
        await found.until(lambda: found.seen(recorded=False) == [1], SHOWN_WITHIN_S + 1)  # the ledger was asked first
        server.answer()
        assert set(await receipts) <= {"accepted", "duplicate"}
        assert await sent(found, box, *bodies) == ["duplicate"] * 21
        await found.until(lambda: found.seen(recorded=True) == [1])
        await recorded_once(found, batches=22, events=1)


async def test_a_full_queue_in_an_outage_still_evaluates_and_leaves_the_rest_with_the_box(
    server: Server, frozen_later: str
) -> None:
    box = Box("E01")
    async with service(frozen_later, SMALL_QUEUE) as found:
        assert await sent(found, box, box.batch(9.0)) == ["accepted"]
        server.stop_answering()
        quiet = [asyncio.create_task(sent(found, box, box.batch(9.0))) for _ in range(2)]
        first = asyncio.create_task(sent(found, box, box.batch(11.0)))
        await found.until(lambda: found.seen(recorded=False) == [1], SHOWN_WITHIN_S)
        held = [asyncio.create_task(sent(found, box, box.batch(value))) for value in (11.0, 11.0, 9.0)]
        await found.until(lambda: found.seen(recorded=False) == [1, 2], SHOWN_WITHIN_S)
        assert found.engine.queue <= SMALL_QUEUE.settings.queue_batches
        server.answer()
        for receipt in await asyncio.gather(*quiet, first, *held):
            assert receipt in (["accepted"], ["duplicate"])
        await found.until(lambda: found.seen(recorded=True) == [1, 2])
        await recorded_once(found, batches=7, events=2)


async def test_a_service_that_ends_in_an_outage_loses_no_receipted_reading(server: Server, frozen_later: str) -> None:
    box = Box("E01")
    async with service(frozen_later, PARK) as found:
        assert await sent(found, box, box.batch(11.0)) == ["accepted"]
    before = box.batch(9.0)
    async with service(frozen_later, PARK) as found:
        server.stop_answering()
        lost = asyncio.create_task(sent(found, box, before))
        await found.until(lambda: len(found.seen(recorded=False)) == 1, SHOWN_WITHIN_S + 1)
        lost.cancel()
        server.kill()
    server.start()  # in this thread: the server ends with the thread that started it
    async with service(frozen_later, PARK) as found:
        assert await sent(found, box, before) == ["accepted"]
        await found.until(lambda: len(found.seen(recorded=True)) == 1)
        assert await found.rows("SELECT count(*) FROM batch") == [(2,)]
        assert await found.rows("SELECT state FROM alarm") == [("returned_unacknowledged",)]
