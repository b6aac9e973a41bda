"""A source's slots as they count: what nobody recorded is judged, what was never owed is left out, exemptions have excused."""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hazmon.coverage.book import in_force
from hazmon.coverage.calendar import months
from hazmon.coverage.exempting import Excuse, Exemption, excused, excuses, exempt_units
from hazmon.coverage.facts import Bytes
from hazmon.coverage.layout import Duty, Scheme
from hazmon.coverage.slots import Slot, nothing_known
from hazmon.model import CoverageRules
from hazmon.rules.frame import Bools, Ints

Units = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is recorded of a source from a slot on: slots uint8[n], UNKNOWN where nothing is; failing uint32[n], None = not read.

    Where exemptions touch the source, failing is there, and `first` is the first slot of a month, so that its cap is right.
    """

    source: str
    enterprise: str
    first: int
    slots: Bytes
    failing: Units | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A source's slots from `first` on: slots uint8[n], UNKNOWN where nothing was owed; excused bool[n], None = nowhere.

    exempt uint32[n]: units under an exemption that still excuses, the month's cap not being used up; None = nowhere.
    """

    source: str
    enterprise: str
    first: int
    slots: Bytes
    excused: Bools | None = None
    exempt: Units | None = None

    @property
    def end(self) -> int:
        """The slot after the last."""
        return self.first + self.slots.size

    def part(self, first: int, end: int) -> Settled:
        """The slots of [first, end) that are among them."""
        where = slice(max(0, first - self.first), max(0, end - self.first))
        return Settled(
            self.source,
            self.enterprise,
            max(self.first, first),
            self.slots[where],
            None if self.excused is None else self.excused[where],
            None if self.exempt is None else self.exempt[where],
        )


def settle(
    judgement: Judgement, schemes: Sequence[Scheme], exemptions: Sequence[Exemption], rules: CoverageRules, zone: ZoneInfo
) -> Settled:
    """Judge what nobody recorded by the scheme in force, then excuse what the exemptions (of any source) excuse of it."""
    first, slots = judgement.first, judgement.slots.copy()
    settled = Settled(judgement.source, judgement.enterprise, first, slots)
    places: list[Ints] = []  # of slots in which a unit is exempt, in order; few, though the slots are many
    failing: list[Units] = []
    exempt: list[Units] = []
    for scheme, begin, end in in_force(schemes, first, first + slots.size):
        duty = scheme.duties.get(judgement.source)
        if duty is None:
            continue
        part = slice(begin - first, end - first)
        code, units = nothing_known(duty)
        unknown = slots[part] == Slot.UNKNOWN
        if unknown.any():
            slots[part][unknown] = code
        spared = excuses([each for each in exemptions if concerns(each, duty)], duty.units, rules.grace_s)
        for since, until in _spans(spared, begin, end):
            where = slice(since - first, until - first)
            places.append(np.arange(since - first, until - first))
            exempt.append(exempt_units(spared, since, until - since))
            recorded = np.uint32(0) if judgement.failing is None else judgement.failing[where]
            failing.append(np.where(judgement.slots[where] == Slot.UNKNOWN, np.uint32(units), recorded))
    if not places:
        return settled
    return _excuse(settled, np.concatenate(places), np.concatenate(failing), np.concatenate(exempt), rules.cap, zone)


def concerns(exemption: Exemption, duty: Duty) -> bool:
    """Whether it is one of the source's; an old one names its unit alone."""
    if exemption.source:
        return exemption.source == duty.source
    return exemption.enterprise == duty.enterprise and exemption.unit in duty.units


def _spans(found: Sequence[Excuse], begin: int, end: int) -> list[tuple[int, int]]:
    """The slots of [begin, end) that any of them covers, as spans that do not overlap, in order."""
    spans: list[tuple[int, int]] = []
    for first, last in sorted((max(each.first, begin), min(each.end, end)) for each in found):
        if first >= last:
            continue
        if spans and first <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], last)
        else:
            spans.append((first, last))
    return spans


def _excuse(settled: Settled, places: Ints, failing: Units, exempt: Units, cap: Fraction, zone: ZoneInfo) -> Settled:
    """Excuse among these places (indices in the slots), on which these units failed and those are exempt, uint32 each."""
    first, lost = settled.first, settled.slots[places]
    whole = months(first + int(places[0]), first + int(places[-1]) + 1, zone)
    cuts = np.searchsorted(places, [begin - first for begin, _ in whole] + [whole[-1][1] - first]).tolist()
    spans = [(begin, end, month[1] - month[0]) for (begin, end), month in zip(pairwise(cuts), whole, strict=True)]
    would = excused(lost, failing, exempt, spans, Fraction(1))
    found = excused(lost, failing, exempt, spans, cap)
    for begin, end, _ in spans:
        over = np.flatnonzero(would[begin:end] & ~found[begin:end])
        if over.size:
            exempt[begin + int(over[0]) : end] = 0
    all_excused, all_exempt = np.zeros(settled.slots.size, bool), np.zeros(settled.slots.size, np.uint32)
    all_excused[places], all_exempt[places] = found, exempt
    return replace(settled, excused=all_excused, exempt=all_exempt)
