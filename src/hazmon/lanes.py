"""Late lanes: what comes late is judged in a state of its own that starts where its hole began. Pure.

It is told as late alarms, and neither the live state nor the horn hears of it.
"""

from __future__ import annotations

from hazmon.alarms.alarm import AlarmEvent
from hazmon.clock import US
from hazmon.delivery import GroupMiss
from hazmon.model import MissCause
from hazmon.plant import BOX, BoxState, GroupState, LateLane, Plant
from hazmon.rulebook import RULES, Rule, kind_of
from hazmon.rules.evaluate import evaluate
from hazmon.rules.frame import NEVER, Bools, ScanBlock
from hazmon.rules.late_named import LateNamed
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Change
from hazmon.telling import in_order, turn_of

LANE_IDLE_US = 30 * US  # a lane that nothing has fed for so long is over
NO_FAULT_OF_THE_LINK = {MissCause.BOX_OFF, MissCause.LINK_OFF, MissCause.EXEMPT}
_STALE = RULES.index(Rule.STALE)


def open_lane(plant: Plant, box: BoxState, edge: str, now: int) -> None:
    """Remember how things stood before a hole in the box's sequence: what fills it later is judged from here."""
    own = {key: state for key, state in plant.groups.items() if state.group.edge == edge}
    newest = {key: state.newest for key, state in own.items()}
    trails = {key: state.trail.copy() for key, state in own.items()}
    scans = {
        int(point): (state.newest, state.group.period_us)
        for state in sorted(own.values(), key=lambda state: state.newest)
        for point in state.group.points
    }
    named = LateNamed.begun(plant.named, plant.held, _unknown_before(plant, edge), scans)
    box.lanes.append(LateLane(plant.rules.copy(), trails, newest, dict(newest), now, named))


def replay_late(plant: Plant, box: BoxState, state: GroupState, block: ScanBlock, now: int) -> list[AlarmEvent]:
    """Judge late scans in their own lane and tell what they show."""
    key = state.group.id
    lane = _lane(plant, box, key, int(block.times[0]), now)
    lane.touched = now
    block = block.rows(block.times > lane.newest.get(key, NEVER))
    if not block.times.size:
        return []
    lane.newest[key] = int(block.times[-1])
    lane.named.tell(plant.named, block, state.group.period_us)
    trail = lane.trails.setdefault(key, Trail.of(state.group.points, plant.table))
    events: list[AlarmEvent] = []
    for change in in_order(evaluate(lane.rules, plant.table, block, trail)):
        event = _tell(plant, lane, change)
        events += [event] if event else []
    return events


def miss_late(plant: Plant, box: BoxState, miss: GroupMiss, now: int) -> None:
    """A lane hears that readings are missing; of what no lane waits for nothing is to be said."""
    lane = _open(box, miss.group.id, miss.at)
    if lane is None:
        return
    lane.touched = now
    points = miss.group.points if miss.column is None else miss.group.points[[miss.column]]
    scans = miss.column is None and miss.cause not in NO_FAULT_OF_THE_LINK
    lane.named.miss(plant.named, points, miss.at, miss.count, miss.group.period_us, scans=scans)


def judge_late(plant: Plant, box: BoxState) -> list[AlarmEvent]:
    """What the box's late readings, and misses, show of the named rules, as far as all that a rule looks at is told."""
    events: list[AlarmEvent] = []
    for lane in box.lanes:
        for change in lane.named.judge(lane.rules, plant.named, plant.table.stale):
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
    lane = _open(box, group, first)
    if lane is None:
        rules = plant.rules.copy()
        rules.since[:] = NEVER  # what runs now had not begun then
        lane = LateLane(rules, {}, {}, {}, now, LateNamed())
        box.lanes.insert(0, lane)
    return lane


def _open(box: BoxState, group: int, first: int) -> LateLane | None:
    return next((lane for lane in reversed(box.lanes) if lane.begun.get(group, NEVER) < first), None)


def _unknown_before(plant: Plant, edge: str) -> Bools:
    """bool[P]: nothing was known of the point before its box fell silent."""
    unknown = plant.rules.active[: len(plant.park.points), _STALE].copy()
    for link, points in plant.excused.items():
        if link != f"{edge}/{BOX}":
            unknown[sorted(points)] = True
    return unknown


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
