"""Delay and hysteresis, sample by sample: the one loop over time that the rules have, run only for pairs that may change.

A *pair* is a point and a rule. A pair that is off looks for its raising condition, one that is on for its clearing condition;
the condition must hold at every usable sample for the on- or off-delay before the pair turns. Between the two (inside the
deadband) and at unusable samples nothing is decided, so silence never clears an alarm.
"""

# numpy types the result of where() over masks as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import NEVER, Bools, Floats, Ints

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


@dataclass(slots=True)
class RuleState:
    """Which rules hold, and since when the opposite has been true. bool[S,R] and int64[S,R], columns as RULES.

    S rows: the park's points, then its named rules.
    """

    active: Bools
    since: Ints

    @classmethod
    def quiet(cls, points: int) -> RuleState:
        """No rule holds."""
        shape = (points, len(RULES))
        return cls(np.zeros(shape, bool), np.full(shape, NEVER, np.int64))

    def copy(self) -> RuleState:
        """An independent copy."""
        return RuleState(self.active.copy(), self.since.copy())


@dataclass(frozen=True, slots=True)
class Pairs:
    """K pairs over T samples: what is true when, and how long it must be so. Matrices are [T,K], vectors [K]."""

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


def walk(state: RuleState, pairs: Pairs) -> list[Change]:
    """Advance the pairs through their samples in time order; the state is updated in place."""
    active: Bools = state.active[pairs.point, pairs.rule]
    since: Ints = state.since[pairs.point, pairs.rule]
    changes: list[Change] = []
    for row in range(pairs.at.shape[0]):
        active, since, turned = _advance(pairs, row, active, since)
        changes.extend(
            Change(
                int(pairs.point[k]),
                RULES[int(pairs.rule[k])],
                int(pairs.at[row, k]),
                bool(active[k]),
                float(pairs.value[row, k]),
                float(pairs.limit[k]),
            )
            for k in turned
        )
    state.active[pairs.point, pairs.rule] = active
    state.since[pairs.point, pairs.rule] = since
    return changes


def _advance(pairs: Pairs, row: int, active: Bools, since: Ints) -> tuple[Bools, Ints, list[int]]:
    """One sample further: which pairs hold now, since when the opposite is true, and which have just turned."""
    at, usable = pairs.at[row], pairs.usable[row]
    opposite: Bools = np.where(active, pairs.clearing[row], pairs.raising[row])
    delay: Ints = np.where(active, pairs.off_delay, pairs.on_delay)
    wanted = opposite & usable
    since = np.where(usable, np.where(wanted, np.where(since == NEVER, at, since), NEVER), since)
    turned = wanted & (at - since >= delay - JITTER_US)
    if not turned.any():
        return active, since, []
    return active ^ turned, np.where(turned, NEVER, since), np.flatnonzero(turned).tolist()
