"""The book of coverage: pages of facts, an hour each for the whole park, and what they say of every source's slots.

It is brought up to date by what is recorded, in the very transaction that records it; the store loads the pages that are
touched and saves those that changed. Pure: it knows pages by hour, and never where they are kept.
"""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hazmon.coverage.facts import GOOD, HOUR_SLOTS, SLOT_US, Bytes, Cells, Fact, Ranges, facts_of
from hazmon.coverage.layout import Scheme, scheme_of
from hazmon.coverage.slots import Judged, Slot, judge
from hazmon.delivery import Delivery
from hazmon.model import CoverageRules, Park
from hazmon.rules.frame import Bools, Ints

KEPT_HOURS = 60  # of pages: more than the late deadline, so that a backlog in order is not read from the record again
Page = tuple[str, int]  # a source, or a box by its enterprise's id; an hour since 1970


@dataclass(frozen=True, slots=True)
class Veto:
    """A stretch of a point's time that does not count as monitored: [begin, end) microseconds; end None: it goes on."""

    id: str
    point: str
    kind: str  # frozen | replay | identical | clock
    begin: int
    end: int | None
    evidence: Mapping[str, object] = field(default_factory=dict[str, object], compare=False)  # what was found, in numbers

    @property
    def slots(self) -> tuple[int, int]:
        """The slots that lie wholly in it."""
        return -(-self.begin // SLOT_US), 2**62 if self.end is None else self.end // SLOT_US


@dataclass(slots=True)
class CoverageBook:
    """Rows of a page: every tag that a source has, or had while the book was open, and one for each box."""

    rules: CoverageRules
    ranges: Ranges
    schemes: list[Scheme]  # in order of time
    rows: dict[str, int] = field(default_factory=dict[str, int])  # `E01/LT-1101`, or a box `E01`
    tags: dict[str, list[str]] = field(default_factory=dict[str, list[str]])  # by source, in the order of its pages' rows
    enterprise: dict[str, str] = field(default_factory=dict[str, str])  # by source
    hours: dict[int, Bytes] = field(default_factory=dict[int, Bytes])
    vetoes: dict[str, dict[str, Veto]] = field(default_factory=dict[str, dict[str, Veto]])  # by point, by id
    _row_of: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    _sources_of: dict[int, list[str]] = field(default_factory=dict[int, list[str]])  # that have, or had, the row's tag
    _judged: dict[Page, Judged] = field(default_factory=dict[Page, Judged])

    @classmethod
    def recorded(cls, rules: CoverageRules, schemes: Sequence[Scheme], vetoes: Iterable[Veto]) -> CoverageBook:
        """The book as the record has it: of the pages none yet, and no configuration to go by."""
        book = cls(rules, Ranges(np.zeros(0), np.zeros(0)), list(schemes))
        for scheme in schemes:
            for duty in scheme.duties.values():
                book.enterprise.setdefault(duty.source, duty.enterprise)
                book.tags.setdefault(duty.source, [])
                for tag in duty.tags:
                    book.add_tag(duty.source, tag)
        for veto in vetoes:
            book.vetoes.setdefault(veto.point, {})[veto.id] = veto
        return book

    def follow(self, park: Park, rules: CoverageRules, now: int) -> Scheme | None:
        """Go by this configuration from the slot after `now` on; answers the new scheme, None if it is the one in force.

        The first scheme of all begins with the slot that `now` is in.
        """
        self.rules = rules
        self.ranges = ranges_of(park)
        for source in park.sources:
            self.enterprise[source.id] = source.enterprise
            self.tags.setdefault(source.id, [])
        for enterprise in park.enterprises:
            self._row(enterprise.id, enterprise.id)
        for point in park.points:
            self.add_tag(point.source, point.tag)
        self._row_of = np.array([self.rows[point.id] for point in park.points], np.int64)
        self._judged.clear()
        if self.schemes and self.schemes[-1].digest == park.digest:
            return None
        since = max(now // SLOT_US + 1, self.schemes[-1].since) if self.schemes else now // SLOT_US  # a clock may be set back
        scheme = scheme_of(park, self.rules, since)
        self.schemes.append(scheme)
        return scheme

    def add_tag(self, source: str, tag: str) -> None:
        """A tag that is, or once was, one of the source's."""
        if tag not in self.tags.setdefault(source, []):
            self.tags[source].append(tag)
        self._row(f"{self.enterprise[source]}/{tag}", source)

    def cells(self, deliveries: Sequence[Delivery], horizon: int) -> list[tuple[str, Cells]]:
        """What the batches say, by box; slots before `horizon` are too long ago to be kept."""
        return [
            (delivery.edge, cells) for delivery in deliveries for cells in facts_of(delivery, self.rules, self.ranges, horizon)
        ]

    def missing(
        self, cells: Iterable[tuple[str, Cells]], vetoes: Iterable[Veto] = (), newest: int = 0, unsettled: Iterable[int] = ()
    ) -> list[int]:
        """Hours of which the book has no pages, and needs them. `newest`: the last hour that has a page anywhere."""
        hours = {
            hour
            for _, each in cells
            for hour in range(each.first // HOUR_SLOTS, (each.first + len(each.facts) - 1) // HOUR_SLOTS + 1)
        }
        newest = max(newest, *hours, *self.hours, 0)
        hours |= {hour for veto in vetoes for hour in self._stirred(veto, newest)} | set(unsettled)
        return sorted(hours - self.hours.keys())

    def open_hour(self, hour: int) -> None:
        """A page of which nothing is recorded yet."""
        self.hours[hour] = np.zeros((len(self.rows), HOUR_SLOTS), np.uint8)

    def put(self, hour: int, source: str, tags: Sequence[str], facts: Bytes) -> None:
        """A recorded page of a source, facts uint8[n,60] of these tags; or of a box, with its one row.

        Two sources may have had the same tag, and the box may be one that the configuration no longer knows.
        """
        if source in self.tags:
            for tag in tags:
                self.add_tag(source, tag)
            names = [f"{self.enterprise[source]}/{tag}" for tag in tags]
        else:
            self._row(source, source)
            names = [source]
        rows = [self.rows[name] for name in names]
        self.hours[hour][rows] = np.maximum(self.hours[hour][rows], facts)

    def merge(self, cells: Iterable[tuple[str, Cells]]) -> set[Page]:
        """Take the facts in; answers the pages that they changed."""
        touched: set[Page] = set()
        for box, each in cells:
            known = each.points >= 0
            rows = self._row_of[each.points[known]]
            facts = each.facts[:, known].T
            best = each.facts.max(axis=1)  # of tags that nobody knows too: the box was heard
            heard = np.where(best >= GOOD, best, np.where(best > 0, np.uint8(Fact.HOLE), np.uint8(0)))
            box_row = self.rows[box]
            for hour, part in _by_hour(each.first, facts.shape[1]):
                first = each.first + part.start - hour * HOUR_SLOTS
                page = self.hours[hour]
                where = slice(first, first + part.stop - part.start)
                before, new = page[rows, where], facts[:, part]
                changed = rows[(new > before).any(axis=1)]
                if changed.size:
                    page[rows, where] = np.maximum(before, new)
                    touched |= {(source, hour) for row in changed.tolist() for source in self._sources_of[row]}
                alive = heard[part]
                if (alive > page[box_row, where]).any():
                    page[box_row, where] = np.maximum(page[box_row, where], alive)
                    touched.add((box, hour))
        return touched

    def veto(self, vetoes: Iterable[Veto], newest: int = 0) -> set[Page]:
        """Take vetoes in, new ones and those that end; answers the pages whose judgement they may change."""
        touched: set[Page] = set()
        newest = max(newest, *self.hours, 0)
        for veto in vetoes:
            row = self.rows.get(veto.point)
            if row is not None:
                touched |= {(source, hour) for source in self._sources_of[row] for hour in self._stirred(veto, newest)}
            self.vetoes.setdefault(veto.point, {})[veto.id] = veto
        return touched

    def settled_anew(self, hours: Iterable[int]) -> tuple[set[Page], set[Page]]:
        """The pages of hours that a new scheme begins in: those to be kept as it has them, and those to be judged by it."""
        pages = {(source, hour) for hour in hours for source in self.tags}
        return {page for page in pages if self.facts(page)[1].any()}, pages

    def facts(self, page: Page) -> tuple[tuple[str, ...], Bytes]:
        """The tags and facts uint8[n,60] of a page; a box's has one row without a tag."""
        source, hour = page
        if source not in self.tags:
            return ("",), self.hours[hour][[self.rows[source]]]
        tags = tuple(self.tags[source])
        return tags, self.hours[hour][[self.rows[f"{self.enterprise[source]}/{tag}"] for tag in tags]]

    def judged(self, page: Page) -> Judged | None:
        """What the source's sixty slots are, where that is not as it was when last asked.

        None too where nothing is known of any: that is judged when it is asked for, by the scheme that is in force by then.
        """
        source, hour = page
        if page not in self._judged and not self.facts(page)[1].any():
            return None
        first = hour * HOUR_SLOTS
        slots = np.full(HOUR_SLOTS, Slot.UNKNOWN, np.uint8)
        failing = np.zeros(HOUR_SLOTS, np.uint32)
        for scheme, begin, end in in_force(self.schemes, first, first + HOUR_SLOTS):
            duty = scheme.duties.get(source)
            if duty is None:
                continue
            names = [f"{duty.enterprise}/{tag}" for tag in duty.tags]
            part = slice(begin - first, end - first)
            facts = self.hours[hour][[self.rows[name] for name in names], part]
            found = judge(facts, duty, self.vetoed(names, begin, end - begin))
            slots[part], failing[part] = found.slots, found.failing
        now, before = Judged(slots, failing), self._judged.get(page)
        self._judged[page] = now
        if before is not None and (before.slots == slots).all() and (before.failing == failing).all():
            return None
        return now

    def vetoed(self, points: Sequence[str], first: int, count: int) -> Bools | None:
        """bool[n,count]: where these points' slots from `first` on are vetoed; None = nowhere."""
        return vetoed(self.vetoes, points, first, count)

    def forget(self) -> None:
        """What is in the book may not be what is recorded: read it again."""
        self.hours.clear()
        self._judged.clear()

    def thin(self) -> None:
        """Let go of pages that are not likely to be touched again."""
        for hour in sorted(self.hours)[:-KEPT_HOURS]:
            del self.hours[hour]
        for page in [page for page in self._judged if page[1] not in self.hours]:
            del self._judged[page]

    def _row(self, name: str, source: str) -> None:
        if name not in self.rows:
            self.rows[name] = len(self.rows)
            none = np.zeros((1, HOUR_SLOTS), np.uint8)
            self.hours = {hour: np.concatenate((page, none)) for hour, page in self.hours.items()}
        owners = self._sources_of.setdefault(self.rows[name], [])
        if source not in owners:
            owners.append(source)

    def _stirred(self, veto: Veto, newest: int) -> range:
        """Hours whose slots it may change: its own, or, where it is known, those that only one of the two has."""
        known = self.vetoes.get(veto.point, {}).get(veto.id)
        begin, end = _hours(veto, newest)
        if known is not None:
            known_begin, known_end = _hours(known, newest)
            begin = min(end, known_end) if veto.begin == known.begin else min(begin, known_begin)
            end = max(end, known_end)
        return range(begin, end + 1)


def _hours(veto: Veto, newest: int) -> tuple[int, int]:
    """The first and the last hour that it may have a slot of."""
    begin, end = (slot // HOUR_SLOTS for slot in veto.slots)
    return begin, max(begin, newest if veto.end is None else end)


def vetoed(vetoes: Mapping[str, Mapping[str, Veto]], points: Sequence[str], first: int, count: int) -> Bools | None:
    """bool[n,count]: where vetoes (by point, by id) lie on these points' slots from `first` on; None = nowhere."""
    mask: Bools | None = None
    for row, point in enumerate(points):
        for veto in vetoes.get(point, {}).values():
            begin, end = veto.slots
            if begin < first + count and end > first and begin < end:
                mask = np.zeros((len(points), count), bool) if mask is None else mask
                mask[row, max(0, begin - first) : end - first] = True
    return mask


def ranges_of(park: Park) -> Ranges:
    """What each point can measure."""
    low = np.array([point.range_low for point in park.points], float)
    high = np.array([point.range_high for point in park.points], float)
    span = high - low
    return Ranges(low - 0.0125 * span, high + 0.03125 * span)


def in_force(schemes: Sequence[Scheme], first: int, end: int) -> list[tuple[Scheme, int, int]]:
    """The schemes of [first, end), each with its part of it; nothing was owed before the first scheme of all."""
    found: list[tuple[Scheme, int, int]] = []
    for number, scheme in enumerate(schemes):
        until = schemes[number + 1].since if number + 1 < len(schemes) else end
        begin, stop = max(first, scheme.since), min(end, until)
        if begin < stop:
            found.append((scheme, begin, stop))
    return found


def _by_hour(first: int, count: int) -> list[tuple[int, slice]]:
    """The hours of [first, first + count) slots, each with its part of the count."""
    found: list[tuple[int, slice]] = []
    at = first
    while at < first + count:
        hour = at // HOUR_SLOTS
        end = min((hour + 1) * HOUR_SLOTS, first + count)
        found.append((hour, slice(at - first, end - first)))
        at = end
    return found
