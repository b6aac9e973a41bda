"""What the plant does by itself: every value is a pure function of time, seeded, bounded and without memory.

Each signal answers `at(t)` for Unix seconds t, and `span()`: the bounds that `at` never leaves, noise included.
Units are those of the instrument that shows the signal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol
from zlib import crc32

DAY_S = 86_400.0
NOISE_S = 1.0  # an instrument's noise is constant for as long
_DRIFT_S = 5.3 * DAY_S
_MASK = (1 << 64) - 1


class Signal(Protocol):
    """A value over time."""

    def at(self, t: float) -> float: ...

    def span(self) -> tuple[float, float]: ...


def seed_of(*names: object) -> int:
    """A seed that depends on the names alone."""
    return crc32("/".join(map(str, names)).encode())


def noise(seed: int, t: float) -> float:
    """Uniform in [-1, 1), constant within NOISE_S: splitmix64 of the seed and the number of the time bucket."""
    x = (int(t // NOISE_S) * 0x9E3779B97F4A7C15 + seed * 0xD1342543DE82EF95) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) * 2.0**-52 - 1.0


def phase_of(seed: int) -> float:
    """A fixed angle in radians."""
    return (noise(seed, -1.0) + 1.0) * math.pi


class Pumping(Enum):
    """What a tank's pumps do."""

    RESTING = 0
    FILLING = 1
    DRAINING = 2


@dataclass(frozen=True, slots=True)
class Tank:
    """A balance that repeats: fill from bottom to top, hold, drain, rest. Levels in m, times in s."""

    name: str
    height: float
    bottom: float
    top: float
    fill_s: float
    hold_s: float
    drain_s: float
    rest_s: float
    shift_s: float

    def balance(self, t: float) -> tuple[float, Pumping]:
        """The level at t and what the pumps are doing."""
        x = (t + self.shift_s) % (self.fill_s + self.hold_s + self.drain_s + self.rest_s)
        if x < self.fill_s:
            return self.bottom + (self.top - self.bottom) * x / self.fill_s, Pumping.FILLING
        x -= self.fill_s
        if x < self.hold_s:
            return self.top, Pumping.RESTING
        x -= self.hold_s
        if x < self.drain_s:
            return self.top - (self.top - self.bottom) * x / self.drain_s, Pumping.DRAINING
        return self.bottom, Pumping.RESTING


@dataclass(frozen=True, slots=True)
class Level:
    """A tank's level as a gauge shows it."""

    tank: Tank
    noise: float
    seed: int

    def at(self, t: float) -> float:
        return self.tank.balance(t)[0] + self.noise * noise(self.seed, t)

    def span(self) -> tuple[float, float]:
        return self.tank.bottom - self.noise, self.tank.top + self.noise


@dataclass(frozen=True, slots=True)
class Flow:
    """What a tank's pump moves while it runs; 0 while it stands."""

    tank: Tank
    pumping: Pumping
    rate: float
    noise: float
    seed: int

    def at(self, t: float) -> float:
        if self.tank.balance(t)[1] is not self.pumping:
            return 0.0
        return self.rate + self.noise * noise(self.seed, t)

    def span(self) -> tuple[float, float]:
        return 0.0, self.rate + self.noise


@dataclass(frozen=True, slots=True)
class Valve:
    """A tank's shut-off valve: 1 open while its pump runs."""

    tank: Tank
    pumping: Pumping

    def at(self, t: float) -> float:
        return 1.0 if self.tank.balance(t)[1] is self.pumping else 0.0

    def span(self) -> tuple[float, float]:
        return 0.0, 1.0


@dataclass(frozen=True, slots=True)
class Daily:
    """Follows the sun, warmest at `peak_hour` of the plant's local time, with a drift over days."""

    mean: float
    swing: float
    drift: float
    noise: float
    peak_hour: float
    utc_offset_h: float
    phase: float
    seed: int

    def smooth(self, t: float) -> float:
        """The value without the instrument's noise."""
        hours = t / 3600.0 + self.utc_offset_h - self.peak_hour
        sun = self.swing * math.cos(2.0 * math.pi * hours / 24.0)
        return self.mean + sun + self.drift * math.sin(2.0 * math.pi * t / _DRIFT_S + self.phase)

    def at(self, t: float) -> float:
        return self.smooth(t) + self.noise * noise(self.seed, t)

    def span(self) -> tuple[float, float]:
        reach = self.swing + self.drift + self.noise
        return self.mean - reach, self.mean + reach


@dataclass(frozen=True, slots=True)
class Steady:
    """Held at a set point: two slow waves around it, and noise; never below `floor`."""

    mean: float
    swing: float
    period_s: float
    noise: float
    floor: float
    phase: float
    seed: int

    def at(self, t: float) -> float:
        x = 2.0 * math.pi * t / self.period_s + self.phase
        wave = self.swing * (0.7 * math.sin(x) + 0.3 * math.sin(2.618 * x))
        return max(self.floor, self.mean + wave + self.noise * noise(self.seed, t))

    def span(self) -> tuple[float, float]:
        reach = self.swing + self.noise
        return max(self.floor, self.mean - reach), max(self.floor, self.mean + reach)


@dataclass(frozen=True, slots=True)
class Trace:
    """A gas detector in clean air: a small reading that is never negative."""

    gas: Literal["combustible", "toxic"]
    mean: float
    noise: float
    seed: int

    def at(self, t: float) -> float:
        return max(0.0, self.mean + self.noise * noise(self.seed, t))

    def span(self) -> tuple[float, float]:
        return max(0.0, self.mean - self.noise), self.mean + self.noise


@dataclass(frozen=True, slots=True)
class Vapour:
    """Pressure over a liquid: `at_mean` at the liquid's mean temperature, and so much more for each degree."""

    liquid: Daily
    at_mean: float
    per_degree: float
    noise: float
    seed: int

    def at(self, t: float) -> float:
        warmer = self.liquid.smooth(t) - self.liquid.mean
        return self.at_mean + self.per_degree * warmer + self.noise * noise(self.seed, t)

    def span(self) -> tuple[float, float]:
        reach = self.per_degree * (self.liquid.swing + self.liquid.drift) + self.noise
        return self.at_mean - reach, self.at_mean + reach


@dataclass(frozen=True, slots=True)
class Constant:
    """What never changes: a power supply that is there, a smoke detector in clean air."""

    value: float

    def at(self, t: float) -> float:
        return self.value

    def span(self) -> tuple[float, float]:
        return self.value, self.value
