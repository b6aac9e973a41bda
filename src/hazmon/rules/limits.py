"""The rules of every point as columns: what `points.csv` says, turned so that one numpy comparison asks all points at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hazmon.clock import US
from hazmon.model import Point
from hazmon.rules.frame import Floats, Ints

RATE_DEADBAND = 0.1  # share of the rate limit by which the slope must fall below it again
RATE_TIE = 1e-6  # a slope within this share of its limit is at it: how scans were cut into blocks rounds otherwise
RATE_SAMPLES = 4  # a slope needs as many samples
RATE_SPAN = 0.5  # and this share of its window


@dataclass(frozen=True, slots=True)
class LimitTable:
    """Arrays over P points. NaN = no such rule.

    limit     float64[P,4]  LL L H HH, in the point's unit
    deadband  float64[P]    in the point's unit
    on_delay, off_delay int64[P] microseconds
    rate      float64[P,2]  up, down; unit per minute, both positive
    window    int64[P]      microseconds of the slope
    stale     int64[P]      microseconds without a reading
    """

    limit: Floats
    deadband: Floats
    on_delay: Ints
    off_delay: Ints
    rate: Floats
    window: Ints
    stale: Ints

    @classmethod
    def of(cls, points: Sequence[Point]) -> LimitTable:
        """The table of the points, in their order."""

        def none(value: float | None) -> float:
            return np.nan if value is None else value

        def us(seconds: list[float]) -> Ints:
            return np.array([round(second * US) for second in seconds], np.int64)

        rules = [point.limits for point in points]
        return cls(
            limit=np.array([[none(r.ll), none(r.l), none(r.h), none(r.hh)] for r in rules], float).reshape(-1, 4),
            deadband=np.array([r.deadband for r in rules], float),
            on_delay=us([r.on_delay_s for r in rules]),
            off_delay=us([r.off_delay_s for r in rules]),
            rate=np.array([[none(r.rate_up), none(r.rate_down)] for r in rules], float).reshape(-1, 2),
            window=us([r.rate_window_s for r in rules]),
            stale=us([r.stale_s for r in rules]),
        )
