"""The only door of the rules: what changed when these scans came, and what changed because time passed.

The block is asked as a whole which pairs may change at all; only those are walked sample by sample, in time order, so that an
excursion inside a batch is found as surely as one at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from hazmon.rulebook import Rule
from hazmon.rules.failures import Failures, settle, strict
from hazmon.rules.fit import Trends, lines
from hazmon.rules.forecast import forecasts
from hazmon.rules.frame import Bools, Floats, Ints, ScanBlock
from hazmon.rules.instrument import ranges
from hazmon.rules.limits import LimitTable
from hazmon.rules.quality import qualities
from hazmon.rules.rate import rates
from hazmon.rules.stale import gone_stale, heard_again
from hazmon.rules.stuck import Stretch, stretches, stuck
from hazmon.rules.threshold import thresholds
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Change, RuleState

_LIMITS = Rule.LL, Rule.L, Rule.H, Rule.HH
_RATES = Rule.RATE_UP, Rule.RATE_DOWN
_FORECASTS = Rule.FORECAST_UP, Rule.FORECAST_DOWN


@dataclass(frozen=True, slots=True)
class _Seen:
    """A block, which of its readings may be judged, and their extremes; what most kernels look at."""

    block: ScanBlock
    usable: Bools | None
    extremes: tuple[Floats, Floats]

    def only(self, columns: Ints | None) -> _Seen:
        """Of these columns; None = all."""
        if columns is None:
            return self
        usable = None if self.usable is None else self.usable[:, columns]
        return _Seen(self.block.columns(columns), usable, (self.extremes[0][columns], self.extremes[1][columns]))


def evaluate(state: RuleState, table: LimitTable, block: ScanBlock, trail: Trail) -> list[Change]:
    """Changes through the block in time order, those of one rule of one point as they happened; state and trail are moved on.

    The block's times ascend. A rule of a point that cannot be evaluated keeps what held, and the point's ERROR says so.
    """
    failures = Failures()
    with strict():
        usable = block.usable()
        changes = heard_again(state, block)
        seen = _Seen(block, usable, block.extremes(usable))
        changes += _qualities(state, seen, failures)
        found, judged = _ranges(state, table, seen, failures)
        changes += found
        if judged is not usable:
            seen = _Seen(block, judged, block.extremes(judged))
        if trail.columns.size:
            changes += _trended(state, table, seen, trail, failures)
        changes += _limits(state, table, seen, failures)
        changes += _stuck(state, table, seen, failures)
    changes += settle(state, failures, block, judged)
    return _in_order(changes)


def _qualities(state: RuleState, seen: _Seen, failures: Failures) -> list[Change]:
    def of(columns: Ints | None) -> list[Change]:
        part = seen.only(columns)
        return qualities(state, part.block, part.usable)

    return _joined(failures.attempt((Rule.QUALITY,), seen.block.points, of))


def _ranges(state: RuleState, table: LimitTable, seen: _Seen, failures: Failures) -> tuple[list[Change], Bools | None]:
    """As `ranges`; where that cannot be evaluated, a value is taken for one."""

    def of(columns: Ints | None) -> tuple[Ints | None, list[Change], Bools | None]:
        part = seen.only(columns)
        return columns, *ranges(state, table, part.block, part.usable, part.extremes)

    parts = failures.attempt((Rule.RANGE,), seen.block.points, of)
    if len(parts) == 1 and parts[0][0] is None:
        return parts[0][1:]
    judged = np.ones(seen.block.values.shape, bool) if seen.usable is None else seen.usable.copy()
    for columns, _, sound in parts:
        if sound is not None:
            judged[:, columns] = sound
    return _joined([changes for _, changes, _ in parts]), judged


def _trended(state: RuleState, table: LimitTable, seen: _Seen, trail: Trail, failures: Failures) -> list[Change]:
    """Changes of the rules that look at slopes."""
    first = trail.extend(seen.block, seen.usable)
    point = seen.block.points[trail.columns]
    changes: list[Change] = []
    for drawn in failures.attempt(_RATES + _FORECASTS, point, lambda part: lines(table, seen.block, trail.only(part), first)):
        changes += _joined(failures.attempt(_RATES, drawn.point, partial(_rates, state, table, drawn)))
        changes += _joined(failures.attempt(_FORECASTS, drawn.point, partial(_forecasts, state, table, drawn)))
    trail.trim(int(table.window[point].max()))
    return changes


def _rates(state: RuleState, table: LimitTable, trends: Trends, part: Ints | None) -> list[Change]:
    return rates(state, table, trends.only(part))


def _forecasts(state: RuleState, table: LimitTable, trends: Trends, part: Ints | None) -> list[Change]:
    return forecasts(state, table, trends.only(part))


def _limits(state: RuleState, table: LimitTable, seen: _Seen, failures: Failures) -> list[Change]:
    def of(columns: Ints | None) -> list[Change]:
        part = seen.only(columns)
        return thresholds(state, table, part.block, part.usable, part.extremes)

    return _joined(failures.attempt(_LIMITS, seen.block.points, of))


def _stuck(state: RuleState, table: LimitTable, seen: _Seen, failures: Failures) -> list[Change]:
    changes: list[Change] = []
    for stretch in stretches(table, seen.block):
        points = seen.block.points[stretch.columns]
        of = partial(_stood, state, table, seen, stretch)
        changes += _joined(failures.attempt((Rule.STUCK,), points, of))
    return changes


def _stood(state: RuleState, table: LimitTable, seen: _Seen, stretch: Stretch, part: Ints | None) -> list[Change]:
    return stuck(state, table, seen.block, seen.usable, stretch.only(part))


def _joined(parts: list[list[Change]]) -> list[Change]:
    return parts[0] if len(parts) == 1 else [change for part in parts for change in part]


def _in_order(changes: list[Change]) -> list[Change]:
    """By time; but a rule that turned off after it turned on stays after, should its readings' own times cross."""
    if len(changes) < 2:
        return changes
    latest: dict[tuple[int, Rule], int] = {}
    moments: list[tuple[int, int]] = []
    for change in changes:
        pair = change.point, change.rule
        latest[pair] = max(change.at, latest.get(pair, change.at))
        moments.append((latest[pair], change.point))
    return [changes[k] for k in sorted(range(len(changes)), key=moments.__getitem__)]


def watch(state: RuleState, table: LimitTable, heard: Ints, excused: Bools, now: int) -> list[Change]:
    """Changes that only the passing of time brings."""
    return gone_stale(state, table, heard, excused, now)
