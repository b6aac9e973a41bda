"""The record through the rules again: the same configuration rings as it did, another one as it would have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hazmon_edge import wire
from park import NAN, START, delivery, park, point, scans
from store.scribe import Scribe

from hazmon.alarms.alarm import AlarmEvent
from hazmon.clock import US
from hazmon.commands.replay import report
from hazmon.delivery import Delivery, ScanGroup
from hazmon.model import Park
from hazmon.plant import Plant
from hazmon.replay.comparison import Line, Ring, compared, rings_of
from hazmon.replay.history import recorded, replay
from hazmon.replay.overrides import with_overrides
from hazmon.rulebook import Deviation, Limits, NamedRule, Rule
from hazmon.step import step
from hazmon.store.pool import Connection, connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Register
from hazmon.store.replay import scans_between

APART = NamedRule("E01", "APART", "E01-S1", "V-1", "名", "name", Rule.DEVIATION, 3, Deviation("E01/LT-1", "E01/PT-1", 6, 1), 2)
PARK = replace(
    park(
        point("LT-1", Limits(ll=2, l=4, h=10, hh=12, deadband=0.5, on_delay_s=3, off_delay_s=2)),
        point("TT-1", Limits(h=11, rate_up=15, rate_down=15, rate_window_s=8, forecast_min=1, hh=14)),
        point("GT-1", Limits(h=9, hh=11, stuck_s=16, stuck_band=0.2)),
        point("PT-1", Limits(h=12, l=1, off_delay_s=5)),
    ),
    named=(APART,),
    by_id={},
    rows={},
)
LENGTH_S = 240


class Park1:
    """A park that runs for LENGTH_S seconds, two groups scan by scan, and records what it does."""

    def __init__(self, url: str, of: Park, groups: list[ScanGroup], live: Plant) -> None:
        self.url, self.of, self.groups, self.plant = url, of, groups, live
        self.recorder = Recorder(url)
        self.events: list[AlarmEvent] = []

    @classmethod
    async def make(cls, url: str, connection: Connection, of: Park = PARK) -> Park1:
        register = await Register.open(connection, of)
        declared = [
            await register.add_group(connection, "E01", wire.Group(name, US, tags))
            for name, tags in (("plc1", ("LT-1", "TT-1")), ("plc2", ("GT-1", "PT-1")))
        ]
        return cls(url, of, declared, Plant.of(of, START))

    async def run(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        level = np.array([7.0, 7.0, 7.0, 7.0])
        held: list[Delivery] = []
        for second in range(LENGTH_S):
            level = np.clip(level + random.normal(0, 0.8, 4), 0, 14)
            found: list[Delivery] = []
            for number, of in enumerate(self.groups):
                quality = random.choice([0] * 12 + [4, 128], 2)
                values = np.where(quality == 128, NAN, np.round(level[2 * number : 2 * number + 2], 1))
                block = scans(of, second, [values.tolist()], [quality.tolist()] if quality.any() else None)
                found.append(delivery(of, 2 * second + number, second, block))
            if 170 <= second < 176:  # a short cut of the line, not long enough to be late
                held += found
                found = []
            elif held:
                found, held = held + found, []
                for each in found:
                    each.arrived = START + second * US
            events, _ = step(self.plant, found, [], START + second * US, {"E01": None})
            self.events += events
            await self.recorder.write([Work(found, events)], 0)
        await self.recorder.close()


async def again(connection: Connection, of: Park, first_s: int = 0, last_s: int = LENGTH_S) -> list[Line]:
    start, end = START + first_s * US, START + last_s * US
    rings = await replay(connection, of, start, end, lambda at, readings: None)
    return compared(rings, await recorded(connection, start, end))


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_configuration_rings_as_it_did(database: str, seed: int) -> None:
    await migrate(database)
    async with await connect(database) as connection:
        run = await Park1.make(database, connection)
        await run.run(seed)
        lines = await again(connection, PARK)
    assert {line.found for line in lines} == {"same"}
    assert [line.ring.key for line in lines] == sorted(ring.key for ring in rings_of(run.events))
    rules = {line.ring.rule for line in lines}
    assert len(lines) > 20
    assert rules >= {"H", "RATE_UP", "QUALITY", "DEVIATION"}


async def test_another_limit_rings_otherwise_and_only_there(database: str) -> None:
    await migrate(database)
    async with await connect(database) as connection:
        run = await Park1.make(database, connection)
        await run.run(1)
        lines = await again(connection, with_overrides(PARK, ["E01/GT-1.H=8.5", "E01/GT-1.stuck_s=none"]))
    differing = [line for line in lines if line.found != "same"]
    assert {(line.ring.subject, line.ring.rule) for line in differing} <= {("E01/GT-1", "H"), ("E01/GT-1", "HH")}
    assert {line.found for line in differing} == {"only in the replay", "only in the record"}


async def test_windows_are_filled_from_before_the_beginning(database: str) -> None:
    """A stretch from the middle: what begins there is found with the windows and delays it had."""
    await migrate(database)
    async with await connect(database) as connection:
        run = await Park1.make(database, connection)
        await run.run(2)
        whole = await again(connection, PARK)
        part = await again(connection, PARK, 90, 200)
    wanted = [line.ring.key for line in whole if START + 90 * US <= line.ring.at < START + 200 * US]
    assert len(wanted) > 5
    assert [line.ring.key for line in part] == wanted


async def test_scans_come_back_as_they_were_written(scribe: Scribe) -> None:
    """Rows with and without quality and offsets, in any order, are one block."""
    of = await scribe.group()
    random = np.random.default_rng(5)
    written: list[tuple[int, list[float], list[int] | None, list[int] | None]] = []
    for second in range(60):
        quality = random.choice([0, 4, 129], 3).tolist() if random.random() < 0.4 else None
        offsets = random.integers(-20, 900, 3).tolist() if random.random() < 0.4 else None
        values = [NAN if quality and quality[k] == 129 else round(random.normal(), 3) for k in range(3)]
        written.append((START + second * US, values, quality, offsets))
        await scribe.write(of, [START + second * US], [values], quality and [quality], offsets and [offsets])
    block = await scans_between(scribe.connection, of, START + 10 * US, START + 50 * US)
    wanted = written[10:50]
    assert block.times.tolist() == [at for at, *_ in wanted]
    np.testing.assert_array_equal(block.values, [values for _, values, _, _ in wanted])
    assert block.quality is not None
    assert block.offsets is not None
    assert block.quality.tolist() == [quality or [0, 0, 0] for _, _, quality, _ in wanted]
    assert block.offsets.tolist() == [offsets or [0, 0, 0] for *_, offsets in wanted]
    assert block.points.tolist() == of.points.tolist()


async def test_scans_without_quality_and_offsets_have_none(scribe: Scribe) -> None:
    of = await scribe.group()
    await scribe.write(of, [START, START + US], [[1, 2, 3], [4, 5, 6]])
    block = await scans_between(scribe.connection, of, START, START + 2 * US)
    assert (block.quality, block.offsets, block.values.tolist()) == (None, None, [[1, 2, 3], [4, 5, 6]])
    nothing = await scans_between(scribe.connection, of, START + 2 * US, START + 9 * US)
    assert (nothing.times.size, nothing.values.shape) == (0, (0, 3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("E01/LT-1.H", "expected POINT.FIELD=VALUE"),
        ("LT-1=3", "expected POINT.FIELD=VALUE"),
        ("E01/XX-9.H=3", "no point E01/XX-9"),
        ("E01/LT-1.X=3", "no field X; there are LL, L, H, HH, deadband, on_delay_s"),
        ("E01/LT-1.ll=3", "no field ll"),
        ("E01/LT-1.H=high", "expected a number, found 'high'"),
        ("E01/LT-1.H=nan", "expected a finite number"),
        ("E01/LT-1.on_delay_s=-1", "expected no less than 0"),
        ("E01/LT-1.on_delay_s=none", "expected a number"),
        ("E01/LT-1.H=12.5", "E01/LT-1: H 12.5 is not below HH 12"),
        ("E01/LT-1.signal=loud", "expected one of digital, 4-20mA"),
    ],
)
def test_overrides_that_are_refused_say_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        with_overrides(PARK, [text])


def test_overrides_reach_their_points_alone() -> None:
    texts = ["E01/LT-1.H=10.2", "E01/LT-1.on_delay_s=0", "E01/GT-1.HH=none", "E01/TT-1.rate_samples=6", "E01/GT-1.signal=4-20mA"]
    found = with_overrides(PARK, texts)
    level, warm, gas, pressure = (found.points[k].limits for k in range(4))
    assert level == replace(PARK.points[0].limits, h=10.2, on_delay_s=0)
    assert (warm.rate_samples, gas.hh, gas.signal) == (6, None, "4-20mA")
    assert pressure == PARK.points[3].limits
    assert (found.named, found.by_id, found.rows) == (PARK.named, PARK.by_id, PARK.rows)


def test_the_report_marks_each_ring_and_counts() -> None:
    rings = [Ring(START, "E01/LT-1", "H", 10.6), Ring(START + US, "E01/LT-1", "HH", 12.1, suppressed=True)]
    there = [rings[0], Ring(START + 2 * US, "E01/GT-1", "H", None, late=True)]
    lines = list(report(compared(rings, there), 1234, "Asia/Shanghai"))
    assert [line.split() for line in lines[:3]] == [
        ["=", "2026-01-01", "08:00:00.000", "E01/LT-1", "H", "10.6"],
        ["+", "2026-01-01", "08:00:01.000", "E01/LT-1", "HH", "12.1", "suppressed"],
        ["-", "2026-01-01", "08:00:02.000", "E01/GT-1", "H", "late"],
    ]
    assert lines[3] == "2 would have rung: 1 as in the record (=), 1 only in the replay (+);"
    assert lines[4] == "1 only in the record (-)."
    assert lines[5].startswith("1,234 readings replayed. Silence (STALE")
    assert list(report([], 0, "Asia/Shanghai"))[2].startswith("The record holds no readings of that stretch")
