"""From facts, schemes, vetoes and exemptions to figures, by the very functions that the service counts with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from hazmon.bundle.evidence import Evidence
from hazmon.bundle.manifest import Figures, figures_of
from hazmon.bundle.pages import Grid, Key
from hazmon.coverage.book import CoverageBook, ranges_of
from hazmon.coverage.calendar import Step, edges, local_day, months
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.facts import HOUR_SLOTS, SLOT_US
from hazmon.coverage.figures import count
from hazmon.coverage.layout import Scheme
from hazmon.coverage.settled import Judgement, Settled, concerns, settle
from hazmon.coverage.slots import Slot
from hazmon.coverage.statements import Terms
from hazmon.model import CoverageRules


@dataclass(frozen=True, slots=True)
class Span:
    """What is counted: the slots [first, end) of these sources (with their enterprises), under the terms in force at its end."""

    first: int
    end: int
    sources: Mapping[str, str]
    terms: Terms

    @property
    def zone(self) -> ZoneInfo:
        """The park's time zone."""
        return ZoneInfo(self.terms.park.settings.timezone)


def months_begin(first: int, end: int, zone: ZoneInfo) -> int:
    """The first slot of the month that `first` is in: a month's cap is used up in the order of time."""
    return months(first, end, zone)[0][0]


def touched(
    sources: Iterable[str], schemes: Sequence[Scheme], exemptions: Sequence[Exemption], rules: CoverageRules, early: int, end: int
) -> set[str]:
    """Sources whose slots of [early, end) an exemption may excuse."""
    found: set[str] = set()
    for each in exemptions:
        valid = each.valid(rules.grace_s)
        if valid is None or valid[0] // SLOT_US >= end or -(-valid[1] // SLOT_US) <= early:
            continue
        for source in sources:
            if any(source in scheme.duties and concerns(each, scheme.duties[source]) for scheme in schemes):
                found.add(source)
    return found


def open_book(evidence: Evidence, grids: Mapping[Key, Grid], terms: Terms) -> CoverageBook:
    """A book of coverage that holds what was sealed."""
    book = CoverageBook(terms.rules, ranges_of(terms.park), evidence.schemes)
    for scheme in book.schemes:
        for duty in scheme.duties.values():
            book.enterprise.setdefault(duty.source, duty.enterprise)
            for tag in duty.tags:
                book.add_tag(duty.source, tag)
    for veto in evidence.vetoes:
        book.vetoes.setdefault(veto.point, {})[veto.id] = veto
    for (source, hour), grid in grids.items():
        if source in book.enterprise:
            if hour not in book.hours:
                book.open_hour(hour)
            book.put(hour, source, grid.tags, grid.facts)
    return book


def judgement(book: CoverageBook, grids: Mapping[Key, Grid], source: str, enterprise: str, first: int, end: int) -> Judgement:
    """A source's slots [first, end) as its pages say; UNKNOWN where there is no page."""
    slots = np.zeros(end - first, np.uint8)
    failing = np.zeros(end - first, np.uint32)
    for hour in range(first // HOUR_SLOTS, -(-end // HOUR_SLOTS)):
        judged = book.judged((source, hour)) if (source, hour) in grids and source in book.enterprise else None
        if judged is None:
            continue
        begin, stop = max(first, hour * HOUR_SLOTS), min(end, (hour + 1) * HOUR_SLOTS)
        there = slice(begin - hour * HOUR_SLOTS, stop - hour * HOUR_SLOTS)
        slots[begin - first : stop - first] = judged.slots[there]
        failing[begin - first : stop - first] = np.where(judged.slots[there] == Slot.UNKNOWN, 0, judged.failing[there])
    return Judgement(source, enterprise, first, slots, failing)


def settled(evidence: Evidence, grids: Mapping[Key, Grid], span: Span) -> list[Settled]:
    """Every source of the span, as it counts."""
    rules, schemes, exemptions = span.terms.rules, evidence.schemes, evidence.exemptions
    early = months_begin(span.first, span.end, span.zone)
    with_exemption = touched(span.sources, schemes, exemptions, rules, early, span.end)
    book = open_book(evidence, grids, span.terms)
    found: list[Settled] = []
    for source, enterprise in span.sources.items():
        first = early if source in with_exemption else span.first
        judged = judgement(book, grids, source, enterprise, first, span.end)
        found.append(settle(judged, schemes, exemptions, rules, span.zone).part(span.first, span.end))
    return found


def by_day(sources: Sequence[Settled], span: Span) -> dict[str, dict[str, Figures]]:
    """The figures of every source and local day."""
    cuts = edges(span.first, span.end, Step.DAY, span.zone)
    counted = count(sources, cuts)
    days = [local_day(begin, span.zone).isoformat() for begin, _ in pairwise(cuts)]
    return {
        source: dict(zip(days, map(figures_of, own), strict=True))
        for (_, source), own in zip(counted.sources, counted.tallies, strict=True)
    }
