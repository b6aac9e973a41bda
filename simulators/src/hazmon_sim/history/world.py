"""What the instruments of a box would show: sines with noise, in the instruments' own steps, within the alarm limits.

Deterministic: a day's values are a function of the seed, the box and the day alone.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hazmon_sim.history.park import Box, Tag
from hazmon_sim.history.wire import Ints

MARGIN_BELOW, MARGIN_ABOVE = 0.0125, 0.03125  # NE 43: as much of the span a signal may lie outside the range and mean it
_NOISE = 0.0025  # of the span, up or down: in ten minutes an instrument moves more than what passes for standing still
_NOISE_STEPS = 3  # at least
_NOISE_BAND = 0.05  # of the band between the alarm limits, at most
_TURN = 2 * np.pi


class World:
    """The instruments of one box."""

    def __init__(self, box: Box, seed: int) -> None:
        self._key = (seed, crc32(box.edge.encode()))
        self._tags = box.tags
        rng = np.random.default_rng([*self._key, 0])
        n = len(box.tags)
        scale = np.array([10.0**tag.decimals for tag in box.tags])
        low, high = (np.array([tag.band[side] for tag in box.tags]) for side in (0, 1))
        band = (high - low) * scale
        self._centre = low * scale + band * rng.uniform(0.35, 0.55, n)
        self._slow, self._quick = band * rng.uniform(0.10, 0.20, n), band * rng.uniform(0.02, 0.05, n)
        self._periods = rng.uniform(18.0, 40.0, n) * 3600.0, rng.uniform(2.0, 5.0, n) * 3600.0
        self._phases = rng.uniform(0, _TURN, (2, n))
        self._noise = np.maximum(
            _NOISE_STEPS, np.minimum(_NOISE * np.array([t.high - t.low for t in box.tags]) * scale, band * _NOISE_BAND)
        )
        self._rests = [(column, tag.rest) for column, tag in enumerate(box.tags) if tag.rest is not None]
        self._scale = scale

    def day(self, day: int, times_us: NDArray[np.int64]) -> Ints:
        """int32[T, N]: what is shown at these times of the day, as integers of the tags' last decimal."""
        rng = np.random.default_rng([*self._key, 1, day])
        seconds = (times_us / 1e6)[:, None]
        slow = self._slow * np.sin(_TURN * seconds / self._periods[0] + self._phases[0])
        quick = self._quick * np.sin(_TURN * seconds / self._periods[1] + self._phases[1])
        noise = rng.uniform(-self._noise, self._noise, (len(times_us), len(self._tags)))
        shown = np.rint(self._centre + slow + quick + noise).astype(np.int32)
        for column, rest in self._rests:
            shown[:, column] = rest
        return shown

    def beyond(self, column: int, share: float, count: int, key: int) -> Ints:
        """int32[count]: values of a tag outside its range: by `share` of its span above, below if negative. They move, too."""
        tag = self._tags[column]
        edge = tag.high if share > 0 else tag.low
        steps = round((edge + share * (tag.high - tag.low)) * 10**tag.decimals)
        wobble = 0 if tag.rest is not None else max(_NOISE_STEPS, round(_NOISE * (tag.high - tag.low) * 10**tag.decimals))
        rng = np.random.default_rng([*self._key, 2, column, key])
        return (steps + rng.integers(-wobble, wobble + 1, count)).astype(np.int32)

    def values(self, numbers: Ints) -> NDArray[np.float64]:
        """float64[T, N]: the very doubles that the decimals on the wire stand for."""
        return numbers / self._scale


def outside(tags: tuple[Tag, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Below and above which value a tag's reading is out of range: float64[N] each."""
    span = np.array([tag.high - tag.low for tag in tags])
    return (
        np.array([tag.low for tag in tags]) - MARGIN_BELOW * span,
        np.array([tag.high for tag in tags]) + MARGIN_ABOVE * span,
    )
