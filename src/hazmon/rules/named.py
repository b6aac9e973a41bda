"""Rules over several points: votes, deviations, valves, states and conditions of rules.toml.

A rule is looked at at every instant at which one of its points has a new reading, with the last reading of each of the others:
they need not be of one group. A reading that may not be judged makes its point unknown until the next one, and what is unknown
decides nothing. Only readings do: a delay that runs out while nothing comes raises nothing until something comes.
"""

# numpy types the result of where() over masks as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from hazmon.rulebook import RULES, Deviation, Expression, Rule, Travel, Vote
from hazmon.rules.failures import Failures, strict, turn
from hazmon.rules.frame import MS, NEVER, Bools, Floats, Ints, ScanBlock
from hazmon.rules.logic import Known, truth, votes
from hazmon.rules.operands import CompiledRule, Held, NamedTable, Operands, Test
from hazmon.rules.walk import Change, Evidence, Pairs, Recorded, RuleState, walk

Series: TypeAlias = tuple[Ints, Floats, Bools]  # times, values, and which of them may be judged

_NOTHING: Mapping[int, Iterable[Recorded]] = MappingProxyType({})
_TIE = 1e-9  # a difference of decimals within this share of them is at its limit: 5.3 - 5.0 is 0.3


@dataclass(frozen=True, slots=True)
class _Fresh:
    """The new readings of one point: times strictly ascending, the last judgeable value at each, and whether it is this one's."""

    at: Ints
    value: Floats
    usable: Bools


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a test says at I instants: whether anything is decided, which way, and the value to tell."""

    usable: Bools
    raising: Bools
    clearing: Bools
    value: Floats


def named(
    state: RuleState,
    table: NamedTable,
    held: Held,
    blocks: Sequence[ScanBlock],
    unknown: Bools,
    recorded: Mapping[int, Iterable[Recorded]] = _NOTHING,
) -> list[Change]:
    """Changes of the named rules through the blocks of one step, in time order; state and held are moved on.

    Each block's times ascend; the blocks may be of any groups. A rule that cannot be evaluated keeps what held, and its ERROR
    says so. `unknown` bool[P]: points of which nothing is known until a reading in these blocks tells, because they are stale or
    their connection is silent. `recorded`: by row, in order of time, how rules are known to have turned amid the blocks.

    A change is dated after the one that its rule made last, by a microsecond at least, though readings of one connection may come
    a while after those of another. `value` and `limit`: votes and `need`; |a - b| and the limit; command less feedback and the
    tolerance; for an expression its first point's value (NaN when unknown) and, where it is of a single comparison, the number
    compared with.
    The evidence is the value of each point that is known then, by tag.
    """
    fresh = _fresh(table, held, blocks)
    if not fresh:
        return []
    blind = unknown[table.points]
    changes: list[Change] = []
    failures = Failures()
    with strict():
        for number in sorted({rule for slot in fresh for rule in table.rules_of[slot]}):
            rule = table.rules[number]
            judge = partial(_judge, state, table, held, number, fresh, blind, recorded.get(rule.row, ()))
            changes += failures.alone(rule.row, RULES[rule.rule], judge)
            if failures.found or state.failed:
                newest = max(int(fresh[slot].at[-1]) for slot in table.slot[rule.operands.points].tolist() if slot in fresh)
                changes += turn(state, rule.row, failures.found.get(rule.row), newest)
    for slot, news in fresh.items():
        held.at[slot], held.value[slot], held.usable[slot] = news.at[-1], news.value[-1], news.usable[-1]
    changes.sort(key=lambda change: change.at)
    return changes


def designs(table: NamedTable, held: Held, unknown: Bools) -> tuple[Bools, dict[int, str]]:
    """bool[D]: which suppressions by design hold now; one that depends on an unknown point does not, nor does one that cannot
    be evaluated: those by number, and why."""
    usable = held.usable & ~unknown[table.points]
    found = np.zeros(len(table.designs), bool)
    failures = Failures()
    for number, (when, operands) in enumerate(table.designs):
        slots = table.slot[operands.points]
        known = Known(operands.column, held.value[None, slots], usable[None, slots])
        found[number] = any(failures.alone(number, Rule.CONDITION, partial(_true, when, known)))
    return found, {number: failed[Rule.CONDITION] for number, failed in failures.found.items()}


def _true(when: Expression, known: Known) -> list[bool]:
    return [bool(truth(when, known).true[0])]


def _fresh(table: NamedTable, held: Held, blocks: Sequence[ScanBlock]) -> dict[int, _Fresh]:
    """The readings in the blocks of points that rules look at, by slot."""
    found: dict[int, list[Series]] = {}
    for block in blocks:
        slots = table.slot[block.points]
        columns = np.flatnonzero(slots >= 0)
        if not columns.size:
            continue
        present, usable = block.present(), block.usable()
        always = np.ones(block.times.size, bool)
        for column in columns.tolist():
            at = block.times if block.offsets is None else block.times + block.offsets[:, column].astype(np.int64) * MS
            if present is None or usable is None:
                series = at, block.values[:, column], always
            else:
                rows = present[:, column]
                series = at[rows], block.values[rows, column], usable[rows, column]
            if series[0].size:
                slot = int(slots[column])
                found.setdefault(slot, []).append(without_faults(series, *table.fault[slot].tolist()))
    return {slot: _filled(parts, int(held.at[slot]), float(held.value[slot])) for slot, parts in found.items()}


def without_faults(series: Series, low: float, high: float) -> Series:
    """The series with the values that say a fault, and are none, not usable."""
    if low == -np.inf:
        return series
    at, values, usable = series
    return at, values, usable & (values > low) & (values < high)


def _filled(parts: list[Series], after: int, value: float) -> _Fresh:
    """One series after the reading that is held; readings at one instant, or a clock's step back, follow a microsecond later."""
    at, values, usable = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    ramp = np.arange(at.size)
    if at[0] <= after or (at.size > 1 and (at[1:] <= at[:-1]).any()):
        at = at - ramp
        at[0] = max(int(at[0]), after + 1)
        at = np.maximum.accumulate(at) + ramp
    if usable.all():
        return _Fresh(at, values, usable)
    last = np.maximum.accumulate(np.where(usable, ramp, -1))
    return _Fresh(at, np.where(last >= 0, values[last], value), usable)


def _judge(
    state: RuleState,
    table: NamedTable,
    held: Held,
    number: int,
    fresh: dict[int, _Fresh],
    blind: Bools,
    recorded: Iterable[Recorded],
) -> list[Change]:
    """One rule at every instant at which one of its points has a new reading."""
    rule = table.rules[number]
    slots = table.slot[rule.operands.points].tolist()
    at, known = _known(rule.operands, held, slots, [fresh.get(slot) for slot in slots], blind)
    at, value = after(at, int(held.turned[number])), float(held.value[slots[0]])
    changes: list[Change] = []
    done = 0
    for turned in recorded:
        cut = int(np.searchsorted(at, turned.at, side="right"))
        if cut > done:
            changes += look(state, rule, at[done:cut], known.part(done, cut), value)
            done, value = cut, float(known.values[cut - 1, 0])
        turned.impose(state)
    if done < at.size:
        changes += look(state, rule, at[done:], known.part(done, at.size) if done else known, value)
    if changes:
        held.turned[number] = changes[-1].at
    return changes


def look(state: RuleState, rule: CompiledRule, at: Ints, known: Known, before: float, told: Bools | None = None) -> list[Change]:
    """Changes of one rule through I ascending instants int64[I] at which that much is known; the state is moved on.

    `before`: the first point's value before the first instant, NaN for none. `told` bool[I]: where it is not, nothing is decided.
    """
    answer = _answer(rule.test, known)
    active, since = state.active[rule.row, rule.rule], state.since[rule.row, rule.rule]
    if since == NEVER and not (answer.clearing if active else answer.raising).any():
        return []
    pairs = Pairs(
        point=np.array([rule.row]),
        rule=np.array([rule.rule]),
        at=at[:, None],
        usable=(answer.usable if told is None else answer.usable & told)[:, None],
        raising=answer.raising[:, None],
        clearing=answer.clearing[:, None],
        value=answer.value[:, None],
        limit=np.array([rule.limit]),
        on_delay=np.array([rule.on_delay]),
        off_delay=np.array([rule.off_delay]),
        evidence=lambda row, _: _evidence(known, row),
    )
    if isinstance(rule.test, Travel):
        pairs = _restarted(pairs, known.values[:, 0], before)
    return walk(state, pairs)


def after(at: Ints, turned: int) -> Ints:
    """The ascending instants, those up to `turned` a microsecond apart after it."""
    if at[0] > turned:
        return at
    ramp = np.arange(at.size)
    return np.maximum(at - ramp, turned + 1) + ramp


def _known(operands: Operands, held: Held, slots: list[int], news: list[_Fresh | None], blind: Bools) -> tuple[Ints, Known]:
    """The instants at which one of the points has a new reading, and what is known of all of them then."""
    first = news[0]
    alike = [series for series in news if series is not None and first is not None and series.at is first.at]
    if first is not None and len(alike) == len(news):  # read in one scan, as most are
        values, usable = (
            np.stack([series.value for series in alike], axis=1),
            np.stack([series.usable for series in alike], axis=1),
        )
        return first.at, Known(operands.column, values, usable)
    at = np.unique(np.concatenate([series.at for series in news if series is not None]))
    values = np.empty((at.size, len(slots)))
    usable = np.empty((at.size, len(slots)), bool)
    for column, (slot, series) in enumerate(zip(slots, news, strict=True)):
        values[:, column], usable[:, column] = held.value[slot], held.usable[slot] & ~blind[slot]
        if series is not None:
            row = np.searchsorted(series.at, at, side="right") - 1
            told = row >= 0
            values[told, column], usable[told, column] = series.value[row[told]], series.usable[row[told]]
    return at, Known(operands.column, values, usable)


def _answer(test: Test, known: Known) -> _Answer:
    """What the test says at each instant."""
    match test:
        case Vote():
            found, say = votes(test, known)
            return _Answer(found.true | found.false, found.true, found.false, say.astype(float))
        case Deviation(limit=limit, deadband=deadband):
            both: Bools = np.logical_and.reduce(known.usable, axis=1)
            apart, tie = _apart(known, limit)
            raising = apart >= limit - tie
            return _Answer(both, raising & both, ~raising & (apart <= limit - deadband + tie) & both, apart)
        case Travel(tolerance=tolerance):
            both = np.logical_and.reduce(known.usable, axis=1)
            apart, tie = _apart(known, tolerance)
            raising = apart > tolerance + tie
            return _Answer(both, raising & both, ~raising & both, known.values[:, 0] - known.values[:, 1])
        case _:
            found = truth(test, known)
            value = np.where(known.usable[:, 0], known.values[:, 0], np.nan)
            return _Answer(found.true | found.false, found.true, found.false, value)


def _evidence(known: Known, row: int) -> Evidence:
    """The values by tag of the points that are known at that instant."""
    return tuple(
        (point.rpartition("/")[2], float(known.values[row, column]))
        for point, column in known.column.items()
        if known.usable[row, column]
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
    origin, evidence = np.insert(np.arange(command.size), moved, moved), pairs.evidence
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
        evidence=evidence and (lambda row, pair: evidence(int(origin[row]), pair)),
    )
