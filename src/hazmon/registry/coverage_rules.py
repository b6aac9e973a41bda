"""coverage.toml of the park: what must be measured of each kind of unit, and when a source counts as monitored."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, cast

from pydantic import Field

from hazmon.model import CoverageRules, ParameterGroup, Quantity, UnitKind
from hazmon.registry.document import Document, read_document
from hazmon.registry.report import Report, choice, shown
from hazmon.registry.shapes import Shape, Text, shape

COVERAGE_FILE = "coverage.toml"
_QUANTITIES = {quantity.value for quantity in Quantity}
_KINDS = {kind.value for kind in UnitKind}

Hours = Annotated[float, Field(gt=0, le=24 * 30, allow_inf_nan=False, description="hours, above 0 and at most 720")]
Seconds = Annotated[int, Field(ge=1, le=3600, description="whole seconds, 1 to 3600")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, description="a share, 0 to 1")]


class CoverageTable(Shape):
    """The top of coverage.toml."""

    prompt_s: Seconds = 60
    late_deadline_h: Hours = 24
    clock_limit_s: Seconds = 30
    grace_h: Annotated[float, Field(ge=0, le=72, allow_inf_nan=False, description="hours, 0 to 72")] = 2
    cap: Share = 0.05
    online_min: Share = 0.95


class GroupTable(Shape):
    """`[group.ID]`: quantities of which one is enough."""

    name: Text
    name_en: Text
    quantities: Annotated[list[str], Field(min_length=1, description=f"a list of quantities, each {choice(Quantity)}")]


class UnitKindTable(Shape):
    """`[unit.KIND]`: the groups that every unit of the kind must have."""

    required: Annotated[list[str], Field(min_length=1, description="a list of groups of this file, at least one")]


def read_coverage(report: Report, root: Path) -> CoverageRules | None:
    """The rules in `root`, or None and the findings."""
    document = read_document(report, root, COVERAGE_FILE)
    if document is None:
        return None
    before = len(report.findings)
    top = shape(report, document, (), document.data, CoverageTable, nested=("group", "unit"))
    groups = {name: _group(report, document, name, table) for name, table in _tables(report, document, "group").items()}
    required = {
        name: _required(report, document, name, table, groups) for name, table in _tables(report, document, "unit").items()
    }
    for kind in UnitKind:
        if kind.value not in required:
            document.add(report, ("unit", kind.value), f"a table [unit.{kind.value}] with `required`", "none")
    if top is None or len(report.findings) > before:
        return None
    return CoverageRules(
        groups={name: group for name, group in groups.items() if group is not None},
        required={UnitKind(name): tuple(each) for name, each in required.items()},
        prompt_s=top.prompt_s,
        late_deadline_s=round(top.late_deadline_h * 3600),
        clock_limit_s=top.clock_limit_s,
        grace_s=round(top.grace_h * 3600),
        cap=Fraction(str(top.cap)),
        online_min=Fraction(str(top.online_min)),
    )


def _tables(report: Report, document: Document, name: str) -> dict[str, dict[str, object]]:
    """The tables `[name.X]` by X; anything else there is a finding."""
    value = document.data.get(name)
    found = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if not found:
        document.add(report, (name,), f"tables [{name}.…]", shown(cast("object", value)))
    tables: dict[str, dict[str, object]] = {}
    for key, table in found.items():
        if isinstance(table, dict):
            tables[key] = cast("dict[str, object]", table)
        else:
            document.add(report, (name, key), f"a table [{name}.{key}]", shown(table))
    return tables


def _group(report: Report, document: Document, name: str, table: dict[str, object]) -> ParameterGroup | None:
    found = shape(report, document, ("group", name), table, GroupTable)
    if found is None:
        return None
    unknown = [quantity for quantity in found.quantities if quantity not in _QUANTITIES]
    if unknown:
        document.add(report, ("group", name, "quantities"), choice(Quantity), shown(unknown[0]))
        return None
    return ParameterGroup(name, found.name, found.name_en, frozenset(Quantity(quantity) for quantity in found.quantities))


def _required(
    report: Report, document: Document, name: str, table: dict[str, object], groups: dict[str, ParameterGroup | None]
) -> list[str]:
    if name not in _KINDS:
        document.add(report, ("unit", name), choice(UnitKind), shown(name))
        return []
    found = shape(report, document, ("unit", name), table, UnitKindTable)
    for group in found.required if found else ():
        if group not in groups:
            document.add(report, ("unit", name, "required"), choice(sorted(groups)), shown(group))
    return found.required if found else []
