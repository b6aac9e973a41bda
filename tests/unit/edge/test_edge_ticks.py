"""The grid of ticks and the debts of sensors: every instant owed is either read, missed by count, or still to come."""

from __future__ import annotations

import pytest
from hazmon_edge.clock import SECOND_NS, SECOND_US
from hazmon_edge.ticks import Debts, first_tick, next_second, next_tick
from hypothesis import given
from hypothesis import strategies as st

INTERVALS = st.integers(1, 10 * SECOND_NS)


@given(st.integers(0, 10**15), INTERVALS, st.integers(0, 100 * SECOND_NS))
def test_the_next_instant_lies_on_the_grid_and_nothing_between_is_uncounted(scheduled: int, interval: int, took: int) -> None:
    now = scheduled + took
    tick = next_tick(now, scheduled, interval)
    assert (tick.at_ns - scheduled) % interval == 0
    assert tick.at_ns >= now
    assert tick.at_ns - now < interval or took == 0
    assert tick.missed == (tick.at_ns - scheduled) // interval - 1


@pytest.mark.parametrize(
    ("took", "missed", "at"), [(0, 0, 10), (1, 0, 10), (9, 0, 10), (10, 0, 10), (11, 1, 20), (20, 1, 20), (25, 2, 30)]
)
def test_the_policy_as_drawn(took: int, missed: int, at: int) -> None:
    tick = next_tick(took, 0, 10)
    assert (tick.missed, tick.at_ns) == (missed, at)


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        next_tick(0, 0, 0)


@given(st.lists(st.integers(0, 5 * SECOND_NS), max_size=50), INTERVALS)
def test_over_a_life_read_and_missed_are_all_there_is(reads: list[int], interval: int) -> None:
    """Instants of the grid up to the last read == reads + missed."""
    scheduled, missed = 0, 0
    for took in reads:
        tick = next_tick(scheduled + took, scheduled, interval)
        scheduled, missed = tick.at_ns, missed + tick.missed
    assert scheduled // interval == len(reads) + missed


@given(st.integers(0, 10**12), st.integers(1, 60), st.integers(50_000_000, 3600 * SECOND_NS))
def test_first_ticks_differ_and_are_close(now: int, of: int, interval: int) -> None:
    firsts = [first_tick(now, index, of, interval) for index in range(of)]
    assert len(set(firsts)) == of
    assert all(0 < first - now <= 20_000_000 for first in firsts)


@given(st.integers(0, 10**15), st.integers(0, 10**17))
def test_the_next_second_is_full_and_less_than_a_second_away(now: int, wall_us: int) -> None:
    at = next_second(now, wall_us)
    assert 0 <= at - now < SECOND_NS
    assert (wall_us + (at - now) // 1_000) % SECOND_US == 0


@given(st.lists(st.integers(0, 3), max_size=200))
def test_debts_balance(arrivals: list[int]) -> None:
    """owed == received + missed + carried, the carried part at most one period either way plus what came beyond a credit."""
    debts = Debts(1)
    received = missed = beyond = carried = 0
    for count in arrivals:
        for _ in range(count):
            debts.pay(0)
            received += 1
            beyond += carried == -2
            carried = max(carried - 1, -2)
        was_missed = debts.owe() == [0]
        assert was_missed == (carried == 1)
        missed += was_missed
        carried += not was_missed
    assert len(arrivals) == received - beyond + missed + carried
    assert -1 <= carried <= 1


def test_a_sensor_that_is_only_out_of_step_misses_nothing() -> None:
    """Its message falls just before and just after our full second by turns."""
    debts = Debts(1)
    missed = 0
    for count in [1, 2, 0, 1, 2, 0, 1, 0, 2, 1]:
        for _ in range(count):
            debts.pay(0)
        missed += len(debts.owe())
    assert missed == 0


def test_a_sensor_that_stops_is_missed_each_period_from_its_second_on() -> None:
    debts = Debts(2)
    told: list[list[int]] = []
    for _ in range(4):
        debts.pay(0)
        told.append(debts.owe())
    assert told == [[], [1], [1], [1]]
