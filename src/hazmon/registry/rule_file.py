"""rules.toml: what points.csv has no column for. The park's file holds defaults, an enterprise's its points and named rules.

Both are optional. A default of a quantity holds for every point of it that says nothing itself; it is left out where the point
cannot have such a rule: a forecast without HH and LL, any trend of a contact (0/1), a stuck time within ten periods.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any, cast

from hazmon.model import Point, Quantity
from hazmon.registry.designs import DesignReader
from hazmon.registry.document import Document, Where, read_document
from hazmon.registry.named_rules import NamedReader
from hazmon.registry.points import PointRow
from hazmon.registry.report import Report, choice, number, shown
from hazmon.registry.rule_shapes import EscalationTable, PointTable, QuantityTable, RulesTable, ShelvingTable
from hazmon.registry.shapes import T, shape
from hazmon.rulebook import ByDesign, Escalation, Handling, NamedRule, Signal

RULES_FILE = "rules.toml"
CONTACT = "0/1"
STUCK_PERIODS = 10  # an instrument that moves seldom is at rest through a few readings without being stuck
_TREND = ("rate_deadband", "rate_on_delay_s", "rate_off_delay_s", "rate_samples", "rate_span")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the park's rules.toml says, `quantities` with the tables that were sound.

    Not `sound` = a part was refused, and no point is blamed for what it may have said.
    """

    escalation: Escalation = field(default_factory=Escalation)
    shelve_max_h: float = 8.0
    document: Document | None = None
    quantities: dict[Quantity, QuantityTable] = field(default_factory=dict[Quantity, QuantityTable])
    sound: bool = True


@dataclass(frozen=True, slots=True)
class RuleFile:
    """An enterprise's points with their rules, and its named rules."""

    rows: dict[str, PointRow] | None
    named: tuple[NamedRule, ...] = ()
    by_design: tuple[ByDesign, ...] = ()


def read_defaults(report: Report, root: Path) -> Defaults:
    """`rules.toml` of the park; the built-in defaults where there is none, or where a table is refused."""
    before = len(report.findings)
    document = _optional(report, root, RULES_FILE)
    if document is None:
        return Defaults(sound=len(report.findings) == before)
    shape(report, document, (), document.data, RulesTable, nested=("escalation", "shelving", "quantity"))
    escalation = _table(report, document, ("escalation",), EscalationTable) or EscalationTable()
    shelving = _table(report, document, ("shelving",), ShelvingTable) or ShelvingTable()
    built_in = Escalation()
    quantities: dict[Quantity, QuantityTable] = {}
    for word, value in _tables(report, document, "quantity").items():
        at: Where = ("quantity", word)
        if word not in tuple(Quantity):
            document.add(report, at, choice(Quantity), shown(word))
        elif (table := shape(report, document, at, value, QuantityTable)) is not None:
            for key, beside in (("stuck_s", "stuck_band_pct"), ("stuck_band_pct", "stuck_s")):
                if getattr(table, key) is not None and getattr(table, beside) is None:
                    document.add(report, (*at, key), f"{beside} beside it", "none")
            quantities[Quantity(word)] = table
    return Defaults(
        Escalation(
            tuple(escalation.urgent_min or built_in.urgent_min),
            tuple(escalation.other_min or built_in.other_min),
            escalation.verify_min or built_in.verify_min,
        ),
        shelving.max_h,
        document,
        quantities,
        len(report.findings) == before,
    )


def read_rules(
    report: Report,
    root: Path,
    folder: str,
    rows: dict[str, PointRow] | None,
    units: dict[str, set[str]] | None,
    defaults: Defaults,
) -> RuleFile:
    """`<folder>/rules.toml` and the park's defaults, laid over the points. `rows` or `units` None = nothing is blamed on them."""
    document = _optional(report, root, f"{folder}/{RULES_FILE}")
    tables: dict[str, PointTable] = {}
    if document is not None:
        shape(report, document, (), document.data, RulesTable, nested=("point", "rule", "by_design"))
        for tag, value in _tables(report, document, "point").items():
            at: Where = ("point", tag)
            table = shape(report, document, at, value, PointTable)
            if rows is not None and tag not in rows:
                document.add(report, at, "a tag of points.csv", shown(tag))
            elif table is not None:
                tables[tag] = table
    ruled: dict[str, PointRow] = {}
    for tag, row in (rows or {}).items():
        if row.point is None:
            ruled[tag] = row
            continue
        default = defaults.quantities.get(row.point.quantity, QuantityTable())
        laying = _Laying(report, document, defaults, row.point, tables.get(tag, PointTable()), default)
        ruled[tag] = replace(row, point=laying.point())
    known = None if rows is None else ruled
    if document is None:
        return RuleFile(known)
    reader = NamedReader(report, document, folder, known, units, defaults.sound)
    named = tuple(reader.named())
    return RuleFile(known, named, tuple(DesignReader(reader).read()))


def _optional(report: Report, root: Path, file: str) -> Document | None:
    report.open(file)
    return read_document(report, root, file) if (root / file).exists() else None


def _table(report: Report, document: Document, at: Where, of: type[T]) -> T | None:
    value = document.data.get(str(at[0]), {})
    if not isinstance(value, dict):
        document.add(report, at, f"a table [{at[0]}]", shown(value))
        return None
    return shape(report, document, at, cast("dict[str, object]", value), of)


def _tables(report: Report, document: Document, name: str) -> dict[str, dict[str, object]]:
    """The tables `[name.X]` by X; anything else is a finding."""
    value = document.data.get(name, {})
    if not isinstance(value, dict):
        document.add(report, (name,), f"tables [{name}.X]", shown(value))
        return {}
    found: dict[str, dict[str, object]] = {}
    for key, item in cast("dict[str, object]", value).items():
        if isinstance(item, dict):
            found[key] = cast("dict[str, object]", item)
        else:
            document.add(report, (name, key), f"a table [{name}.{key}]", shown(item))
    return found


@dataclass(frozen=True, slots=True)
class _Laying:
    """One point, what its own table says and what its quantity's; the documents that findings belong to."""

    report: Report
    own: Document | None
    park: Defaults
    bare: Point
    table: PointTable
    default: QuantityTable

    def refuse(self, key: str, expected: str, found: str = "") -> None:
        """A finding about a key of the point's own table, or, where that says nothing, of its quantity's: once."""
        if getattr(self.table, key, None) is not None:
            document, at = self.own, ("point", self.bare.tag, key)
            value: object = getattr(self.table, key)
        else:
            document, at = self.park.document, ("quantity", str(self.bare.quantity), key)
            value = getattr(self.default, key)
        assert document is not None  # noqa: S101 - the key came from one of the two
        told = (document.file, document.line(at), document.key(at))
        if document is self.park.document and any((known.file, known.row, known.key) == told for known in self.report.findings):
            return
        document.add(self.report, at, expected, found or (number(value) if isinstance(value, float) else shown(value)))

    def point(self) -> Point:
        """The point with its rules; findings where its own table asks for what it cannot have."""
        limits = self.bare.limits
        forecast, stuck, band = self._forecast(), self._stuck(), self._band()
        if self.table.stuck_s and not band and self.park.sound:
            self.refuse("stuck_s", "stuck_band beside it, the point's usual noise")
        if self.table.stuck_band is not None and stuck is None and self.park.sound:
            self.refuse("stuck_band", "stuck_s beside it")
        trended = forecast is not None or limits.rate_up is not None or limits.rate_down is not None
        for key in _TREND:
            if getattr(self.table, key) is not None and not trended:
                self.refuse(key, "a point with rate_up, rate_down or forecast_min")
        samples: int | None = self._either("rate_samples", None)
        most = ceil(limits.rate_window_s / self.bare.period_s)
        if trended and samples is not None and samples > most:
            self.refuse("rate_samples", f"at most {most}, the samples in the window of {self.bare.id}")
        signal: str = self._either("signal", Signal.DIGITAL)
        if self.bare.uom == CONTACT and self.table.signal == Signal.CURRENT:
            self.refuse("signal", "digital, because 0/1 is a contact")
        if self.table.priority == 1 and self.table.response is None:
            assert self.own is not None  # noqa: S101 - the table came from it
            at = ("point", self.bare.tag, "response")
            self.own.add(self.report, at, "what to do, because priority is 1", "nothing")
        ruled = replace(
            limits,
            rate_deadband=self._either("rate_deadband", limits.rate_deadband),
            rate_on_delay_s=self._either("rate_on_delay_s", limits.rate_on_delay_s),
            rate_off_delay_s=self._either("rate_off_delay_s", limits.rate_off_delay_s),
            rate_samples=limits.rate_samples if samples is None else samples,
            rate_span=self._either("rate_span", limits.rate_span),
            forecast_min=forecast,
            stuck_s=stuck,
            stuck_band=band if stuck is not None else 0.0,
            signal=Signal.DIGITAL if self.bare.uom == CONTACT else Signal(signal),
        )
        realarm: float | None = self._either("realarm_min", None)
        handling = Handling(self._either("latch", False), self.table.priority, realarm or None, self.table.response or "")
        return replace(self.bare, limits=ruled, handling=handling)

    def _either(self, key: str, otherwise: object) -> Any:
        """What the point says, else what its quantity says, else what is built in."""
        for table in (self.table, self.default):
            if (value := getattr(table, key)) is not None:
                return value
        return otherwise

    def _forecast(self) -> float | None:
        limits, own = self.bare.limits, self.table.forecast_min
        bounded = limits.hh is not None or limits.ll is not None
        seen = limits.rate_window_s >= 2 * self.bare.period_s
        if own is None:
            return self.default.forecast_min if bounded and seen and self.bare.uom != CONTACT else None
        if own and self.bare.uom == CONTACT:
            self.refuse("forecast_min", "no such key, because 0/1 is a contact")
        elif own and not bounded:
            self.refuse("forecast_min", "a point with HH or LL, to be reached")
        elif own and not seen:
            expected = f"a point whose rate_window_s is at least two periods of {number(self.bare.period_s)} s"
            self.refuse("forecast_min", expected, number(limits.rate_window_s))
        return own or None

    def _stuck(self) -> float | None:
        own, least = self.table.stuck_s, STUCK_PERIODS * self.bare.period_s
        if own is None:
            default = self.default.stuck_s
            return default if default is not None and default >= least and self.bare.uom != CONTACT else None
        if own and self.bare.uom == CONTACT:
            self.refuse("stuck_s", "no such key, because 0/1 is a contact, which may rest")
        elif own and own < least:
            self.refuse("stuck_s", f"at least ten periods of {number(self.bare.period_s)} s")
        return own or None

    def _band(self) -> float:
        """In the point's unit; 0 where nothing says."""
        reach = self.bare.range_high - self.bare.range_low
        own = self.table.stuck_band
        if own is None:
            return reach * (self.default.stuck_band_pct or 0.0) / 100
        if own >= reach:
            self.refuse("stuck_band", f"less than {number(reach)}, the range of the point")
        return own
