"""The lines of figures that an answer is made of: by park, enterprise or source, cut into days, weeks or months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from hazmon.coverage.account import Tally, tallies, total
from hazmon.coverage.facts import SLOT_US
from hazmon.coverage.report import Row
from hazmon.coverage.settled import Settled
from hazmon.model import Park

Names = dict[str, tuple[str, str]]  # Chinese and English, by id; "" = the park


class By(StrEnum):
    """Of whom each line is."""

    PARK = "park"
    ENTERPRISE = "enterprise"
    SOURCE = "source"
    GROUP = "group"
    POINT = "point"


@dataclass(frozen=True, slots=True)
class Counted:
    """Sources and what they have in each stretch between the edges (slots)."""

    edges: Sequence[int]
    sources: tuple[tuple[str, str], ...]  # enterprise, source
    tallies: tuple[list[Tally], ...]  # of each source


def names_of(park: Park) -> Names:
    """What everything is called."""
    names = {"": (park.settings.name, park.settings.name_en)}
    names |= {enterprise.id: (enterprise.name, enterprise.name_en) for enterprise in park.enterprises}
    names |= {source.id: (source.name, source.name_en) for source in park.sources}
    return names | {point.id: (point.name, point.name_en) for point in park.points}


def count(sources: Sequence[Settled], edges: Sequence[int]) -> Counted:
    """Count each source's slots between the edges, which lie within what is settled."""
    return Counted(
        edges,
        tuple((source.enterprise, source.source) for source in sources),
        tuple(
            tallies(source.slots, source.excused, [edge - source.first for edge in edges]) if edges else [] for source in sources
        ),
    )


def rows(counted: Counted, by: By, names: Names) -> list[Row]:
    """A line for each of the park, enterprises or sources and each stretch; the stretches of one follow each other."""
    whose: dict[str, list[list[Tally]]] = {}
    for (enterprise, source), own in zip(counted.sources, counted.tallies, strict=True):
        of = {By.PARK: "", By.ENTERPRISE: enterprise}.get(by, source)
        whose.setdefault(of, []).append(own)
    return [
        line(of, names, begin, end, total(column))
        for of, all_of in whose.items()
        for (begin, end), column in zip(pairwise(counted.edges), zip(*all_of, strict=True), strict=True)
    ]


def line(of: str, names: Names, begin: int, end: int, tally: Tally) -> Row:
    """A line of figures over the slots [begin, end)."""
    name, name_en = names.get(of, (of, of))
    return Row(of, name, name_en, begin * SLOT_US, end * SLOT_US, tally)
