"""Gaps: where a source was not monitored, each to one factor and one cause, with what was missing and what excuses it."""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hazmon.clock import as_datetime
from hazmon.coverage.account import FACTORS, Inferred, runs
from hazmon.coverage.book import vetoed
from hazmon.coverage.causes import FLAGGED, KINDS, NOT_EQUIPPED, cause_name
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.facts import SLOT_US, Fact
from hazmon.coverage.layout import Duty, Item
from hazmon.coverage.pages import Evidence
from hazmon.coverage.report import Gap
from hazmon.coverage.settled import Settled, concerns
from hazmon.coverage.slots import LOST, flagged, judge
from hazmon.rules.frame import Bools, Ints

_CAUSES = 1000  # causes are below, a slot's factor is a multiple


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots [first, end) that a source lost to one factor, whatever the causes."""

    source: str
    first: int
    end: int


def gap_id(source: str, slot: int) -> str:
    """`E01-S1@2026-11-24T02:15Z`."""
    return f"{source}@{as_datetime(slot * SLOT_US):%Y-%m-%dT%H:%MZ}"


def stretches(settled: Settled) -> list[Stretch]:
    """Where the source lost slots, in the order of time."""
    codes = np.where(settled.slots >= LOST, settled.slots, np.uint8(0)).astype(np.int64)
    first = settled.first
    return [Stretch(settled.source, first + begin, first + end) for begin, end, code in runs(codes) if code]


def split(stretch: Stretch, evidence: Evidence, exemptions: Iterable[Exemption], grace_s: int) -> list[Gap]:
    """The stretch cut where the cause changes."""
    found: list[Gap] = []
    for duty, begin, end in evidence.duties(stretch.first, stretch.end):
        own = [each for each in exemptions if concerns(each, duty) and each.refused_at is None]
        items = _judge_items(duty, evidence, begin, end)
        lost = evidence.settled.slots[begin - evidence.settled.first : end - evidence.settled.first].astype(np.int64)
        cause = np.full(end - begin, Inferred.UNEXPLAINED, np.int64)
        for each in reversed(items):
            cause = np.where(each.lost == lost, each.cause, cause)  # the first of the items is what is told
        for a, b, code in runs(lost * _CAUSES + cause):
            factor = code // _CAUSES
            missing = [each.item for each in items if (each.lost[a:b] == factor).any()]
            found.append(_gap(duty, begin + a, begin + b, code, missing, evidence.settled, own, grace_s))
    return found


@dataclass(frozen=True, slots=True)
class _JudgedItem:
    """An item's slots: lost int64[n] is the Slot it would be lost to (or covered), cause int64[n] what lies behind it."""

    item: Item
    lost: Ints
    cause: Ints


def _judge_items(duty: Duty, evidence: Evidence, first: int, end: int) -> list[_JudgedItem]:
    facts, mask = evidence.facts(duty, first, end)
    counted = facts if mask is None else flagged(facts, mask)
    inferred = np.where(evidence.box(first, end) == Fact.NOTHING, Inferred.BOX_SILENT, Inferred.UNEXPLAINED)
    inferred = np.where(evidence.park_down(first, end), Inferred.PARK_DOWN, inferred)
    found: list[_JudgedItem] = []
    for item in duty.items:
        lost = judge(facts, replace(duty, items=(item,)), mask).slots.astype(np.int64)
        if not item.rows.size:
            found.append(_JudgedItem(item, lost, np.full(end - first, NOT_EQUIPPED, np.int64)))
            continue
        cause = counted[item.rows].max(axis=0).astype(np.int64)
        cause = np.where(cause == Fact.NOTHING, inferred, cause)
        found.append(_JudgedItem(item, lost, _named_flags(cause, duty, item, evidence, first)))
    return found


def _named_flags(cause: Ints, duty: Duty, item: Item, evidence: Evidence, first: int) -> Ints:
    """Of what was flagged, the kind of its veto."""
    if not (cause == Fact.FLAGGED).any():
        return cause
    points = [f"{duty.enterprise}/{duty.tags[row]}" for row in item.rows.tolist()]
    flags: Bools = cause == Fact.FLAGGED
    for number, kind in enumerate(KINDS):
        own = {p: {id: veto for id, veto in evidence.vetoes.get(p, {}).items() if veto.kind == kind} for p in points}
        mask = vetoed(own, points, first, cause.size)
        if mask is not None:
            cause = np.where(flags & (cause == Fact.FLAGGED) & mask.any(axis=0), FLAGGED + number, cause)
    return cause


def _gap(
    duty: Duty,
    first: int,
    end: int,
    code: int,
    missing: Sequence[Item],
    settled: Settled,
    exemptions: Sequence[Exemption],
    grace_s: int,
) -> Gap:
    part = slice(first - settled.first, end - settled.first)
    units = tuple(dict.fromkeys(duty.units[item.unit] for item in missing))
    rows: dict[int, None] = dict.fromkeys(row for item in missing for row in item.rows.tolist())
    exemption = _exemption_of(units, first, end, exemptions, grace_s)
    return Gap(
        id=gap_id(duty.source, first),
        source=duty.source,
        units=units,
        groups=tuple(dict.fromkeys(item.group for item in missing)),
        points=tuple(f"{duty.enterprise}/{duty.tags[row]}" for row in rows),
        begin=first * SLOT_US,
        end=end * SLOT_US,
        slots=end - first,
        factor=FACTORS[code // _CAUSES - LOST],
        cause=cause_name(code % _CAUSES),
        excused=0 if settled.excused is None else int(np.count_nonzero(settled.excused[part])),
        exemption=None if exemption is None else exemption.id,
        filed=None if exemption is None else "after" if exemption.filed_at > first * SLOT_US else "before",
        before=None,
        after=None,
    )


def _exemption_of(units: Sequence[str], first: int, end: int, exemptions: Sequence[Exemption], grace_s: int) -> Exemption | None:
    """What was filed over a part of the gap, for one of its units or the source; one that counts goes first."""

    def over(span: tuple[int, int] | None) -> bool:
        return span is not None and span[0] < end * SLOT_US and span[1] > first * SLOT_US

    own = [each for each in exemptions if (each.unit is None or each.unit in units) and over((each.begins, each.until))]
    return min(own, key=lambda each: (not over(each.valid(grace_s)), each.filed_at, each.id), default=None)
