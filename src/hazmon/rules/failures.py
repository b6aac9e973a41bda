"""Rules that could not be evaluated: found out one by one where a kernel fails, so that one bad rule silences no other.

A kernel looks at many points at once. Where it raises (a defect, or arithmetic that leaves the numbers), it is asked again of
halves, and halves of those, until the points at fault stand alone; all others are judged as if nothing had been. A kernel
leaves the state untouched when it raises, so a point that cannot be evaluated keeps what held.

Evaluation runs under `strict` arithmetic: numpy would go on with infinities and NaN, which compare as false: as if all were well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

import numpy as np

from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import Bools, Ints, ScanBlock
from hazmon.rules.walk import Change, RuleState

T = TypeVar("T")


_ERROR = RULES.index(Rule.ERROR)


def strict() -> np.errstate:
    """Arithmetic that raises FloatingPointError where it leaves the numbers."""
    return np.errstate(divide="raise", over="raise", invalid="raise")


@dataclass(slots=True)
class Failures:
    """By row, the rules that could not be evaluated, and why."""

    found: dict[int, dict[Rule, str]] = field(default_factory=dict[int, dict[Rule, str]])

    def attempt(self, rules: Sequence[Rule], points: Ints, kernel: Callable[[Ints | None], T]) -> list[T]:
        """What the kernel answers for all columns (None), or for the parts of them for which it does not fail.

        points int64[C]: the row of each column, -1 for one that no rule looks at.
        """
        try:
            return [kernel(None)]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and must not take the other points down
            return self._parted(rules, points, kernel, np.arange(points.size), error)

    def alone(self, row: int, rule: Rule, judge: Callable[[], list[T]]) -> list[T]:
        """What one rule of one row answers; nothing where it fails."""
        try:
            return judge()
        except Exception as error:  # noqa: BLE001 - as above
            self._note(row, (rule,), error)
            return []

    def _note(self, row: int, rules: Sequence[Rule], error: Exception) -> None:
        self.found.setdefault(row, {}).update(dict.fromkeys(rules, _why(error)))

    def _parted(
        self, rules: Sequence[Rule], points: Ints, kernel: Callable[[Ints | None], T], columns: Ints, error: Exception
    ) -> list[T]:
        if columns.size <= 1:
            for point in points[columns].tolist():
                if point >= 0:
                    self._note(point, rules, error)
            return []
        answers: list[T] = []
        for half in np.array_split(columns, 2):
            try:
                answers.append(kernel(half))
            except Exception as failed:  # noqa: BLE001 - as above
                answers += self._parted(rules, points, kernel, half, failed)
        return answers


def _why(error: Exception) -> str:
    """What went wrong, and where: there is no other trace of it."""
    place = extract_tb(error.__traceback__)[-1:]
    where = f" ({Path(place[0].filename).stem}.{place[0].name})" if place else ""
    return f"{type(error).__name__}: {error}{where}"


def settle(state: RuleState, failures: Failures, block: ScanBlock, usable: Bools | None) -> list[Change]:
    """Changes of the error rule after a block: points whose rules failed, or can be evaluated again.

    What cannot be judged, by `usable`, shows nothing of that. A change is dated to the newest reading of its point in the block,
    and that is its value; as long as the rule holds, other rules failing is a change to on again.
    """
    if not failures.found and not state.failed:
        return []
    changes: list[Change] = []
    times = np.broadcast_to(block.cell_times(), block.values.shape)
    for column, row in enumerate(block.points.tolist()):
        failed = failures.found.get(row)
        rows = np.arange(block.times.size) if usable is None else np.flatnonzero(usable[:, column])
        if row < 0 or (failed is None and (row not in state.failed or not rows.size)):
            continue
        last = int(rows[-1]) if rows.size else -1
        changes += turn(state, row, failed, int(times[last, column]), float(block.values[last, column]))
    return changes


def turn(state: RuleState, row: int, failed: dict[Rule, str] | None, at: int, value: float = np.nan) -> list[Change]:
    """The change of the error rule of a row whose rules failed, or (None) were all evaluated; the state is moved on."""
    before = state.failed.get(row)
    if failed is None:
        if before is None:
            return []
        del state.failed[row]
    else:
        state.failed[row] = failed
        if before is not None and before.keys() == failed.keys():
            return []
    state.active[row, _ERROR] = failed is not None
    return [Change(row, Rule.ERROR, at, failed is not None, value, np.nan, failed=tuple((failed or {}).items()))]
