"""Three-valued logic over columns: what is true, what is false, and what nobody knows (Kleene).

A condition answers two masks over the instants, `true` and `false`; where neither holds it is unknown. AND is false as soon as
one part is false, OR true as soon as one part is true, whatever the unknown parts may be.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hazmon.rulebook import All, Expression, Not, Some, Term, Vote
from hazmon.rules.frame import Bools, Floats, Ints

_OPERATORS: dict[str, Callable[[Floats, float], Bools]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Known:
    """The operands of one rule at I instants, each in the column that `column` gives its point.

    values float64[I,N], the last known one where it is unknown now; usable bool[I,N]: it is known now.
    """

    column: Mapping[str, int]
    values: Floats
    usable: Bools

    def part(self, first: int, end: int) -> Known:
        """Of these instants alone."""
        return Known(self.column, self.values[first:end], self.usable[first:end])


@dataclass(frozen=True, slots=True)
class Truth:
    """bool[I] each, never both."""

    true: Bools
    false: Bools


def truth(expression: Expression, known: Known) -> Truth:
    """What the expression is at each instant."""
    match expression:
        case Term(point=point, op=op, value=value):
            column = known.column[point]
            usable = known.usable[:, column]
            says = _OPERATORS[op](known.values[:, column], value)
            return Truth(says & usable, ~says & usable)
        case Not(of=part):
            inner = truth(part, known)
            return Truth(inner.false, inner.true)
        case All(of=parts):
            found = [truth(part, known) for part in parts]
            return Truth(_every([part.true for part in found]), _any([part.false for part in found]))
        case Some(of=parts):
            found = [truth(part, known) for part in parts]
            return Truth(_any([part.true for part in found]), _every([part.false for part in found]))


def _every(masks: list[Bools]) -> Bools:
    found: Bools = np.logical_and.reduce(masks, axis=0)
    return found


def _any(masks: list[Bools]) -> Bools:
    found: Bools = np.logical_or.reduce(masks, axis=0)
    return found


def votes(vote: Vote, known: Known) -> tuple[Truth, Ints]:
    """What the vote is at each instant, and int64[I] how many known detectors say so.

    How a vote degrades, with n detectors of which k are unknown and v of the known say so:

    | bad  | true                    | false                                 | unknown |
    |------|-------------------------|---------------------------------------|---------|
    | vote | v >= 1 and v + k >= need | v + k < need, or v = 0 and k < n      | k = n   |
    | drop | k < n, v >= min(need, n - k) | k < n, v < min(need, n - k)       | k = n   |

    So 2oo3 with one bad detector is 1oo2 (`vote`: a bad one votes beside a real one, never alone) or 2oo2 (`drop`); with two bad
    it is 1oo1 both ways; with all bad nothing is decided.
    """
    found = [truth(term, known) for term in vote.of]
    say: Ints = np.stack([part.true for part in found]).sum(axis=0, dtype=np.int64)
    heard: Ints = say + np.stack([part.false for part in found]).sum(axis=0, dtype=np.int64)
    if vote.bad == "vote":
        true = (say >= 1) & (say + len(found) - heard >= vote.need)
    else:
        true = (say >= np.minimum(vote.need, heard)) & (heard > 0)
    return Truth(true, ~true & (heard > 0)), say
