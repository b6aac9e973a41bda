"""The book as the store keeps it, with dictionaries in the database's place; and the account drawn from what was kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise

import numpy as np
from unit.coverage import world
from unit.coverage.naive import CHINA, Account, Figures, PointFigures
from unit.coverage.patterns import Pattern

from hazmon.coverage.account import PointTally, point_tally, tallies, total
from hazmon.coverage.book import CoverageBook, Page, Veto, in_force
from hazmon.coverage.exempting import Exemption, excused, excuses, exempt_units
from hazmon.coverage.facts import HOUR_SLOTS, Bytes
from hazmon.coverage.layout import Scheme
from hazmon.coverage.slots import LOST, Judged, Slot, flagged, nothing_known
from hazmon.delivery import Delivery
from hazmon.model import CoverageRules, Park
from hazmon.rules.frame import Bools


class Kept:
    """Pages and judged hours as a database would hold them."""

    def __init__(self, rules: CoverageRules) -> None:
        self.rules = rules
        self.pages: dict[Page, tuple[tuple[str, ...], Bytes]] = {}
        self.judged: dict[Page, Judged] = {}
        self.schemes: list[Scheme] = []
        self.vetoes: dict[str, Veto] = {}
        self._loaded: tuple[Park, int] | None = None
        self._book: CoverageBook | None = None
        self._scheme: Scheme | None = None

    def follow(self, park: Park, moment: int) -> None:
        """Another configuration is loaded."""
        self._loaded = park, moment
        if self._book is not None:
            self._scheme = self._book.follow(park, self.rules, moment)
        self.keep([], [])

    def restart(self) -> None:
        """Only what was kept is left."""
        self._book = None

    def keep(self, deliveries: Sequence[Delivery], vetoes: Sequence[Veto]) -> None:
        """As CoverageKeeper.keep."""
        assert self._loaded is not None
        book = self._book
        if book is None:
            book = self._book = CoverageBook.recorded(self.rules, self.schemes, self.vetoes.values())
            self._scheme = book.follow(self._loaded[0], self.rules, self._loaded[1])
        unsettled: list[int] = []
        if self._scheme is not None:
            self.schemes = [*(each for each in self.schemes if each.since != self._scheme.since), self._scheme]
            unsettled = sorted({hour for _, hour in self.pages if hour >= self._scheme.since // HOUR_SLOTS})
            self._scheme = None
        cells = book.cells(deliveries, 0)
        newest = max((hour for _, hour in self.pages), default=0)
        for hour in book.missing(cells, vetoes, newest, unsettled):
            book.open_hour(hour)
            for (source, at), (tags, facts) in list(self.pages.items()):
                if at == hour:
                    book.put(hour, source, tags, facts)
        self.vetoes |= {veto.id: veto for veto in vetoes}
        touched = book.veto(vetoes, newest)
        changed = book.merge(cells)
        kept, judged_anew = book.settled_anew(unsettled)
        changed, touched = changed | kept, touched | judged_anew
        for page in changed:
            tags, facts = book.facts(page)
            self.pages[page] = tags, facts.copy()
        for page in changed | touched:
            if page[0] in book.tags and (judged := book.judged(page)) is not None:
                self.judged[page] = judged
        book.thin()

    def row(self, source: str, tag: str, first: int, end: int) -> Bytes:
        """uint8[end - first]: a point's facts, or with an empty tag those of a box."""
        found = np.zeros(end - first, np.uint8)
        for hour, within, part in _hours(first, end):
            page = self.pages.get((source, hour))
            if page is not None and tag in page[0]:
                found[within] = page[1][page[0].index(tag), part]
        return found

    def slots(self, source: str, first: int, end: int) -> Judged:
        """The source's judged slots; what nobody judged is what it is of a source of which nothing is known."""
        slots, failing = np.zeros(end - first, np.uint8), np.zeros(end - first, np.uint32)
        for hour, within, part in _hours(first, end):
            page = self.judged.get((source, hour))
            if page is not None:
                slots[within], failing[within] = page.slots[part], page.failing[part]
        for scheme, begin, stop in in_force(self.schemes, first, end):
            if source in scheme.duties:
                unknown = first + np.flatnonzero(slots == Slot.UNKNOWN)
                unknown = unknown[(unknown >= begin) & (unknown < stop)] - first
                slots[unknown], failing[unknown] = nothing_known(scheme.duties[source])
        return Judged(slots, failing)


def _hours(first: int, end: int) -> Iterator[tuple[int, slice, slice]]:
    """The hours of [first, end), each with its part of that and that of its own sixty slots."""
    for hour in range(first // HOUR_SLOTS, (end - 1) // HOUR_SLOTS + 1):
        begin, stop = max(first, hour * HOUR_SLOTS), min(end, (hour + 1) * HOUR_SLOTS)
        yield hour, slice(begin - first, stop - first), slice(begin - hour * HOUR_SLOTS, stop - hour * HOUR_SLOTS)


def run(found: Pattern) -> Kept:
    """Put the history before the book."""
    kept = Kept(world.rules(found.cap))
    for layout, moment, steps in found.eras:
        kept.follow(world.park(layout), moment)
        for step in steps:
            if step.restart:
                kept.restart()
            kept.keep(step.deliveries, step.vetoes)
    return kept


def drawn(kept: Kept, found: Pattern) -> Account:
    """The account of what was kept, with the product's own functions."""
    first, end = found.first, found.end
    months = month_spans(first, end)
    answer = Account({}, {}, {})
    vetoes = CoverageBook.recorded(kept.rules, kept.schemes, kept.vetoes.values())
    exemptions = [
        Exemption(
            number, each.source[:3], each.source, each.unit, "检修", "", each.begins, each.until, each.filed, "a",
            approved_at=each.filed if each.approved else None, withdrawn_at=each.withdrawn,
        )
        for number, each in enumerate(found.filed)
    ]  # fmt: skip
    down = np.array([slot in found.down for slot in range(first, end)])
    of_points: dict[str, list[PointTally]] = {}
    for source in sorted({source for scheme in kept.schemes for source in scheme.duties}):
        judged = kept.slots(source, first, end)
        stretches = [
            (scheme.duties[source], begin - first, stop - first)
            for scheme, begin, stop in in_force(kept.schemes, first, end)
            if source in scheme.duties
        ]
        exempt = np.zeros(end - first, np.uint32)
        for duty, begin, stop in stretches:
            mine = excuses([each for each in exemptions if each.source == source], duty.units, kept.rules.grace_s)
            exempt[begin:stop] = exempt_units(mine, first + begin, stop - begin)
        spared = excused(judged.slots, judged.failing, exempt, months, kept.rules.cap)
        spent = _spent(judged, exempt, spared, months)
        sums = total(
            each
            for _, begin, stop in stretches
            for each in tallies(judged.slots, spared, sorted({begin, (begin + stop) // 2, stop}))
        )
        if stretches:
            answer.sources[source] = Figures(sums.slots, sums.covered, sums.prompt, sums.excused, list(sums.lost))
        for duty, begin, stop in stretches:
            for tag, unit in zip(duty.tags, duty.unit_of, strict=True):
                facts = kept.row(source, tag, first + begin, first + stop)
                point = f"{duty.enterprise}/{tag}"
                veto = vetoes.vetoed([point], first + begin, stop - begin)
                box = kept.row(duty.enterprise, "", first + begin, first + stop)
                idle = (exempt[begin:stop] >> np.uint32(unit) & 1).astype(bool) & ~spent[begin:stop]
                of_points.setdefault(point, []).append(
                    point_tally(facts if veto is None else flagged(facts, veto[0]), idle, down[begin:stop], box)
                )
    answer.points = {point: _point_sum(parts) for point, parts in of_points.items()}
    return answer


@cache
def month_spans(first: int, end: int) -> list[tuple[int, int, int]]:
    """Months of China in [first, end): (begin, end, slots of the whole month), numbers of slots from `first` on."""

    def month(slot: int) -> datetime:
        at = datetime.fromtimestamp(slot * 60, CHINA)
        return datetime(at.year, at.month, 1, tzinfo=CHINA)

    edges = [first, *(slot for slot in range(first + 1, end) if month(slot) != month(slot - 1)), end]
    found: list[tuple[int, int, int]] = []
    for begin, stop in pairwise(edges):
        start = month(begin)
        after = datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=CHINA)
        found.append((begin - first, stop - first, int((after - start).total_seconds()) // 60))
    return found


def _spent(judged: Judged, exempt: np.ndarray, spared: Bools, months: Sequence[tuple[int, int, int]]) -> Bools:
    """bool[n]: the cap of the month is used up."""
    beyond = (judged.slots >= LOST) & ((judged.failing & ~exempt) == 0) & ~spared
    for begin, end, _ in months:
        beyond[begin:end] = np.maximum.accumulate(beyond[begin:end])
    return beyond


def _point_sum(parts: Sequence[PointTally]) -> PointFigures:
    answer = PointFigures()
    for part in parts:
        answer.owed += part.owed
        answer.good += part.good
        answer.prompt += part.prompt
        answer.bad += part.bad
        answer.exempt += part.exempt
        for cause, count in part.missed.items():
            answer.missed[cause] = answer.missed.get(cause, 0) + count
    return answer
