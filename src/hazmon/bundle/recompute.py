"""From the boxes' own bytes to facts again: every batch is read as the service read it, and the pages must come out the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hazmon_edge import wire

from hazmon.bundle.evidence import Evidence
from hazmon.bundle.manifest import Group
from hazmon.bundle.pages import Grid, Key
from hazmon.clock import US
from hazmon.coverage.book import CoverageBook, ranges_of
from hazmon.coverage.facts import HOUR_SLOTS
from hazmon.coverage.statements import Terms
from hazmon.delivery import Delivery, ScanGroup
from hazmon.errors import BatchError, LedgerError
from hazmon.ingest import accept, read_batch
from hazmon.ledger.content import Batch


@dataclass(frozen=True, slots=True)
class Unlike:
    """A fact that the batches do not give as it was sealed."""

    source: str
    tag: str
    slot: int
    sealed: int
    recomputed: int


@dataclass(slots=True)
class Reader:
    """Reads batches as the service did under the terms of the time; groups by box and digest."""

    groups: Mapping[tuple[str, bytes], Group]
    _known: dict[tuple[str, bytes, str], ScanGroup]

    @classmethod
    def of(cls, groups: Sequence[Group]) -> Reader:
        """A reader that knows these groups, and those that the batches themselves declare."""
        return cls({(each.edge, wire_group(each).digest): each for each in groups}, {})

    def delivery(self, n: int, batch: Batch, terms: Terms) -> Delivery:
        """The batch as it was judged when it came. Raises LedgerError, naming the leaf."""
        try:
            told = read_batch(batch.body)
            if (told.edge, told.boot, told.seq) != (batch.edge, batch.boot, batch.seq):
                raise BatchError(f"its bytes are those of batch {told.edge}/{told.boot}/{told.seq}")
            offset = batch.offset or 0
            horizon = batch.arrived + round(terms.park.settings.future_s * US) - offset
            groups = {each.digest: each for each in self._groups(told, terms)}
            return accept(batch.body, told, groups, batch.arrived, horizon, offset)
        except BatchError as error:
            raise LedgerError(f"leaf {n}, batch {batch.edge}/{batch.boot}/{batch.seq}: {error}") from None

    def _groups(self, told: wire.Batch, terms: Terms) -> Iterator[ScanGroup]:
        declared = {each.digest: each for each in told.groups}
        wanted = {block.group for block in told.blocks} | {miss.group for miss in told.misses}
        for digest in wanted:
            key = (told.edge, digest, terms.scheme.digest)
            if key not in self._known:
                group = declared.get(digest)
                if group is None and (known := self.groups.get((told.edge, digest))) is not None:
                    group = wire_group(known)
                if group is None:
                    continue
                points = np.array([terms.park.by_id.get(f"{told.edge}/{tag}", -1) for tag in group.points], np.int64)
                number = len(self._known) + 1
                self._known[key] = ScanGroup(number, told.edge, group.name, group.period_us, digest, group.points, points)
            yield self._known[key]


def wire_group(group: Group) -> wire.Group:
    """The group as its digest is made of it."""
    return wire.Group(group.name, group.period_us, tuple(group.tags))


def recomputed(evidence: Evidence, reader: Reader, first: int, end: int) -> dict[Key, Grid]:
    """The pages that the batches give, for the hours of the slots [first, end).

    Raises LedgerError at a batch that cannot be read.
    """
    hours = range(first // HOUR_SLOTS, -(-end // HOUR_SLOTS))
    terms = iter([*evidence.terms, (1 << 63, None)])
    upcoming = next(terms)
    current: Terms | None = None
    book: CoverageBook | None = None
    for n, batch in evidence.batches:
        while upcoming[0] < n:
            current, upcoming = upcoming[1], next(terms)
            assert current is not None  # noqa: S101 - only the last has none, and no leaf comes behind it
            book = _following(book, evidence, current)
        if current is None or book is None:
            raise LedgerError(f"leaf {n} is a batch, and no scheme was said before it")
        for box, cells in book.cells([reader.delivery(n, batch, current)], hours.start * HOUR_SLOTS):
            for hour in book.missing([(box, cells)]):
                book.open_hour(hour)
            book.merge([(box, cells)])
    found: dict[Key, Grid] = {}
    if book is not None:
        for source in book.tags:
            for hour in hours:
                if hour in book.hours:
                    tags, facts = book.facts((source, hour))
                    found[source, hour] = Grid(tags, facts)
    return found


def unlike(
    sealed: Mapping[Key, Grid], given: Mapping[Key, Grid], sources: Mapping[str, str], first: int, end: int
) -> list[Unlike]:
    """Where pages of these sources differ within the slots [first, end), in order of source and time."""
    found: list[Unlike] = []
    for source in sorted(sources):
        for hour in range(first // HOUR_SLOTS, -(-end // HOUR_SLOTS)):
            one, other = sealed.get((source, hour)), given.get((source, hour))
            if one is None and other is None:
                continue
            tags = tuple(dict.fromkeys((one.tags if one else ()) + (other.tags if other else ())))
            mine, theirs = _laid_out(one, tags), _laid_out(other, tags)
            cells: list[list[int]] = np.argwhere((mine != theirs).T).tolist()
            for column, row in cells:
                slot = hour * HOUR_SLOTS + column
                if first <= slot < end:
                    found.append(Unlike(source, tags[row], slot, int(mine[row, column]), int(theirs[row, column])))
    return found


def _following(book: CoverageBook | None, evidence: Evidence, terms: Terms) -> CoverageBook:
    """The book under other terms: what it holds stays."""
    if book is None:
        book = CoverageBook(terms.rules, ranges_of(terms.park), [terms.scheme])
    for scheme in evidence.schemes:
        for duty in scheme.duties.values():
            book.enterprise.setdefault(duty.source, duty.enterprise)
    for point in terms.park.points:
        book.enterprise.setdefault(point.source, point.enterprise)
    book.schemes = [terms.scheme]
    book.follow(terms.park, terms.rules, terms.scheme.since * 60 * US)
    return book


def _laid_out(grid: Grid | None, tags: tuple[str, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The grid's facts as rows of these tags."""
    found = np.zeros((len(tags), HOUR_SLOTS), np.uint8)
    if grid is not None:
        found[[tags.index(tag) for tag in grid.tags]] = grid.facts
    return found
