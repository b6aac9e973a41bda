"""What goes wrong at an instrument, as pure functions of time. Times in Unix seconds, values in the instrument's unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

FILL_S = 40.0  # a tank that overfills is full after as long
FILL_TO = 0.95  # of its height
DRAIN_PER_S = 0.04 / 60.0  # of its height
_RISE_S = 6.0
_LEVEL_1_S = 14.0
_DECAY_S = 20.0
_FADED = 10.0  # time constants after which nothing is left to see


@dataclass(frozen=True, slots=True)
class FastFill:
    """A tank: from `level` at `start` to 95 % of `height` in FILL_S, held until `drain`, then falling to meet the balance.

    Levels and height in m.
    """

    start: float
    drain: float
    level: float
    height: float

    @property
    def until(self) -> float:
        return self.drain + FILL_TO / DRAIN_PER_S

    def apply(self, t: float, value: float) -> float:
        top = FILL_TO * self.height
        if t < self.start + FILL_S and t < self.drain:
            return max(value, self.level + (top - self.level) * (t - self.start) / FILL_S)
        reached = self.level + (top - self.level) * min(1.0, (self.drain - self.start) / FILL_S)
        return max(value, reached - self.height * DRAIN_PER_S * max(0.0, t - self.drain))

    def over_at(self, low: float) -> float:
        """When the level is back at `low` at the latest."""
        return self.drain + max(0.0, FILL_TO * self.height - low) / (self.height * DRAIN_PER_S)


@dataclass(frozen=True, slots=True)
class Leak:
    """Gas at a detector: up to `first`, a step later up to `second`, held until `stop`, then decaying."""

    start: float
    stop: float
    first: float
    second: float

    @property
    def until(self) -> float:
        return self.stop + _FADED * _DECAY_S

    def apply(self, t: float, value: float) -> float:
        return value + self._cloud(min(t, self.stop)) * math.exp(-max(0.0, t - self.stop) / _DECAY_S)

    def _cloud(self, t: float) -> float:
        since = t - self.start
        if since < _LEVEL_1_S:
            return self.first * min(1.0, since / _RISE_S)
        return self.first + (self.second - self.first) * min(1.0, (since - _LEVEL_1_S) / _RISE_S)


@dataclass(frozen=True, slots=True)
class Held:
    """One value for the whole time: a frozen transmitter, a spike, a number out of range; NaN for a broken one."""

    start: float
    until: float
    value: float

    def apply(self, t: float, value: float) -> float:
        return self.value
