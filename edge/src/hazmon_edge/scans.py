"""What collectors bring home: scans and misses; and the stamps that put scans in order."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from hazmon_edge.clock import SECOND_US
from hazmon_edge.config import ScanGroup
from hazmon_edge.errors import Cause
from hazmon_edge.wire import ABSENT, GOOD, WHOLE_GROUP, Block, Miss

CLOCK_SUSPECT = 8
MAX_COUNT = 1_000_000  # of one miss


@dataclass(slots=True)
class Scan:
    """The values of one group at one instant, in the group's order: NaN where the quality code says there is none."""

    group: bytes  # digest
    at_us: int
    values: list[float]
    quality: bytearray
    offsets_ms: list[int] | None = None  # of each reading against at_us

    @classmethod
    def empty(cls, group: ScanGroup) -> Scan:
        """A scan in which nothing has been read yet: every point absent."""
        n = len(group.tags)
        return cls(group.digest, 0, [math.nan] * n, bytearray([ABSENT]) * n)

    def suspect(self) -> None:
        """Mark good readings: the clock that stamped them is not to be trusted."""
        for column, code in enumerate(self.quality):
            if code == GOOD:
                self.quality[column] = CLOCK_SUSPECT


@dataclass(slots=True)
class Collected:
    """What one tick of one connection brought.

    `position` is stored in the same transaction as the batch; `kept` is called once the batch is on disk;
    `error` says in words why something is missing.
    """

    scans: list[Scan] = field(default_factory=list[Scan])
    misses: list[Miss] = field(default_factory=list[Miss])
    position: tuple[str, bytes] | None = None
    kept: Callable[[], None] | None = None
    error: str = ""

    @property
    def is_empty(self) -> bool:
        """Nothing to put on disk."""
        return not self.scans and not self.misses and self.position is None


class Stamps:
    """Stamps that rise strictly within a group, also when the wall clock steps back."""

    def __init__(self) -> None:
        self._last: dict[bytes, tuple[int, int]] = {}

    def stamp(self, group: bytes, wall_us: int, monotonic_ns: int) -> tuple[int, bool]:
        """The stamp, and whether it is suspect: after a step back, time goes on from the last stamp by the monotonic clock."""
        last_us, last_ns = self._last.get(group, (-1, 0))
        suspect = wall_us <= last_us
        at_us = last_us + max(1, (monotonic_ns - last_ns) // 1_000) if suspect else wall_us
        self._last[group] = (at_us, monotonic_ns)
        return at_us, suspect

    def ahead_us(self, wall_us: int, monotonic_ns: int) -> int:
        """How far the stamps run before the wall clock since that was set back; 0 when it was not."""
        ahead = max((last + (monotonic_ns - ns) // 1_000 - wall_us for last, ns in self._last.values()), default=0)
        return ahead if ahead > SECOND_US else 0


def whole_misses(groups: Iterable[ScanGroup], cause: Cause, at_us: int, count: int = 1) -> list[Miss]:
    """Every point of every group missed `count` times from `at_us` on, in portions that a miss can carry."""
    misses: list[Miss] = []
    for group in groups:
        for done in range(0, count, MAX_COUNT):
            some = min(MAX_COUNT, count - done)
            misses.append(Miss(group.digest, WHOLE_GROUP, at_us + done * group.group.period_us, some, cause))
    return misses


def blocks_of(scans: Sequence[Scan]) -> list[Block]:
    """Scans of the same group stacked into one block each, in the order they came."""
    families: dict[bytes, list[Scan]] = {}
    for scan in scans:
        families.setdefault(scan.group, []).append(scan)
    return [_stack(group, members) for group, members in families.items()]


def _stack(group: bytes, scans: list[Scan]) -> Block:
    values = array("d")
    for scan in scans:
        values.extend(scan.values)
    n = len(scans[0].values)
    quality = b"".join(scan.quality for scan in scans)
    offsets = None
    if any(scan.offsets_ms for scan in scans):
        offsets = array("i")
        for scan in scans:
            offsets.extend(scan.offsets_ms or [0] * n)
    return Block(
        group=group,
        times_us=[scan.at_us for scan in scans],
        values=values,
        points=n,
        quality=quality if any(quality) else None,
        offsets_ms=offsets,
    )
