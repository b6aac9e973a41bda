"""Rules over several points: votes, deviations, valves, states and conditions of rules.toml.

A rule is looked at at every instant at which one of its points has a new reading, with the last reading of each of the others:
they need not be of one group. A reading that may not be judged makes its point unknown until the next one, and what is unknown
decides nothing. Only readings do: a delay that runs out while nothing comes raises nothing until something comes.
"""

# numpy types the result of where() over masks as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hazmon.clock import US
from hazmon.rulebook import RULES, ByDesign, Deviation, Expression, NamedRule, Term, Travel, Vote, operands_of
from hazmon.rules.frame import NEVER, Bools, Floats, Ints, ScanBlock
from hazmon.rules.logic import Known, truth, votes
from hazmon.rules.walk import Change, Pairs, RuleState, walk

_TIE = 1e-9  # a difference of decimals within this share of them is at its limit: 5.3 - 5.0 is 0.3


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
    test: Expression | Vote | Deviation | Travel
    limit: float
    on_delay: int
    off_delay: int


@dataclass(frozen=True, slots=True)
class NamedTable:
    """The named rules of a park of P points, and its suppressions by design.

    points    int64[Q]   the points that rules and suppressions look at, each once, ascending
    slot      int64[P+1] the place of each point in `points`, -1 for the others and, last, for a column of no point
    rules_of  for each of `points`, the rules that look at it
    """

    points: Ints
    slot: Ints
    rules: tuple[CompiledRule, ...]
    rules_of: tuple[tuple[int, ...], ...]
    designs: tuple[tuple[Expression, Operands], ...]

    @classmethod
    def of(cls, named: Sequence[NamedRule], by_design: Sequence[ByDesign], by_id: Mapping[str, int], points: int) -> NamedTable:
        """Rule r stands at row `points + r` of RuleState."""
        rules = tuple(_compiled(rule, points + number, by_id) for number, rule in enumerate(named))
        designs = tuple((design.when, Operands.of(operands_of(design.when), by_id)) for design in by_design)
        lookers = [rule.operands.points for rule in rules] + [operands.points for _, operands in designs]
        looked_at = np.unique(np.concatenate([np.empty(0, np.int64), *lookers]))
        slot = np.full(points + 1, -1, np.int64)
        slot[looked_at] = np.arange(looked_at.size)
        users = [tuple(n for n, rule in enumerate(rules) if point in rule.operands.points) for point in looked_at]
        return cls(looked_at, slot, rules, tuple(users), designs)


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


@dataclass(frozen=True, slots=True)
class _Fresh:
    """The new readings of one point: times strictly ascending, the last judgeable value at each, and whether it is this one's."""

    at: Ints
    value: Floats
    usable: Bools


def named(state: RuleState, table: NamedTable, held: Held, blocks: Sequence[ScanBlock], unknown: Bools) -> list[Change]:
    """Changes of the named rules through the blocks of one step, in time order; state and held are moved on.

    Each block's times ascend; the blocks may be of any groups. `unknown` bool[P]: points of which nothing is known until a
    reading in these blocks tells, because they are stale or their connection is silent.

    A change is never dated before the one that its rule made last, for readings of one connection may come a while after those
    of another. `value` and `limit`: votes and `need`; |a - b| and the limit; command less feedback and the tolerance; for an
    expression its first point's value (NaN when unknown) and, where it is of a single comparison, the number compared with.
    """
    fresh = _fresh(table, held, blocks)
    if not fresh:
        return []
    blind = unknown[table.points]
    changes: list[Change] = []
    for number in sorted({rule for slot in fresh for rule in table.rules_of[slot]}):
        changes += _judge(state, table, held, number, fresh, blind)
    for slot, news in fresh.items():
        held.at[slot], held.value[slot], held.usable[slot] = news.at[-1], news.value[-1], news.usable[-1]
    changes.sort(key=lambda change: change.at)
    return changes


def designs(table: NamedTable, held: Held, unknown: Bools) -> Bools:
    """bool[D]: which suppressions by design hold now; one that depends on an unknown point does not."""
    usable = held.usable & ~unknown[table.points]
    found = np.zeros(len(table.designs), bool)
    for number, (when, operands) in enumerate(table.designs):
        slots = table.slot[operands.points]
        known = Known(operands.column, held.value[None, slots], usable[None, slots])
        found[number] = truth(when, known).true[0]
    return found


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


def _fresh(table: NamedTable, held: Held, blocks: Sequence[ScanBlock]) -> dict[int, _Fresh]:
    """The readings in the blocks of points that rules look at, by slot."""
    found: dict[int, list[tuple[Ints, Floats, Bools]]] = {}
    for block in blocks:
        slots = table.slot[block.points]
        columns = np.flatnonzero(slots >= 0)
        if not columns.size:
            continue
        times = np.broadcast_to(block.cell_times(), block.values.shape)
        present, usable = block.present(), block.usable()
        for column in columns.tolist():
            rows = slice(None) if present is None else present[:, column]
            at = times[rows, column]
            judged = np.ones(at.size, bool) if usable is None else usable[rows, column]
            if at.size:
                found.setdefault(int(slots[column]), []).append((at, block.values[rows, column], judged))
    return {slot: _filled(parts, int(held.at[slot]), float(held.value[slot])) for slot, parts in found.items()}


def _filled(parts: list[tuple[Ints, Floats, Bools]], after: int, value: float) -> _Fresh:
    """One series after the reading that is held; readings at one instant, or a clock's step back, follow a microsecond later."""
    at = np.concatenate([part[0] for part in parts])
    values = np.concatenate([part[1] for part in parts])
    usable = np.concatenate([part[2] for part in parts])
    ramp = np.arange(at.size)
    at = at - ramp
    at[0] = max(int(at[0]), after + 1)
    at = np.maximum.accumulate(at) + ramp
    last = np.maximum.accumulate(np.where(usable, ramp, -1))
    return _Fresh(at, np.where(last >= 0, values[last], value), usable)


def _judge(state: RuleState, table: NamedTable, held: Held, number: int, fresh: dict[int, _Fresh], blind: Bools) -> list[Change]:
    """One rule at every instant at which one of its points has a new reading."""
    rule = table.rules[number]
    slots = table.slot[rule.operands.points].tolist()
    news = [fresh.get(slot) for slot in slots]
    at = np.unique(np.concatenate([series.at for series in news if series is not None]))
    values = np.empty((at.size, len(slots)))
    usable = np.empty((at.size, len(slots)), bool)
    for column, (slot, series) in enumerate(zip(slots, news, strict=True)):
        values[:, column], usable[:, column] = held.value[slot], held.usable[slot] & ~blind[slot]
        if series is not None:
            row = np.searchsorted(series.at, at, side="right") - 1
            told = row >= 0
            values[told, column], usable[told, column] = series.value[row[told]], series.usable[row[told]]
    at = np.maximum(at, held.turned[number])
    pairs = _pairs(rule, at, Known(rule.operands.column, values, usable))
    if isinstance(rule.test, Travel):
        pairs = _restarted(pairs, values[:, 0], float(held.value[slots[0]]))
    active, since = state.active[rule.row, rule.rule], state.since[rule.row, rule.rule]
    opposite = pairs.clearing if active else pairs.raising
    if since == NEVER and not opposite.any():
        return []
    changes = walk(state, pairs)
    if changes:
        held.turned[number] = changes[-1].at
    return changes


def _pairs(rule: CompiledRule, at: Ints, known: Known) -> Pairs:
    both: Bools = np.logical_and.reduce(known.usable, axis=1)
    match rule.test:
        case Vote():
            found, say = votes(rule.test, known)
            usable, raising, clearing, value = found.true | found.false, found.true, found.false, say.astype(float)
        case Deviation(limit=limit, deadband=deadband):
            apart, tie = _apart(known, limit)
            usable, raising, value = both, apart >= limit - tie, np.where(both, apart, np.nan)
            clearing = ~raising & (apart <= limit - deadband + tie)
        case Travel(tolerance=tolerance):
            apart, tie = _apart(known, tolerance)
            usable, raising = both, apart > tolerance + tie
            clearing, value = ~raising, np.where(both, known.values[:, 0] - known.values[:, 1], np.nan)
        case _:
            found = truth(rule.test, known)
            usable, raising, clearing = found.true | found.false, found.true, found.false
            value = np.where(known.usable[:, 0], known.values[:, 0], np.nan)
    return Pairs(
        point=np.array([rule.row]),
        rule=np.array([rule.rule]),
        at=at[:, None],
        usable=usable[:, None],
        raising=raising[:, None],
        clearing=clearing[:, None],
        value=value[:, None],
        limit=np.array([rule.limit]),
        on_delay=np.array([rule.on_delay]),
        off_delay=np.array([rule.off_delay]),
    )


def _apart(known: Known, limit: float) -> tuple[Floats, Floats]:
    """float64[I] each: how far the two points are from one another, and what rounding alone may make of that."""
    one, other = known.values[:, 0], known.values[:, 1]
    return np.abs(one - other), _TIE * np.maximum(np.maximum(np.abs(one), np.abs(other)), limit)


def _restarted(pairs: Pairs, command: Floats, before: float) -> Pairs:
    """The same, but each time the command changes the delay begins anew: a row at that instant wants neither on nor off."""
    moved = np.flatnonzero(command != np.concatenate(([before], command[:-1])))
    if not moved.size:
        return pairs
    return Pairs(
        point=pairs.point,
        rule=pairs.rule,
        at=np.insert(pairs.at, moved, pairs.at[moved], axis=0),
        usable=np.insert(pairs.usable, moved, True, axis=0),
        raising=np.insert(pairs.raising, moved, False, axis=0),
        clearing=np.insert(pairs.clearing, moved, False, axis=0),
        value=np.insert(pairs.value, moved, pairs.value[moved], axis=0),
        limit=pairs.limit,
        on_delay=pairs.on_delay,
        off_delay=pairs.off_delay,
    )
