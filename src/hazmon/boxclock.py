"""A box whose clock is wrong: what it sends is judged in the park's time, for a limit is no less exceeded on a slow clock.

The record keeps the times as they were sent. The offset is the box's own measure, from its heartbeats' round trips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hazmon.clock import US
from hazmon.delivery import Delivery
from hazmon.plant import BoxState, GroupState, Plant
from hazmon.rules.frame import NEVER, Ints

TRUSTED_US = 5 * US  # a clock this close is right: a reading's own time is better than any correction of it
STEADY_US = 2 * US  # smaller changes of the offset are jitter of the measurement
DRIFT_US = TRUSTED_US + STEADY_US  # a change this small is a clock that drifted, not one that was set


@dataclass(frozen=True, slots=True)
class _Shift:
    """How far times that are held move: those after `border`, which are of another clock, by `ahead`, the others by `rest`."""

    rest: int
    ahead: int
    border: int
    now: int

    def by(self, times: Ints) -> Ints:
        """How far each of the times moves."""
        return np.where(times > self.border, self.ahead, self.rest)

    def of(self, times: Ints) -> Ints:
        """The times moved, none beyond `now`; NEVER stays."""
        return np.where(times == NEVER, NEVER, np.minimum(times + self.by(times), self.now))


def set_clock(plant: Plant, edge: str, offset: int, now: int) -> None:
    """The park's clock minus the box's, microseconds: times to come are corrected by it, and of those held what is wrong.

    A clock that was set while the service ran left what is held in the park's time: it stays, so that no delay is cut short or
    stretched; only what came after the clock was set and before its offset was told lies ahead of `now`, and moves back.
    What was held before the offset was first known is in the box's own time, and moves as a whole, though never beyond `now`.
    """
    box = plant.boxes[edge]
    wanted = offset if abs(offset) > TRUSTED_US else 0
    if abs(wanted - box.clock) <= STEADY_US:
        return
    groups = [state for state in plant.groups.values() if state.group.edge == edge and state.newest != NEVER]
    shift = _shift(box, groups, offset, wanted, now)
    box.clock = wanted
    for state in groups:
        state.newest = int(shift.of(np.array(state.newest)))
        by = shift.by(state.trail.times)
        state.trail.times, state.trail.at = state.trail.times + by, state.trail.at + by[:, None]
    own = plant.own[edge]
    plant.rules.since[own] = shift.of(plant.rules.since[own])
    plant.frame.at[own] = shift.of(plant.frame.at[own])
    slots: list[int] = [slot for slot in plant.named.slot[own].tolist() if slot >= 0]
    plant.held.at[slots] = shift.of(plant.held.at[slots])
    over = sorted({rule for slot in slots for rule in plant.named.rules_of[slot]})
    plant.held.turned[over] = shift.of(plant.held.turned[over])
    rows = [plant.named.rules[rule].row for rule in over]
    plant.rules.since[rows] = shift.of(plant.rules.since[rows])


def _shift(box: BoxState, groups: list[GroupState], offset: int, wanted: int, now: int) -> _Shift:
    """What moves, by what the box's clock was taken for until now; 0 may mean that nobody knew it."""
    moved, border = wanted - box.clock, now + TRUSTED_US
    newest = max((state.newest for state in groups), default=now)
    by = min(moved, now - newest)
    drifted = not box.clock and (abs(moved) <= DRIFT_US or now - newest >= moved - STEADY_US > 0)
    if box.boot == NEVER or drifted or any(_unbroken(state.trail.times, moved, border) for state in groups):
        return _Shift(by, by, border, now)
    if box.clock:
        return _Shift(wanted - offset, by, border, now)
    held = np.concatenate(
        [times for state in groups for times in (state.trail.times, np.array([state.newest]))] or [np.array([now])]
    )
    return _Shift(min(0, now - int(held[held <= border].max(initial=now))), by, border, now)


def _unbroken(times: Ints, moved: int, border: int) -> bool:
    """Scans run past the border without the hole that a clock leaves when it is set: all of them are the box's own time."""
    first = int(np.searchsorted(times, border, side="right"))
    return 0 < first < times.size and int(times[first] - times[first - 1]) < abs(moved)


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
