"""The invariant of screen-then-walk: how scans are cut into blocks changes nothing; and a naive model agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.rules.naive import Turn, naive

from hazmon.model import Point, Quality, Quantity
from hazmon.rulebook import RULES, Limits, Rule, Signal
from hazmon.rules.evaluate import evaluate
from hazmon.rules.frame import NEVER, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Change, RuleState

START = 1_767_225_600_000_000
MS = 1000
CODES = [Quality.GOOD] * 6 + [Quality.CLOCK_SUSPECT, Quality.MAINTENANCE, Quality.ABSENT, Quality.BAD]


def point(n: int, limits: Limits, low: float = 0, high: float = 20) -> Point:
    return Point("E01", f"T{n}", "E01-S1", "V", "名", "name", Quantity.LEVEL, "m", low, high, 1, limits)


@dataclass(frozen=True)
class Case:
    """Points, and one block of their scans."""

    points: list[Point]
    block: ScanBlock

    @property
    def table(self) -> LimitTable:
        return LimitTable.of(self.points)


def numbers(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(2 * low, 2 * high).map(lambda n: n / 2)


limits = st.builds(
    Limits,
    ll=st.none() | st.just(3.0),
    l=st.none() | st.just(5.0),
    h=st.none() | st.just(10.0),
    hh=st.none() | st.just(12.0),
    deadband=st.sampled_from([0.0, 0.5, 1.0]),
    on_delay_s=st.sampled_from([0.0, 0.0, 1.5, 3.0]),
    off_delay_s=st.sampled_from([0.0, 0.0, 2.0]),
    rate_up=st.none() | st.sampled_from([1.0, 30.0, 60.0]),
    rate_down=st.none() | st.sampled_from([1.0, 30.0, 60.0]),
    rate_window_s=st.sampled_from([3.0, 8.0]),
    rate_deadband=st.sampled_from([0.0, 0.1, 0.5]),
    rate_on_delay_s=st.sampled_from([0.0, 0.0, 1.0]),
    rate_off_delay_s=st.sampled_from([0.0, 0.0, 2.0]),
    rate_samples=st.sampled_from([2, 3, 4]),
    rate_span=st.sampled_from([0.0, 0.5]),
    forecast_min=st.none() | st.sampled_from([0.05, 1.0]),
    stuck_s=st.none() | st.sampled_from([4.0, 10.0]),
    stuck_band=st.sampled_from([0.0, 0.5, 4.0]),
    signal=st.sampled_from(Signal),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n = draw(st.integers(1, 3))
    t = draw(st.integers(1, 40))
    steps = draw(st.lists(st.sampled_from([1, 500, 500, 500, 1000, 1000, 1000, 4000]), min_size=t, max_size=t))
    # a signal is a random walk with spikes, or stands nearly still: every rule finds something to say
    moves = draw(st.sampled_from([numbers(-1, 1), numbers(-3, 3), st.sampled_from([0.0, 0.0, 0.0, 0.0, 0.5, -0.5])]))
    walks = np.array(draw(st.lists(moves, min_size=t * n, max_size=t * n))).reshape(t, n).cumsum(axis=0)
    spikes = draw(st.lists(st.sampled_from([0.0] * 12 + [-6.0, 9.0]), min_size=t * n, max_size=t * n))
    values = draw(st.sampled_from([8.0, 11.0])) + walks + np.array(spikes).reshape(t, n)
    quality = offsets = None
    if draw(st.booleans()):
        codes = draw(st.lists(st.sampled_from(CODES), min_size=t * n, max_size=t * n))
        quality = np.array(codes, np.uint8).reshape(t, n)
        values[quality >= 128] = np.nan
    if draw(st.booleans()):
        offsets = np.array(draw(st.lists(st.integers(0, 300), min_size=t * n, max_size=t * n)), np.int32).reshape(t, n)
    points = [point(k, draw(limits), *draw(st.sampled_from([(0, 20), (4, 12)]))) for k in range(n)]
    times = START + np.cumsum(np.array(steps, np.int64)) * MS
    # a column that the park does not know stands first, empty, as ingest leaves it
    if draw(st.booleans()):
        quality = np.zeros((t, n), np.uint8) if quality is None else quality
        quality = np.column_stack([np.full(t, Quality.ABSENT, np.uint8), quality])
        values = np.column_stack([np.full(t, np.nan), values])
        offsets = None if offsets is None else np.column_stack([np.zeros(t, np.int32), offsets])
        return Case(points, ScanBlock(1, times, values, quality, offsets, np.arange(-1, n)))
    return Case(points, ScanBlock(1, times, values, quality, offsets, np.arange(n)))


def run(case: Case, cuts: Sequence[int]) -> tuple[list[Change], RuleState, Trail]:
    """Changes of the block cut before the given rows."""
    state, trail = RuleState.quiet(len(case.points)), Trail.of(case.block.points, case.table)
    changes: list[Change] = []
    edges = [0, *sorted(set(cuts)), case.block.times.size]
    for begin, end in pairwise(edges):
        if begin < end:
            changes += evaluate(state, case.table, case.block.rows(np.arange(begin, end)), trail)
    return changes, state, trail


def assert_same(some: Sequence[Change], others: Sequence[Change | Turn]) -> None:
    left, right = (sorted(changes, key=lambda c: (c.point, c.rule)) for changes in (some, others))  # stable: in time order
    assert [(c.at, c.point, c.rule, c.on) for c in left] == [(c.at, c.point, c.rule, c.on) for c in right]
    np.testing.assert_allclose([c.value for c in left], [c.value for c in right], rtol=1e-7, atol=1e-7)
    np.testing.assert_array_equal([c.limit for c in left], [c.limit for c in right])


@given(cases(), st.lists(st.integers(1, 39), max_size=6))
@settings(max_examples=100, deadline=None)
def test_cuts_change_nothing(case: Case, cuts: list[int]) -> None:
    whole, state, trail = run(case, [])
    for pieces in (cuts, range(case.block.times.size)):
        parts, state_of_parts, trail_of_parts = run(case, [cut for cut in pieces if cut < case.block.times.size])
        assert_same(whole, parts)
        np.testing.assert_array_equal(state.active, state_of_parts.active)
        np.testing.assert_array_equal(state.since, state_of_parts.since)
        np.testing.assert_array_equal(trail.at, trail_of_parts.at)
        np.testing.assert_array_equal(trail.usable, trail_of_parts.usable)
        np.testing.assert_array_equal(trail.values, trail_of_parts.values)
        there = state.still.number != NEVER
        np.testing.assert_array_equal(state.still.number, state_of_parts.still.number)
        np.testing.assert_array_equal(state.still.low[there], state_of_parts.still.low[there])
        np.testing.assert_array_equal(state.still.high[there], state_of_parts.still.high[there])
        held = state.active[:, RULES.index(Rule.STUCK)]
        np.testing.assert_array_equal(state.still.held_low[held], state_of_parts.still.held_low[held])
        np.testing.assert_array_equal(state.still.held_high[held], state_of_parts.still.held_high[held])


@given(cases())
@settings(max_examples=200, deadline=None)
def test_a_naive_model_agrees(case: Case) -> None:
    changes, _, _ = run(case, [])
    assert_same(changes, naive(case.points, case.block))


def long_case(seed: int) -> Case:
    """Minutes of signals as plants have them: ramps, stillness, noise, spikes, and holes of all lengths."""
    random = np.random.default_rng(seed)
    n, pieces = 4, 6
    noise = random.choice([0.0, 0.02, 0.2], n)
    slope = random.choice([0.0, 0.0, 0.01, -0.01, 0.05], (pieces, n))
    t = 40 * pieces
    values = 10 + np.repeat(slope, 40, axis=0).cumsum(axis=0) + random.normal(0, 1, (t, n)) * noise
    values = np.where(random.random((t, n)) < 0.01, values + random.choice([-5, 15]), values)
    quality = np.where(random.random((t, n)) < random.choice([0.0, 0.1]), np.uint8(Quality.MAINTENANCE), np.uint8(0))
    steps = random.choice([1000, 1000, 1000, 1000, 1010, 2500], t)
    steps[random.integers(0, t, 2)] = random.choice([9000, 60_000], 2)
    rules = [
        Limits(
            hh=float(random.choice([11.0, 12.0])),
            ll=float(random.choice([9.0, 8.0])),
            deadband=0.1,
            rate_up=float(random.choice([0.5, 2.0])),
            rate_down=0.5,
            rate_window_s=float(random.choice([20.0, 40.0])),
            forecast_min=float(random.choice([1.0, 5.0])),
            stuck_s=float(random.choice([16.0, 30.0, 50.0])),
            stuck_band=float(random.choice([0.0, 0.1])),
        )
        for _ in range(n)
    ]
    times = START + np.cumsum(steps.astype(np.int64)) * MS
    return Case([point(k, rule) for k, rule in enumerate(rules)], ScanBlock(1, times, values, quality, None, np.arange(n)))


@pytest.mark.parametrize("seed", range(12))
def test_long_signals_agree_with_the_naive_model_however_they_are_cut(seed: int) -> None:
    case = long_case(seed)
    plain = naive(case.points, case.block)
    random = np.random.default_rng(seed)
    few: list[int] = random.integers(1, case.block.times.size, 5).tolist()
    for cuts in ([], few, range(case.block.times.size)):
        assert_same(run(case, cuts)[0], plain)


def test_long_signals_turn_every_rule() -> None:
    changes = [c for seed in range(12) for c in run(long_case(seed), [])[0]]
    turned = {(c.rule, c.on) for c in changes}
    for rule in (Rule.RATE_UP, Rule.RATE_DOWN, Rule.FORECAST_UP, Rule.FORECAST_DOWN, Rule.STUCK, Rule.RANGE, Rule.HH, Rule.LL):
        assert {(rule, True), (rule, False)} <= turned, rule


@given(cases())
@settings(max_examples=50, deadline=None)
def test_changes_of_a_pair_alternate_and_no_column_is_confused(case: Case) -> None:
    changes, state, _ = run(case, [])
    for number in range(len(case.points)):
        for rule in RULES:
            turns = [c.on for c in changes if (c.point, c.rule) == (number, rule)]
            assert turns == [k % 2 == 0 for k in range(len(turns))]
            assert bool(state.active[number, RULES.index(rule)]) == (len(turns) % 2 == 1)
