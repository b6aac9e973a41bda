"""Advice from a recorded signal: the recount is the engine's own rule, and what is proposed does quieten it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazmon.alarms.advice import Advice, Present, Proposal, Setting, advise, rounded_up, turns
from hazmon.clock import US
from hazmon.model import Point, Quantity
from hazmon.rulebook import Limits, Rule
from hazmon.rules.frame import ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.threshold import thresholds
from hazmon.rules.walk import RuleState

START = 1_767_225_600 * US
HOUR = 3600


def seconds(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return START + np.arange(count, dtype=np.int64) * US


def noise(count: int, around: float, sigma: float, seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return around + np.random.default_rng(seed).normal(0, sigma, count)


def told(advice: Advice, setting: Setting) -> tuple[float, int]:
    (found,) = (proposal for proposal in advice.proposals if proposal.setting is setting)
    return found.value, found.remaining


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4000) | st.sampled_from([490, 950, 960, 1000]),
            st.sampled_from([7.0, 8.0, 9.0, 9.5, 10.0, 11.0, float("nan")]),
        ),
        max_size=60,
    ),
    st.booleans(),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0.0, 1.0, 2.5]),
    st.sampled_from([0.0, 1.0, 3.0]),
)
def test_the_recount_is_the_rule_of_the_engine(
    samples: list[tuple[int, float]], high: bool, deadband: float, on_delay: float, off_delay: float
) -> None:
    limit = 9.5
    rules = Limits(
        h=limit if high else None,
        l=None if high else limit,
        deadband=deadband,
        on_delay_s=on_delay,
        off_delay_s=off_delay,
    )
    point = Point("E01", "LT-1", "E01-S1", "V", "名", "name", Quantity.LEVEL, "m", 0, 20, 1, rules)
    times = START + np.cumsum(np.array([step for step, _ in samples], np.int64)) * 1000
    values = np.array([value for _, value in samples], float)
    expected: list[tuple[int, bool]] = []
    if samples:
        block = ScanBlock(1, times, values[:, None], None, None, np.zeros(1, np.int64))
        usable = ~np.isnan(block.values)
        extremes = (
            np.where(usable, block.values, np.inf).min(axis=0),
            np.where(usable, block.values, -np.inf).max(axis=0),
        )
        changes = thresholds(RuleState.quiet(1), LimitTable.of([point]), block, usable, extremes)
        expected = [(change.at, change.on) for change in changes if change.rule is (Rule.H if high else Rule.L)]
    usable = ~np.isnan(values)
    times, values = times[usable], values[usable]
    raised, cleared = turns(times, values, Present(limit, high, deadband, on_delay, off_delay))
    found = [(at, True) for at in times[raised].tolist()] + [(at, False) for at in times[cleared].tolist()]
    assert sorted(found) == expected


@pytest.mark.parametrize("high", [True, False])
def test_noise_on_a_limit_gets_a_deadband(high: bool) -> None:
    times = seconds(4 * HOUR)
    slow = 0.5 * np.sin(np.arange(4 * HOUR) / 600)
    values = noise(4 * HOUR, 10.0, 0.02) + slow
    now = Present(10.0, high)
    advice = advise(times, values, now)
    assert advice.recounted > 100
    value, remaining = told(advice, Setting.DEADBAND)
    assert 4 * 0.02 < value <= 0.2
    assert remaining == turns(times, values, Present(10.0, high, value))[0].size
    assert remaining <= 5, "the slow wave crosses four times"
    assert advice.preferred is not None
    assert advice.preferred.setting is Setting.DEADBAND


def test_spikes_are_delayed_where_they_may_be() -> None:
    """Excursions of 3 s each 10 minutes, far beyond the limit, and two true ones of 20 minutes."""
    values = noise(4 * HOUR, 5.0, 0.01)
    for begin in range(300, 4 * HOUR, 600):
        values[begin : begin + 3] = 9.0
    values[7200:8400] = values[10800:12000] = 9.0
    advice = advise(seconds(4 * HOUR), values, Present(8.0, True, 0.1), most_deadband=0.75)
    assert {proposal.setting for proposal in advice.proposals} == {Setting.ON_DELAY}
    assert advice.recounted == 22
    assert told(advice, Setting.ON_DELAY) == (3.0, 2)
    assert advice.preferred == advice.proposals[0]
    assert advise(seconds(4 * HOUR), values, Present(8.0, True, 0.1), 0.75, delayable=False).proposals == ()


def test_pauses_are_bridged_by_an_off_delay() -> None:
    """A relief valve that lifts every 20 s for ten minutes of each hour."""
    values = noise(4 * HOUR, 5.0, 0.01)
    for hour in range(4):
        for lift in range(30):
            begin = hour * HOUR + 1000 + lift * 20
            values[begin : begin + 8] = 9.0
    advice = advise(seconds(4 * HOUR), values, Present(8.0, True, 0.1), most_deadband=0.75, delayable=False)
    assert advice.recounted == 120
    assert told(advice, Setting.OFF_DELAY) == (15.0, 4)


def test_delays_add_to_those_that_are_set() -> None:
    values = noise(HOUR, 5.0, 0.01)
    for begin in range(300, HOUR, 300):
        values[begin : begin + 12] = 9.0
    advice = advise(seconds(HOUR), values, Present(8.0, True, 0.1, on_delay_s=4), most_deadband=0.75)
    assert (advice.recounted, told(advice, Setting.ON_DELAY)) == (11, (15.0, 0))


def test_the_mildest_that_helps_is_preferred() -> None:
    def preferred(deadband: int, on_delay: int) -> Setting | None:
        proposals = (Proposal(Setting.DEADBAND, 0.2, 0.2, deadband), Proposal(Setting.ON_DELAY, 3, 3, on_delay))
        found = Advice(1000, 100, proposals).preferred
        return found and found.setting

    assert preferred(50, 10) is Setting.DEADBAND
    assert preferred(51, 10) is Setting.ON_DELAY
    assert preferred(80, 60) is Setting.ON_DELAY
    assert preferred(60, 80) is Setting.DEADBAND


def test_nothing_is_proposed_where_nothing_helps() -> None:
    ramp = np.linspace(5.0, 9.0, HOUR)
    advice = advise(seconds(HOUR), ramp, Present(8.0, True, 0.1))
    assert (advice.recounted, advice.proposals, advice.preferred) == (1, (), None)
    assert advise(seconds(HOUR), noise(HOUR, 5.0, 0.1), Present(8.0, True)) == Advice(HOUR, 0, ())
    assert advise(seconds(0), noise(0, 5.0, 0.1), Present(8.0, True)) == Advice(0, 0, ())
    unknown = np.full(HOUR, np.nan)
    assert advise(seconds(HOUR), unknown, Present(8.0, True)) == Advice(0, 0, ())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, 0.0),
        (0.137, 0.15),
        (0.1, 0.1),
        (0.81, 1.0),
        (0.99, 1.0),
        (7.0, 8.0),
        (1.0000001, 1.5),
        (36.0, 40.0),
        (1234.5, 1500.0),
    ],
)
def test_rounded_as_an_engineer_would_write_it(value: float, expected: float) -> None:
    assert rounded_up(value) == expected


@given(st.floats(1e-6, 1e6))
def test_rounding_goes_up_and_not_far(value: float) -> None:
    assert value <= rounded_up(value) <= 1.5 * value * (1 + 1e-9)
