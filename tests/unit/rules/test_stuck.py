"""A point that stands still for too long is stuck; an unknown one is not."""

from __future__ import annotations

import numpy as np
import pytest
from unit.rules.signals import Signal, point, told

from hazmon.rulebook import RULES, Limits, Rule
from hazmon.rules.limits import LimitTable
from hazmon.rules.walk import RuleState

NAN = float("nan")
LIMITS = Limits(stuck_s=80, stuck_band=0.1)  # buckets of 10 s


def lively(count: int) -> list[float]:
    return [9 + 2.0 * (k % 2) for k in range(count)]


def test_it_is_found_between_stuck_s_and_a_bucket_later() -> None:
    for moving in range(20, 31):
        signal = Signal(point(LIMITS))
        (change,) = signal.feed([*lively(moving), *[10.05] * 200])
        assert told([change]) == [f"{100 if moving == 20 else 110} STUCK on"]
        after = (change.at - 1_767_225_600_000_000) / 1e6 - moving
        assert 80 <= after < 90
        assert (change.value, change.limit) == (10.05, 0.1)
        assert dict(change.evidence)["since_s"] == 80


def test_noise_within_the_band_is_stillness_and_beyond_it_is_not() -> None:
    steps = np.arange(400, dtype=float)
    assert told(Signal(point(LIMITS)).feed(10 + 0.1 * (steps % 2) * 0.999)) == ["90 STUCK on"]
    assert told(Signal(point(LIMITS)).feed(10 + 0.1 * (steps % 2) * 1.001)) == []


def test_it_clears_at_the_first_sample_that_leaves_the_band_and_counts_anew() -> None:
    signal = Signal(point(LIMITS))
    assert told(signal.feed([10.0] * 100)) == ["90 STUCK on"]
    changes = signal.feed([10.05] * 4 + [10.2] * 120)
    assert told(changes) == ["104 STUCK off", "190 STUCK on"]
    assert changes[0].value == 10.2


def test_a_slow_drift_leaves_the_band_of_where_it_stood() -> None:
    signal = Signal(point(LIMITS))
    assert told(signal.feed(10 + 0.0005 * np.arange(301, dtype=float))) == ["90 STUCK on", "211 STUCK off", "300 STUCK on"]


@pytest.mark.parametrize(("hole", "stuck"), [(5, True), (9, True), (25, False), (200, False)])
def test_a_long_hole_starts_the_count_anew(hole: int, stuck: bool) -> None:
    values = np.full(40 + hole + 80, 10.0)
    values[40 : 40 + hole] = NAN
    assert bool(told(Signal(point(LIMITS)).feed(values))) == stuck
    signal = Signal(point(LIMITS))
    signal.feed([10.0] * 40)
    signal.wait(hole)
    assert bool(told(signal.feed([10.0] * 80))) == stuck


def test_silence_does_not_clear_it_but_another_value_after_it_does() -> None:
    signal = Signal(point(LIMITS))
    assert told(signal.feed([10.0] * 100)) == ["90 STUCK on"]
    assert told(signal.feed([NAN] * 300)) == []
    assert told(signal.feed([10.0] * 5)) == []
    signal.wait(5000)
    assert told(signal.feed([NAN, 11.0])) == ["5406 STUCK off"]


def test_a_rule_that_stands_after_a_restart_takes_the_first_value_as_the_frozen_one() -> None:
    signal = Signal(point(LIMITS))
    signal.state.active[0, RULES.index(Rule.STUCK)] = True
    assert told(signal.feed([7.0, 7.05, 7.2])) == ["2 STUCK off"]


def test_a_copy_of_the_state_goes_its_own_way() -> None:
    signal = Signal(point(LIMITS))
    signal.feed([10.0] * 79)
    live = signal.state
    signal.state = live.copy()
    signal.feed(lively(79))
    signal.state, signal.now = live, 79.0
    assert told(signal.feed([10.0] * 20)) == ["90 STUCK on"]


def test_another_stuck_s_starts_anew() -> None:
    signal = Signal(point(LIMITS))
    signal.feed([10.0] * 79)
    signal.table = LimitTable.of([point(Limits(stuck_s=40, stuck_band=0.1))])
    assert told(signal.feed([10.0] * 60)) == ["120 STUCK on"]


def test_the_rules_say_how_far_they_look_back() -> None:
    assert LimitTable.of([]).reach == 0
    assert LimitTable.of([point(Limits(h=1, on_delay_s=15, off_delay_s=20, rate_window_s=600))]).reach == 20_000_000
    assert LimitTable.of([point(Limits(rate_up=1, rate_window_s=60, rate_off_delay_s=7))]).reach == 67_000_000
    assert LimitTable.of([point(Limits(hh=1, forecast_min=5, rate_window_s=120))]).reach == 120_000_000
    assert LimitTable.of([point(LIMITS)]).reach == 100_000_000


def test_rows_of_named_rules_have_room() -> None:
    assert RuleState.quiet(3).still.number.shape[0] == 3
