"""A box whose clock is wrong: what it sends is judged in the park's time, for a limit is no less exceeded on a slow clock.

The record keeps the times as they were sent. The offset is the box's own measure, from its heartbeats' round trips.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hazmon.clock import US
from hazmon.delivery import Delivery
from hazmon.plant import Plant
from hazmon.rules.frame import NEVER

TRUSTED_US = 5 * US  # a clock this close is right: a reading's own time is better than any correction of it
STEADY_US = 2 * US  # smaller changes of the offset are jitter of the measurement


def set_clock(plant: Plant, edge: str, offset: int, now: int) -> None:
    """The park's clock minus the box's, microseconds. What is held in the box's time moves along, though never beyond `now`.

    A box that comes back with another clock than before left its last scans in the park's time already.
    """
    box = plant.boxes[edge]
    wanted = offset if abs(offset) > TRUSTED_US else 0
    if abs(wanted - box.clock) <= STEADY_US:
        return
    moved = wanted - box.clock
    box.clock = wanted
    newest = max((state.newest for state in plant.groups.values() if state.group.edge == edge), default=NEVER)
    if newest != NEVER:
        moved = min(moved, max(0, now - newest))
    for state in plant.groups.values():
        if state.group.edge == edge and state.newest != NEVER:
            state.newest += moved
            state.trail.times = state.trail.times + moved
            state.trail.at = state.trail.at + moved
    own = plant.own[edge]
    since = plant.rules.since[own]
    plant.rules.since[own] = np.where(since == NEVER, NEVER, since + moved)
    at = plant.frame.at[own]
    plant.frame.at[own] = np.where(at == NEVER, NEVER, at + moved)


def in_park_time(delivery: Delivery, clock: int) -> Delivery:
    """The delivery with its times moved by the box's offset, for the rules; the one for the record stays as it is."""
    if clock == 0:
        return delivery
    return replace(
        delivery,
        made_at=delivery.made_at + clock,
        blocks=[replace(block, times=block.times + clock) for block in delivery.blocks],
        misses=[replace(miss, at=miss.at + clock) for miss in delivery.misses],
    )
