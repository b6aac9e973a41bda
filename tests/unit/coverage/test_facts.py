"""What a reading, a hole and a miss are worth, on every bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from unit.coverage import world
from unit.coverage.naive import SECOND, SLOT

from hazmon.coverage.book import ranges_of
from hazmon.coverage.facts import Fact, Ranges, facts_of
from hazmon.delivery import Delivery, GroupMiss
from hazmon.model import MissCause
from hazmon.rules.frame import ScanBlock

PARK = world.park(0)
RULES = world.rules()
RANGES = ranges_of(PARK)
GROUP = world.group(PARK, "E02", 60 * SECOND, 1)  # LT-3 alone, 0 to 16
ALL = world.group(PARK, "E01", 60 * SECOND, 2)
NOON = 29_000_000 * SLOT
DAY = 86_400 * SECOND


def sent(
    times: Sequence[int],
    arrived: int,
    quality: Sequence[int] | None = None,
    values: Sequence[float] | None = None,
    offsets_ms: Sequence[int] | None = None,
    offset: int = 0,
) -> Delivery:
    """A batch of scans of LT-3."""

    cells = np.array(values or [8.0] * len(times), float)[:, None]
    grades = None if quality is None else np.array(quality, np.uint8)[:, None]
    shifts = None if offsets_ms is None else np.array(offsets_ms, np.int32)[:, None]
    block = ScanBlock(1, np.array(times, np.int64), cells, grades, shifts, GROUP.points)
    return Delivery("E02", 1, 1, bytes(8), bytes(8), arrived, arrived, {1: GROUP}, [block], offset=offset)


def facts(delivery: Delivery, horizon: int = 0, ranges: Ranges = RANGES) -> dict[int, list[int]]:
    """What is known by slot, counted from NOON; the best of each column."""
    found: dict[int, list[int]] = {}
    for cells in facts_of(delivery, RULES, ranges, horizon):
        rows: list[list[int]] = cells.facts.tolist()
        for slot, row in enumerate(rows, cells.first - NOON // SLOT):
            if any(row):
                found[slot] = [max(pair) for pair in zip(row, found.get(slot, row), strict=True)]
    return found


def one(delivery: Delivery) -> int:
    """The fact of the only slot."""
    ((found,),) = facts(delivery).values()
    return found


@pytest.mark.parametrize("offsets_ms", [None, [0]])
@pytest.mark.parametrize(
    ("age", "fact"),
    [
        (-30 * SECOND - 1, Fact.CLOCK_SUSPECT),
        (-30 * SECOND, Fact.PROMPT),
        (0, Fact.PROMPT),
        (60 * SECOND, Fact.PROMPT),
        (60 * SECOND + 1, Fact.LATE),
        (DAY, Fact.LATE),
        (DAY + 1, Fact.TOO_LATE),
    ],
)
def test_age_at_arrival(age: int, fact: Fact, offsets_ms: list[int] | None) -> None:
    assert one(sent([NOON], NOON + age, offsets_ms=offsets_ms)) == fact
    assert one(sent([NOON], NOON + age, [0], offsets_ms=offsets_ms)) == fact


@pytest.mark.parametrize(("offset", "fact"), [(30, Fact.PROMPT), (-30, Fact.PROMPT)])
def test_a_box_whose_clock_is_off_by_the_limit_is_believed_and_beyond_it_not(offset: int, fact: Fact) -> None:
    off = offset * SECOND
    assert one(sent([NOON], NOON, offset=off)) == fact
    assert one(sent([NOON], NOON, offset=off + (1 if off > 0 else -1))) == Fact.CLOCK_SUSPECT
    assert one(sent([NOON], NOON + 2 * DAY, offset=2 * off)) == Fact.CLOCK_SUSPECT  # not too late: who knows when it was


@pytest.mark.parametrize(
    ("value", "inside"),
    [
        (-0.2, True), (float(np.nextafter(-0.2, -1)), False), (16.5, True), (float(np.nextafter(16.5, 17)), False), (1e99, False),
    ],
)  # fmt: skip
def test_beyond_the_instruments_range_by_more_than_the_margin(value: float, inside: bool) -> None:
    for quality in (None, [0]):
        assert one(sent([NOON], NOON, quality, [value])) == (Fact.PROMPT if inside else Fact.OUT_OF_RANGE)
    assert one(sent([NOON], NOON + 2 * DAY, None, [value])) == (Fact.TOO_LATE if inside else Fact.OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("quality", "fact"),
    [(1, 20), (2, 21), (3, 22), (4, 23), (5, 24), (6, 27), (7, 25), (8, 28), (128, 9), (129, 26), (77, 26), (200, 26)],
)
def test_a_reading_that_is_no_good_stays_what_its_box_calls_it_however_late_or_far_out(quality: int, fact: int) -> None:
    for late in (0, 3 * DAY):
        assert one(sent([NOON], NOON + late, [quality], [1e9])) == fact
        assert one(sent([NOON], NOON + late, [quality], [1e9], [0])) == fact


def test_slots_are_cut_at_the_whole_minute_and_the_best_reading_of_one_counts() -> None:
    times = [NOON - 1, NOON, NOON + 1, NOON + SLOT - 1, NOON + SLOT]
    assert facts(sent(times, NOON + SLOT, [0, 4, 0, 2, 129])) == {-1: [64], 0: [65], 1: [26]}
    assert facts(sent(times, NOON + SLOT, [0, 4, 0, 2, 129], offsets_ms=[0] * 5)) == {-1: [64], 0: [65], 1: [26]}


def test_readings_with_times_of_their_own_count_then_and_holes_when_their_scan_was() -> None:
    block = sent([NOON, NOON + SLOT], NOON + 2 * SLOT, None, None, [-1, 59_999])
    assert facts(block) == {-1: [64], 1: [65]}
    assert facts(sent([NOON], NOON, [128], None, [3_600_000])) == {0: [9]}


def test_between_scans_that_lie_far_apart_nothing_is_made_up() -> None:
    for offsets in (None, [0, 0, 0]):
        far = sent([NOON - 9_000 * DAY, NOON, NOON + 61 * SLOT], NOON + 61 * SLOT, offsets_ms=offsets)
        found = list(facts_of(far, RULES, RANGES))
        assert [(cells.first * SLOT - NOON, cells.facts.shape) for cells in found] == [
            (-9_000 * DAY, (1, 1)), (0, (1, 1)), (61 * SLOT, (1, 1)),
        ]  # fmt: skip
    near = list(facts_of(sent([NOON, NOON + 3 * SLOT], NOON), RULES, RANGES))
    assert [cells.facts[:, 0].tolist() for cells in near] == [[65, 0, 0, 28]]


def test_what_lies_before_the_horizon_is_left_out() -> None:
    minutes = [NOON + k * SLOT for k in range(4)]
    assert sorted(facts(sent(minutes, NOON), NOON // SLOT + 2)) == [2, 3]
    assert sorted(facts(sent(minutes, NOON), NOON // SLOT + 4)) == []


def missed(count: int, period_s: int, at: int = NOON, column: int | None = None, cause: int = 2) -> Delivery:
    of = replace(ALL, period_us=period_s * SECOND)
    miss = GroupMiss(of, column, at, count, MissCause(cause))
    return Delivery("E01", 1, 1, bytes(8), bytes(8), at, at, {2: of}, [], [miss])


@pytest.mark.parametrize(
    ("count", "period", "at", "slots"),
    [
        (1, 60, NOON, [0]), (1, 60, NOON - 1, [-1]), (61, 1, NOON, [0, 1]), (60, 1, NOON, [0]), (3, 150, NOON, [0, 2, 5]),
        (2, 30, NOON + 30 * SECOND, [0, 1]), (3, 60, NOON + SLOT - 1, [0, 1, 2]), (2, 7 * 86_400, NOON, [0, 7 * 1440]),
    ],
)  # fmt: skip
def test_a_train_of_misses_is_in_the_slots_in_which_a_reading_was_owed(
    count: int, period: int, at: int, slots: list[int]
) -> None:
    assert facts(missed(count, period, at)) == {slot: [2] * 7 for slot in slots}


@pytest.mark.parametrize("cause", range(1, 9))
def test_a_miss_keeps_its_cause_and_its_column(cause: int) -> None:
    delivery = missed(1, 60, column=2, cause=cause)
    (cells,) = facts_of(delivery, RULES, RANGES)
    assert cells.points.tolist() == [ALL.points[2]]
    assert cells.facts.tolist() == [[cause]]


def test_of_a_train_of_misses_from_long_ago_only_what_is_kept_is_laid_out() -> None:
    weekly = missed(1_285, 7 * 86_400, NOON - 9_000 * DAY)  # the last one twelve days ago
    found = list(facts_of(weekly, RULES, RANGES, NOON // SLOT - 14 * 1440))
    assert [(cells.first - NOON // SLOT, cells.facts.shape) for cells in found] == [(-12 * 1440, (1, 7))]
    assert list(facts_of(weekly, RULES, RANGES, NOON // SLOT)) == []


@pytest.mark.parametrize("skipped", range(5))
def test_a_train_is_cut_at_the_horizon_to_the_slot(skipped: int) -> None:
    for at in (NOON, NOON + 1, NOON + SLOT - 1):
        assert sorted(facts(missed(5, 60, at), NOON // SLOT + skipped)) == list(range(skipped, 5))
