"""When to read: an absolute grid, and what happens to ticks that were missed.

Pure: `next_tick` gets the time and returns a decision. The grid never moves, so a slow read does not push later ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from hazmon_edge.clock import SECOND_NS


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


def first_tick(now: int, index: int, of: int, interval: int) -> int:
    """First instant of connection `index` among `of`: spread over at most 20 ms or half a period.

    All connections of a box start close together so that their scans share one batch, yet not in the same instant.

        box start   |
        plc1        +5 ms |      plc2 +10 ms  |      plc3 +15 ms   |
    """
    spread = min(SECOND_NS // 50, interval // 2)
    step = min(SECOND_NS // 200, spread // max(of, 1))
    return now + step * (index + 1)
