"""Honest signals as instruments show them, by kind, and strips made of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hazmon.clock import US
from hazmon.coverage.fingerprints import Strip, Track
from hazmon.rules.frame import Floats

START = 1_767_225_600_000_000
DAY_S = 86_400
Kind = Callable[[int, np.random.Generator], Floats]


def noisy(n: int, random: np.random.Generator) -> Floats:
    """A level with its gauge's noise, shown in centimetres."""
    return np.round(5.2 + random.normal(0, 0.02, n), 2)


def faint(n: int, random: np.random.Generator) -> Floats:
    """Noise of a third of the last digit: it flickers between two of them."""
    return np.round(20.04 + random.normal(0, 0.03, n), 1)


def resting(n: int, _: np.random.Generator) -> Floats:
    """Nothing moves."""
    return np.full(n, 3.7)


def flickering(n: int, random: np.random.Generator) -> Floats:
    """At rest on the edge of two digits."""
    return np.where(random.random(n) < 0.3, 3.7, 3.8)


def stepped(n: int, random: np.random.Generator) -> Floats:
    """A set point that somebody moves now and then."""
    return np.repeat(random.integers(10, 30, n // 600 + 1), 600)[:n].astype(float)


def valve(n: int, _: np.random.Generator) -> Floats:
    """Opens and closes by a clock, 7 s in 20."""
    return (np.arange(n) % 20 < 7).astype(float)


def sequence(n: int, _: np.random.Generator) -> Floats:
    """A valve that a sequencer opens and closes eighteen times a minute, each minute at the same seconds."""
    holds = [2, 4, 1, 3, 5, 1, 2, 6, 3, 1, 4, 2, 7, 3, 5, 2, 4, 5]
    return np.resize(np.repeat(np.array([0.0, 1.0] * 9), holds), n).astype(np.float64)


def batch(n: int, _: np.random.Generator) -> Floats:
    """A machine of five positions that does the same thing in each minute of the day."""
    return np.array([0.0, 1, 3, 2, 4, 1, 0, 2, 3, 0, 4, 2])[np.arange(n) // 5 % 12]


def sine(n: int, random: np.random.Generator) -> Floats:
    """The day's temperature and an instrument's noise."""
    return np.round(18 + 6 * np.sin(np.arange(n) / DAY_S * 2 * np.pi) + random.normal(0, 0.06, n), 1)


def smooth(n: int, _: np.random.Generator) -> Floats:
    """The same day every day, without noise, shown in hundredths."""
    return np.round(18 + 6 * np.sin(np.arange(n) / DAY_S * 2 * np.pi), 2).astype(np.float64)


def counter(n: int, random: np.random.Generator) -> Floats:
    """Adds up what flows and begins anew at 1,000."""
    return (np.cumsum(random.integers(0, 3, n)) % 1000).astype(np.float64)


def totaliser(n: int, _: np.random.Generator) -> Floats:
    """Adds one each second and begins anew each minute."""
    return (np.arange(n) % 60).astype(np.float64)


def sawtooth(n: int, _: np.random.Generator) -> Floats:
    """Up and down between two limits, the same way again and again."""
    return np.abs(np.arange(n) // 2 % 16 - 8).astype(np.float64)


HONEST: tuple[Kind, ...] = (
    noisy,
    faint,
    resting,
    flickering,
    stepped,
    valve,
    sequence,
    batch,
    sine,
    smooth,
    counter,
    totaliser,
    sawtooth,
)


def track(values: Floats, first_s: int = 0, period_us: int = US) -> Track:
    """These values a period apart."""
    return Track(START + first_s * US + np.arange(values.size, dtype=np.int64) * period_us, values)


def strip(*tracks: Track) -> Strip:
    """Tracks of the points 0, 1, 2, ..."""
    return Strip(
        np.concatenate([np.full(each.times.size, number, np.int64) for number, each in enumerate(tracks)]),
        np.concatenate([each.times for each in tracks]),
        np.concatenate([each.values for each in tracks]),
    )
