"""Late lanes: what comes late is judged in a state of its own that starts where its hole began. Pure.

It is told as late alarms, and neither the live state nor the horn hears of it.
"""

from __future__ import annotations

from hazmon.alarms.alarm import AlarmEvent
from hazmon.clock import US
from hazmon.plant import BoxState, GroupState, LateLane, Plant
from hazmon.rulebook import Rule, kind_of
from hazmon.rules.evaluate import evaluate
from hazmon.rules.frame import NEVER, ScanBlock
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Change
from hazmon.telling import in_order, turn_of

LANE_IDLE_US = 30 * US  # a lane that nothing has fed for so long is over


def open_lane(plant: Plant, box: BoxState, edge: str, now: int) -> None:
    """Remember how things stood before a hole in the box's sequence: what fills it later is judged from here."""
    own = {key: state for key, state in plant.groups.items() if state.group.edge == edge}
    newest = {key: state.newest for key, state in own.items()}
    trails = {key: state.trail.copy() for key, state in own.items()}
    box.lanes.append(LateLane(plant.rules.copy(), trails, newest, dict(newest), now))


def replay_late(plant: Plant, box: BoxState, state: GroupState, block: ScanBlock, now: int) -> list[AlarmEvent]:
    """Judge late scans in their own lane and tell what they show."""
    key = state.group.id
    lane = _lane(plant, box, key, int(block.times[0]), now)
    lane.touched = now
    block = block.rows(block.times > lane.newest.get(key, NEVER))
    if not block.times.size:
        return []
    lane.newest[key] = int(block.times[-1])
    trail = lane.trails.setdefault(key, Trail.of(state.group.points, plant.table))
    events: list[AlarmEvent] = []
    for change in in_order(evaluate(lane.rules, plant.table, block, trail)):
        event = _tell(plant, lane, change)
        events += [event] if event else []
    return events


def end_lanes(plant: Plant, box: BoxState, now: int) -> list[AlarmEvent]:
    """Lanes that are over: what still holds in them goes on in a live alarm, or its end was never seen."""
    over = [lane for lane in box.lanes if now - lane.touched > LANE_IDLE_US]
    if not over:
        return []
    box.lanes = [lane for lane in box.lanes if now - lane.touched <= LANE_IDLE_US]
    events: list[AlarmEvent] = []
    for lane in over:
        for (point, kind), identity in lane.told.items():
            standing = plant.book.standing(plant.subjects[point].id, kind)
            late = plant.book.open.get(identity)
            at = now
            if standing is not None and late is not None:
                at = max(standing.raised_at or now, late.raised_at or now)
            reason = f"goes on as {standing.id}" if standing else "its end is not in the readings"
            event = plant.book.end_late(identity, at, reason)
            events += [event] if event else []
    return events


def _lane(plant: Plant, box: BoxState, group: int, first: int, now: int) -> LateLane:
    """The lane of the hole that a scan of that time fills: the last one that began before it."""
    for lane in reversed(box.lanes):
        if lane.begun.get(group, NEVER) < first:
            return lane
    box.lanes.insert(0, LateLane(plant.rules.copy(), {}, {}, {}, now))
    return box.lanes[0]


def _tell(plant: Plant, lane: LateLane, change: Change) -> AlarmEvent | None:
    if change.rule is Rule.STALE:
        return None
    kind = kind_of(change.rule)
    turn = turn_of(plant, change, "late readings")
    identity = lane.told.get((change.point, kind))
    if identity is None:
        if not change.on:
            return None
        lane.told[change.point, kind], event = plant.book.raise_late(turn)
        return event
    event = plant.book.turn_late(identity, turn, change.on)
    held = plant.book.open.get(identity) or plant.book.closed.get(identity)
    if held is None or not held.holding:
        del lane.told[change.point, kind]
    return event
