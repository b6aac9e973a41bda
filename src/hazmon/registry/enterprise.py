"""enterprise.toml: the sources of an enterprise, what they hold, and the level that GB 18218 gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hazmon.model import Chemical, Enterprise, Level, Source, Unit, UnitKind, UnitType
from hazmon.registry import gb18218
from hazmon.registry.document import Document, Where, read_document, subtables
from hazmon.registry.gb18218 import Grading
from hazmon.registry.report import Report, number, shown
from hazmon.registry.shapes import ChemicalTable, EnterpriseTable, SourceTable, UnitTable, shape

ENTERPRISE_ID = re.compile(r"[A-Za-z0-9]+", re.ASCII)
MOST_UNITS = 32  # of a source: coverage keeps which of them failed as bits


@dataclass(frozen=True, slots=True)
class GradedSource:
    """A source, the level that its file claims, and the working of the level that it has."""

    source: Source
    claimed: Level
    grading: Grading

    @property
    def fault(self) -> str | None:
        """Why the claim is refused, or None when it holds."""
        if not self.grading.is_major:
            return "not a major hazard source"
        return None if self.claimed == self.grading.level else f"GB 18218 gives {self.grading.level}"


@dataclass(frozen=True, slots=True)
class EnterpriseFile:
    """What enterprise.toml tells, also when part of it is refused.

    `units` maps every source that is named in the file to its units, so that points.csv is not blamed for a fault here.
    """

    table: EnterpriseTable | None
    graded: tuple[GradedSource, ...]
    units: dict[str, set[str]]

    def enterprise(self) -> Enterprise | None:
        """The enterprise itself; None where the top of the file is refused."""
        table = self.table
        if table is None:
            return None
        return Enterprise(table.id, table.name, table.name_en, table.residents_500m, tuple(item.source for item in self.graded))


def read_enterprise(report: Report, root: Path, folder: str, *, dispute: bool = True) -> EnterpriseFile | None:
    """`<folder>/enterprise.toml`; None and a finding when it cannot be read at all.

    Without `dispute` a level that GB 18218 does not give, or a source below S = 1, is no finding: see `GradedSource.fault`.
    """
    document = read_document(report, root, f"{folder}/enterprise.toml")
    if document is None:
        return None
    table = shape(report, document, (), document.data, EnterpriseTable, nested=("source",))
    if table is not None and table.id != folder:
        document.add(report, ("id",), f'"{folder}", the name of its folder', shown(table.id))
    residents = _residents(document)
    graded: list[GradedSource] = []
    units: dict[str, set[str]] = {}
    for index, item in enumerate(document.tables(report, (), document.data, "source")):
        source = _SourceReader(report, document, folder, ("source", index), item)
        name = item.get("id")
        if isinstance(name, str):
            source.name_is_free(name, units)
            units[name] = source.unit_ids()
        found = source.read(residents)
        if found is not None:
            graded.append(found)
            if dispute:
                source.dispute(found)
    return EnterpriseFile(table, tuple(graded), units)


def _residents(document: Document) -> int | None:
    """The one number of the top that every level hangs on, also where another key of the top is refused."""
    value = document.data.get("residents_500m")
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@dataclass(frozen=True, slots=True)
class _SourceReader:
    """One `[[source]]` table, at `at` in its document."""

    report: Report
    document: Document
    folder: str
    at: Where
    item: dict[str, object]

    def name_is_free(self, name: str, taken: dict[str, set[str]]) -> None:
        if not re.fullmatch(re.escape(self.folder) + r"-[A-Za-z0-9]+", name):
            self.document.add(self.report, (*self.at, "id"), f'"{self.folder}-" and letters or digits', shown(name))
        elif name in taken:
            self.document.add(self.report, (*self.at, "id"), "an id of its own", f"{shown(name)} a second time")

    def unit_ids(self) -> set[str]:
        names = [unit.get("id") for unit in subtables(self.item, "unit")]
        return {name for name in names if isinstance(name, str)}

    def read(self, residents: int | None) -> GradedSource | None:
        table = shape(self.report, self.document, self.at, self.item, SourceTable, nested=("chemical", "unit"))
        if table is not None:
            self._position(table)
        chemicals, units = self._chemicals(), self._units()
        if table is None or chemicals is None or units is None or residents is None:
            return None
        grading = gb18218.grade(chemicals, residents)
        source = Source(
            table.id,
            self.folder,
            table.name,
            table.name_en,
            UnitType(table.unit_type),
            grading.level,
            float(grading.s),
            float(grading.r),
            (float(table.position[0]), float(table.position[1])),
            chemicals,
            units,
        )
        return GradedSource(source, Level(table.level), grading)

    def _position(self, table: SourceTable) -> None:
        longitude, latitude = table.position
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            expected = "[longitude -180..180, latitude -90..90]"
            self.document.add(self.report, (*self.at, "position"), expected, shown(table.position))

    def _chemicals(self) -> tuple[Chemical, ...] | None:
        items = self.document.tables(self.report, self.at, self.item, "chemical")
        chemicals: list[Chemical] = []
        for index, item in enumerate(items):
            where: Where = (*self.at, "chemical", index)
            table = shape(self.report, self.document, where, item, ChemicalTable)
            if table is None:
                continue
            if not cas_holds(table.cas):
                expected = f"a CAS number with check digit {cas_check_digit(table.cas)}"
                self.document.add(self.report, (*where, "cas"), expected, shown(table.cas))
                continue
            try:
                gb18218.lookup(table.cas, table.hazard_class)
            except gb18218.UnknownSubstance as unknown:
                key = "cas" if table.cas == gb18218.AMMONIUM_NITRATE else "class"
                found = table.cas if key == "cas" else table.hazard_class
                self.document.add(self.report, (*where, key), str(unknown), shown(found))
                continue
            chemicals.append(Chemical(table.name, table.cas, float(table.tonnes), table.hazard_class))
        return tuple(chemicals) if items and len(chemicals) == len(items) else None

    def _units(self) -> tuple[Unit, ...] | None:
        items = self.document.tables(self.report, self.at, self.item, "unit")
        units: dict[str, Unit] = {}
        for index, item in enumerate(items):
            where: Where = (*self.at, "unit", index)
            table = shape(self.report, self.document, where, item, UnitTable)
            if table is None:
                continue
            if table.id in units:
                self.document.add(self.report, (*where, "id"), "an id of its own", f"{shown(table.id)} a second time")
                continue
            units[table.id] = Unit(table.id, table.name, UnitKind(table.kind))
        if len(items) > MOST_UNITS:
            self.document.add(self.report, (*self.at, "unit"), f"at most {MOST_UNITS} units", str(len(items)))
        return tuple(units.values()) if items and len(units) == len(items) else None

    def dispute(self, graded: GradedSource) -> None:
        sums = f"S = {number(float(graded.grading.s))}, R = {number(float(graded.grading.r))}"
        if not graded.grading.is_major:
            self.document.add(self.report, self.at, "S >= 1, from which on a unit is a major hazard source", sums)
        elif graded.fault is not None:
            expected = f'"{graded.grading.level}" by GB 18218 ({sums})'
            self.document.add(self.report, (*self.at, "level"), expected, shown(str(graded.claimed)))


def cas_check_digit(cas: str) -> int:
    """The last digit that the other digits of a CAS number ask for: their sum weighted 1, 2, 3 from the right, mod 10."""
    digits = cas.replace("-", "")[:-1]
    return sum(weight * int(digit) for weight, digit in enumerate(reversed(digits), start=1)) % 10


def cas_holds(cas: str) -> bool:
    """Whether the check digit of a well-formed CAS number fits."""
    return int(cas[-1]) == cas_check_digit(cas)
