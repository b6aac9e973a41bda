"""colour.toml of the park: the rules of the live warning colour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field

from hazmon.colour import Colour, ColourRule, ColourRules
from hazmon.errors import ConfigError
from hazmon.registry.document import Document, Where, read_document
from hazmon.registry.report import Report, choice, shown
from hazmon.registry.shapes import Shape, Text, shape
from hazmon.rulebook import Kind

COLOUR_FILE = "colour.toml"
_OF_ALARMS = ("alarms", "priority", "kinds", "unacknowledged_min", "suppressed")
_CONDITIONS = (*_OF_ALARMS, "unknown_share", "box_silent")
_KINDS = {kind.value for kind in Kind}
_A_KIND = f"a list of alarm kinds, each {choice(Kind)}"

Shade = Annotated[Literal["红", "橙", "黄", "蓝"], Field(description=choice(Colour))]


class ColourTable(Shape):
    """The top of colour.toml."""

    version: Text


class DefaultTable(Shape):
    """`[default]`: the colour when no rule is true."""

    colour: Shade
    reason: Text
    reason_en: Text


class RuleTable(DefaultTable):
    """`[[rule]]`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="a name of small letters, digits and -")]
    alarms: Annotated[int, Field(ge=1, description="a whole number >= 1")] = 1
    priority: Annotated[int | None, Field(ge=1, le=4, description="a priority, 1 to 4")] = None
    kinds: Annotated[list[str] | None, Field(min_length=1, description=_A_KIND)] = None
    unacknowledged_min: Annotated[float | None, Field(ge=0, allow_inf_nan=False, description="minutes >= 0")] = None
    suppressed: Annotated[bool, Field(description="true or false")] = False
    unknown_share: Annotated[float | None, Field(gt=0, le=1, description="a share, above 0 and at most 1")] = None
    box_silent: Annotated[bool | None, Field(description="true or false")] = None


def load_colours(config_dir: Path) -> ColourRules:
    """The rule set of a configuration folder. Raises ConfigError with every finding."""
    report = Report()
    rules = read_colours(report, config_dir)
    if rules is None or report.findings:
        raise ConfigError(report.sorted())
    return rules


def read_colours(report: Report, root: Path) -> ColourRules | None:
    """The rule set in `root`, or None and its findings."""
    document = read_document(report, root, COLOUR_FILE)
    if document is None:
        return None
    before = len(report.findings)
    top = shape(report, document, (), document.data, ColourTable, nested=("rule", "default"))
    rules = [
        _rule(report, document, ("rule", number), table)
        for number, table in enumerate(document.tables(report, (), document.data, "rule"))
    ]
    first: dict[str, int] = {}
    for number, rule in enumerate(rules):
        if rule is not None and first.setdefault(rule.id, number) != number:
            document.add(report, ("rule", number, "id"), "an id that no rule above has", shown(rule.id))
    default = _default(report, document)
    if top is None or default is None or len(report.findings) > before:
        return None
    return ColourRules(top.version, tuple(rule for rule in rules if rule is not None), default)


def _rule(report: Report, document: Document, at: Where, table: dict[str, object]) -> ColourRule | None:
    found = shape(report, document, at, table, RuleTable)
    if not any(name in table for name in _CONDITIONS):
        document.add(report, at, f"at least one condition: {choice(_CONDITIONS)}", "none")
        return None
    if found is None:
        return None
    unknown = [kind for kind in found.kinds or () if kind not in _KINDS]
    if unknown:
        document.add(report, (*at, "kinds"), _A_KIND, shown(unknown[0]))
        return None
    return ColourRule(
        id=found.id,
        colour=Colour(found.colour),
        reason=found.reason,
        reason_en=found.reason_en,
        alarms=found.alarms if any(name in table for name in _OF_ALARMS) else 0,
        priority=found.priority,
        kinds=frozenset(Kind(kind) for kind in found.kinds or ()),
        unacknowledged_min=found.unacknowledged_min,
        suppressed=found.suppressed,
        unknown_share=found.unknown_share,
        box_silent=found.box_silent,
    )


def _default(report: Report, document: Document) -> ColourRule | None:
    value = document.data.get("default")
    if not isinstance(value, dict):
        document.add(report, ("default",), "a table [default]", shown(value))
        return None
    table = shape(report, document, ("default",), cast("dict[str, object]", value), DefaultTable)
    return None if table is None else ColourRule("default", Colour(table.colour), table.reason, table.reason_en)
