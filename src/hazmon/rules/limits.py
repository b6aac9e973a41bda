"""The rules of every point as columns: what `points.csv` says, turned so that one numpy comparison asks all points at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hazmon.clock import US
from hazmon.model import Point
from hazmon.rulebook import Signal
from hazmon.rules.frame import Bools, Floats, Ints

RATE_TIE = 1e-6  # a slope within this share of its limit is at it: how scans were cut into blocks rounds otherwise
STILL_BUCKETS = 8  # a stuck point's time is told in so many parts

# NAMUR NE 43, as shares of the span (16 mA): a fault at 3.6 and 21 mA, a measured value from 3.8 to 20.5 mA
FAULT_BELOW, FAULT_ABOVE = 0.4 / 16, 1.0 / 16
VALID_BELOW, VALID_ABOVE = 0.2 / 16, 0.5 / 16


@dataclass(frozen=True, slots=True)
class LimitTable:
    """Arrays over P points. NaN = no such rule.

    limit     float64[P,4]  LL L H HH, in the point's unit
    deadband  float64[P]    in the point's unit
    on_delay, off_delay int64[P] microseconds
    rate      float64[P,2]  up, down; unit per minute, both positive
    window    int64[P]      microseconds of the slope
    stale     int64[P]      microseconds without a reading
    rate_deadband float64[P] share of the rate limit
    rate_on_delay, rate_off_delay int64[P] microseconds
    rate_samples int64[P]   samples that a slope needs
    rate_span float64[P]    share of the window that they must span
    forecast  float64[P]    minutes ahead
    stuck     int64[P]      microseconds, a multiple of STILL_BUCKETS; 0 = no such rule
    stuck_band float64[P]   in the point's unit
    current   bool[P]       the instrument speaks in 4-20 mA
    fault     float64[P,2]  low, high: RANGE is raised beyond them (on 4-20 mA: at them)
    sound     float64[P,2]  low, high: RANGE is cleared between them and at them
    """

    limit: Floats
    deadband: Floats
    on_delay: Ints
    off_delay: Ints
    rate: Floats
    window: Ints
    stale: Ints
    rate_deadband: Floats
    rate_on_delay: Ints
    rate_off_delay: Ints
    rate_samples: Ints
    rate_span: Floats
    forecast: Floats
    stuck: Ints
    stuck_band: Floats
    current: Bools
    fault: Floats
    sound: Floats

    @classmethod
    def of(cls, points: Sequence[Point]) -> LimitTable:
        """The table of the points, in their order."""

        def none(value: float | None) -> float:
            return np.nan if value is None else value

        def us(seconds: list[float]) -> Ints:
            return np.array([round(second * US) for second in seconds], np.int64)

        rules = [point.limits for point in points]
        stuck = us([r.stuck_s or 0.0 for r in rules])
        current = np.array([r.signal is Signal.CURRENT for r in rules], bool)
        low = np.array([point.range_low for point in points], float)
        high = np.array([point.range_high for point in points], float)
        span = high - low
        fault_low = low - span * np.where(current, FAULT_BELOW, VALID_BELOW)
        fault_high = high + span * np.where(current, FAULT_ABOVE, VALID_ABOVE)
        sound_low = np.where(current, low - span * VALID_BELOW, low)
        sound_high = np.where(current, high + span * VALID_ABOVE, high)
        return cls(
            limit=np.array([[none(r.ll), none(r.l), none(r.h), none(r.hh)] for r in rules], float).reshape(-1, 4),
            deadband=np.array([r.deadband for r in rules], float),
            on_delay=us([r.on_delay_s for r in rules]),
            off_delay=us([r.off_delay_s for r in rules]),
            rate=np.array([[none(r.rate_up), none(r.rate_down)] for r in rules], float).reshape(-1, 2),
            window=us([r.rate_window_s for r in rules]),
            stale=us([r.stale_s for r in rules]),
            rate_deadband=np.array([r.rate_deadband for r in rules], float),
            rate_on_delay=us([r.rate_on_delay_s for r in rules]),
            rate_off_delay=us([r.rate_off_delay_s for r in rules]),
            rate_samples=np.array([r.rate_samples for r in rules], np.int64),
            rate_span=np.array([r.rate_span for r in rules], float),
            forecast=np.array([none(r.forecast_min) for r in rules], float),
            stuck=-(-stuck // STILL_BUCKETS) * STILL_BUCKETS,
            stuck_band=np.array([r.stuck_band for r in rules], float),
            current=current,
            fault=np.stack((fault_low, fault_high), axis=1),
            sound=np.stack((sound_low, sound_high), axis=1),
        )

    @property
    def trended(self) -> Bools:
        """bool[P]: a rate or a forecast looks at the point's slope. A forecast needs the limit that it looks towards."""
        ahead = ~np.isnan(self.forecast) & ~np.isnan(self.limit[:, [0, 3]]).all(axis=1)
        return ahead | ~np.isnan(self.rate).all(axis=1)

    @property
    def reach(self) -> int:
        """Microseconds that the rules look back together: as much of the record gives them back all that they remember."""
        slope = np.where(self.trended, self.window + np.maximum(self.rate_on_delay, self.rate_off_delay), 0)
        still = self.stuck + 2 * self.stuck // STILL_BUCKETS
        return max((int(column.max()) for column in (slope, self.on_delay, self.off_delay, still) if column.size), default=0)
