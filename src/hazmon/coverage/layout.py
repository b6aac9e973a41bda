"""What a source must have measured: the required groups of each of its units, and the points that can satisfy them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.model import CoverageRules, Park, Source
from hazmon.rules.frame import Ints


@dataclass(frozen=True, slots=True)
class Item:
    """A group that a unit must have measured. rows int64[k]: its points among those of the source; none = not equipped."""

    unit: int
    group: str
    rows: Ints


@dataclass(frozen=True, slots=True)
class Duty:
    """A source's part of a scheme: its points (tags) in order, its units in order, what must be measured."""

    source: str
    enterprise: str
    tags: tuple[str, ...]
    unit_of: tuple[int, ...]  # of each tag
    units: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def lacking(self) -> tuple[Item, ...]:
        """Items that no configured point can satisfy."""
        return tuple(item for item in self.items if not item.rows.size)


@dataclass(frozen=True, slots=True)
class Scheme:
    """What was to be measured from `since` (a slot) on, until the next scheme. `digest` is that of the configuration."""

    since: int
    duties: dict[str, Duty]
    digest: str


def scheme_of(park: Park, rules: CoverageRules, since: int) -> Scheme:
    """The scheme that a configuration makes."""
    tags: dict[str, list[int]] = {}
    for index, point in enumerate(park.points):
        tags.setdefault(point.source, []).append(index)
    duties = {source.id: _duty(park, rules, source, tags.get(source.id, [])) for source in park.sources}
    return Scheme(since, duties, park.digest)


def _duty(park: Park, rules: CoverageRules, source: Source, indices: list[int]) -> Duty:
    points = [park.points[index] for index in indices]
    number = {unit.id: bit for bit, unit in enumerate(source.units)}
    items: list[Item] = []
    for unit in source.units:
        for group in rules.required[unit.kind]:
            wanted = rules.groups[group].quantities
            rows = [row for row, point in enumerate(points) if point.unit == unit.id and point.quantity in wanted]
            items.append(Item(number[unit.id], group, np.array(rows, np.int64)))
    return Duty(
        source=source.id,
        enterprise=source.enterprise,
        tags=tuple(point.tag for point in points),
        unit_of=tuple(number[point.unit] for point in points),
        units=tuple(unit.id for unit in source.units),
        items=tuple(items),
    )
