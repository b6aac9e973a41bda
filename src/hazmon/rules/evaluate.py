"""The only door of the rules: what changed when these scans came, and what changed because time passed.

The block is asked as a whole which pairs may change at all; only those are walked sample by sample, in time order, so that an
excursion inside a batch is found as surely as one at its end.
"""

from __future__ import annotations

from hazmon.rulebook import Rule
from hazmon.rules.fit import follow
from hazmon.rules.forecast import forecasts
from hazmon.rules.frame import Bools, Ints, ScanBlock
from hazmon.rules.instrument import ranges
from hazmon.rules.limits import LimitTable
from hazmon.rules.quality import qualities
from hazmon.rules.rate import rates
from hazmon.rules.stale import gone_stale, heard_again
from hazmon.rules.stuck import stuck
from hazmon.rules.threshold import thresholds
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Change, RuleState


def evaluate(state: RuleState, table: LimitTable, block: ScanBlock, trail: Trail) -> list[Change]:
    """Changes through the block in time order, those of one rule of one point as they happened; state and trail are moved on.

    The block's times ascend.
    """
    usable = block.usable()
    changes = heard_again(state, block)
    changes += qualities(state, block, usable)
    extremes = block.extremes(usable)
    found, judged = ranges(state, table, block, usable, extremes)
    changes += found
    if judged is not usable:
        usable, extremes = judged, block.extremes(judged)
    if trail.columns.size:
        trends = follow(table, block, trail, usable)
        changes += rates(state, table, trends)
        changes += forecasts(state, table, trends)
        trail.trim(int(trends.window.max()))
    changes += thresholds(state, table, block, usable, extremes)
    changes += stuck(state, table, block, usable)
    return _in_order(changes)


def _in_order(changes: list[Change]) -> list[Change]:
    """By time; but a rule that turned off after it turned on stays after, should its readings' own times cross."""
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
