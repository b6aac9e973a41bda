"""The forecast speaks of real trends that reach HH or LL soon, once, and of nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from unit.rules.signals import Signal, point, told

from hazmon.rulebook import Limits, Rule
from hazmon.rules.frame import Floats

FORECASTS = Rule.FORECAST_UP, Rule.FORECAST_DOWN
AHEAD = Limits(hh=12, ll=2, forecast_min=5)


def noise(count: int, seed: int = 1, scale: float = 0.02) -> Floats:
    return np.random.default_rng(seed).normal(0, scale, count)


def ramp(per_minute: float, seconds: int, start: float) -> Floats:
    return start + per_minute / 60 * np.arange(seconds, dtype=float)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("period", [1.0, 10.0])
def test_noise_close_to_the_limit_is_no_trend(seed: int, period: float) -> None:
    values = 11.9 + noise(20_000, seed)
    assert told(Signal(point(AHEAD)).feed(values, period), *FORECASTS) == []


def test_a_trend_is_told_when_it_comes_within_reach() -> None:
    changes = Signal(point(AHEAD)).feed(ramp(0.3, 600, 8) + noise(600))
    (change,) = (c for c in changes if c.rule in FORECASTS)
    assert change.rule is Rule.FORECAST_UP
    assert change.value == pytest.approx(5, abs=0.1)
    assert change.limit == 5
    assert 480 < (change.at - 1_767_225_600_000_000) / 1e6 < 520  # 9.5 + 0.3 * 5 = 12 after 500 s
    evidence = dict(change.evidence)
    assert evidence["slope"] == pytest.approx(0.3, rel=0.1)
    assert evidence["fitted"] == pytest.approx(10.5, abs=0.1)
    assert evidence["r2"] > 0.9


def test_downwards_it_looks_to_ll() -> None:
    changes = [c for c in Signal(point(AHEAD)).feed(ramp(-0.3, 600, 6) + noise(600)) if c.rule in FORECASTS]
    assert [(c.rule, c.on) for c in changes] == [(Rule.FORECAST_DOWN, True)]


def test_a_ramp_that_stops_just_below_is_told_once_and_clears() -> None:
    signal = Signal(point(AHEAD))
    values = np.concatenate((ramp(0.3, 780, 8), np.full(1200, 11.9))) + noise(1980)
    changes = signal.feed(values)
    assert [(c.rule, c.on) for c in changes] == [(Rule.FORECAST_UP, True), (Rule.FORECAST_UP, False)]
    assert changes[1].at - changes[0].at > 270e6


def test_beyond_the_limit_is_no_forecast_but_one_that_stands_may_stay() -> None:
    assert told(Signal(point(AHEAD)).feed(ramp(0.3, 300, 12.5) + noise(300)), *FORECASTS) == []
    changes = Signal(point(replace(AHEAD, deadband=0.2))).feed(ramp(0.3, 900, 9) + noise(900))
    assert [(c.rule, c.on) for c in changes] == [(Rule.FORECAST_UP, True), (Rule.HH, True)]


@pytest.mark.parametrize("height", [19.0, 1.0, -500.0])
def test_one_wrong_sample_neither_raises_nor_clears(height: float) -> None:
    limits = Limits(hh=12, ll=2, on_delay_s=5, forecast_min=5)
    still, rising = 10 + noise(300), ramp(0.3, 600, 8.5) + noise(600)
    still[150] = rising[500] = height
    assert told(Signal(point(limits)).feed(still), *FORECASTS) == []
    changes = [c for c in Signal(point(limits)).feed(rising) if c.rule in FORECASTS]
    assert [(c.rule, c.on) for c in changes] == [(Rule.FORECAST_UP, True)]


def test_few_samples_must_agree_better() -> None:
    """Six samples a window: of noise, Student's t of 4 comes once in a hundred windows."""
    limits = Limits(hh=12, forecast_min=60)
    values = 11.5 + noise(5000, 7)
    assert told(Signal(point(limits)).feed(values, 10.0), *FORECASTS) == []
    assert told(Signal(point(limits)).feed(ramp(1.0, 60, 9.0), 10.0), *FORECASTS) == ["30 FORECAST_UP on"]


def test_silence_does_not_clear_a_forecast() -> None:
    signal = Signal(point(AHEAD))
    assert told(signal.feed(ramp(0.3, 100, 11)), *FORECASTS) == ["30 FORECAST_UP on"]
    signal.wait(3600)
    assert told(signal.feed([11.0, float("nan"), 11.0]), *FORECASTS) == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step", [0.0024, 0.01, 0.1])
def test_an_instrument_that_goes_to_and_fro_between_two_steps_shows_no_trend(seed: int, step: float) -> None:
    random = np.random.default_rng(seed)
    level: Floats = (np.cumsum(random.random(20_000) < 0.02) % 2).astype(float)  # a turn in fifty seconds, in a window of sixty
    assert told(Signal(point(AHEAD)).feed(np.round(11.8 + step * level, 6)), *FORECASTS) == []
    assert told(Signal(point(AHEAD)).feed(np.round(2.2 - step * level, 6)), *FORECASTS) == []


@pytest.mark.parametrize("step", [0.0024, 0.02, 0.05])
def test_a_trend_through_several_steps_is_told_whatever_their_height(step: float) -> None:
    """At 0.05 a window holds six of them."""
    values = np.round(np.round((ramp(0.3, 600, 8) + noise(600, scale=step / 4)) / step) * step, 6)
    (change,) = (c for c in Signal(point(AHEAD)).feed(values) if c.rule in FORECASTS)
    assert change.rule is Rule.FORECAST_UP
    assert 470 < (change.at - 1_767_225_600_000_000) / 1e6 < 530


def test_one_wrong_sample_between_two_steps_makes_no_trend_of_them() -> None:
    values = np.concatenate((np.full(100, 11.8), np.full(100, 11.9)))
    for row in range(60, 160, 7):
        wrong = values.copy()
        wrong[row] = 11.83
        assert told(Signal(point(AHEAD)).feed(wrong), *FORECASTS) == []
