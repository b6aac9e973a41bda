"""Least-squares lines through the usable samples of a window that ends at each sample, x being each reading's own time.

Two ways to the same line. `trends` asks all windows of a block at once, from running totals over the window's rows and the
block's: slope = (n*Sxy - Sx*Sy) / (n*Sxx - Sx^2). The totals are made anew for every PIECE rows from the readings themselves,
so nothing drifts. They screen: what comes within SCREEN of a limit is decided by `fits`, which looks at single
windows sample by sample, with and without the sample that lies furthest off the line: what one wrong sample can change is not
to be believed.
"""

# numpy types the result of where() over masks as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.clock import MINUTE_US, US
from hazmon.rules.frame import Bools, Floats, Ints, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Evidence

RESIDUAL_TIE = 1e-6  # samples whose distances from the line differ by less than this share are equally far: the oldest counts
LEVEL_TIE = 1e-9  # values within this share of them are of one level
SCREEN = 1e-4  # share of a limit by which running totals may be off, generously: they lose digits where fits() does not
PIECE = 512  # rows of a block whose totals run from one origin
SEEN = "slope", "slope_without_worst", "fitted", "samples", "r2"
CELLS = 1 << 18  # samples that are laid out at once: tens of megabytes


@dataclass(frozen=True, slots=True)
class Trends:
    """The lines of a block's T rows of the C trended columns, ready for the rules. The trail holds the block already.

    first   the trail's row at which the block begins
    point   int64[C]; window int64[C] microseconds; samples int64[C] that a slope needs
    slope   float64[T,C] per minute; NaN where the window holds too little
    ended   float64[T,C]: the line's value at the sample itself
    """

    trail: Trail
    first: int
    point: Ints
    window: Ints
    samples: Ints
    slope: Floats
    ended: Floats

    @property
    def at(self) -> Ints:
        """int64[T,C]: the times of the readings."""
        return self.trail.at[self.first :]

    @property
    def values(self) -> Floats:
        """float64[T,C]: the readings."""
        return self.trail.values[self.first :]

    def only(self, columns: Ints | None) -> Trends:
        """Those of these columns; None = all."""
        if columns is None:
            return self
        trail = self.trail.only(columns)
        point, window, samples = self.point[columns], self.window[columns], self.samples[columns]
        return Trends(trail, self.first, point, window, samples, self.slope[:, columns], self.ended[:, columns])

    def fits(self, rows: Ints, columns: Ints, *, resolve: bool = False) -> tuple[Fit, Fit]:
        """The lines at K cells of [T,C]: through all samples, and without the one furthest off; `resolve`: with their blur."""
        return fits(self.trail, rows + self.first, columns, self.window[columns], self.samples[columns], resolve=resolve)


@dataclass(frozen=True, slots=True)
class Looks:
    """What was seen of K pairs, each a trended column, over T rows. `seen` float64[5,T,K], NaN where nobody looked."""

    trends: Trends
    columns: Ints
    seen: Floats

    @classmethod
    def at(cls, trends: Trends, columns: Ints) -> Looks:
        """None yet."""
        return cls(trends, columns, np.full((len(SEEN), len(trends.slope), columns.size), np.nan))

    @property
    def slope(self) -> Floats:
        """float64[T,K]"""
        return self.seen[0]

    def fits(self, rows: Ints, pairs: Ints) -> tuple[Fit, Fit]:
        """Look at these cells of [T,K]."""
        every, fewer = self.trends.fits(rows, self.columns[pairs])
        self.seen[:, rows, pairs] = every.slope, fewer.slope, every.ended, every.samples, every.r2
        return every, fewer

    def evidence(self, row: int, pair: int) -> Evidence:
        """What an alarm at a cell rests on that was looked at."""
        found: list[float] = self.seen[:, row, pair].tolist()
        return (("window_s", int(self.trends.window[self.columns[pair]]) / US), *zip(SEEN, found, strict=True))


@dataclass(frozen=True, slots=True)
class Fit:
    """K lines: samples, slope per minute, value at the window's end; sums of squares of x, of y, and of what the line leaves.

    blur: the slope per minute that the instrument's resolution alone can make of a value that rests; 0 where it was not asked.
    """

    samples: Ints
    slope: Floats
    ended: Floats
    sxx: Floats
    syy: Floats
    rest: Floats
    blur: Floats

    @property
    def r2(self) -> Floats:
        """The share of the movement that the line explains; 0 where nothing moved."""
        return np.where(self.syy > 0, 1 - self.rest / np.where(self.syy > 0, self.syy, 1), 0.0)

    @property
    def sureness(self) -> Floats:
        """How many standard errors the slope is from what resolution can make, as if of many samples; NaN below three samples.

        With few samples Student's t says little (of four, 4 comes by chance once in 35 times), so it is brought to the normal
        scale: z = (8f+1)/(8f+3) * sqrt(f*ln(1 + t^2/f)) with f = n-2 (Wallace 1959).
        """
        f = self.samples - 2.0
        moved = np.maximum(np.abs(self.slope) - self.blur, 0.0)
        explained = moved * moved * self.sxx
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(explained > 0, explained / self.rest, 0.0)  # t^2 / f
            return np.where(f > 0, (8 * f + 1) / (8 * f + 3) * np.sqrt(f * np.log1p(share)), np.nan)


def follow(table: LimitTable, block: ScanBlock, trail: Trail, usable: Bools | None) -> Trends:
    """Move the trail on by the block and draw the lines of its rows."""
    return lines(table, block, trail, trail.extend(block, usable))


def lines(table: LimitTable, block: ScanBlock, trail: Trail, first: int) -> Trends:
    """The lines of the block's rows, the first of which is `first` in the trail."""
    point = block.points[trail.columns]
    windows, samples, span = table.window[point], table.rate_samples[point], table.rate_span[point]
    slope = np.empty((block.times.size, point.size))
    ended = np.empty(slope.shape)
    lengths = set[int](windows.tolist())
    for window in lengths:
        same = slice(None) if len(lengths) == 1 else np.flatnonzero(windows == window)
        for row in range(first, trail.times.size, PIECE):
            rows = slice(row - first, row - first + PIECE)
            slope[rows, same], ended[rows, same] = trends(trail, same, row, window, samples[same], span[same])
    return Trends(trail, first, point, windows, samples, slope, ended)


def trends(trail: Trail, same: slice | Ints, first: int, window: int, samples: Ints, span: Floats) -> tuple[Floats, Floats]:
    """float64[T,C] twice: slope per minute and fitted value, for at most PIECE rows from `first` on of the columns in `same`.

    NaN where there is no usable sample or the window holds too little: fewer than `samples` int64[C], or such as span less
    than `span` float64[C] of it.
    """
    last = min(first + PIECE, trail.times.size)
    begin = int(np.searchsorted(trail.times, trail.times[first] - window, side="right"))
    usable: Bools = trail.usable[begin:last, same]
    times, first = trail.times[begin:last], first - begin
    minutes = (trail.at[begin:last, same] - times[-1]) / MINUTE_US
    values = trail.values[begin:last, same]
    whole = bool(usable.all())
    if whole:
        base = values[-1]
        values = values - base
    else:
        minutes, values = np.where(usable, minutes, 0.0), np.where(usable, values, 0.0)
        base = values[-1]
        values = np.where(usable, values - base, 0.0)
    start = np.searchsorted(times, times[first:] - window, side="right")
    end = np.arange(first, times.size) + 1

    def total(cells: Floats | Bools) -> Floats:
        if end.size == 1:
            return cells.sum(axis=0, dtype=float)[None]
        sums = np.zeros((cells.shape[0] + 1, cells.shape[1]))
        np.cumsum(cells, axis=0, out=sums[1:])
        return sums[end] - sums[start]

    n = np.broadcast_to((end - start).astype(float)[:, None], (end.size, usable.shape[1])) if whole else total(usable)
    sx, sy = total(minutes), total(values)
    sxx, sxy = total(minutes * minutes), total(minutes * values)
    spread = n * sxx - sx * sx
    if whole:
        following: Ints = start[:, None]
    else:  # the first usable row at or after each row, to measure the span that the samples really cover
        rows: Ints = np.where(usable, np.arange(times.size)[:, None], times.size - 1)
        following = np.minimum.accumulate(rows[::-1], axis=0)[::-1][start]
    covered = times[first:, None] - times[following]
    enough = usable[first:] & (n >= samples) & (covered >= span * window) & (spread > 0)
    nothing = np.full(n.shape, np.nan)
    slope = np.divide(n * sxy - sx * sy, spread, out=nothing, where=enough)
    ended = base + (sy + slope * (n * minutes[first:] - sx)) / np.maximum(n, 1)
    return slope, ended


def fits(trail: Trail, rows: Ints, columns: Ints, window: Ints, samples: Ints, *, resolve: bool = False) -> tuple[Fit, Fit]:
    """The lines through K windows: of all usable samples, and without the one of largest residual.

    rows, columns int64[K] into the trail; window int64[K]; samples int64[K]: with no more than so many, or where the others
    would all be of one instant, none is left out. Their blur, which is dear, is found only to `resolve`.
    """
    start = np.searchsorted(trail.times, trail.times[rows] - window, side="right")
    width = int((rows - start).max(initial=0)) + 1
    step = max(1, CELLS // width)
    parts = [
        _fits(trail, rows[k : k + step], columns[k : k + step], start[k : k + step], width, resolve)
        for k in range(0, max(rows.size, 1), step)
    ]
    every, fewer = (_join([part[side] for part in parts]) for side in (0, 1))
    spared = (every.samples > samples) & (fewer.sxx > 0)
    picked = (np.where(spared, getattr(fewer, name), getattr(every, name)) for name in Fit.__slots__)
    return every, Fit(*picked)


def _join(parts: list[Fit]) -> Fit:
    return parts[0] if len(parts) == 1 else Fit(*(np.concatenate([getattr(p, name) for p in parts]) for name in Fit.__slots__))


def _fits(trail: Trail, rows: Ints, columns: Ints, start: Ints, width: int, resolve: bool) -> tuple[Fit, Fit]:
    index = start + np.arange(width)[:, None]
    mask: Bools = index <= rows
    index = np.minimum(index, rows)
    mask &= trail.usable[index, columns]
    here = trail.values[rows, columns]
    x = np.where(mask, (trail.at[index, columns] - trail.at[rows, columns]) / MINUTE_US, 0.0)
    y = np.where(mask, trail.values[index, columns] - here, 0.0)
    every, residual = _line(x, y, mask, here, resolve)
    distance = np.abs(residual)
    worst = (mask & (distance >= distance.max(axis=0) * (1 - RESIDUAL_TIE))).argmax(axis=0)
    mask[worst, np.arange(rows.size)] = False
    fewer, _ = _line(x, y, mask, here, resolve)
    return every, fewer


def _line(x: Floats, y: Floats, mask: Bools, here: Floats, resolve: bool) -> tuple[Fit, Floats]:
    """Lines through the masked samples of [W,K], and their residuals; x and y are relative to the window's end."""
    n = mask.sum(axis=0)
    count = np.maximum(n, 1)
    x_mean, y_mean = (x * mask).sum(axis=0) / count, (y * mask).sum(axis=0) / count
    dx, dy = np.where(mask, x - x_mean, 0.0), np.where(mask, y - y_mean, 0.0)
    sxx, sxy = (dx * dx).sum(axis=0), (dx * dy).sum(axis=0)
    slope = np.divide(sxy, sxx, out=np.zeros(sxx.size), where=sxx > 0)
    residual = dy - slope * dx
    rest, syy = (residual * residual).sum(axis=0), (dy * dy).sum(axis=0)
    blur = _blur(y, dx, mask, sxx, here) if resolve else np.zeros(slope.size)
    return Fit(n, slope, here + y_mean - slope * x_mean, sxx, syy, rest, blur), residual


def _blur(y: Floats, dx: Floats, mask: Bools, sxx: Floats, here: Floats) -> Floats:
    """float64[K] per minute: the steepest line that a resting value can seem to follow.

    Rounded to steps of q, a reading is off by q/2 at most, and not by chance: a value that rests on the edge between two steps
    may read low for half the window and high for the other. So |sum(dx * e)| / sum(dx^2) <= q/2 * sum|dx| / sum(dx^2), which
    is 1.5 q a window for even samples.
    """
    apart = LEVEL_TIE * (np.abs(here) + np.abs(y).max(axis=0))
    leverage = np.divide(np.abs(dx).sum(axis=0), sxx, out=np.zeros(sxx.size), where=sxx > 0)
    return _resolution(np.sort(np.where(mask, y, np.inf), axis=0), apart) / 2 * leverage


def _resolution(levels: Floats, apart: Floats) -> Floats:
    """float64[K]: the smallest distance of two levels of [W,K], ascending and inf behind; 0 with fewer than two.

    That of an instrument which resolves its own noise is next to nothing. One wrong sample between two steps is no level: of
    the two sides of the smallest distance, that of a single sample is left out where the others are further apart.
    """
    count = np.arange(apart.size)
    none = np.full((1, apart.size), np.inf)
    with np.errstate(invalid="ignore"):
        between = np.diff(levels, axis=0)
    same = between <= apart
    steps = np.concatenate((none, np.where(same | ~np.isfinite(between), np.inf, between), none))  # to the left of each sample
    at = steps.argmin(axis=0)
    found: Floats = steps[at, count]
    alone = ~np.concatenate((none < 0, same, none < 0))
    for side in (np.maximum(at - 1, 0), np.minimum(at, len(levels) - 1)):
        rest = steps.copy()
        rest[side, count] = rest[side + 1, count] = np.inf
        without = np.minimum(rest.min(axis=0), steps[side, count] + steps[side + 1, count])
        single = alone[side, count] & alone[side + 1, count] & np.isfinite(without)
        found = np.where(single, np.maximum(found, without), found)
    return np.where(np.isfinite(found), found, 0.0)
