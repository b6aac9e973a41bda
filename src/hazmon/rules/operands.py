"""The named rules of a park compiled for the kernel, and what is known of the points that they look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from hazmon.clock import US
from hazmon.rulebook import RULES, ByDesign, Deviation, Expression, NamedRule, Term, Travel, Vote, operands_of
from hazmon.rules.frame import NEVER, Bools, Floats, Ints
from hazmon.rules.instrument import TIE
from hazmon.rules.limits import LimitTable

Test: TypeAlias = Expression | Vote | Deviation | Travel


@dataclass(frozen=True, slots=True)
class Operands:
    """The points that a rule looks at: their indices in the park, and the column of each id in the rule's matrices."""

    points: Ints
    column: Mapping[str, int]

    @classmethod
    def of(cls, ids: Sequence[str], by_id: Mapping[str, int]) -> Operands:
        """The operands of these ids, in their order."""
        return cls(np.array([by_id[point] for point in ids], np.int64), {point: column for column, point in enumerate(ids)})


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A named rule at its row and column of RuleState; delays in microseconds."""

    row: int
    rule: int
    operands: Operands
    test: Test
    limit: float
    on_delay: int
    off_delay: int


@dataclass(frozen=True, slots=True)
class NamedTable:
    """The named rules of a park of P points, and its suppressions by design.

    points    int64[Q]   the points that rules and suppressions look at, each once, ascending
    slot      int64[P+1] the place of each point in `points`, -1 for the others and, last, for a column of no point
    rules_of  for each of `points`, the rules that look at it
    fault     float64[Q,2] at or below the first, at or above the second the signal of a point says a fault; infinite = never
    """

    points: Ints
    slot: Ints
    rules: tuple[CompiledRule, ...]
    rules_of: tuple[tuple[int, ...], ...]
    designs: tuple[tuple[Expression, Operands], ...]
    fault: Floats

    @classmethod
    def of(
        cls,
        named: Sequence[NamedRule],
        by_design: Sequence[ByDesign],
        by_id: Mapping[str, int],
        points: int,
        limits: LimitTable | None = None,
    ) -> NamedTable:
        """Rule r stands at row `points + r` of RuleState. By `limits` a fault of a 4-20 mA signal (NE 43) is no value."""
        rules = tuple(_compiled(rule, points + number, by_id) for number, rule in enumerate(named))
        designs = tuple((design.when, Operands.of(operands_of(design.when), by_id)) for design in by_design)
        lookers = [rule.operands.points for rule in rules] + [operands.points for _, operands in designs]
        looked_at = np.unique(np.concatenate([np.empty(0, np.int64), *lookers]))
        slot = np.full(points + 1, -1, np.int64)
        slot[looked_at] = np.arange(looked_at.size)
        users = [tuple(n for n, rule in enumerate(rules) if point in rule.operands.points) for point in looked_at]
        fault = np.full((looked_at.size, 2), (-np.inf, np.inf))
        if limits is not None:
            near = (limits.fault[:, 1] - limits.fault[:, 0]) * TIE
            beyond = limits.fault + np.stack((near, -near), axis=1)
            fault = np.where(limits.current[looked_at, None], beyond[looked_at], fault)
        return cls(looked_at, slot, rules, tuple(users), designs, fault)


@dataclass(slots=True)
class Held:
    """What is known of each point that a rule looks at, and when each rule last turned. Q points as NamedTable, R rules.

    value float64[Q] the last one that could be judged, NaN before the first; usable bool[Q] the newest reading could be;
    at int64[Q] its time, NEVER before the first; turned int64[R]
    """

    value: Floats
    usable: Bools
    at: Ints
    turned: Ints

    @classmethod
    def of(cls, table: NamedTable) -> Held:
        """Nothing is known."""
        count = table.points.size
        never = np.full(count, NEVER, np.int64)
        return cls(np.full(count, np.nan), np.zeros(count, bool), never, np.full(len(table.rules), NEVER, np.int64))

    def copy(self) -> Held:
        """An independent copy."""
        return Held(self.value.copy(), self.usable.copy(), self.at.copy(), self.turned.copy())


def _compiled(rule: NamedRule, row: int, by_id: Mapping[str, int]) -> CompiledRule:
    on_delay_s, limit = rule.on_delay_s, np.nan
    match rule.test:
        case Vote(need=need):
            limit = float(need)
        case Deviation(limit=apart):
            limit = apart
        case Travel(tolerance=tolerance, travel_s=travel_s):
            on_delay_s, limit = travel_s, tolerance
        case _:
            limit = _only_number(rule.test)
    operands = Operands.of(operands_of(rule.test), by_id)
    delays = round(on_delay_s * US), round(rule.off_delay_s * US)
    return CompiledRule(row, RULES.index(rule.rule), operands, rule.test, limit, *delays)


def _only_number(expression: Expression) -> float:
    """The number of a single comparison, negated or not; NaN of several."""
    if isinstance(expression, Term):
        return expression.value
    parts = expression.of if isinstance(expression.of, tuple) else (expression.of,)
    return _only_number(parts[0]) if len(parts) == 1 else np.nan
