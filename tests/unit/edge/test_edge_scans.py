"""Scans, stamps and blocks."""

from __future__ import annotations

import math

from hazmon_edge.config import ScanGroup
from hazmon_edge.errors import Cause
from hazmon_edge.scans import CLOCK_SUSPECT, Scan, Stamps, blocks_of, whole_misses
from hazmon_edge.tags import CsvTag
from hazmon_edge.wire import ABSENT, BAD, GOOD, WHOLE_GROUP, Group, pack_block, unpack_block
from hypothesis import given
from hypothesis import strategies as st


def group_of(name: str, *tags: str) -> ScanGroup:
    group = Group(name, 1_000_000, tags)
    return ScanGroup(group, group.digest, tuple(CsvTag(tag, name, tag, 1, 0) for tag in tags))


@given(st.lists(st.tuples(st.integers(-(10**10), 10**10), st.integers(0, 10**10)), min_size=1, max_size=50))
def test_stamps_rise_whatever_the_wall_clock_does(steps: list[tuple[int, int]]) -> None:
    stamps = Stamps()
    wall, monotonic, last = 1_700_000_000_000_000, 0, -1
    for step, passed in steps:
        wall, monotonic = max(0, wall + step), monotonic + passed
        at_us, suspect = stamps.stamp(b"group", wall, monotonic)
        assert at_us > last
        assert suspect == (at_us != wall)
        last = at_us


def test_after_a_step_back_time_goes_on_at_its_own_pace_until_the_wall_clock_has_caught_up() -> None:
    stamps = Stamps()
    assert stamps.stamp(b"g", 10_000_000, 0) == (10_000_000, False)
    assert stamps.stamp(b"g", 6_000_000, 1_000_000_000) == (11_000_000, True)
    assert stamps.stamp(b"other", 6_000_000, 1_000_000_000) == (6_000_000, False)
    assert stamps.stamp(b"g", 12_000_001, 7_000_000_000) == (12_000_001, False)


def test_a_suspect_clock_marks_good_readings_only() -> None:
    scan = Scan(b"g", 1, [1.0, math.nan, math.nan, 2.0], bytearray([GOOD, ABSENT, BAD, 4]))
    scan.suspect()
    assert list(scan.quality) == [CLOCK_SUSPECT, ABSENT, BAD, 4]


def test_scans_of_a_group_become_one_block_that_survives_the_wire() -> None:
    one, two = group_of("a", "x", "y"), group_of("b", "z")
    scans = [
        Scan(one.digest, 1, [1.5, math.nan], bytearray([GOOD, ABSENT])),
        Scan(two.digest, 1, [9.0], bytearray([GOOD])),
        Scan(one.digest, 2, [2.5, 3.5], bytearray([GOOD, GOOD]), [0, -7]),
    ]
    first, second = [unpack_block(pack_block(block)) for block in blocks_of(scans)]
    assert (list(first.times_us), first.points) == ([1, 2], 2)
    assert next(iter(first.values)) == 1.5
    assert math.isnan(first.values[1])
    assert list(first.values)[2:] == [2.5, 3.5]
    assert first.quality == bytes([GOOD, ABSENT, GOOD, GOOD])
    assert list(first.offsets_ms or []) == [0, 0, 0, -7]
    assert (list(second.values), second.quality, second.offsets_ms) == ([9.0], None, None)


def test_ten_years_off_are_told_in_portions() -> None:
    seconds = 10 * 365 * 86_400
    misses = whole_misses([group_of("a", "x")], Cause.BOX_OFF, 5, seconds)
    assert sum(miss.count for miss in misses) == seconds
    assert max(miss.count for miss in misses) <= 1_000_000
    assert all(miss.column == WHOLE_GROUP for miss in misses)
    assert misses[1].at_us == 5 + misses[0].count * 1_000_000
    assert whole_misses([group_of("a", "x")], Cause.BOX_OFF, 5, 0) == []
