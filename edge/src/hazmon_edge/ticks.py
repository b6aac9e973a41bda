"""When to read: an absolute grid, and what happens to ticks that were missed.

Pure: `next_tick` gets the time and returns a decision. The grid never moves, so a slow read does not push later ones.
`Debts` counts for devices that send when they like.
"""

from __future__ import annotations

from dataclasses import dataclass

from hazmon_edge.clock import SECOND_NS, SECOND_US


@dataclass(frozen=True, slots=True)
class Tick:
    """The next instant to read at, and how many instants of the grid passed without a read."""

    at_ns: int
    missed: int


def next_tick(now: int, scheduled: int, interval: int) -> Tick:
    """Policy *skip missed and resync*: read at the next instant of the grid that lies ahead; count those that passed.

    Arguments in nanoseconds of monotonic time: now, the instant of the read just finished, the period.

        grid        0    1    2    3    4    5
        read        |=========|                   the read of instant 0 ends at 2.0..2.9
        missed           1    2                   owed and never read: two misses
        next                       ^              instant 3, on the grid, not 2.9 + 1

    A read that ends before the next instant misses nothing. One that ends exactly on an instant can still keep it.
    """
    if interval <= 0:
        raise ValueError(f"interval must be positive, not {interval}")
    missed = max(0, -(-(now - scheduled) // interval) - 1)
    return Tick(scheduled + (missed + 1) * interval, missed)


def next_second(now: int, wall_us: int) -> int:
    """Monotonic instant of the next full second of the wall clock, `wall_us` being what that shows at `now`.

    Sensors are gathered by calendar seconds. Reading begins on one too, so that all that a box brings in a second makes one
    batch, and a box that starts anew goes on in the same grid.
    """
    return now + -wall_us % SECOND_US * 1_000


def first_tick(now: int, index: int, of: int, interval: int) -> int:
    """First instant of connection `index` among `of`: spread over at most 20 ms or half a period.

    All connections of a box start close together so that their scans share one batch, yet not in the same instant.

        box start   |
        plc1        +5 ms |      plc2 +10 ms  |      plc3 +15 ms   |
    """
    spread = min(SECOND_NS // 50, interval // 2)
    step = min(SECOND_NS // 200, spread // max(of, 1))
    return now + step * (index + 1)


class Debts:
    """Who owes a reading. A sensor's own second is not ours: one that comes just before and just after the full second, then
    not at all in the next, owes nothing; so a period in debt or in credit is carried, and owed + carried == received + missed."""

    def __init__(self, points: int) -> None:
        self._owed = [0] * points

    def pay(self, column: int) -> None:
        """A reading came."""
        self._owed[column] = max(self._owed[column] - 1, -2)  # paid for this period and one ahead

    def owe(self) -> list[int]:
        """A period has passed. Returns the columns that are now a whole period behind: their reading is missed."""
        missed: list[int] = []
        for column, owed in enumerate(self._owed):
            if owed >= 1:
                missed.append(column)
            else:
                self._owed[column] = owed + 1
        return missed

    def clear(self) -> None:
        """Debts were accounted for otherwise."""
        self._owed = [0] * len(self._owed)
