"""The readings that slopes are made from: the last window of a group's columns whose trend a rule looks at."""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.rules.frame import Bools, Floats, Ints, ScanBlock
from hazmon.rules.limits import LimitTable


@dataclass(slots=True)
class Trail:
    """The last window of a group's R trended columns.

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
        columns = np.flatnonzero((points >= 0) & table.trended[points])
        empty = (0, columns.size)
        return cls(columns, np.empty(0, np.int64), np.empty(empty, np.int64), np.empty(empty), np.empty(empty, bool))

    def under(self, points: Ints, table: LimitTable) -> Trail:
        """The trail of the same group under a new table: columns that stay keep their readings, new ones begin with none."""
        trail = Trail.of(points, table)
        shape = (self.times.size, trail.columns.size)
        kept, now, before = np.intersect1d(trail.columns, self.columns, return_indices=True)
        trail.times = self.times
        trail.at = np.repeat(self.times[:, None], shape[1], axis=1)
        trail.values, trail.usable = np.full(shape, np.nan), np.zeros(shape, bool)
        if kept.size:
            trail.at[:, now] = self.at[:, before]
            trail.values[:, now] = self.values[:, before]
            trail.usable[:, now] = self.usable[:, before]
        return trail

    def only(self, columns: Ints | None) -> Trail:
        """The trail of these of its columns, not to be extended; None = all."""
        if columns is None:
            return self
        return Trail(self.columns[columns], self.times, self.at[:, columns], self.values[:, columns], self.usable[:, columns])

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
