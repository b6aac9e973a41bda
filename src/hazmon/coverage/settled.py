"""A source's slots as they count: what nobody recorded is judged, what was never owed is left out, exemptions have excused."""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hazmon.coverage.book import in_force
from hazmon.coverage.calendar import months
from hazmon.coverage.exempting import Exemption, excused, excuses, exempt_units
from hazmon.coverage.facts import Bytes
from hazmon.coverage.layout import Duty, Scheme
from hazmon.coverage.slots import Slot, nothing_known
from hazmon.model import CoverageRules
from hazmon.rules.frame import Bools

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
    failing = np.zeros(slots.size, np.uint32) if judgement.failing is None else judgement.failing.copy()
    exempt = np.zeros(0, np.uint32)
    for scheme, begin, end in in_force(schemes, first, first + slots.size):
        duty = scheme.duties.get(judgement.source)
        if duty is None:
            continue
        part = slice(begin - first, end - first)
        _judge_unknown(slots[part], failing[part], duty)
        spared = excuses([each for each in exemptions if concerns(each, duty)], duty.units, rules.grace_s)
        if any(each.first < end and each.end > begin for each in spared):
            exempt = exempt if exempt.size else np.zeros(slots.size, np.uint32)
            exempt[part] = exempt_units(spared, begin, end - begin)
    settled = Settled(judgement.source, judgement.enterprise, first, slots, None, exempt if exempt.size else None)
    return _excuse(settled, exempt, failing, rules.cap, zone) if exempt.size else settled


def concerns(exemption: Exemption, duty: Duty) -> bool:
    """Whether it is one of the source's; an old one names its unit alone."""
    if exemption.source:
        return exemption.source == duty.source
    return exemption.enterprise == duty.enterprise and exemption.unit in duty.units


def _judge_unknown(slots: Bytes, failing: Units, duty: Duty) -> None:
    unknown = slots == Slot.UNKNOWN
    if unknown.any():
        code, units = nothing_known(duty)
        slots[unknown] = code
        failing[unknown] = units


def _excuse(settled: Settled, exempt: Units, failing: Units, cap: Fraction, zone: ZoneInfo) -> Settled:
    first, end = settled.first, settled.end
    spans = [(max(0, a - first), min(b, end) - first, b - a) for a, b in months(first, end, zone)]
    would = excused(settled.slots, failing, exempt, spans, Fraction(1))
    found = excused(settled.slots, failing, exempt, spans, cap)
    for begin, stop, _ in spans:
        over = np.flatnonzero(would[begin:stop] & ~found[begin:stop])
        if over.size:
            exempt[begin + int(over[0]) : stop] = 0
    return Settled(settled.source, settled.enterprise, first, settled.slots, found, exempt)
