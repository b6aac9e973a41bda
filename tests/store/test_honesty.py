"""The look for gaming on a real database: what was played again is found once, after a restart and late too, and not counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from contract.rooms import small_park
from hazmon_edge import wire
from store.living import service

from hazmon.clock import US, ManualClock
from hazmon.coverage.book import Veto
from hazmon.coverage.slots import Slot
from hazmon.delivery import Delivery, ScanGroup
from hazmon.model import CoverageRules, ParameterGroup, Park, Quantity, UnitKind
from hazmon.rules.frame import Floats, ScanBlock
from hazmon.store.anchors import Due
from hazmon.store.coverage import CoverageKeeper
from hazmon.store.honesty import STRIP_US, look, settle, slices_of
from hazmon.store.pool import Connection, Pool, connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Register
from hazmon.upkeep import keep_honest

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z, a whole day
HOUR = 3600
TAGS = ("LT-1", "PT-1", "TT-1")


def judged_park() -> Park:
    """The small park, of which levels are demanded."""
    group = ParameterGroup("level", "液位", "level", frozenset({Quantity.LEVEL}))
    return replace(small_park(), coverage=CoverageRules({"level": group}, {UnitKind.PRESSURE_TANK: ("level",)}), digest="one")


class House:
    """One service after the other on one database: each records, looks, and records what it found."""

    def __init__(self, url: str, connection: Connection, park: Park, register: Register) -> None:
        self.connection, self.park, self.register = connection, park, register
        assert park.coverage is not None
        self.recorder = Recorder(url, CoverageKeeper(park, park.coverage, START))
        self.seq = 0

    async def group(self, edge: str = "E01") -> ScanGroup:
        return await self.register.add_group(self.connection, edge, wire.Group("plc1", US, TAGS))

    async def write(self, first_s: int, values: Floats, edge: str = "E01", late_s: int = 1) -> None:
        """Scans of all three points float64[n,3], a second apart, in batches of a minute."""
        group = await self.group(edge)
        for at in range(0, len(values), 60):
            part = values[at : at + 60]
            times = START + (first_s + at + np.arange(len(part), dtype=np.int64)) * US
            await self.deliver(group, times[-1] + late_s * US, ScanBlock(group.id, times, part, None, None, group.points))

    async def deliver(self, group: ScanGroup, arrived: int, block: ScanBlock, made: int | None = None) -> None:
        made = int(block.times[-1]) if made is None else made
        delivery = Delivery(group.edge, 1, self.seq, bytes(16), bytes(8), made, int(arrived), {group.id: group}, [block])
        self.seq += 1
        await self.recorder.write([Work([delivery])], int(arrived))

    async def look(self, now_s: int = HOUR) -> list[Veto]:
        """As the service does every ten minutes."""
        found = await look(self.connection)
        if found.vetoes:
            await self.recorder.write([Work([], vetoes=found.vetoes)], START + now_s * US)
        await settle(self.connection, found, START + now_s * US)
        return found.vetoes

    async def rows(self, statement: str) -> list[tuple[object, ...]]:
        return await (await self.connection.execute(statement.encode())).fetchall()

    async def slots(self, source: str = "E01-S1") -> bytes:
        ((slots,),) = await (
            await self.connection.execute("SELECT slots FROM coverage_day WHERE source = %s", (source,))
        ).fetchall()
        return slots


@asynccontextmanager
async def living(url: str) -> AsyncGenerator[House]:
    await migrate(url)
    async with await connect(url) as connection:
        park = judged_park()
        house = House(url, connection, park, await Register.open(connection, park))
        yield house
        await house.recorder.close()


@pytest.fixture
async def house(database: str) -> AsyncGenerator[House]:
    async with living(database) as found:
        yield found


def plant(n: int, seed: int) -> Floats:
    """A living level, a pressure at rest, a valve."""
    random = np.random.default_rng(seed)
    return np.stack((np.round(5 + random.normal(0, 0.02, n), 2), np.full(n, 1.1), (np.arange(n) % 20 < 7) * 1.0), axis=1)


def seconds(vetoes: Sequence[Veto]) -> list[tuple[str, str, int, int]]:
    return [(v.kind, v.point, (v.begin - START) // US, ((v.end or 0) - START) // US) for v in vetoes]


async def test_a_copied_stretch_is_not_covered_and_an_honest_one_is(house: House) -> None:
    original, after = plant(1200, 1), plant(1800, 2)
    after[300:1200] = original[100:1000]
    await house.write(0, original)
    assert await house.look() == []
    await house.write(1200, after)
    found = await house.look()
    assert {(kind, point) for kind, point, _, _ in seconds(found)} == {("replay", "E01/LT-1")}
    assert min(begin for *_, begin, _ in seconds(found)) == pytest.approx(1500, abs=5)
    assert max(end for *_, end in seconds(found)) == pytest.approx(2400, abs=5)
    slots = await house.slots()
    assert set(slots[:25]) == {Slot.PROMPT}
    assert set(slots[25:40]) == {Slot.LOST_VALID}
    assert set(slots[40:50]) == {Slot.PROMPT}
    ((evidence,),) = await house.rows("SELECT evidence FROM coverage_veto ORDER BY begin_at LIMIT 1")
    told = cast(dict[str, Any], evidence)
    assert (told["of"], told["shift_us"]) == ("E01/LT-1", 1400 * US)
    assert min(told["samples"], told["turns"], told["bits"]) > 100


async def test_what_was_shown_before_a_restart_is_known_after_it(database: str) -> None:
    original = plant(1800, 3)
    async with living(database) as house:
        await house.write(0, original)
        assert await house.look() == []
    async with living(database) as house:
        house.seq = 1000
        again = plant(1500, 4)
        again[400:1300] = original[500:1400]
        await house.write(20 * HOUR, again)
        (found,) = await house.look(21 * HOUR)
        assert seconds([found])[0][:2] == ("replay", "E01/LT-1")
        assert (found.begin - START) / US == pytest.approx(20 * HOUR + 400, abs=5)
        assert ((found.end or 0) - START) / US == pytest.approx(20 * HOUR + 1300, abs=5)


async def test_it_goes_on_as_one_veto_and_looking_again_makes_nothing_of_it(house: House) -> None:
    original = plant(2400, 5)
    await house.write(0, original)
    await house.look()
    await house.write(4 * HOUR, original[:1200])
    first = await house.look(5 * HOUR)
    assert seconds(first) == [("replay", "E01/LT-1", 4 * HOUR, 4 * HOUR + 1200)]
    await house.write(4 * HOUR + 1200, original[1200:])
    second = await house.look(5 * HOUR)
    assert [veto.id for veto in second] == [first[0].id]
    assert seconds(second) == [("replay", "E01/LT-1", 4 * HOUR, 4 * HOUR + 2400)]
    await house.connection.execute(
        "INSERT INTO honesty_due (edge, boot, first_seq, last_seq, first_ts, last_ts)"
        " SELECT edge, boot, seq, seq, first_ts, last_ts FROM batch"
    )
    assert await house.look(5 * HOUR) == []
    assert await house.rows("SELECT count(*) FROM coverage_veto") == [(1,)]


@pytest.mark.parametrize("late", ["copy", "original"])
async def test_a_copy_or_its_original_that_comes_late_is_found(house: House, late: str) -> None:
    original, other = plant(1200, 6), plant(1200, 7)
    found: list[Veto] = []
    for values, first in ((original, 0), (other, HOUR), (original, 2 * HOUR))[:: 1 if late == "copy" else -1]:
        await house.write(first, values, late_s=3 * HOUR)
        found = await house.look(6 * HOUR)
    replays = [each for each in seconds(found) if each[0] == "replay"]  # batches made in reverse look like a clock's step, too
    assert replays == [("replay", "E01/LT-1", 2 * HOUR, 2 * HOUR + 1200)]


async def test_one_series_on_two_tags_of_two_enterprises_is_found_on_both(house: House) -> None:
    values = plant(1200, 8)
    await house.write(0, values)
    await house.write(0, values, edge="E02")
    assert {(kind, point) for kind, point, _, _ in seconds(await house.look())} == {
        ("identical", "E01/LT-1"),
        ("identical", "E02/LT-1"),
    }
    assert Slot.PROMPT not in (await house.slots())[:20]
    assert Slot.PROMPT not in (await house.slots("E02-S1"))[:20]


async def test_the_minutes_that_a_box_has_twice_are_vetoed(house: House) -> None:
    await house.write(0, plant(600, 9))
    await house.write(300, plant(600, 10))
    found = await house.look()
    assert {each for each in seconds(found) if each[0] == "clock"} == {("clock", f"E01/{tag}", 359, 599) for tag in TAGS}
    assert found[0].evidence["earlier_seq"] == 9
    assert set((await house.slots())[6:9]) == {Slot.LOST_VALID}
    assert await house.look() == []


async def test_what_is_found_stays_due_until_it_is_recorded(house: House, database: str) -> None:
    original = plant(1200, 11)
    await house.write(0, original)
    await house.write(HOUR, original)
    clock, handed = ManualClock(START), list[list[Veto]]()
    pool = Pool(database)
    await pool.open()

    def record(work: Work) -> None:
        handed.append(work.vetoes)
        work.recorded = len(handed) > 1

    task = asyncio.create_task(keep_honest(pool, clock, record))
    try:
        for count in (1, 2):
            async with asyncio.timeout(20):
                while len(handed) < count:
                    await asyncio.sleep(0.02)
        async with asyncio.timeout(20):
            while await house.rows("SELECT FROM honesty_due"):
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pool.close()
    assert seconds(handed[0]) == seconds(handed[1]) == [("replay", "E01/LT-1", HOUR, HOUR + 1200)]


async def test_the_engine_records_vetoes_and_says_when_it_has(database: str) -> None:
    park = judged_park()
    assert park.coverage is not None
    async with service(database, park, running=False) as found:
        found.engine._recorder = Recorder(database, CoverageKeeper(park, park.coverage, START))
        work = Work([], vetoes=[Veto("one", "E01/LT-1", "replay", START, START + 60 * US, {"samples": 60})])
        found.engine.record(work)
        assert not work.recorded
        found.run()
        async with asyncio.timeout(10):
            while not work.recorded:
                await asyncio.sleep(0.01)
        assert await found.rows("SELECT veto_id, evidence FROM coverage_veto") == [("one", {"samples": 60})]


def test_what_is_due_is_looked_at_in_pieces_with_all_boxes_together() -> None:
    spans = [("E01", 0, 3000), ("E02", 600, 1000), ("E01", 90_000, 90_010)]
    noted = [Due(k, edge, 1, 0, 0, first * US, last * US) for k, (edge, first, last) in enumerate(spans)]
    long = STRIP_US // US
    assert [(piece.first // US, piece.last // US, sorted(piece.edges)) for piece in slices_of(noted)] == [
        (0, long, ["E01", "E02"]),
        (long, 2 * long, ["E01"]),
        (2 * long, 3000, ["E01"]),
        (90_000, 90_010, ["E01"]),
    ]
