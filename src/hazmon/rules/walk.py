"""Delay and hysteresis, sample by sample: the one loop over time that the rules have, run only for pairs that may change.

A *pair* is a point and a rule. A pair that is off looks for its raising condition, one that is on for its clearing condition;
the condition must hold at every usable sample for the on- or off-delay before the pair turns. Between the two (inside the
deadband) and at unusable samples nothing is decided, so silence never clears an alarm.
"""

# numpy types the result of where() over masks as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import NEVER, Bools, Floats, Ints
from hazmon.rules.stillness import Stillness

Evidence: TypeAlias = tuple[tuple[str, float], ...]  # names and numbers, beside value and limit

JITTER_US = 50_000  # polls come a hair off their second; a delay of 3 s is four samples a second apart, not now and then five


@dataclass(frozen=True, slots=True)
class Change:
    """A rule of a point turned on or off at an instant. `value` and `limit` in the rule's unit; -1 columns never appear."""

    point: int
    rule: Rule
    at: int
    on: bool
    value: float
    limit: float
    evidence: Evidence = ()
    failed: tuple[tuple[Rule, str], ...] = ()  # of ERROR: the rules that could not be evaluated, and why


@dataclass(slots=True)
class RuleState:
    """Which rules hold, and since when the opposite has been true. bool[S,R] and int64[S,R], columns as RULES.

    S rows: the park's points, then its named rules. `still` is what STUCK remembers of each row. `failed` are the rows of which
    ERROR holds, each with the rules that could not be evaluated last and why; none where that is not known since a restart.
    """

    active: Bools
    since: Ints
    still: Stillness
    failed: dict[int, dict[Rule, str]] = field(default_factory=dict[int, dict[Rule, str]])

    @classmethod
    def quiet(cls, points: int) -> RuleState:
        """No rule holds."""
        shape = (points, len(RULES))
        return cls(np.zeros(shape, bool), np.full(shape, NEVER, np.int64), Stillness.unknown(points))

    def copy(self) -> RuleState:
        """An independent copy."""
        return RuleState(self.active.copy(), self.since.copy(), self.still.copy(), dict(self.failed))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record says of a row of RuleState: from `at` on these K columns were so. int64[K], bool[K]."""

    row: int
    at: int
    columns: Ints
    active: Bools

    def impose(self, state: RuleState) -> None:
        """Let it be so; what had not turned by itself begins to look for the opposite now."""
        other = self.columns[state.active[self.row, self.columns] != self.active]
        state.active[self.row, self.columns] = self.active
        state.since[self.row, other] = NEVER


@dataclass(frozen=True, slots=True)
class Pairs:
    """K pairs over T samples: what is true when, and how long it must be so. Matrices are [T,K], vectors [K].

    `limit` is [K] or [T,K]; `evidence` is asked for (row, pair) only where a pair turns.
    """

    point: Ints
    rule: Ints
    at: Ints
    usable: Bools
    raising: Bools
    clearing: Bools
    value: Floats
    limit: Floats
    on_delay: Ints
    off_delay: Ints
    evidence: Callable[[int, int], Evidence] | None = None


def from_first(active: Bools, raising: Bools) -> Bools:
    """bool[T,K]: samples at which it can matter whether a pair clears: it was on, or has been raising."""
    return active | np.logical_or.accumulate(raising, axis=0)


def walk(state: RuleState, pairs: Pairs) -> list[Change]:
    """Advance the pairs through their samples in time order; the state is updated in place."""
    active: Bools = state.active[pairs.point, pairs.rule]
    since: Ints = state.since[pairs.point, pairs.rule]
    limit = np.broadcast_to(pairs.limit, pairs.at.shape)
    wanted = _wanted(pairs, active)
    begins: Bools = np.logical_or.reduce(wanted, axis=1)
    changes: list[Change] = []
    row, waiting = 0, bool((since != NEVER).any())
    while row < pairs.at.shape[0]:
        if not waiting:  # nothing runs, so nothing happens before a pair wants to turn
            ahead = int(begins[row:].argmax())
            if not begins[row + ahead]:
                break
            row += ahead
        at = pairs.at[row]
        since = np.where(pairs.usable[row], np.where(wanted[row], np.where(since == NEVER, at, since), NEVER), since)
        turned = wanted[row] & (at - since >= np.where(active, pairs.off_delay, pairs.on_delay) - JITTER_US)
        if turned.any():
            active, since = active ^ turned, np.where(turned, NEVER, since)
            wanted = _wanted(pairs, active)
            begins = np.logical_or.reduce(wanted, axis=1)
            for k in np.flatnonzero(turned).tolist():
                changes.append(_change(pairs, limit, row, k, bool(active[k])))
        waiting = bool((since != NEVER).any())
        row += 1
    state.active[pairs.point, pairs.rule] = active
    state.since[pairs.point, pairs.rule] = since
    return changes


def _wanted(pairs: Pairs, active: Bools) -> Bools:
    """bool[T,K]: the opposite of what holds is true."""
    return np.where(active, pairs.clearing, pairs.raising) & pairs.usable


def _change(pairs: Pairs, limit: Floats, row: int, k: int, on: bool) -> Change:
    return Change(
        int(pairs.point[k]),
        RULES[int(pairs.rule[k])],
        int(pairs.at[row, k]),
        on,
        float(pairs.value[row, k]),
        float(limit[row, k]),
        pairs.evidence(row, k) if pairs.evidence else (),
    )
