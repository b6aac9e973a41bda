"""Facts: what is known of a point in a slot of 60 s, one byte. Two facts are merged by taking the greater.

So it cannot matter how often a batch comes, in which order, how late, or how scans are cut into blocks. A better answer is a
greater byte: nothing < a miss with its cause < a hole in a scan < a sample that is no good < a good one < a good one in time.
"""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hazmon.clock import MINUTE_US, US
from hazmon.delivery import Delivery, GroupMiss
from hazmon.model import CoverageRules, MissCause, Quality
from hazmon.rules.frame import Bools, Floats, Ints, ScanBlock

Bytes: TypeAlias = NDArray[np.uint8]

HOUR_SLOTS = 60
SLOT_US = MINUTE_US


class Fact(IntEnum):
    """1 to 8 are a MissCause: a reading that was owed, and why it is not there."""

    NOTHING = 0
    HOLE = 9  # a scan came, without this point
    STOPPED = 20
    MAINTENANCE = 21
    MANUAL = 22
    DEVICE_FAULT = 23
    CALIBRATION = 24
    COMMUNICATION = 25
    BAD = 26
    OUT_OF_RANGE = 27
    CLOCK_SUSPECT = 28
    TOO_LATE = 29  # good, and arrived after the deadline
    FLAGGED = 30  # good by itself, within a veto; only ever a judgement, never kept
    LATE = 64  # good, and arrived before the deadline
    PROMPT = 65  # good, and arrived at once


SAMPLE = 20  # from here on there is a sample
GOOD = 64  # from here on it is good
MISSES = frozenset(int(cause) for cause in MissCause)

_OF_QUALITY = np.full(256, Fact.BAD, np.uint8)
for _quality, _fact in {
    Quality.GOOD: Fact.PROMPT,
    Quality.STOPPED: Fact.STOPPED,
    Quality.MAINTENANCE: Fact.MAINTENANCE,
    Quality.MANUAL: Fact.MANUAL,
    Quality.DEVICE_FAULT: Fact.DEVICE_FAULT,
    Quality.CALIBRATION: Fact.CALIBRATION,
    Quality.OUT_OF_RANGE: Fact.OUT_OF_RANGE,
    Quality.COMMUNICATION: Fact.COMMUNICATION,
    Quality.CLOCK_SUSPECT: Fact.CLOCK_SUSPECT,
    Quality.ABSENT: Fact.HOLE,
}.items():
    _OF_QUALITY[_quality] = _fact


@dataclass(frozen=True, slots=True)
class Cells:
    """Facts of N columns in S slots that follow each other: points int64[N] (-1: none), first slot, facts uint8[S,N]."""

    points: Ints
    first: int
    facts: Bytes


@dataclass(frozen=True, slots=True)
class Ranges:
    """What each of the park's points can measure, with NE 43's margin (1.25 % of the span below, 3.125 % above): float64[P]."""

    low: Floats
    high: Floats


def facts_of(delivery: Delivery, rules: CoverageRules, ranges: Ranges, horizon: int = 0) -> Iterator[Cells]:
    """The facts that a batch brings from the slot `horizon` on, slots between far scans left out.

    Times are as sent; `delivery.offset` is what its box's clock was off, microseconds.
    """
    for block in delivery.blocks:
        yield from _since(horizon, _of_block(block, delivery.arrived, delivery.offset, rules, ranges))
    for miss in delivery.misses:
        yield from _since(horizon, _of_miss(miss, horizon))


def _since(horizon: int, stretches: Iterable[Cells]) -> Iterator[Cells]:
    for cells in stretches:
        skip = max(0, horizon - cells.first)
        if skip < len(cells.facts):
            yield Cells(cells.points, cells.first + skip, cells.facts[skip:]) if skip else cells


def _of_block(block: ScanBlock, arrived: int, offset: int, rules: CoverageRules, ranges: Ranges) -> Iterator[Cells]:
    times = block.cell_times()
    known = np.where(block.points >= 0, block.points, 0)
    beyond = _beyond(block, ranges.low[known], ranges.high[known])
    suspect = abs(offset) > rules.clock_limit_s * US
    if block.offsets is not None:
        return _of_cells(block, np.broadcast_to(times, block.values.shape), arrived, suspect, rules, beyond)
    aged = _aged(arrived - block.times, suspect, rules)
    slots = block.times // SLOT_US
    starts = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    if block.quality is None and beyond is None:
        best = np.maximum.reduceat(aged, starts)[:, None].repeat(block.points.size, axis=1)
    else:
        best = np.maximum.reduceat(_graded(block, aged[:, None], beyond), starts, axis=0)
    return _spread(block.points, slots[starts], best)


def _of_cells(
    block: ScanBlock, times: Ints, arrived: int, suspect: bool, rules: CoverageRules, beyond: Bools | None
) -> Iterator[Cells]:
    """A block whose readings have times of their own; a hole has that of its scan."""
    graded = _graded(block, _aged(arrived - times, suspect, rules), beyond)
    if block.quality is not None:
        times = np.where(block.quality == Quality.ABSENT, block.times[:, None], times)
    slots, rows = np.unique(times // SLOT_US, return_inverse=True)
    best = np.zeros((slots.size, block.points.size), np.uint8)
    np.maximum.at(best, (rows.reshape(times.shape), np.broadcast_to(np.arange(block.points.size), times.shape)), graded)
    return _spread(block.points, slots, best)


def _of_miss(miss: GroupMiss, horizon: int) -> Iterator[Cells]:
    group = miss.group
    points = group.points if miss.column is None else group.points[miss.column : miss.column + 1]
    skip = max(0, -((miss.at - horizon * SLOT_US) // group.period_us))
    if skip >= miss.count:
        return iter(())
    slots = np.unique((miss.at + np.arange(skip, miss.count) * group.period_us) // SLOT_US)
    return _spread(points, slots, np.full((slots.size, points.size), int(miss.cause), np.uint8))


def _spread(points: Ints, slots: Ints, best: Bytes) -> Iterator[Cells]:
    """Facts of some slots, as those of all slots from the first to the last of each stretch without a long gap."""
    leaps = np.flatnonzero(np.diff(slots) > HOUR_SLOTS) + 1
    for begin, end in pairwise((0, *leaps.tolist(), slots.size)):
        first, count = int(slots[begin]), int(slots[end - 1] - slots[begin]) + 1
        if count == end - begin:
            yield Cells(points, first, best[begin:end])
        else:
            facts = np.zeros((count, points.size), np.uint8)
            facts[slots[begin:end] - first] = best[begin:end]
            yield Cells(points, first, facts)


def _aged(age: Ints, suspect: bool, rules: CoverageRules) -> Bytes:
    """What a good sample of that age at its arrival (microseconds) is worth; one of the future has a wrong clock."""
    if suspect:
        return np.full(age.shape, Fact.CLOCK_SUSPECT, np.uint8)
    worth = np.full(age.shape, Fact.PROMPT, np.uint8)
    worth[age > rules.prompt_s * US] = Fact.LATE
    worth[age > rules.late_deadline_s * US] = Fact.TOO_LATE
    worth[age < -rules.clock_limit_s * US] = Fact.CLOCK_SUSPECT
    return worth


def _graded(block: ScanBlock, aged: Bytes, beyond: Bools | None) -> Bytes:
    """uint8[T,N]: what each reading is worth."""
    if block.quality is None:
        graded = np.broadcast_to(aged, block.values.shape)
    else:
        of_quality = _OF_QUALITY[block.quality]
        graded = np.where(of_quality == Fact.PROMPT, aged, of_quality)
    return graded if beyond is None else np.where(beyond & (graded >= SAMPLE), np.uint8(Fact.OUT_OF_RANGE), graded)


def _beyond(block: ScanBlock, low: Floats, high: Floats) -> Bools | None:
    """bool[T,N]: readings that say good and that the instrument cannot have measured; None = none."""
    sound = None if block.quality is None else block.quality == Quality.GOOD
    lowest, highest = block.extremes(sound)
    if not ((lowest < low) | (highest > high)).any():
        return None
    beyond = (block.values < low) | (block.values > high)
    return beyond if sound is None else beyond & sound
