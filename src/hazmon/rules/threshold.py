"""LL, L, H, HH with deadband and delays.

A screen over the whole block first: a pair can only change if the block's extreme reaches the limit, if it holds, or if a
delay is running. In a quiet plant the screen answers for thousands of samples at once and nothing is walked.
"""

from __future__ import annotations

import numpy as np

from hazmon.rules.frame import NEVER, Bools, Floats, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.walk import Change, Pairs, RuleState, walk

_LOW = np.array([True, True, False, False])


def thresholds(
    state: RuleState, table: LimitTable, block: ScanBlock, usable: Bools | None, extremes: tuple[Floats, Floats]
) -> list[Change]:
    """Changes of the four limit rules through the block. A limit is reached at, not only beyond, its value.

    `extremes`: the lowest and highest usable value of each column.
    """
    points = block.points
    lowest, highest = extremes
    limit = table.limit[points]
    hot = np.empty(limit.shape, bool)
    hot[:, :2] = lowest[:, None] <= limit[:, :2]
    hot[:, 2:] = highest[:, None] >= limit[:, 2:]
    hot |= state.active[points, :4] | (state.since[points, :4] != NEVER)
    hot &= (points >= 0)[:, None]
    columns, rules = np.nonzero(hot)
    if not columns.size:
        return []
    point = points[columns]
    value = block.values[:, columns]
    at_limit = table.limit[point, rules]
    deadband = table.deadband[point]
    low = _LOW[rules]
    return walk(
        state,
        Pairs(
            point=point,
            rule=rules,
            at=np.broadcast_to(block.cell_times(), block.values.shape)[:, columns],
            usable=np.ones(value.shape, bool) if usable is None else usable[:, columns],
            raising=np.where(low, value <= at_limit, value >= at_limit),
            clearing=np.where(
                low,
                (value > at_limit) & (value >= at_limit + deadband),
                (value < at_limit) & (value <= at_limit - deadband),
            ),
            value=value,
            limit=at_limit,
            on_delay=table.on_delay[point],
            off_delay=table.off_delay[point],
        ),
    )
