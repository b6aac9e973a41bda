"""The park as its configuration folder describes it, as far as an outsider who delivers and audits needs it.

Read from park.toml, coverage.toml and <enterprise>/{enterprise.toml, points.csv, tags.csv}, by the published meaning of their
columns; nothing is shared with the service that reads the same files.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hazmon_sim.errors import SimulatorError

MAX_DECIMALS = 6
_STEPS = 2000  # an instrument shows at least so many different values over its range


@dataclass(frozen=True, slots=True)
class Tag:
    """A point. `band` is where its value may move without an alarm; `rest` where it stands still, for an on/off signal."""

    name: str
    source: str
    unit: str
    quantity: str
    low: float
    high: float
    band: tuple[float, float]
    decimals: int
    rest: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """What a box reads together: columns `first` to `last` (exclusive) of the box's tags."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Box:
    """The box of an enterprise: its tags in the order of its groups."""

    edge: str
    tags: tuple[Tag, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A major hazard source: its box, and unit ids with their kinds."""

    id: str
    edge: str
    units: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """coverage.toml. `groups` name -> quantities, `required` unit kind -> group names; times in microseconds."""

    cap: Fraction
    grace_us: int
    late_us: int
    prompt_us: int
    clock_us: int
    groups: dict[str, frozenset[str]]
    required: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Park:
    """Everything, in the order of the files."""

    timezone: ZoneInfo
    boxes: tuple[Box, ...]
    sources: tuple[Source, ...]
    terms: Terms


def load_park(config: Path) -> Park:
    """Read the folder. Raises SimulatorError naming file and place."""
    folders = sorted(path.parent for path in config.glob("*/points.csv"))
    if not folders:
        raise SimulatorError(f"{config}: no enterprise with a points.csv here")
    boxes: list[Box] = []
    sources: list[Source] = []
    for folder in folders:
        document = _toml(folder / "enterprise.toml")
        edge = str(document.get("id", folder.name))
        for found in document.get("source", []):
            units = tuple((str(unit["id"]), str(unit["kind"])) for unit in found.get("unit", []))
            sources.append(Source(str(found["id"]), edge, units))
        boxes.append(_box(edge, folder))
    zone = ZoneInfo(str(_toml(config / "park.toml").get("timezone", "Asia/Shanghai")))
    return Park(zone, tuple(boxes), tuple(sources), load_terms(config / "coverage.toml"))


def load_terms(path: Path) -> Terms:
    """coverage.toml. Raises SimulatorError for a required group that is not defined there."""
    document = _toml(path)
    groups = {name: frozenset[str](group["quantities"]) for name, group in document.get("group", {}).items()}
    required = {kind: tuple[str, ...](unit["required"]) for kind, unit in document.get("unit", {}).items()}
    for kind, names in required.items():
        for name in names:
            if name not in groups:
                raise SimulatorError(f"{path}: [unit.{kind}] required names {name}, there is no [group.{name}]")

    def span_us(key: str, default: float, seconds: int) -> int:
        return round(float(document.get(key, default)) * seconds * 1_000_000)

    return Terms(
        cap=Fraction(str(document.get("cap", "0.05"))),
        grace_us=span_us("grace_h", 2, 3600),
        late_us=span_us("late_deadline_h", 24, 3600),
        prompt_us=span_us("prompt_s", 60, 1),
        clock_us=span_us("clock_limit_s", 30, 1),
        groups=groups,
        required=required,
    )


def _box(edge: str, folder: Path) -> Box:
    connections = {row["tag"]: row["connection"] for _, row in _rows(folder / "tags.csv")}
    families: dict[str, list[Tag]] = {}
    path = folder / "points.csv"
    for line, row in _rows(path):
        try:
            families.setdefault(connections[row["tag"]], []).append(_tag(row))
        except (KeyError, ValueError) as error:
            raise SimulatorError(f"{path}:{line}: {row.get('tag')}: {error!r}") from error
    tags: list[Tag] = []
    groups: list[Group] = []
    for name, members in families.items():
        groups.append(Group(name, len(tags), len(tags) + len(members)))
        tags += members
    return Box(edge, tuple(tags), tuple(groups))


def _tag(row: dict[str, str]) -> Tag:
    low, high = float(row["range_low"]), float(row["range_high"])
    if not low < high:
        raise ValueError(f"range {low:g} to {high:g}")
    limits = {key: float(row[key]) for key in ("LL", "L", "H", "HH") if (row.get(key) or "").strip()}
    bottom = max([low, *(limits[key] for key in ("LL", "L") if key in limits)])
    top = min([high, *(limits[key] for key in ("H", "HH") if key in limits)])
    switch = row["uom"] == "0/1"
    places = 0
    while not switch and places < MAX_DECIMALS and 10.0**-places > (high - low) / _STEPS:
        places += 1
    rest = (0 if {"H", "HH"} & set(limits) else 1) if switch else None
    return Tag(row["tag"], row["source"], row["unit"], row["quantity"], low, high, (bottom, top), places, rest)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from enumerate(csv.DictReader(file), 2)
    except OSError as error:
        raise SimulatorError(f"{path}: {error.strerror}") from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SimulatorError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise SimulatorError(f"{path}: {error}") from error
