"""Pages of facts laid side by side, and counted by group and by point."""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hazmon.coverage.account import Tally, point_tally, tallies
from hazmon.coverage.book import Veto, in_force, vetoed
from hazmon.coverage.facts import HOUR_SLOTS, SLOT_US, Bytes
from hazmon.coverage.figures import Names
from hazmon.coverage.layout import Duty, Item, Scheme
from hazmon.coverage.report import Row
from hazmon.coverage.settled import Settled, Units
from hazmon.coverage.slots import LOST, Slot, flagged, judge
from hazmon.rules.frame import Bools, Ints


@dataclass(frozen=True, slots=True)
class Pages:
    """Hours of a source, or of a box, in one layout: hours int64[h] since 1970, facts uint8[h,tags,60]."""

    source: str
    tags: tuple[str, ...]
    hours: Ints
    facts: Bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """What lies under a source's slots. vetoes by point and id; down: stretches (microseconds) when the service did not run."""

    settled: Settled
    schemes: Sequence[Scheme]
    pages: Sequence[Pages]  # of any sources and boxes
    vetoes: Mapping[str, Mapping[str, Veto]]
    down: Sequence[tuple[int, int]]

    def duties(self, first: int, end: int) -> list[tuple[Duty, int, int]]:
        """What the source owed in [first, end), each with its part of it."""
        parts = in_force(self.schemes, first, end)
        source = self.settled.source
        return [(scheme.duties[source], begin, stop) for scheme, begin, stop in parts if source in scheme.duties]

    def facts(self, duty: Duty, first: int, end: int) -> tuple[Bytes, Bools | None]:
        """uint8[tags,n] as recorded, and bool[tags,n] where it is vetoed."""
        points = [f"{duty.enterprise}/{tag}" for tag in duty.tags]
        return side_by_side(self.pages, duty.source, duty.tags, first, end), vetoed(self.vetoes, points, first, end - first)

    def box(self, first: int, end: int) -> Bytes:
        """uint8[n]: the best of anything that the box sent."""
        return side_by_side(self.pages, self.settled.enterprise, ("",), first, end)[0]

    def park_down(self, first: int, end: int) -> Bools:
        """bool[n]: slots of which the service missed a part."""
        mask = np.zeros(end - first, bool)
        for begin, stop in self.down:
            mask[max(0, begin // SLOT_US - first) : max(0, -(-stop // SLOT_US) - first)] = True
        return mask


def by_point(vetoes: Iterable[Veto]) -> dict[str, dict[str, Veto]]:
    """The vetoes of each point."""
    found: dict[str, dict[str, Veto]] = {}
    for veto in vetoes:
        found.setdefault(veto.point, {})[veto.id] = veto
    return found


def side_by_side(pages: Iterable[Pages], source: str, tags: Sequence[str], first: int, end: int) -> Bytes:
    """uint8[tags,n] of the slots [first, end): NOTHING where there is no page, or the page does not know the tag."""
    begin, stop = first // HOUR_SLOTS, -(-end // HOUR_SLOTS)
    facts = np.zeros((len(tags), stop - begin, HOUR_SLOTS), np.uint8)
    row_of = {tag: row for row, tag in enumerate(tags)}
    for each in pages:
        if each.source != source:
            continue
        inside = (each.hours >= begin) & (each.hours < stop)
        columns = [column for column, tag in enumerate(each.tags) if tag in row_of]
        if columns and inside.any():
            rows = np.array([row_of[each.tags[column]] for column in columns])
            facts[rows[:, None], each.hours[inside] - begin] = each.facts[inside][:, columns].transpose(1, 0, 2)
    return facts.reshape(len(tags), -1)[:, first - begin * HOUR_SLOTS : end - begin * HOUR_SLOTS]


@dataclass(frozen=True, slots=True)
class _Column:
    """One group's or point's slots: uint8[n], UNKNOWN where it owed nothing; excused bool[n]; unit of a point int64[n]."""

    slots: Bytes
    excused: Bools


def group_rows(evidence: Evidence, edges: Sequence[int], names: Names, group_names: Names) -> list[Row]:
    """A line for each group that any unit of the source must have: a slot is good if every such unit has it good."""

    def items_of(duty: Duty) -> dict[str, tuple[Item, ...]]:
        groups = dict.fromkeys(item.group for item in duty.items)
        return {group: tuple(item for item in duty.items if item.group == group) for group in groups}

    source = evidence.settled.source
    found: list[Row] = []
    for group, column in _columns(evidence, edges, items_of).items():
        whose = tuple(
            f"{a} · {b}" for a, b in zip(names.get(source, (source,) * 2), group_names.get(group, (group,) * 2), strict=True)
        )
        own = _tallies(column, edges)
        found += [
            Row(f"{source}/{group}", whose[0], whose[1], begin * SLOT_US, end * SLOT_US, tally)
            for (begin, end), tally in zip(pairwise(edges), own, strict=True)
        ]
    return found


def point_rows(evidence: Evidence, edges: Sequence[int], names: Names) -> list[Row]:
    """A line for each point that the source had, with every cause by name."""

    def items_of(duty: Duty) -> dict[str, tuple[Item, ...]]:
        return {
            tag: (Item(duty.unit_of[row], "", np.array([row])),)  # as if it alone were to be measured
            for row, tag in enumerate(duty.tags)
        }

    columns = _columns(evidence, edges, items_of)
    if not columns:
        return []
    first, end = edges[0], edges[-1]
    tags = tuple(columns)
    facts = np.zeros((len(tags), end - first), np.uint8)
    for duty, begin, stop in evidence.duties(first, end):
        recorded, mask = evidence.facts(duty, begin, stop)
        rows = [tags.index(tag) for tag in duty.tags]
        facts[rows, begin - first : stop - first] = recorded if mask is None else flagged(recorded, mask)
    down, box = evidence.park_down(first, end), evidence.box(first, end)
    found: list[Row] = []
    for row, (tag, column) in enumerate(columns.items()):
        point = f"{evidence.settled.enterprise}/{tag}"
        name, name_en = names.get(point, (tag, tag))
        for (begin, stop), tally in zip(pairwise(edges), _tallies(column, edges), strict=True):
            part = slice(begin - first, stop - first)
            owed = column.slots[part] != Slot.UNKNOWN
            counted = point_tally(facts[row, part][owed], column.excused[part][owed], down[part][owed], box[part][owed])
            found.append(Row(point, name, name_en, begin * SLOT_US, stop * SLOT_US, tally, counted))
    return found


def _columns(
    evidence: Evidence, edges: Sequence[int], items_of: Callable[[Duty], dict[str, tuple[Item, ...]]]
) -> dict[str, _Column]:
    """Judge each name's items alone, over the whole of the edges."""
    found: dict[str, _Column] = {}
    if not edges:
        return found
    first, end = edges[0], edges[-1]
    for duty, begin, stop in evidence.duties(first, end):
        facts, mask = evidence.facts(duty, begin, stop)
        part = slice(begin - first, stop - first)
        for name, items in items_of(duty).items():
            column = found.setdefault(name, _Column(np.zeros(end - first, np.uint8), np.zeros(end - first, bool)))
            judged = judge(facts, replace(duty, items=items), mask)
            column.slots[part] = judged.slots
            column.excused[part] = _spared(evidence.settled, begin, stop, judged.slots, judged.failing)
    return found


def _spared(settled: Settled, first: int, end: int, slots: Bytes, failing: Units) -> Bools:
    """bool[n]: lost slots all of whose failing units are under an exemption that still excuses."""
    if settled.exempt is None:
        return np.zeros(end - first, bool)
    exempt = settled.exempt[first - settled.first : end - settled.first]
    return (slots >= LOST) & (exempt != 0) & ((failing & ~exempt) == 0)


def _tallies(column: _Column, edges: Sequence[int]) -> list[Tally]:
    return tallies(column.slots, column.excused, [edge - edges[0] for edge in edges])
