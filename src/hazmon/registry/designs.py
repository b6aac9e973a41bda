"""The `[[by_design]]` tables of an enterprise's rules.toml: while a condition is true, some alarms mean nothing."""

from __future__ import annotations

from dataclasses import dataclass

from hazmon.registry.document import Where
from hazmon.registry.expressions import ExpressionReader, listed
from hazmon.registry.named_rules import NamedReader
from hazmon.registry.points import PointRow
from hazmon.registry.report import choice, shown
from hazmon.registry.rule_shapes import DesignTable
from hazmon.registry.shapes import shape
from hazmon.rulebook import ByDesign, Kind

_BY_DEFAULT = frozenset({Kind.STUCK, Kind.FORECAST_UP, Kind.FORECAST_DOWN})  # rules that the park's defaults may give


@dataclass(frozen=True, slots=True)
class DesignReader:
    """Reads them after `named` has read the rules of the same file."""

    named: NamedReader

    def read(self) -> list[ByDesign]:
        """Every `[[by_design]]` that is sound."""
        if "by_design" not in self.named.document.data:
            return []
        report, document = self.named.report, self.named.document
        found: list[ByDesign] = []
        for index, item in enumerate(document.tables(report, (), document.data, "by_design")):
            at: Where = ("by_design", index)
            table = shape(report, document, at, item, DesignTable, nested=("when", "alarms"))
            reader = self.named.reader(None)
            when = self.named.when(reader, at, "by_design", item.get("when"))
            alarms = self._alarms(reader, (*at, "alarms"), item.get("alarms"))
            free = self.named.free(at, item.get("tag"), "a suppression by design")
            if table is not None and when is not None and free and reader.sound:
                found.append(ByDesign(self.named.folder, table.tag, when, tuple(alarms), table.reason))
        return found

    def _alarms(self, reader: ExpressionReader, at: Where, value: object) -> list[tuple[str, Kind]]:
        items = listed(value)
        if not items:
            reader.refuse(at, "a list of at least one alarm like FT-1101.LOW", shown(value))
        found: dict[tuple[str, Kind], None] = {}
        for index, item in enumerate(items):
            alarm = self._alarm(reader, (*at, index), item)
            if alarm is not None and alarm in found:
                reader.refuse((*at, index), "an alarm once", f"{shown(item)} a second time")
            elif alarm is not None:
                found[alarm] = None
        return list(found)

    def _alarm(self, reader: ExpressionReader, at: Where, value: object) -> tuple[str, Kind] | None:
        tag, dot, word = value.rpartition(".") if isinstance(value, str) else ("", "", "")
        if not (tag and dot and word in tuple(Kind)):
            reader.refuse(at, f"a tag, a dot, and {choice(Kind)}", shown(value))
            return None
        kind, alarm = Kind(word), (f"{self.named.folder}/{tag}", Kind(word))
        if tag in self.named.rules:
            rule = self.named.rules[tag]
            if rule is not None and reader.source is not None and rule.source != reader.source:
                reader.refuse(at, f"an alarm of {reader.source}, as the condition", f"{shown(value)}, of {rule.source}")
            elif rule is not None and Kind(rule.rule) is not kind:
                reader.refuse(at, f"{tag}.{rule.rule}", shown(value))
            return alarm
        if self.named.rows is None:
            return alarm
        row = self.named.rows.get(tag)
        if row is None:
            reader.refuse(at, "a tag of points.csv or of a rule", shown(tag))
        elif reader.source is not None and row.source != reader.source:
            reader.refuse(at, f"an alarm of {reader.source}, as the condition", f"{shown(value)}, of {row.source}")
        elif tag in reader.tags:
            reader.refuse(at, "an alarm of another point: none may silence itself", shown(value))
        elif row.point is not None and (self.named.sure or kind not in _BY_DEFAULT) and (needs := _lacks(row, kind)):
            reader.refuse(at, f"an alarm that {tag} has; {kind} needs {needs}", shown(value))
        return alarm


def _lacks(row: PointRow, kind: Kind) -> str:
    """What the point's alarm of this kind would need and the point has not; empty where it has the alarm."""
    assert row.point is not None  # noqa: S101 - asked of sound rows only
    limits = row.point.limits
    has: dict[Kind, tuple[bool, str]] = {
        Kind.LOW: (limits.l is not None or limits.ll is not None, "L or LL"),
        Kind.HIGH: (limits.h is not None or limits.hh is not None, "H or HH"),
        Kind.RATE_UP: (limits.rate_up is not None, "rate_up"),
        Kind.RATE_DOWN: (limits.rate_down is not None, "rate_down"),
        Kind.STUCK: (limits.stuck_s is not None, "stuck_s"),
        Kind.FORECAST_UP: (limits.forecast_min is not None and limits.hh is not None, "forecast_min and HH"),
        Kind.FORECAST_DOWN: (limits.forecast_min is not None and limits.ll is not None, "forecast_min and LL"),
        Kind.STALE: (True, ""),
        Kind.QUALITY: (True, ""),
        Kind.RANGE: (True, ""),
        Kind.ERROR: (True, ""),
    }
    there, needs = has.get(kind, (False, "a named rule"))
    return "" if there else needs
