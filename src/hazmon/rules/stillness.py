"""What STUCK remembers of each point: the lowest and highest value of its last stretches of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.rules.frame import NEVER, Floats, Ints
from hazmon.rules.limits import STILL_BUCKETS

SLOTS = STILL_BUCKETS + 2  # the bucket before them, the whole buckets, and the one that runs


@dataclass(slots=True)
class Stillness:
    """Arrays over S rows; the bucket of number n, which begins n times its length after the epoch, lies in slot n % SLOTS.

    number    int64[S,SLOTS]    of the bucket in each slot; NEVER = none
    low, high float64[S,SLOTS]  of the usable values in it
    held_low, held_high float64[S]  of the values since the point stood still, while STUCK holds; NaN = not known
    """

    number: Ints
    low: Floats
    high: Floats
    held_low: Floats
    held_high: Floats

    @classmethod
    def unknown(cls, rows: int) -> Stillness:
        """Nothing is known of any row."""
        shape = (rows, SLOTS)
        low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
        return cls(np.full(shape, NEVER, np.int64), low, high, np.full(rows, np.nan), np.full(rows, np.nan))

    def copy(self) -> Stillness:
        """An independent copy."""
        return Stillness(self.number.copy(), self.low.copy(), self.high.copy(), self.held_low.copy(), self.held_high.copy())
