"""The `[[rule]]` tables of an enterprise's rules.toml: rules over several points of a source, written with no code."""

from __future__ import annotations

from dataclasses import dataclass, field

from hazmon.registry.document import Document, Where, subtables
from hazmon.registry.expressions import ExpressionReader, listed
from hazmon.registry.points import GAS, TAG, PointRow
from hazmon.registry.report import Report, choice, number, shown
from hazmon.registry.rule_shapes import NAMED, DeviationTable, ExpressionTable, RuleTable, ValveTable, VoteTable
from hazmon.registry.shapes import shape
from hazmon.rulebook import Deviation, Expression, Handling, NamedRule, Rule, Term, Travel, Vote

_RULES = {"vote": Rule.VOTE, "deviation": Rule.DEVIATION, "valve": Rule.STATE, "state": Rule.STATE, "condition": Rule.CONDITION}


@dataclass(slots=True)
class NamedReader:
    """Reads the named rules of one file. `rows` and `units` None = that file could not be read, and nothing is blamed on it here.

    Not `sure` = the park's defaults were refused, so that a point may lack a rule for their fault.
    `taken` holds every tag of the file, with what has it; `rules` those that were read, None for a refused one.
    """

    report: Report
    document: Document
    folder: str
    rows: dict[str, PointRow] | None
    units: dict[str, set[str]] | None
    sure: bool
    taken: dict[str, str] = field(default_factory=dict[str, str])
    rules: dict[str, NamedRule | None] = field(default_factory=dict[str, "NamedRule | None"])

    def add(self, at: Where, expected: str, found: str) -> None:
        """Note a finding about the key at `at`."""
        self.document.add(self.report, at, expected, found)

    def named(self) -> list[NamedRule]:
        """Every `[[rule]]` that is sound."""
        items = subtables(self.document.data, "rule")
        if "rule" in self.document.data:
            items = self.document.tables(self.report, (), self.document.data, "rule")
        for index, item in enumerate(items):
            at: Where = ("rule", index)
            rule = self._rule(at, item)
            tag = item.get("tag")
            if self.free(at, tag, "a rule") and isinstance(tag, str):
                self.rules[tag] = rule
        return [rule for rule in self.rules.values() if rule is not None]

    def free(self, at: Where, tag: object, what: str) -> bool:
        """Whether the tag is well formed and nobody's yet; it is taken then."""
        if not isinstance(tag, str):
            return False
        if not TAG.fullmatch(tag):
            self.add((*at, "tag"), "letters, digits, dot, - and _, at most 64, the first a letter or digit", shown(tag))
            return False
        if self.rows is not None and tag in self.rows:
            self.add((*at, "tag"), "a tag of its own", f'"{tag}", which a point has')
            return False
        if tag in self.taken:
            self.add((*at, "tag"), "a tag of its own", f'"{tag}", which {self.taken[tag]} has')
            return False
        self.taken[tag] = what
        return True

    def _rule(self, at: Where, item: dict[str, object]) -> NamedRule | None:
        kind = item.get("kind")
        if not isinstance(kind, str) or kind not in NAMED:
            self.add((*at, "kind"), choice(NAMED), shown(kind))
            return None
        of, nested = NAMED[kind]
        table = shape(self.report, self.document, at, item, of, nested)
        source = item.get("source")
        known = isinstance(source, str) and (self.units is None or source in self.units)
        reader = self.reader(source if known and isinstance(source, str) else None)
        test: Expression | Vote | Deviation | Travel | None = None
        match table:
            case None:
                self._conditions(reader, at, item)
                return None
            case VoteTable():
                test = self._vote(reader, at, table, item.get("of"))
            case DeviationTable():
                test = self._deviation(reader, at, table)
            case ValveTable():
                test = self._valve(reader, at, table)
            case ExpressionTable():
                test = self.when(reader, at, kind, item.get("when"))
        placed = self._placed(at, table)
        if not placed or test is None or not reader.sound:
            return None
        return NamedRule(
            self.folder,
            table.tag,
            table.source,
            table.unit or "",
            table.name,
            table.name_en,
            _RULES[kind],
            table.priority,
            test,
            0.0 if isinstance(table, ValveTable) else table.on_delay_s,
            table.off_delay_s,
            Handling(table.latch, table.priority, table.realarm_min, table.response or ""),
        )

    def reader(self, source: str | None) -> ExpressionReader:
        """Of the conditions of one rule."""
        return ExpressionReader(self.report, self.document, self.folder, self.rows, source)

    def _conditions(self, reader: ExpressionReader, at: Where, item: dict[str, object]) -> None:
        """The findings in the conditions of a rule that is refused already."""
        for index, value in enumerate(listed(item.get("of"))):
            reader.term((*at, "of", index), value)
        if (when := item.get("when")) is not None:
            reader.expression((*at, "when"), when)

    def _placed(self, at: Where, table: RuleTable) -> bool:
        """Whether the rule's source, unit and response hold."""
        sound = True
        if self.units is not None:
            if table.source not in self.units:
                self.add((*at, "source"), choice(sorted(self.units)), shown(table.source))
                sound = False
            elif table.unit is not None and table.unit not in self.units[table.source]:
                expected = f"{choice(sorted(self.units[table.source]))} (units of {table.source})"
                self.add((*at, "unit"), expected, shown(table.unit))
                sound = False
        if table.priority == 1 and table.response is None:
            self.add((*at, "response"), "what to do, because priority is 1", "nothing")
            sound = False
        return sound

    def _vote(self, reader: ExpressionReader, at: Where, table: VoteTable, of: object) -> Vote | None:
        items = listed(of)
        if len(items) < 2:
            reader.refuse((*at, "of"), "a list of at least two comparisons", shown(of))
            return None
        terms = [reader.term((*at, "of", index), item) for index, item in enumerate(items)]
        sound = tuple(term for term in terms if isinstance(term, Term))
        seen: set[str] = set()
        for index, term in enumerate(terms):
            if term is not None and term.point in seen:
                reader.refuse((*at, "of", index), "a detector of its own", f"{shown(term.point.split('/')[1])} a second time")
            elif term is not None:
                seen.add(term.point)
        if table.need > len(items):
            reader.refuse((*at, "need"), f"at most {len(items)}, the number of detectors", str(table.need))
        quantities = [row.point.quantity for tag in reader.tags if (row := (self.rows or {}).get(tag)) and row.point]
        if table.on_delay_s and any(quantity in GAS for quantity in quantities):
            reader.refuse((*at, "on_delay_s"), "0 or no such key, because gas rings at once", number(table.on_delay_s))
        return Vote(sound, table.need, table.bad) if len(sound) == len(terms) else None

    def _deviation(self, reader: ExpressionReader, at: Where, table: DeviationTable) -> Deviation:
        self._pair(reader, at, ("a", table.a), ("b", table.b), "quantity and unit")
        if table.deadband > table.limit:
            reader.refuse((*at, "deadband"), f"at most {number(table.limit)}, the limit", number(table.deadband))
        return Deviation(f"{self.folder}/{table.a}", f"{self.folder}/{table.b}", table.limit, table.deadband)

    def _valve(self, reader: ExpressionReader, at: Where, table: ValveTable) -> Travel:
        self._pair(reader, at, ("command", table.command), ("feedback", table.feedback), "unit")
        command, feedback = f"{self.folder}/{table.command}", f"{self.folder}/{table.feedback}"
        return Travel(command, feedback, table.tolerance, table.travel_s)

    def _pair(self, reader: ExpressionReader, at: Where, one: tuple[str, str], other: tuple[str, str], same: str) -> None:
        """Two points, not one, that can be subtracted."""
        rows = [reader.point((*at, key), tag) for key, tag in (one, other)]
        if one[1] == other[1]:
            reader.refuse((*at, other[0]), f"another point than {one[0]}", shown(other[1]))
        first, second = (row.point if row else None for row in rows)
        if first is None or second is None:
            return
        unlike = first.quantity != second.quantity if same != "unit" else False
        if unlike or first.uom != second.uom:
            expected = f"a point of the {same} of {one[1]}, {first.quantity} in {first.uom}"
            reader.refuse((*at, other[0]), expected, f'"{other[1]}", {second.quantity} in {second.uom}')

    def when(self, reader: ExpressionReader, at: Where, kind: str, value: object) -> Expression | None:
        """The condition of a rule of that kind."""
        if value is None:
            reader.refuse((*at, "when"), "a condition", "nothing")
            return None
        expression = reader.expression((*at, "when"), value)
        if kind == "state" and len(reader.tags) > 1:
            expected = "a condition of one point, because over several the kind is condition"
            reader.refuse((*at, "when"), expected, ", ".join(reader.tags))
        return expression
