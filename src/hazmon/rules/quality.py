"""Bad quality: a reading that came but may not be believed. It neither raises nor clears a process alarm; it raises its own."""

from __future__ import annotations

import numpy as np

from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import Bools, ScanBlock
from hazmon.rules.walk import Change, Pairs, RuleState, walk

_QUALITY = RULES.index(Rule.QUALITY)


def qualities(state: RuleState, block: ScanBlock, usable: Bools | None) -> list[Change]:
    """Changes of the quality rule through the block; the value is the quality code."""
    held = state.active[block.points, _QUALITY] & (block.points >= 0)
    if block.quality is None or usable is None:
        if not held.any():
            return []
        hot = held
        bad = np.zeros(block.values.shape, bool)
        present = ~bad
        codes = np.zeros(block.values.shape)
    else:
        shown = block.present()
        present = np.ones(block.values.shape, bool) if shown is None else shown
        bad = present & ~usable
        hot = held | (bad.any(axis=0) & (block.points >= 0))
        codes = block.quality.astype(float)
    columns = np.flatnonzero(hot)
    if not columns.size:
        return []
    none = np.zeros(columns.size, np.int64)
    return walk(
        state,
        Pairs(
            point=block.points[columns],
            rule=np.full(columns.size, _QUALITY),
            at=np.broadcast_to(block.cell_times(), block.values.shape)[:, columns],
            usable=present[:, columns],
            raising=bad[:, columns],
            clearing=~bad[:, columns],
            value=codes[:, columns],
            limit=np.full(columns.size, np.nan),
            on_delay=none,
            off_delay=none,
        ),
    )
