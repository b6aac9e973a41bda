"""Nothing rings by itself: no limit and no rate limit is ever within reach of a plant that runs as it should.

The bounds of a signal hold for every t; that the samples keep to the bounds is shown over days of simulated time.
"""

from __future__ import annotations

import math

import pytest
from hazmon_sim.signal import Flow, Level, Valve, seed_of

from .conftest import Row

START = 1_790_000_000
RATE_MARGIN = 0.8
SAMPLED_DAYS = 3


def slope_per_minute(times: list[float], values: list[float]) -> float:
    """Least squares."""
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    above = sum((t - middle) * (v - mean) for t, v in zip(times, values, strict=True))
    return 60.0 * above / sum((t - middle) ** 2 for t in times)


def turning_points(row: Row) -> list[float]:
    """Moments at which a signal is steepest: for a tank where its pumps start and stop, else spread over a day."""
    signal = row.instrument.signal
    if isinstance(signal, Level):
        tank = signal.tank
        cycle = tank.fill_s + tank.hold_s + tank.drain_s + tank.rest_s
        first = START + cycle - (START + tank.shift_s) % cycle
        return [first, first + tank.fill_s, first + tank.fill_s + tank.hold_s, first + cycle - tank.rest_s]
    return [START + k * 86_400.0 / 16 for k in range(16)]


def test_every_value_stays_clear_of_its_limits_by_more_than_the_deadband(rows: list[Row]):
    for row in rows:
        low, high = row.instrument.signal.span()
        half_a_digit = 0.5 * 10.0**-row.instrument.digits
        clear = (row.number("deadband") or 0.0) + half_a_digit
        for key in ("LL", "L"):
            limit = row.number(key)
            assert limit is None or low > limit + clear, f"{row.instrument.id} {key}"
        for key in ("H", "HH"):
            limit = row.number(key)
            assert limit is None or high < limit - clear, f"{row.instrument.id} {key}"


def test_every_value_stays_within_its_range(rows: list[Row]):
    for row in rows:
        low, high = row.instrument.signal.span()
        assert row.instrument.range[0] <= low <= high <= row.instrument.range[1], row.instrument.id


def test_samples_of_three_days_keep_to_the_bounds(rows: list[Row]):
    for row in rows:
        low, high = row.instrument.signal.span()
        half_a_digit = 0.5001 * 10.0**-row.instrument.digits
        offset = seed_of(row.instrument.id) % 1009
        for t in range(START + offset, START + SAMPLED_DAYS * 86_400, 1009):
            assert low - half_a_digit <= row.instrument.read(t) <= high + half_a_digit, (row.instrument.id, t)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_no_rate_comes_near_its_limit(rows: list[Row], share: float):
    """Also over the shortest stretch of the window that is judged at all."""
    rated = [row for row in rows if row.cells["rate_up"] or row.cells["rate_down"]]
    assert len(rated) > 300
    for row in rated:
        step = row.instrument.period_s
        count = max(4, math.ceil(share * (row.number("rate_window_s") or 60.0) / step) + 1)
        for turn in turning_points(row):
            for end in (turn, turn + count * step / 2, turn + count * step):
                times = [end - step * k for k in range(count)]
                slope = slope_per_minute(times, [row.instrument.read(t) for t in times])
                assert -RATE_MARGIN * (row.number("rate_down") or math.inf) < slope, (row.instrument.id, end)
                assert slope < RATE_MARGIN * (row.number("rate_up") or math.inf), (row.instrument.id, end)


def test_what_switches_with_a_pump_has_no_low_limit(rows: list[Row]):
    for row in rows:
        if isinstance(row.instrument.signal, Flow | Valve):
            assert not any(row.cells[key] for key in ("L", "LL", "rate_down")), row.instrument.id
