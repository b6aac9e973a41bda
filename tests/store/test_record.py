"""The record keeps every reading once, bit for bit, and shows it to SQL users by name."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import numpy as np
import pytest
from hazmon_edge import wire
from park import NAN, START, delivery, group, missed, park, point, scans

from hazmon.alarms.alarm import AlarmEvent, Subject
from hazmon.alarms.book import AlarmBook, Turn
from hazmon.alarms.commands import Acknowledge
from hazmon.alarms.obey import obey
from hazmon.clock import US, as_datetime
from hazmon.delivery import Delivery, Refused, ScanGroup
from hazmon.errors import StoreUnavailable
from hazmon.model import Park
from hazmon.rulebook import Rule
from hazmon.rules.frame import ScanBlock
from hazmon.store.pool import Connection, connect, migrate
from hazmon.store.record import Recorder, Unrecordable, Work
from hazmon.store.register import Register
from hazmon.store.standing import last_event, open_alarms, scans_since

PARK = park(point("LT-1"), point("LT-2"), point("LT-3"))
TANK = Subject("E01", "LT-1", "E01-S1", "液位", "m")


class Record:
    """A migrated database, the recorder that writes to it, and a connection that looks."""

    def __init__(self, url: str, connection: Connection, register: Register) -> None:
        self.url, self.connection, self.register = url, connection, register
        self.recorder = Recorder(url)

    async def group(self, of: Park = PARK, name: str = "plc1") -> ScanGroup:
        tags = group(of).tags
        return await self.register.add_group(self.connection, "E01", wire.Group(name, US, tags))

    async def write(self, *deliveries: Delivery, events: Sequence[AlarmEvent] = ()) -> None:
        await self.recorder.write([Work(list(deliveries), list(events))], 0)

    async def rows(self, query: Any, *parameters: Any) -> list[tuple[Any, ...]]:
        return await (await self.connection.execute(query, parameters)).fetchall()

    async def count(self, query: Any) -> int:
        return int((await self.rows(query))[0][0])


@pytest.fixture
async def record(database: str) -> AsyncGenerator[Record]:
    await migrate(database)
    connection = await connect(database)
    found = Record(database, connection, await Register.open(connection, PARK))
    yield found
    await found.recorder.close()
    await connection.close()


async def test_what_goes_in_comes_out_bit_for_bit(record: Record) -> None:
    of = await record.group()
    values = np.array([[1.0, -0.0, NAN], [5e-324, 1e308, 0.1]])
    quality = np.array([[0, 8, 128], [4, 0, 0]], np.uint8)
    offsets = np.array([[0, -3, 250], [2**31 - 1, 0, -(2**31)]], np.int32)
    block = ScanBlock(of.id, np.array([START, START + 1]), values, quality, offsets, of.points)
    await record.write(delivery(of, 1, 2, block))
    found = [block async for _, block in scans_since(record.connection, {of.id: of}, START)]
    assert len(found) == 1
    assert found[0].times.tolist() == [START, START + 1]
    assert found[0].values.tobytes() == values.tobytes()
    assert found[0].quality is not None
    assert found[0].quality.tolist() == quality.tolist()
    assert found[0].offsets is not None
    assert found[0].offsets.tolist() == offsets.tolist()


async def test_plain_scans_carry_neither_quality_nor_offsets(record: Record) -> None:
    of = await record.group()
    await record.write(delivery(of, 1, 2, scans(of, 0, [1.0, 2.0])))
    assert await record.rows("SELECT quality, offsets, lag_ms FROM scan ORDER BY ts") == [(None, None, 2000), (None, None, 1000)]


async def test_the_view_and_the_function_tell_every_reading_and_no_hole(record: Record) -> None:
    of = await record.group()
    block = scans(of, 0, [[1.0, NAN, NAN], [2.0, 3.0, 4.0]], [[0, 128, 129], [4, 0, 0]])
    block.offsets = np.array([[0, 0, 0], [250, 0, 0]], np.int32)
    await record.write(delivery(of, 1, 5, block))
    at = [as_datetime(START), as_datetime(START + US), as_datetime(START + 1_250_000)]
    arrived = as_datetime(START + 5 * US)
    told = await record.rows("SELECT tag, ts, value, quality, arrived_at FROM reading WHERE enterprise = 'E01' ORDER BY tag, ts")
    assert told == [
        ("LT-1", at[0], 1.0, 0, arrived),
        ("LT-1", at[2], 2.0, 4, arrived),
        ("LT-2", at[1], 3.0, 0, arrived),
        ("LT-3", at[0], None, 129, arrived),
        ("LT-3", at[1], 4.0, 0, arrived),
    ]
    for tag in of.tags:
        rows = await record.rows("SELECT * FROM readings(%s, %s, %s)", f"E01/{tag}", at[0], at[2])
        assert rows == [row[1:] for row in told if row[0] == tag and row[1] < at[2]]


async def test_a_batch_that_comes_three_times_is_recorded_once(record: Record) -> None:
    of = await record.group()
    event = AlarmBook().turn_on(Turn(TANK, Rule.H, START, 11, 10.5, 3))
    assert event is not None
    first = delivery(of, 1, 1, scans(of, 0, [1.0, 2.0]), misses=[missed(of, 2, 3)])
    first.refused.append(Refused("GONE", START, 2, "unknown-tag"))
    for _ in range(3):
        await record.write(first, first, events=[event])
    counts = (
        "SELECT (SELECT count(*) FROM scan), (SELECT count(*) FROM miss), (SELECT count(*) FROM refused),"
        " (SELECT count(*) FROM alarm_event)"
    )
    assert await record.rows(counts) == [(2, 1, 1, 1)]
    assert await record.rows("SELECT edge, boot, seq, readings, missed, refused, first_ts, last_ts FROM batch") == [
        ("E01", 1, 1, 6, 9, 2, as_datetime(START), as_datetime(START + US))
    ]


async def test_scans_cut_anew_into_other_batches_are_kept_once(record: Record) -> None:
    of = await record.group()
    await record.write(delivery(of, 1, 1, scans(of, 0, [1, 2, 3])))
    await record.write(delivery(of, 2, 2, scans(of, 1, [2, 3, 4, 5])), delivery(of, 3, 2, scans(of, 3, [4, 5, 6])))
    rows = await record.rows('SELECT ts, "values"[1] FROM scan ORDER BY ts')
    assert rows == [(as_datetime(START + k * US), 1.0 + k) for k in range(6)]


@pytest.mark.parametrize("together", [True, False])
async def test_a_clock_set_back_keeps_both_scans(record: Record, together: bool) -> None:
    of = await record.group()
    before, after = delivery(of, 1, 1, scans(of, 0, [1.0])), delivery(of, 2, 2, scans(of, 0, [9.0]))
    again = delivery(of, 3, 3, scans(of, 0, [9.0]))
    for deliveries in [(before, after, again)] if together else [(before,), (after,), (again,)]:
        await record.write(*deliveries)
    rows = await record.rows('SELECT ts, "values"[1] FROM scan ORDER BY ts')
    assert [ts for ts, _ in rows] == [as_datetime(START), as_datetime(START + 1)]
    assert {value for _, value in rows} == {1.0, 9.0}


async def test_scans_that_differ_in_quality_alone_are_two(record: Record) -> None:
    of = await record.group()
    good, manual = scans(of, 0, [1.0]), scans(of, 0, [1.0], [[0, 3, 0]])
    await record.write(delivery(of, 1, 1, good))
    await record.write(delivery(of, 2, 2, manual))
    assert await record.rows("SELECT quality FROM scan ORDER BY ts") == [(None,), (b"\0\3\0",)]


async def test_an_alarm_stands_as_its_last_event_left_it_in_whatever_order_events_come(record: Record) -> None:
    book = AlarmBook()
    events: list[AlarmEvent] = []
    for event in (
        book.turn_on(Turn(TANK, Rule.H, START, 11, 10.5, 3)),
        book.turn_off(Turn(TANK, Rule.H, START + US, 9, 10.5, 3)),
        book.turn_on(Turn(TANK, Rule.H, START + 2 * US, 12, 10.5, 3)),
    ):
        assert event is not None
        events.append(event)
    seen = Acknowledge(events[0].alarm.id, "值班员", "看到了")
    events.append(obey(book, seen, START + 3 * US, lambda subject, kind: None, 8.0, lambda subject: False))
    await record.write(events=events[2:])
    await record.write(events=events[:2])
    assert await open_alarms(record.connection) == list(book.open.values())
    assert await last_event(record.connection) == 4
    assert await record.rows("SELECT stimulus, from_state, to_state, by, reason FROM alarm_event ORDER BY event") == [
        ("raise", "normal", "unacknowledged", None, ""),
        ("clear", "unacknowledged", "returned_unacknowledged", None, ""),
        ("raise", "returned_unacknowledged", "unacknowledged", None, ""),
        ("acknowledge", "unacknowledged", "acknowledged", "值班员", "看到了"),
    ]


async def test_what_the_record_refuses_leaves_nothing_of_its_transaction(record: Record) -> None:
    of = await record.group()
    poison = delivery(of, 2, 2, scans(of, 1, [2.0]))
    poison.refused.append(Refused("TAG\0", START, 1, "unknown-tag"))
    with pytest.raises(Unrecordable):
        await record.write(delivery(of, 1, 1, scans(of, 0, [1.0])), poison)
    for off_the_calendar in (2**62, -(2**62)):
        poison.refused[:] = [Refused("TAG", off_the_calendar, 1, "future")]
        with pytest.raises(Unrecordable):
            await record.write(poison)
    assert await record.count("SELECT count(*) FROM scan") == 0
    await record.write(delivery(of, 1, 1, scans(of, 0, [1.0])))
    assert await record.count("SELECT count(*) FROM scan") == 1


async def test_a_database_that_may_not_be_written_is_away_and_refuses_no_batch(record: Record) -> None:
    of = await record.group()
    connection = await record.recorder.connection()
    await connection.execute("SET default_transaction_read_only = on")
    with pytest.raises(StoreUnavailable, match="read-only"):
        await record.write(delivery(of, 1, 1, scans(of, 0, [1.0])))
    await record.write(delivery(of, 1, 1, scans(of, 0, [1.0])))
    assert await record.count("SELECT count(*) FROM batch") == 1


async def test_a_connection_that_was_cut_is_made_anew(record: Record) -> None:
    of = await record.group()
    cut = await record.recorder.connection()
    await record.connection.execute("SELECT pg_terminate_backend(%s)", (cut.info.backend_pid,))
    with pytest.raises(StoreUnavailable):
        await record.write(delivery(of, 1, 1, scans(of, 0, [1.0])))
    await record.write(delivery(of, 1, 1, scans(of, 0, [1.0])))
    assert await record.count("SELECT count(*) FROM batch") == 1
