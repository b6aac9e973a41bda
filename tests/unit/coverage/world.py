"""A small park in four configurations, said twice: in plain words for the naive count, and as the product's own model."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache

import numpy as np
from unit.coverage.naive import Plan, Terms

from hazmon.delivery import ScanGroup
from hazmon.model import CoverageRules, Enterprise, Level, ParameterGroup, Park, Point, Quantity, Settings, Source, Unit, UnitType
from hazmon.model import UnitKind as Kind
from hazmon.rulebook import Limits

REQUIRED = {
    "pressure_tank": ["level", "gas"],
    "atmospheric_tank": ["level"],
    "area": ["level_or_flow", "gas"],
    "process_unit": ["level_or_flow"],
}
GROUPS = {"level": {"level"}, "level_or_flow": {"level", "flow"}, "gas": {"combustible_gas", "toxic_gas"}}
LT1, LT2, AT1, FT1, AT2, LT9, LT3 = "E01/LT-1", "E01/LT-2", "E01/AT-1", "E01/FT-1", "E01/AT-2", "E01/LT-9", "E02/LT-3"
S1, S2, S3 = "E01-S1", "E01-S2", "E02-S3"

Points = dict[str, tuple[str, str, str, float, float]]
_BASE: Points = {
    LT1: (S1, "V-1", "level", 0, 100),
    LT2: (S1, "V-1", "level", 0, 100),
    AT1: (S1, "V-1", "toxic_gas", -40, 40),
    FT1: (S1, "A-1", "flow", 0, 100),
    AT2: (S1, "A-1", "combustible_gas", 0, 100),
    LT9: (S2, "V-2", "level", 0, 100),
    LT3: (S3, "P-3", "level", 0, 16),
}
_UNITS = {S1: [("V-1", "pressure_tank"), ("A-1", "area")], S2: [("V-2", "atmospheric_tank")], S3: [("P-3", "process_unit")]}


def _without(points: Points, *gone: str) -> Points:
    return {point: each for point, each in points.items() if point not in gone}


LAYOUTS: list[tuple[dict[str, list[tuple[str, str]]], Points]] = [
    (_UNITS, _BASE),
    (_UNITS, _without(_BASE, AT1, LT2)),  # a group without a point; a tag that goes, and comes again
    (  # a tag that moves to another source, another unit and range, and a unit that becomes another kind
        {S1: [("V-1", "atmospheric_tank"), ("A-1", "area")], S2: _UNITS[S2], S3: _UNITS[S3]},
        {**_BASE, LT2: (S2, "V-2", "level", 0, 50), FT1: (S1, "A-1", "level", 0, 100)},
    ),
    ({S1: _UNITS[S1][::-1], S3: _UNITS[S3]}, _without(_BASE, LT9)),  # a source that goes; units in another order
]
TAGS = {"E01": [point.partition("/")[2] for point in _BASE if point.startswith("E01")] + ["XX-0"], "E02": ["LT-3"]}


def plan(layout: int, since: int) -> Plan:
    """One of the configurations, for the naive count."""
    return Plan(since, *LAYOUTS[layout])


@cache
def park(layout: int) -> Park:
    """The same, as the product knows it."""
    sources, points = LAYOUTS[layout]
    edges: dict[str, list[Source]] = {"E01": [], "E02": []}
    for source, units in sources.items():
        things = tuple(Unit(unit, unit, Kind(kind)) for unit, kind in units)
        edges[source[:3]].append(
            Source(source, source[:3], source, source, UnitType.STORAGE, Level.THREE, 1.0, 1.0, (116.3, 35.0), (), things)
        )
    enterprises = tuple(Enterprise(edge, edge, edge, 0, tuple(found)) for edge, found in edges.items())
    return Park(
        Settings("园区", "park"),
        enterprises,
        tuple(
            Point(point[:3], point[4:], source, unit, point, point, Quantity(quantity), "m", low, high, 1, Limits())
            for point, (source, unit, quantity, low, high) in points.items()
        ),
        digest=f"layout {layout}",
        coverage=rules(),
    )


def terms(cap: Fraction = Fraction(1, 20)) -> Terms:
    """The rules, for the naive count."""
    return Terms(GROUPS, REQUIRED, cap=cap)


@cache
def rules(cap: Fraction = Fraction(1, 20)) -> CoverageRules:
    """The same, as the product knows them."""
    groups = {name: ParameterGroup(name, name, name, frozenset(map(Quantity, wanted))) for name, wanted in GROUPS.items()}
    return CoverageRules(groups, {Kind(kind): tuple(wanted) for kind, wanted in REQUIRED.items()}, cap=cap)


def group(of: Park, edge: str, period_us: int, number: int, tags: Mapping[str, list[str]] = TAGS) -> ScanGroup:
    """All that a box reads, in one group; XX-0 is nobody's."""
    points = np.array([of.by_id.get(f"{edge}/{tag}", -1) for tag in tags[edge]], np.int64)
    return ScanGroup(number, edge, "plc1", period_us, bytes(8), tuple(tags[edge]), points)
