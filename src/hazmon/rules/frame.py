"""What the rules look at: blocks of scans coming in, and the plant as it is now, as numpy columns over the park's points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hazmon.model import Quality

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

NEVER = -1  # a time that has not come
MS = 1000
_ABSENT = np.uint8(Quality.ABSENT)  # numpy asks an enum what it is at every comparison, which costs more than the comparison
_USABLE = np.isin(np.arange(256), (Quality.GOOD, Quality.CLOCK_SUSPECT))  # by quality code


@dataclass(slots=True)
class ScanBlock:
    """Scans of one group, ready for the rules and for the table: T instants by N points, T ascending.

    times   int64[T]    microseconds UTC
    values  float64[T,N], NaN where there is none
    quality uint8[T,N]  or None when all are good
    offsets int32[T,N]  milliseconds after the scan's time, or None when all are at it
    points  int64[N]    the park's point index of each column, -1 for a tag the park does not know
    """

    group: int
    times: Ints
    values: Floats
    quality: NDArray[np.uint8] | None
    offsets: NDArray[np.int32] | None
    points: Ints

    @property
    def readings(self) -> int:
        """Readings in the block; a hole in a scan is none."""
        if self.quality is None:
            return self.values.size
        return int(np.count_nonzero(self.quality != _ABSENT))

    def cell_times(self) -> Ints:
        """int64[T,N] (or [T,1], to be broadcast): the time of every reading."""
        if self.offsets is None:
            return self.times[:, None]
        return self.times[:, None] + self.offsets.astype(np.int64) * MS

    def present(self) -> Bools | None:
        """bool[T,N]: there is a reading at all; None = everywhere."""
        return None if self.quality is None else self.quality != _ABSENT

    def usable(self) -> Bools | None:
        """bool[T,N]: process rules may judge the value; None = everywhere. A suspect clock does not spoil the value."""
        return None if self.quality is None else _USABLE[self.quality]

    def extremes(self, usable: Bools | None) -> tuple[Floats, Floats]:
        """float64[N] twice: the lowest and the highest usable value of each column, inf and -inf where there is none."""
        if usable is None:
            if len(self.times) == 1:
                return self.values[0], self.values[0]
            return self.values.min(axis=0), self.values.max(axis=0)
        return np.where(usable, self.values, np.inf).min(axis=0), np.where(usable, self.values, -np.inf).max(axis=0)

    def columns(self, numbers: Ints) -> ScanBlock:
        """The same scans of the columns of these numbers alone."""
        return ScanBlock(
            self.group,
            self.times,
            self.values[:, numbers],
            None if self.quality is None else self.quality[:, numbers],
            None if self.offsets is None else self.offsets[:, numbers],
            self.points[numbers],
        )

    def rows(self, mask: Bools | Ints) -> ScanBlock:
        """The scans at which the mask over T is true, or those of the given numbers in that order."""
        return ScanBlock(
            self.group,
            self.times[mask],
            self.values[mask],
            None if self.quality is None else self.quality[mask],
            None if self.offsets is None else self.offsets[mask],
            self.points,
        )


@dataclass(slots=True)
class Frame:
    """The plant now: the newest reading of every point. Arrays over the park's points."""

    value: Floats
    quality: NDArray[np.uint8]
    at: Ints  # microseconds; NEVER when there was none

    @classmethod
    def empty(cls, points: int) -> Frame:
        """A plant of which nothing is known."""
        return cls(
            value=np.full(points, np.nan),
            quality=np.full(points, Quality.ABSENT, np.uint8),
            at=np.full(points, NEVER, np.int64),
        )

    def absorb(self, block: ScanBlock) -> None:
        """Take the block's newest reading of each point, if it is newer than the one held."""
        known = block.points >= 0
        present = block.present()
        if present is None:
            row = np.full(block.points.size, len(block.times) - 1)
        else:
            known = known & present.any(axis=0)
            row = len(block.times) - 1 - present[::-1].argmax(axis=0)
        columns = np.flatnonzero(known)
        row = row[columns]
        points = block.points[columns]
        at = block.cell_times()[row, 0 if block.offsets is None else columns]
        newer = at > self.at[points]
        columns, row, points = columns[newer], row[newer], points[newer]
        self.at[points] = at[newer]
        self.value[points] = block.values[row, columns]
        self.quality[points] = 0 if block.quality is None else block.quality[row, columns]
