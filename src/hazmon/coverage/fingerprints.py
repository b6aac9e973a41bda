"""Fingerprints of stretches of recorded values: equal values have equal ones, wherever and whenever they come again.

A window is WINDOW consecutive usable samples of one point, compared to the last bit. Only one with life is looked at: noise makes
a signal turn (up, down, up) at moments that nobody can foresee, and only turns are counted. A signal at rest, a valve, a ramp,
a counter and the smooth part of a wave have hardly any, so that they are never taken for copies of themselves however often
they look alike. Whether a window lives, and whether it is one of the chosen, depends on its values alone: the copy of a window
is chosen where the window was.
"""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazmon.rules.frame import Floats, Ints, ScanBlock

WINDOW = 64  # samples; a power of two
LIVING_TURNS = 12  # in a window
CHOSEN = 32  # one living window of so many is chosen
RUN = 8  # samples; of the runs of so many that a chosen window has,
UNLIKE_RUNS = 32  # so many are unlike each other, so that it is no short cycle: that, a strip shows by itself
_BASE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Track:
    """One point's usable samples in time order: times int64[n] microseconds, values float64[n]."""

    times: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class Strip:
    """Usable samples of many points, one point after the other and each in time order; all arrays [n].

    points int64, times int64 microseconds, values float64.
    """

    points: Ints
    times: Ints
    values: Floats

    def track(self, point: int) -> Track:
        """The samples of one point."""
        begin, end = np.searchsorted(self.points, (point, point + 1))
        return Track(self.times[begin:end], self.values[begin:end])


@dataclass(frozen=True, slots=True)
class Windows:
    """Living windows of a strip: start int64[w], where in the strip each begins, ascending; prints int64[w]."""

    start: Ints
    prints: Ints


def strip_of(blocks: Iterable[ScanBlock]) -> Strip:
    """The usable samples of these blocks; a column of point -1 is left out. The same sample twice counts once."""
    points: list[Ints] = [np.zeros(0, np.int64)]
    times: list[Ints] = [np.zeros(0, np.int64)]
    values: list[Floats] = [np.zeros(0)]
    for block in blocks:
        known = np.flatnonzero(block.points >= 0)
        cells = block.values[:, known].T
        at = np.broadcast_to(block.cell_times(), block.values.shape)[:, known].T
        whose = np.broadcast_to(block.points[known, None], cells.shape)
        usable = block.usable()
        sound = np.isfinite(cells) if usable is None else np.isfinite(cells) & usable[:, known].T
        points.append(whose[sound])
        times.append(at[sound])
        values.append(cells[sound])
    point, time, value = np.concatenate(points), np.concatenate(times), np.concatenate(values)
    order = np.lexsort((time, point))
    point, time, value = point[order], time[order], value[order]
    again = np.zeros(point.size, bool)
    again[1:] = (np.diff(point) == 0) & (np.diff(time) == 0)
    return Strip(point[~again], time[~again], value[~again])


def living(strip: Strip) -> Windows:
    """All living windows."""
    count = strip.points.size - WINDOW + 1
    if count <= 0:
        return Windows(np.zeros(0, np.int64), np.zeros(0, np.int64))
    moves = np.diff(strip.values)
    moved = np.flatnonzero(moves)
    turns = np.zeros(strip.values.size, np.int64)
    turns[moved[1:]] = np.diff(np.sign(moves[moved])) != 0
    before = np.concatenate((np.zeros(1, np.int64), np.cumsum(turns)))
    begin = np.arange(count)
    inside = before[begin + WINDOW - 1] - before[begin]
    # whether the first move in a window is a turn depends on what was before it, so that one does not count
    first = np.append(moved, strip.values.size - 1)[np.searchsorted(moved, begin)]
    inside -= np.where(first < begin + WINDOW - 1, turns[first], 0)
    alive = (inside >= LIVING_TURNS) & (strip.points[:count] == strip.points[WINDOW - 1 :])
    start = np.flatnonzero(alive)
    return Windows(start, _hashes(strip.values, WINDOW)[start])


def chosen(strip: Strip, windows: Windows) -> Windows:
    """One of CHOSEN windows, by its content, and of these only the ones with UNLIKE_RUNS, that their point shows but once."""
    whose = strip.points[windows.start]
    order = np.lexsort((windows.prints, whose))
    again = (np.diff(windows.prints[order]) == 0) & (np.diff(whose[order]) == 0)
    picked = windows.prints % CHOSEN == 0
    picked[order[1:][again]] = picked[order[:-1][again]] = False
    start, prints = windows.start[picked], windows.prints[picked]
    if not start.size:
        return Windows(start, prints)
    runs = np.sort(_hashes(strip.values, RUN)[start[:, None] + np.arange(WINDOW - RUN + 1)], axis=1)
    rich = (np.diff(runs, axis=1) != 0).sum(axis=1) + 1 >= UNLIKE_RUNS
    return Windows(start[rich], prints[rich])


def turns_of(values: Floats) -> int:
    """How often the values turn from rising to falling or back."""
    moves = np.diff(values)
    return int((np.diff(np.sign(moves[moves != 0])) != 0).sum())


def surprise(values: Floats) -> float:
    """Bits that the values tell at least: C log2 C, C being the phrases of their Lempel-Ziv parsing (Kaspar, Schuster 1987).

    A phrase ends with the first sample that makes it unlike anything before. Taken of the levels and of the steps between
    them, whichever tells less, so that neither what repeats nor what climbs evenly counts.
    """
    ranks = np.unique(values, return_inverse=True)[1]
    coarse = (ranks * 256 // max(256, int(ranks.max(initial=0)) + 1)).astype(np.uint8)
    steps = np.clip(np.diff(ranks), -127, 127).astype(np.int8)
    phrases = min(_phrases(coarse.tobytes()), _phrases(steps.tobytes()))
    return phrases * float(np.log2(max(phrases, 1)))


def _phrases(text: bytes) -> int:
    count, at = 0, 0
    while at < len(text):
        known, new = 0, 1  # so many of what comes were there before; so many were not
        while at + new <= len(text) and text.find(text[at : at + new], 0, at + new - 1) >= 0:
            known, new = new, 2 * new
        new = min(new, len(text) - at + 1)
        while new - known > 1:
            middle = (known + new) // 2
            known, new = (middle, new) if text.find(text[at : at + middle], 0, at + middle - 1) >= 0 else (known, middle)
        count += 1
        at += new
    return count


def _hashes(values: Floats, length: int) -> Ints:
    """int64[n-length+1]: a hash of every `length` values in a row, a power of two; 0 and -0 are the same value."""
    hashed = _mixed((values + 0.0).view(np.uint64))
    have, power = 1, _BASE
    with np.errstate(over="ignore"):
        while have < length:
            hashed = hashed[:-have] * power + hashed[have:]
            have, power = 2 * have, power * power
    return _mixed(hashed).view(np.int64)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finaliser: every bit of the result depends on every bit of `x`."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
