"""Stale: nothing has come from a point for longer than it may be silent. The only rule that time itself raises."""

from __future__ import annotations

import numpy as np

from hazmon.clock import US
from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import Bools, Ints, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.walk import Change, RuleState

_STALE = RULES.index(Rule.STALE)


def gone_stale(state: RuleState, table: LimitTable, heard: Ints, excused: Bools, now: int) -> list[Change]:
    """Points that went silent by `now`. `heard` int64[P]: when each was last heard of; `excused`: a larger alarm stands for it.

    The change is dated to the instant at which the silence became too long, so that it is the same whoever finds it when.
    """
    points = heard.size  # the rows of named rules come after them
    silent = (now - heard > table.stale) & ~state.active[:points, _STALE] & ~excused[:points]
    changes: list[Change] = []
    for point in np.flatnonzero(silent):
        state.active[point, _STALE] = True
        allowed = int(table.stale[point])
        changes.append(Change(int(point), Rule.STALE, int(heard[point]) + allowed, True, allowed / US, allowed / US))
    return changes


def heard_again(state: RuleState, block: ScanBlock) -> list[Change]:
    """Stale points of which the block holds a reading, good or bad."""
    held = (block.points >= 0) & state.active[block.points, _STALE]
    if not held.any():
        return []
    present = block.present()
    times = np.broadcast_to(block.cell_times(), block.values.shape)
    changes: list[Change] = []
    for column in np.flatnonzero(held):
        rows = np.arange(block.times.size) if present is None else np.flatnonzero(present[:, column])
        if rows.size:
            point = int(block.points[column])
            state.active[point, _STALE] = False
            changes.append(Change(point, Rule.STALE, int(times[rows[0], column]), False, 0.0, np.nan))
    return changes
