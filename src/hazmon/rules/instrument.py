"""Range: a value that the instrument cannot have measured.

On 4-20 mA (NAMUR NE 43) a signal at 3.6 mA or below, at 21 mA or above, is the transmitter's word for a fault: it raises RANGE
and is no value, so the process rules neither raise nor clear by it. From 3.8 to 20.5 mA it measures; there RANGE clears. What
lies between (saturated) is still judged, and neither raises nor clears RANGE.

A digital value is beyond its range when it leaves it by more than the same margin that NE 43 leaves a measured value (1.25 %
of the span below, 3.125 % above), and clears within the range itself. The process rules judge it all the same: gas above the
top of its range is gas.

There are no delays: the distance between raising and clearing keeps it from chattering.
"""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

import numpy as np

from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import Bools, Floats, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.walk import Change, Pairs, RuleState, walk

TIE = 1e-9  # share of the range: 3.6 mA is 3.6 mA however it was scaled

_RANGE = RULES.index(Rule.RANGE)


def ranges(
    state: RuleState, table: LimitTable, block: ScanBlock, usable: Bools | None, extremes: tuple[Floats, Floats]
) -> tuple[list[Change], Bools | None]:
    """Changes of the range rule through the block, and `usable` without the values that say a fault.

    `extremes`: the lowest and highest usable value of each column.
    """
    fault = table.fault[block.points]
    near = (fault[:, 1] - fault[:, 0]) * TIE
    beyond = (extremes[0] <= fault[:, 0] + near) | (extremes[1] >= fault[:, 1] - near)
    columns = np.flatnonzero((beyond | state.active[block.points, _RANGE]) & (block.points >= 0))
    if not columns.size:
        return [], usable
    point, value = block.points[columns], block.values[:, columns]
    low, high = table.fault[point].T
    sound_low, sound_high = table.sound[point].T
    seen = np.ones(value.shape, bool) if usable is None else usable[:, columns]
    current = table.current[point]
    tie = near[columns]
    out = np.where(current, (value <= low + tie) | (value >= high - tie), (value < low) | (value > high))
    none = np.zeros(columns.size, np.int64)
    pairs = Pairs(
        point=point,
        rule=np.full(columns.size, _RANGE),
        at=np.broadcast_to(block.cell_times(), block.values.shape)[:, columns],
        usable=seen,
        raising=out,
        clearing=(value >= sound_low - tie) & (value <= sound_high + tie),
        value=value,
        limit=np.where(value - low < high - value, low, high),
        on_delay=none,
        off_delay=none,
    )
    judged = _without_faults(block, usable, columns, out & current)
    return walk(state, pairs), judged


def _without_faults(block: ScanBlock, usable: Bools | None, columns: np.ndarray, faults: Bools) -> Bools | None:
    if not faults.any():
        return usable
    usable = np.ones(block.values.shape, bool) if usable is None else usable.copy()
    usable[:, columns] &= ~faults
    return usable
