"""Rate of change: the least-squares slope of the usable samples in a window that ends at each sample.

slope = (n*Sxy - Sx*Sy) / (n*Sxx - Sx^2), per minute, x being each reading's own time. The sums come from running totals over
the window's rows and the block's, made anew for every block from the readings themselves, so nothing drifts.
"""

# numpy types the result of where() over masks as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.clock import MINUTE_US
from hazmon.rules.frame import NEVER, Bools, Floats, Ints, ScanBlock
from hazmon.rules.limits import RATE_DEADBAND, RATE_SAMPLES, RATE_SPAN, RATE_TIE, LimitTable
from hazmon.rules.walk import Change, Pairs, RuleState, walk

_UP, _DOWN = 4, 5


@dataclass(slots=True)
class Trail:
    """The last window of a group's R rated columns.

    columns int64[R] into the group; times int64[M] of the scans; at int64[M,R] of the readings; values float64[M,R];
    usable bool[M,R]
    """

    columns: Ints
    times: Ints
    at: Ints
    values: Floats
    usable: Bools

    @classmethod
    def of(cls, points: Ints, table: LimitTable) -> Trail:
        """An empty trail for a group with these points."""
        rated = (points >= 0) & ~np.isnan(table.rate[points]).all(axis=1)
        columns = np.flatnonzero(rated)
        empty = (0, columns.size)
        return cls(columns, np.empty(0, np.int64), np.empty(empty, np.int64), np.empty(empty), np.empty(empty, bool))

    def extend(self, block: ScanBlock, usable: Bools | None) -> int:
        """Append the block; answers the row at which it begins."""
        first = self.times.size
        shape = (block.times.size, self.columns.size)
        at = block.cell_times()
        at = at[:, self.columns] if at.shape[1] > 1 else np.broadcast_to(at, shape)
        self.times = np.concatenate((self.times, block.times))
        self.at = np.concatenate((self.at, at))
        self.values = np.concatenate((self.values, block.values[:, self.columns]))
        now_usable = np.ones(shape, bool) if usable is None else usable[:, self.columns]
        self.usable = np.concatenate((self.usable, now_usable))
        return first

    def trim(self, window: int) -> None:
        """Forget what no later window can reach."""
        keep = int(np.searchsorted(self.times, self.times[-1] - window, side="right"))
        if keep:
            self.times, self.at = self.times[keep:], self.at[keep:]
            self.values, self.usable = self.values[keep:], self.usable[keep:]

    def copy(self) -> Trail:
        """An independent trail; the arrays are never written in place, so they may be shared."""
        return Trail(self.columns, self.times, self.at, self.values, self.usable)


def rates(state: RuleState, table: LimitTable, block: ScanBlock, trail: Trail, usable: Bools | None) -> list[Change]:
    """Changes of the two rate rules through the block; the trail is moved on."""
    if not trail.columns.size:
        return []
    first = trail.extend(block, usable)
    point = block.points[trail.columns]
    windows = table.window[point]
    slope = np.empty((block.times.size, trail.columns.size))
    for window in np.unique(windows):
        same = windows == window
        slope[:, same] = slopes(trail, same, first, int(window))
    at, values_known = trail.at[first:], ~np.isnan(slope)
    trail.trim(int(windows.max()))
    limit = table.rate[point]
    with np.errstate(invalid="ignore"):
        peak = np.where(values_known, slope, -np.inf).max(axis=0)
        trough = np.where(values_known, slope, np.inf).min(axis=0)
    reached = limit * (1 - RATE_TIE)
    hot = np.stack((peak >= reached[:, 0], trough <= -reached[:, 1]), axis=1)
    hot |= state.active[point, _UP : _DOWN + 1] | (state.since[point, _UP : _DOWN + 1] != NEVER)
    columns, direction = np.nonzero(hot)
    if not columns.size:
        return []
    limits = limit[columns, direction]
    signed = np.where(direction == 0, slope[:, columns], -slope[:, columns])
    none = np.zeros(columns.size, np.int64)
    return walk(
        state,
        Pairs(
            point=point[columns],
            rule=direction + _UP,
            at=at[:, columns],
            usable=values_known[:, columns],
            raising=signed >= limits * (1 - RATE_TIE),
            clearing=signed <= limits * (1 - RATE_DEADBAND + RATE_TIE),
            value=slope[:, columns],
            limit=np.where(direction == 0, limits, -limits),
            on_delay=none,
            off_delay=none,
        ),
    )


def slopes(trail: Trail, same: Bools, first: int, window: int) -> Floats:
    """float64[T,C], per minute, for the rows from `first` on of the columns in `same`; NaN where the window holds too little."""
    usable: Bools = trail.usable[:, same]
    origin = trail.times[-1]
    minutes = np.where(usable, (trail.at[:, same] - origin) / MINUTE_US, 0.0)
    values = np.where(usable, trail.values[:, same], 0.0)
    values = np.where(usable, values - values[-1], 0.0)
    start = np.searchsorted(trail.times, trail.times[first:] - window, side="right")
    end = np.arange(first, trail.times.size) + 1

    def total(cells: Floats | Bools) -> Floats:
        sums = np.zeros((cells.shape[0] + 1, cells.shape[1]))
        np.cumsum(cells, axis=0, out=sums[1:])
        return sums[end] - sums[start]

    n, sx, sy = total(usable), total(minutes), total(values)
    sxx, sxy = total(minutes * minutes), total(minutes * values)
    spread = n * sxx - sx * sx
    # the first usable row at or after each row, to measure the span that the samples really cover
    last = usable.shape[0] - 1
    rows: Ints = np.where(usable, np.arange(last + 1)[:, None], last)
    following: Ints = np.minimum.accumulate(rows[::-1], axis=0)[::-1]
    span = trail.times[first:, None] - trail.times[following[start]]
    enough = usable[first:] & (n >= RATE_SAMPLES) & (span >= RATE_SPAN * window) & (spread > 0)
    return np.divide(n * sxy - sx * sy, spread, out=np.full(n.shape, np.nan), where=enough)
