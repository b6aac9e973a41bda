"""Counting: slots owed, covered, excused and lost, by source and period, and by point with every cause by name."""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from hazmon.coverage.facts import GOOD, SAMPLE, Bytes, Fact
from hazmon.coverage.slots import Slot
from hazmon.rules.frame import Bools, Ints

FACTORS = ("connect", "online", "complete", "valid")


@dataclass(frozen=True, slots=True)
class Tally:
    """Slots of one or several sources. slots == covered + the four lost; prompt is part of covered, excused part of lost."""

    slots: int = 0
    covered: int = 0
    prompt: int = 0
    excused: int = 0
    lost: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __add__(self, other: Tally) -> Tally:
        a, b = self.lost, other.lost
        lost = (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])
        return Tally(
            self.slots + other.slots,
            self.covered + other.covered,
            self.prompt + other.prompt,
            self.excused + other.excused,
            lost,
        )

    @property
    def raw(self) -> tuple[int, int]:
        """Covered of all slots."""
        return self.covered, self.slots

    @property
    def net(self) -> tuple[int, int]:
        """Covered of the slots that no exemption excuses."""
        return self.covered, self.slots - self.excused

    @property
    def real_time(self) -> tuple[int, int]:
        """Covered in time for the control room to see it, of all slots."""
        return self.prompt, self.slots

    @property
    def factors(self) -> dict[str, tuple[int, int]]:
        """接入, 在线, 完整, 有效, each of what the factors before it left; their product is `raw`."""
        left = self.slots
        found: dict[str, tuple[int, int]] = {}
        for name, lost in zip(FACTORS, self.lost, strict=True):
            found[name] = left - lost, left
            left -= lost
        return found


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum: a park's rate is sum over sum, never an average of averages."""
    result = Tally()
    for tally in tallies:
        result += tally
    return result


def tallies(slots: Bytes, excused: Bools | None, edges: Sequence[int]) -> list[Tally]:
    """The tally of each stretch [edges[k], edges[k+1]) of slots uint8[n] (UNKNOWN: not owed), excused bool[n] (None: nowhere)."""
    found: list[Tally] = []
    for begin, end in pairwise(edges):
        counts = np.bincount(slots[begin:end], minlength=7).tolist()
        lost = (
            counts[Slot.LOST_CONNECT],
            counts[Slot.LOST_ONLINE],
            counts[Slot.LOST_COMPLETE],
            counts[Slot.LOST_VALID],
        )
        covered = counts[Slot.PROMPT] + counts[Slot.LATE]
        spared = 0 if excused is None else int(np.count_nonzero(excused[begin:end]))
        found.append(Tally(end - begin - counts[Slot.UNKNOWN], covered, counts[Slot.PROMPT], spared, lost))
    return found


@dataclass(frozen=True, slots=True)
class PointTally:
    """Slots of a point. owed == good + bad + the sum of missed + exempt; prompt is part of good."""

    owed: int
    good: int
    prompt: int
    bad: int
    exempt: int
    missed: dict[int, int] = field(default_factory=dict[int, int])  # by MissCause, HOLE, or an Inferred


class Inferred:
    """Causes of nothing at all, which no box reported: what the park can tell."""

    PARK_DOWN = 101
    BOX_SILENT = 102
    UNEXPLAINED = 103


def point_tally(facts: Bytes, exempt: Bools, park_down: Bools, box: Bytes) -> PointTally:
    """Count one point's slots.

    facts uint8[S], with vetoes applied; exempt bool[S]: its unit is under an exemption that still excuses; park_down bool[S];
    box uint8[S]: the best fact of anything that its box sent.
    """
    good = facts >= GOOD
    spared = exempt & ~good
    counted = ~good & ~spared
    bad = counted & (facts >= SAMPLE)
    causes = facts[counted & ~bad].astype(np.int64)
    nothing = causes == Fact.NOTHING
    inferred = np.where(park_down, Inferred.PARK_DOWN, np.where(box == Fact.NOTHING, Inferred.BOX_SILENT, Inferred.UNEXPLAINED))[
        counted & ~bad
    ]
    causes[nothing] = inferred[nothing]
    numbers, counts = np.unique(causes, return_counts=True)
    return PointTally(
        owed=int(facts.size),
        good=int(np.count_nonzero(good)),
        prompt=int(np.count_nonzero(facts == Fact.PROMPT)),
        bad=int(np.count_nonzero(bad)),
        exempt=int(np.count_nonzero(spared)),
        missed=dict(zip(numbers.tolist(), counts.tolist(), strict=True)),
    )


def runs(codes: Ints) -> list[tuple[int, int, int]]:
    """(begin, end, code) of each stretch of equal codes int64[n]."""
    if not codes.size:
        return []
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
    ends = np.append(starts[1:], codes.size)
    return [(int(a), int(b), int(codes[a])) for a, b in zip(starts, ends, strict=True)]
