"""The rate of change is sure against one wrong sample; it keeps to its own deadband, delays and demands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.rules.signals import START, Signal, point, told

from hazmon.clock import US
from hazmon.rulebook import Limits, Rule
from hazmon.rules.frame import Floats
from hazmon.rules.limits import LimitTable
from hazmon.rules.trail import Trail

NAN = float("nan")


def ramp(per_minute: float, seconds: int, start: float = 10.0) -> Floats:
    return start + per_minute / 60 * np.arange(seconds, dtype=float)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 199), st.floats(-1e6, 1e6), st.integers(0, 1000))
def test_one_spike_in_a_still_signal_raises_nothing(at: int, height: float, seed: int) -> None:
    values = 10 + np.random.default_rng(seed).normal(0, 0.001, 200)
    values[at] = height
    assert told(Signal(point(Limits(rate_up=1, rate_down=1))).feed(values), Rule.RATE_UP, Rule.RATE_DOWN) == []


@settings(max_examples=50, deadline=None)
@given(st.integers(60, 199), st.floats(-1e6, 1e6))
def test_one_spike_in_a_ramp_clears_nothing(at: int, height: float) -> None:
    values = ramp(1.2, 200)
    values[at] = height
    assert told(Signal(point(Limits(rate_up=1))).feed(values), Rule.RATE_UP) == ["30 RATE_UP on"]


def test_two_spikes_are_believed() -> None:
    values = np.full(100, 10.0)
    values[[70, 72]] = 30.0
    assert told(Signal(point(Limits(rate_up=1), high=40)).feed(values), Rule.RATE_UP)[0] == "72 RATE_UP on"


@pytest.mark.parametrize(("deadband", "off"), [(0.1, False), (0.02, True)])
def test_a_rate_clears_below_its_own_deadband(deadband: float, off: bool) -> None:
    signal = Signal(point(Limits(rate_up=1, rate_deadband=deadband)))
    up = signal.feed(ramp(1.05, 120))
    assert told(up) == ["30 RATE_UP on"]
    assert told(signal.feed(ramp(0.95, 200, start=12.1))) == (["158 RATE_UP off"] if off else [])


def test_delays_of_a_rate_are_its_own() -> None:
    limits = Limits(h=1, on_delay_s=100, rate_up=1, rate_on_delay_s=5, rate_off_delay_s=10)
    signal = Signal(point(limits, low=-10))
    assert told(signal.feed(ramp(1.2, 60, start=2)), Rule.RATE_UP) == ["35 RATE_UP on"]
    without = Signal(point(Limits(rate_up=1), low=-10))
    still = np.full(100, 3.2)
    without.feed(ramp(1.2, 60, start=2))
    (clear,) = without.feed(still)
    (later,) = (c for c in signal.feed(still) if c.rule is Rule.RATE_UP)
    assert later.at - clear.at == 10 * US


def test_a_slope_needs_its_samples_and_its_span() -> None:
    assert told(Signal(point(Limits(rate_up=1, rate_span=0.1, rate_samples=20))).feed(ramp(2, 60))) == ["19 RATE_UP on"]
    assert told(Signal(point(Limits(rate_up=1, rate_span=0.8, rate_samples=2))).feed(ramp(2, 60))) == ["48 RATE_UP on"]


def test_holes_neither_raise_nor_clear() -> None:
    signal = Signal(point(Limits(rate_up=1)))
    values = ramp(1.2, 200)
    values[20:28], values[90:140:2] = NAN, NAN
    assert told(signal.feed(values)) == ["30 RATE_UP on"]
    signal.wait(600)
    assert told(signal.feed([15.0, NAN, 15.0])) == []


def test_an_alarm_says_what_it_rests_on() -> None:
    values = ramp(1.2, 100)
    values[10] = 50.0
    (change,) = Signal(point(Limits(rate_up=1, rate_window_s=30), high=100)).feed(values)
    evidence = dict(change.evidence)
    assert change.at == START + 15 * US  # the spike is in the window; the line without it stands
    assert evidence["slope"] == pytest.approx(change.value)
    assert evidence["slope_without_worst"] == pytest.approx(1.2)
    assert (evidence["window_s"], evidence["samples"]) == (30, 16)
    assert 0 < evidence["r2"] < 0.5
    assert change.limit == 1


def test_points_keep_their_window_when_the_table_changes() -> None:
    first, other = point(Limits(rate_up=1)), point(Limits(h=15))
    points = np.array([0, 1])
    signal = Signal(first)
    signal.feed(ramp(0.9, 40))
    table = LimitTable.of([first, point(Limits(h=15, rate_down=2))])
    old = Trail(np.array([0]), signal.trail.times, signal.trail.at, signal.trail.values, signal.trail.usable)
    new = old.under(points, table)
    assert new.columns.tolist() == [0, 1]
    assert new.values[:, 0].tolist() == old.values[:, 0].tolist()
    assert not new.usable[:, 1].any()
    back = new.under(points, LimitTable.of([first, other]))
    assert back.columns.tolist() == [0]
    assert back.usable.all()
