"""Conditions as rules.toml writes them: `"LT-1101 >= 5"`, or a table with exactly one of all, any and not.

when = { all = ["FT-1101 < 5", { not = "P-1101 == 0" }, { any = ["PT-1101 > 1.2", "TT-1101 > 40"] }] }
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import inf, isinf
from typing import cast

from hazmon.registry.document import Document, Where
from hazmon.registry.points import TAG, PointRow
from hazmon.registry.report import Report, choice, number, shown
from hazmon.rulebook import All, Expression, Not, Some, Term

DEEPEST = 8
OPERATORS = (">=", "<=", "==", "!=", ">", "<")
_TERM = re.compile(rf"({TAG.pattern})\s*({'|'.join(OPERATORS)})\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)", re.ASCII)
_WORDS = ("all", "any", "not")


@dataclass(slots=True)
class ExpressionReader:
    """Reads the conditions of one rule. `rows` None = points.csv could not be read, and no tag is blamed.

    `source` None = that of the first point met. `tags` holds the points met, in their order; `sound` is cleared by a finding.
    """

    report: Report
    document: Document
    folder: str
    rows: dict[str, PointRow] | None
    source: str | None
    tags: dict[str, None] = field(default_factory=dict[str, None])
    sound: bool = True

    def refuse(self, at: Where, expected: str, found: str) -> None:
        """Note a finding about the key at `at`."""
        self.sound = False
        self.document.add(self.report, at, expected, found)

    def expression(self, at: Where, value: object, depth: int = 1) -> Expression | None:
        """The condition `value`, found at `at`; None and findings where it is wrong."""
        if isinstance(value, str):
            return self.term(at, value)
        if not isinstance(value, dict):
            self.refuse(at, "a comparison like LT-1101 >= 5, or a table with one of all, any, not", shown(value))
            return None
        table = cast("dict[str, object]", value)
        if len(table) != 1 or next(iter(table)) not in _WORDS:
            self.refuse(at, "exactly one of all, any, not", ", ".join(shown(key) for key in table) or "none of them")
            return None
        if depth > DEEPEST:
            self.refuse(at, f"at most {DEEPEST} tables within one another", str(depth))
            return None
        ((word, content),) = table.items()
        if word == "not":
            inner = self.expression((*at, word), content, depth + 1)
            return None if inner is None else Not(inner)
        parts = self._parts((*at, word), content, depth)
        return None if parts is None else All(parts) if word == "all" else Some(parts)

    def _parts(self, at: Where, content: object, depth: int) -> tuple[Expression, ...] | None:
        items = listed(content)
        if not items:
            self.refuse(at, "a list of at least one condition", shown(content))
            return None
        parts = [self.expression((*at, index), item, depth + 1) for index, item in enumerate(items)]
        sound = tuple(part for part in parts if part is not None)
        return sound if len(sound) == len(parts) else None

    def term(self, at: Where, value: object) -> Term | None:
        """The comparison `value`; its number must lie within the range of its point, for beyond it nothing is ever read."""
        match = _TERM.fullmatch(value) if isinstance(value, str) else None
        limit = float(match[3]) if match else inf
        if match is None or isinf(limit):
            self.refuse(at, f"a tag, {choice(OPERATORS)}, and a number, like LT-1101 >= 5", shown(value))
            return None
        tag, operator = match[1], match[2]
        row = self.point(at, tag)
        point = row.point if row else None
        if point and not point.range_low <= limit <= point.range_high:
            expected = f"a number within the range {number(point.range_low)} to {number(point.range_high)} of {tag}"
            self.refuse(at, expected, number(limit))
            return None
        return Term(f"{self.folder}/{tag}", operator, limit)

    def point(self, at: Where, tag: str) -> PointRow | None:
        """The row of the point `tag`, which must be of the rule's source; None where it has none or nothing is known of it."""
        self.tags.setdefault(tag)
        if self.rows is None:
            return None
        row = self.rows.get(tag)
        if row is None:
            self.refuse(at, "a tag of points.csv", shown(tag))
            return None
        if self.source is None:
            self.source = row.source
        if row.source != self.source:
            self.refuse(at, f"a point of {self.source}, because a rule has points of one source", f'"{tag}", of {row.source}')
        return row


def listed(value: object) -> list[object]:
    """The list that `value` is; an empty one where it is none."""
    return cast("list[object]", value) if isinstance(value, list) else []
