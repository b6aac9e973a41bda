"""What the record holds of coverage is what the pure book says of the same history, whatever happened on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hazmon_edge import wire
from unit.coverage import world
from unit.coverage.ledgered import Kept
from unit.coverage.naive import SLOT
from unit.coverage.patterns import Pattern, pattern

from hazmon.alarms.alarm import AlarmEvent, Subject
from hazmon.alarms.book import AlarmBook, Turn
from hazmon.clock import US, SystemClock, as_us
from hazmon.coverage.book import Page, Veto
from hazmon.coverage.facts import HOUR_SLOTS
from hazmon.coverage.slots import Judged
from hazmon.delivery import Delivery, ScanGroup
from hazmon.engine import Engine
from hazmon.errors import StoreUnavailable
from hazmon.model import Park
from hazmon.plant import Plant
from hazmon.rulebook import Rule
from hazmon.rules.frame import ScanBlock
from hazmon.store.coverage import HOUR_US, CoverageKeeper, schemes, vetoes_since
from hazmon.store.pool import Connection, Pool, connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Lookups, Register

RULES = world.rules()
NOON = 29_538_720 * SLOT  # 2026-03-01 00:00 UTC


class Record:
    """A migrated database, a recorder with a keeper, and a connection that looks and interferes."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.url, self.connection = url, connection
        self.recorder: Recorder | None = None
        self.alarms = AlarmBook()
        self.seq = 0

    async def start(self, park: Park, now: int) -> None:
        """A service comes up, after whatever ran before it."""
        if self.recorder is not None:
            await self.recorder.close()
        self.register = await Register.open(self.connection, park)
        self.recorder = Recorder(self.url, CoverageKeeper(park, RULES, now))

    async def write(self, deliveries: Sequence[Delivery], now: int, *events: AlarmEvent, vetoes: Sequence[Veto] = ()) -> None:
        assert self.recorder is not None
        await self.recorder.write([Work(list(deliveries), list(events), vetoes=list(vetoes))], now)

    async def rows(self, query: Any, *parameters: Any) -> list[tuple[Any, ...]]:
        return await (await self.connection.execute(query, parameters)).fetchall()

    async def group(self, edge: str = "E01", period_s: int = 60) -> ScanGroup:
        return await self.register.add_group(self.connection, edge, wire.Group("plc1", period_s * US, tuple(world.TAGS[edge])))

    async def batch(self, minutes: Sequence[int], lag: int = 0, at: int = NOON, edge: str = "E01") -> Delivery:
        """Good scans, so many minutes after `at`."""
        of = await self.group(edge)
        self.seq += 1
        times = at + np.array(minutes, np.int64) * SLOT
        quality = np.zeros((len(minutes), len(of.tags)), np.uint8)
        quality[:, of.points < 0] = 128
        values = np.where(quality == 0, 10.0, np.nan)
        arrived = int(times[-1]) + lag
        block = ScanBlock(of.id, times, values, quality if quality.any() else None, None, of.points)
        return Delivery(edge, 77, self.seq, bytes(8), bytes(8), arrived, arrived, {of.id: of}, [block])

    async def declared(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """The deliveries of a pattern, in groups that the record knows."""
        found: list[Delivery] = []
        for each in deliveries:
            (of,) = each.groups.values()
            known = await self.register.add_group(self.connection, of.edge, wire.Group(f"plc{of.id}", of.period_us, of.tags))
            blocks = [replace(block, group=known.id) for block in each.blocks]
            misses = [replace(miss, group=known) for miss in each.misses]
            found.append(replace(each, groups={known.id: known}, blocks=blocks, misses=misses))
        return found

    async def misfortune(self, comes: bool) -> None:
        """Whether the next transactions fail at their very end, as they do when two of them cannot be put in an order."""
        await self.rows("SELECT set_misfortune(%s)", comes)

    async def kept(self) -> Kept:
        """What the record holds."""
        found = Kept(RULES)
        found.schemes = await schemes(self.connection)
        for hour, source, tags, facts in await self.rows(
            "SELECT h.hour, h.source, l.tags, h.facts FROM coverage_hour h JOIN coverage_layout l USING (layout_id)"
        ):
            pages = np.frombuffer(facts, np.uint8).reshape(-1, HOUR_SLOTS)
            found.pages[source, as_us(hour) // HOUR_US] = tuple(tags), pages
        for source, day, slots, failing in await self.rows(
            "SELECT source, (day::timestamp AT TIME ZONE 'UTC'), slots, failing FROM coverage_day"
        ):
            judged = np.frombuffer(slots, np.uint8), np.frombuffer(failing or bytes(4 * 1440), "<u4")
            for hour in range(24):
                part = slice(hour * HOUR_SLOTS, (hour + 1) * HOUR_SLOTS)
                found.judged[source, as_us(day) // HOUR_US + hour] = Judged(judged[0][part], judged[1][part].astype(np.uint32))
        for veto in await vetoes_since(self.connection, 0):
            found.vetoes[veto.id] = veto
        return found


MISFORTUNE = """
CREATE TABLE misfortune (comes boolean);
INSERT INTO misfortune VALUES (false);
CREATE FUNCTION strike() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF (SELECT comes FROM misfortune) THEN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END IF;
  RETURN NULL; END $$;
CREATE FUNCTION set_misfortune(now boolean) RETURNS boolean LANGUAGE sql AS 'UPDATE misfortune SET comes = now RETURNING true';
CREATE CONSTRAINT TRIGGER struck AFTER INSERT ON batch DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION strike();
"""


@pytest.fixture
async def record(database: str) -> AsyncGenerator[Record]:
    await migrate(database)
    connection = await connect(database)
    await connection.execute(MISFORTUNE.encode())
    found = Record(database, connection)
    yield found
    if found.recorder is not None:
        await found.recorder.close()
    await connection.close()


def told(kept: Kept) -> dict[str, dict[Page, Any]]:
    """Facts that are something, by tag; and all slots of the hours that either may speak of."""
    facts = {
        (f"{source}/{tag}", hour): row.tolist()
        for (source, hour), (tags, rows) in kept.pages.items()
        for tag, row in zip(tags, rows, strict=True)
        if row.any()
    }
    return {"facts": facts}


def same(found: Kept, wanted: Kept, first: int, end: int) -> None:
    """Facts and judgements of [first, end) slots are the same, and so are the schemes and vetoes."""
    assert [(each.since, each.digest) for each in found.schemes] == [(each.since, each.digest) for each in wanted.schemes]
    spans = [{(each.point, each.begin, each.end) for each in kept.vetoes.values()} for kept in (found, wanted)]
    assert spans[0] == spans[1]
    assert told(found) == told(wanted)
    for source in (world.S1, world.S2, world.S3):
        one, other = found.slots(source, first, end), wanted.slots(source, first, end)
        assert one.slots.tolist() == other.slots.tolist(), source
        assert one.failing.tolist() == other.failing.tolist(), source


def frozen(book: AlarmBook, veto: Veto, stood: int) -> tuple[AlarmEvent, AlarmEvent | None]:
    """The events of a point that stood still: found after `stood` microseconds, and at its end if it has one."""
    enterprise, tag = veto.point.split("/")
    subject = Subject(enterprise, tag, f"{enterprise}-S1", tag, "m")
    at = veto.begin + stood
    raised = book.turn_on(Turn(subject, Rule.STUCK, at, 10.0, 0.1, evidence=(("since_s", stood / US),)))
    assert raised is not None
    ended = None if veto.end is None else book.turn_off(Turn(subject, Rule.STUCK, max(at, veto.end), 11.0, 0.1))
    return raised, ended


def vetoes_of(found: Pattern) -> list[Veto]:
    """One at most of each point, for a point stands still once at a time; each ends where an event can say so."""
    return list({veto.point: veto for veto in found.vetoes}.values())


@pytest.mark.parametrize("seed", range(10))
async def test_a_random_history_with_failures_and_restarts_is_kept_as_one_run_in_order_has_it(record: Record, seed: int) -> None:
    random = Random(seed)
    found = pattern(bytes([seed % 2, 0]) + random.randbytes(600))
    moment = found.eras[0][1]
    await record.start(world.park(0), moment)
    wanted = Kept(RULES)
    spans = vetoes_of(found)
    stood = {veto.id: random.randrange(0, (veto.end or veto.begin + SLOT) - veto.begin + 1) for veto in spans}
    waiting = [frozen(record.alarms, veto, stood[veto.id]) for veto in spans]
    events = [event for pair in waiting for event in pair if event is not None]
    random.shuffle(events)
    events.sort(key=lambda event: event.alarm.active is False)  # an end is told after the beginning
    for era, (layout, at, steps) in enumerate(found.eras):
        park = world.park(layout)
        moment = max(moment, at)
        wanted.follow(park, moment)
        assert record.recorder is not None
        if era and random.random() < 0.5:
            await record.start(park, moment)
        else:
            record.register = await Register.open(record.connection, park)
            record.recorder.follow(park, moment)
        await record.write([], moment)
        deliveries = await record.declared([each for step in steps for each in step.deliveries])
        for each in sorted(deliveries, key=lambda each: each.arrived):
            wanted.keep([each], [])
        random.shuffle(deliveries)
        while deliveries or (events and era == len(found.eras) - 1):
            count = random.randrange(1, 5)
            now, deliveries = deliveries[:count], deliveries[count:]
            told_now, events = events[:1], events[1:]
            if random.random() < 0.3:
                await record.misfortune(True)
                with suppress(StoreUnavailable):  # which it is only if any of these batches is a new one
                    await record.write(now, moment, *told_now)
                await record.misfortune(False)
            elif random.random() < 0.2:
                await record.start(park, moment)
            await record.write(now, moment, *told_now)
            if random.random() < 0.2:
                await record.write(now, moment, *told_now)  # as after an answer that was lost
    for veto in spans:
        wanted.keep([], [veto])
    same(await record.kept(), wanted, found.first - 3 * HOUR_SLOTS, found.end + 3 * HOUR_SLOTS)


def facts(kept: Kept, tag: str = "LT-9", source: str = world.S2, count: int = 6, first: int = 0) -> list[int]:
    return kept.row(source, tag, NOON // SLOT + first, NOON // SLOT + first + count).tolist()


def fates(kept: Kept, source: str = world.S2, count: int = 6, first: int = 0) -> list[int]:
    return kept.slots(source, NOON // SLOT + first, NOON // SLOT + first + count).slots.tolist()


async def test_a_transaction_that_fails_leaves_nothing_behind_and_is_kept_when_it_comes_again(record: Record) -> None:
    await record.start(world.park(0), NOON)
    one, two = await record.batch([0]), await record.batch([1])
    await record.misfortune(True)
    with pytest.raises(StoreUnavailable):
        await record.write([one], NOON)
    assert (await record.kept()).pages == {}
    await record.misfortune(False)
    await record.write([one, two], NOON)
    await record.misfortune(True)
    three, four = await record.batch([2]), await record.batch([3])
    with pytest.raises(StoreUnavailable):
        await record.write([three], NOON)
    await record.misfortune(False)
    await record.write([four], NOON)
    assert facts(await record.kept()) == [65, 65, 0, 65, 0, 0]
    await record.write([three], NOON)
    kept = await record.kept()
    assert facts(kept) == [65, 65, 65, 65, 0, 0]
    assert fates(kept) == [1, 1, 1, 1, 4, 4]


async def test_a_write_that_is_cancelled_is_kept_when_it_comes_again(record: Record) -> None:
    await record.start(world.park(0), NOON)
    await record.write([await record.batch([0])], NOON)
    late = await record.batch([1])
    async with await connect(record.url) as other, other.transaction():
        await other.execute("LOCK TABLE coverage_day")
        writing = asyncio.create_task(record.write([late], NOON))
        while not await record.rows("SELECT FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
    await record.write([late], NOON)
    kept = await record.kept()
    assert facts(kept) == [65, 65, 0, 0, 0, 0]
    assert fates(kept)[:3] == [1, 1, 4]


async def test_the_same_scan_in_another_batch_is_counted_once_and_as_it_came_first(record: Record) -> None:
    await record.start(world.park(0), NOON)
    await record.write([await record.batch([0, 1])], NOON)
    await record.write([await record.batch([0, 1, 2], lag=90 * US)], NOON)
    assert facts(await record.kept()) == [65, 65, 64, 0, 0, 0]


async def test_a_backlog_into_an_hour_that_the_book_has_let_go_of_is_added_to_what_is_recorded(record: Record) -> None:
    await record.start(world.park(0), NOON)
    hours = range(0, 64 * 60, 60)
    for begin in range(0, len(hours), 16):
        await record.write([await record.batch([minute]) for minute in hours[begin : begin + 16]], NOON)
    await record.write([await record.batch([1, 2], lag=3600 * US)], NOON)
    kept = await record.kept()
    assert facts(kept) == [65, 64, 64, 0, 0, 0]
    assert fates(kept) == [1, 2, 2, 4, 4, 4]
    assert all(facts(kept, first=minute, count=2) == [65, 0] for minute in hours[1:])


async def test_an_old_veto_holds_when_a_backlog_touches_its_hour_after_a_restart(record: Record) -> None:
    await record.start(world.park(0), NOON)
    await record.write([await record.batch([0, 1])], NOON)
    veto = Veto("replay/1", world.LT9, "replay", NOON, NOON + SLOT)
    await record.write([], NOON, vetoes=[veto])
    assert fates(await record.kept())[:2] == [6, 1]
    later = NOON + 80 * 24 * HOUR_US
    await record.start(world.park(0), later)
    await record.write([await record.batch([3], lag=80 * 24 * HOUR_US)], later)
    kept = await record.kept()
    assert facts(kept) == [65, 65, 0, 29, 0, 0]
    assert fates(kept)[:4] == [6, 1, 4, 5]


async def test_a_point_found_frozen_is_judged_anew_in_all_the_hours_since_it_stood_still(record: Record) -> None:
    await record.start(world.park(0), NOON)
    await record.write([await record.batch([minute]) for minute in (0, 60, 120, 180)], NOON)
    veto = Veto("", world.LT9, "frozen", NOON, NOON + 61 * SLOT)
    raised, ended = frozen(record.alarms, veto, 10 * SLOT)
    await record.start(world.park(0), NOON + 4 * HOUR_US)  # so that no page is in the book
    await record.write([], NOON + 4 * HOUR_US, raised)
    assert [fates(await record.kept(), first=minute, count=1) for minute in (0, 60, 120, 180)] == [[6], [6], [6], [6]]
    assert ended is not None
    await record.start(world.park(0), NOON + 4 * HOUR_US)
    await record.write([], NOON + 4 * HOUR_US, ended)
    assert [fates(await record.kept(), first=minute, count=1) for minute in (0, 60, 120, 180)] == [[6], [6], [1], [1]]


@pytest.mark.parametrize("given_up", [False, True])
async def test_what_was_found_frozen_in_a_backlog_ends_where_a_reading_says_so(record: Record, given_up: bool) -> None:
    """When the service starts again, or the backlog is over, its alarm is ended; that says nothing of the time in between."""
    await record.start(world.park(0), NOON)
    await record.write([await record.batch([minute]) for minute in range(6)], NOON)
    subject = Subject("E01", "LT-9", world.S2, "LT-9", "m")
    turn = Turn(subject, Rule.STUCK, NOON + 2 * SLOT, 10.0, 0.1, evidence=(("since_s", 120.0),))
    identity, raised = record.alarms.raise_late(turn)
    assert raised is not None
    await record.write([], NOON, raised)
    assert fates(await record.kept()) == [6, 6, 1, 1, 1, 1]
    if given_up:
        ended = record.alarms.end_late(identity, NOON + 5 * SLOT, "the service was started again in between")
    else:
        ended = record.alarms.turn_late(identity, replace(turn, at=NOON + 4 * SLOT, value=12.0), on=False)
    assert ended is not None
    await record.write([], NOON, ended)
    assert fates(await record.kept()) == ([6, 6, 1, 1, 1, 1] if given_up else [6, 6, 6, 6, 1, 1])


async def test_a_configuration_that_was_in_force_while_nothing_could_be_recorded_is_not_forgotten(record: Record) -> None:
    await record.start(world.park(0), NOON)
    assert record.recorder is not None
    await record.write([await record.batch([0])], NOON)
    record.recorder.follow(world.park(2), NOON + 2 * SLOT)  # V-1 needs no gas detector any more
    await record.misfortune(True)
    with pytest.raises(StoreUnavailable):
        await record.write([await record.batch([3])], NOON + 3 * SLOT)
    record.recorder.follow(world.park(0), NOON + 4 * SLOT)
    await record.misfortune(False)
    await record.write([], NOON + 5 * SLOT)
    kept = await record.kept()
    assert [(each.since - NOON // SLOT, each.digest[-1]) for each in kept.schemes] == [(0, "0"), (3, "2"), (5, "0")]
    await record.start(world.park(0), NOON + 9 * SLOT)
    await record.write([], NOON + 9 * SLOT)
    assert len((await record.kept()).schemes) == 3


async def test_a_reload_with_the_points_in_another_order_gives_each_point_its_own_facts(record: Record) -> None:
    park = world.park(0)
    await record.start(park, NOON)
    assert record.recorder is not None
    pool = Pool(record.url)
    engine = Engine(Plant.of(park, NOON), record.recorder, Lookups(pool, record.register), {}, SystemClock())
    of_old = await record.batch([0])
    block = of_old.blocks[0]
    block.quality = np.full(block.values.shape, 128, np.uint8)
    block.quality[:, world.TAGS["E01"].index("LT-9")] = 0
    engine.reload(replace(park, points=park.points[::-1], digest="the same in another order", by_id={}, rows={}))
    await record.write([of_old], NOON)
    kept = await record.kept()
    assert [facts(kept, "LT-9", world.S2, 1), facts(kept, "LT-1", world.S1, 1)] == [[65], [9]]
