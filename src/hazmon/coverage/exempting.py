"""Exemptions 停用/检修/离线报备: what they excuse, and up to how much.

An exemption counts once the park has approved it, from its filing on; from its planned beginning if it was filed before that,
or at most the grace after it. It excuses only what was lost: a slot that was covered all the same is covered. Of a source's
calendar month (park time) no more than the cap is excused, in the order of time; what is beyond counts as lost.
"""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hazmon.clock import US
from hazmon.coverage.facts import SLOT_US, Bytes
from hazmon.coverage.slots import LOST
from hazmon.rules.frame import Bools

ALL_UNITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Exemption:
    """As the record keeps it; times in microseconds. `unit` None: the whole source."""

    id: int
    enterprise: str
    source: str
    unit: str | None
    kind: str
    reason: str
    begins: int
    until: int
    filed_at: int
    filed_by: str
    approved_at: int | None = None
    decided_by: str | None = None
    decided_why: str | None = None
    refused_at: int | None = None
    withdrawn_at: int | None = None
    withdrawn_by: str | None = None
    withdrawn_why: str | None = None

    def filed_late(self) -> bool:
        """Filed after the time that it is to excuse had begun."""
        return self.filed_at > self.begins

    def valid(self, grace_s: int) -> tuple[int, int] | None:
        """[from, to) in microseconds in which it counts; None while it is not approved, or when it never counted."""
        if self.approved_at is None:
            return None
        in_time = self.filed_at <= self.begins + grace_s * US
        begin = self.begins if in_time else self.filed_at
        end = self.until if self.withdrawn_at is None else min(self.until, self.withdrawn_at)
        return (begin, end) if begin < end else None


@dataclass(frozen=True, slots=True)
class Excuse:
    """Slots [first, end) in which the units of the bit mask are exempt: the slots that lie wholly in a valid exemption."""

    first: int
    end: int
    units: int


def excuses(exemptions: Sequence[Exemption], units: Sequence[str], grace_s: int) -> list[Excuse]:
    """The exemptions of one source, whose units are these in order of their bits."""
    found: list[Excuse] = []
    for exemption in exemptions:
        span = exemption.valid(grace_s)
        if span is None or (exemption.unit is not None and exemption.unit not in units):
            continue
        first, end = -(-span[0] // SLOT_US), span[1] // SLOT_US
        mask = ALL_UNITS if exemption.unit is None else 1 << units.index(exemption.unit)
        if first < end:
            found.append(Excuse(first, end, mask))
    return found


def exempt_units(found: Sequence[Excuse], first: int, count: int) -> NDArray[np.uint32]:
    """uint32[count]: the units that are exempt in each slot from `first` on."""
    masks = np.zeros(count, np.uint32)
    for excuse in found:
        masks[max(0, excuse.first - first) : max(0, excuse.end - first)] |= np.uint32(excuse.units)
    return masks


def excused(
    slots: Bytes, failing: NDArray[np.uint32], exempt: NDArray[np.uint32], months: Sequence[tuple[int, int, int]], cap: Fraction
) -> Bools:
    """bool[n]: lost slots that are excused. slots uint8[n], failing and exempt uint32[n] bits of units.

    months: (begin, end, slots of the whole month), indices into the n; each must begin with its month for the cap to be right.
    """
    may = (slots >= LOST) & (exempt != 0) & ((failing & ~exempt) == 0)
    for begin, end, whole in months:
        allowed = whole * cap.numerator // cap.denominator
        part = may[begin:end]
        over = np.flatnonzero(part)[allowed:]
        part[over] = False
    return may
