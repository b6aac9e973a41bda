"""Slopes against numpy.polyfit, window by window."""

# numpy types what masks select as unknown
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hazmon.clock import MINUTE_US, US
from hazmon.model import Point, Quantity
from hazmon.rulebook import Limits
from hazmon.rules.fit import PIECE, trends
from hazmon.rules.frame import Bools, Floats, Ints, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.trail import Trail

START = 1_767_225_600_000_000
WINDOW = 10 * US
RATE_SAMPLES = Limits().rate_samples
RATE_SPAN = Limits().rate_span


def trail_of(times: Ints, at: Ints, values: Floats, usable: Bools) -> Trail:
    return Trail(np.arange(values.shape[1]), times, at, np.where(usable, values, np.nan), usable)


def slopes(trail: Trail, first: int, window: int) -> Floats:
    """The first column's slopes as the rules ask them."""
    samples, span = np.array([RATE_SAMPLES]), np.array([RATE_SPAN])
    rows = range(first, trail.times.size, PIECE)
    return np.concatenate([trends(trail, slice(None), row, window, samples, span)[0][:, 0] for row in rows])


def brute(times: Ints, at: Ints, values: Floats, usable: Bools, row: int, window: int) -> float:
    """The slope at one row of one column, per minute; NaN where it may not be told."""
    inside = (times > times[row] - window) & (np.arange(times.size) <= row) & usable
    x, y = (at[inside] - times[row]) / MINUTE_US, values[inside]
    if not usable[row] or x.size < RATE_SAMPLES or times[row] - times[inside][0] < RATE_SPAN * window or np.ptp(x) == 0:
        return float("nan")
    return float(np.polyfit(x, y - y.mean(), 1)[0])


@given(
    st.lists(
        st.tuples(st.integers(1, 4000), st.integers(-20, 20), st.booleans() | st.just(True), st.integers(0, 900)),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from([0.0, 20.0, 1e6]),
    st.integers(0, 39),
)
@settings(max_examples=100, deadline=None)
def test_slopes_are_those_of_polyfit(samples: list[tuple[int, int, bool, int]], level: float, first: int) -> None:
    steps, values, usable, offsets = (np.array(column) for column in zip(*samples, strict=True))
    times = START + np.cumsum(steps.astype(np.int64)) * 1000
    at = times + offsets.astype(np.int64) * 1000
    heights = level + values / 10
    first = min(first, times.size - 1)
    found = slopes(trail_of(times, at[:, None], heights[:, None], usable[:, None]), first, WINDOW)
    wanted = [brute(times, at, heights, usable, row, WINDOW) for row in range(first, times.size)]
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("seconds", "level", "noise"), [(3600, 10.0, 0.01), (7200, 1e5, 0.5)])
def test_a_long_block_does_not_drift(seconds: int, level: float, noise: float) -> None:
    random = np.random.default_rng(1)
    times = START + np.arange(seconds, dtype=np.int64) * US
    values = level + 0.001 * np.arange(seconds) + random.normal(0, noise, seconds)
    usable = random.random(seconds) > 0.1
    found = slopes(trail_of(times, times[:, None], values[:, None], usable[:, None]), 0, 60 * US)
    for row in range(59, seconds, 97):
        wanted = brute(times, times, values, usable, row, 60 * US)
        np.testing.assert_allclose(found[row], wanted, rtol=1e-6, atol=1e-7 * level)


def test_a_trail_keeps_what_a_later_window_can_reach_and_no_more() -> None:
    limits = Limits(rate_up=1.0, rate_window_s=10)
    table = LimitTable.of([Point("E01", "T", "S", "V", "名", "n", Quantity.LEVEL, "m", 0, 1, 1, limits)])
    trail = Trail.of(np.array([0]), table)
    times = START + np.arange(30, dtype=np.int64) * US
    trail.extend(ScanBlock(1, times, np.zeros((30, 1)), None, None, np.array([0])), None)
    trail.trim(WINDOW)
    assert trail.times.tolist() == times[-10:].tolist()
    assert trail.values.shape == trail.at.shape == trail.usable.shape == (10, 1)
