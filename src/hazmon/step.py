"""The step: scans and commands in, alarm events out. Pure but for the plant it moves on: no clock, no I/O.

Live running, replay over history and scenarios all call this very code; only the caller's `now` differs.

What comes in time is evaluated live. What comes late goes through a lane of its own that starts where the box's silence began:
it is told as late alarms, and neither the live state nor the horn hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hazmon.alarms.book import AlarmEvent
from hazmon.alarms.commands import Command
from hazmon.boxclock import in_park_time, set_clock
from hazmon.clock import US
from hazmon.delivery import Delivery, GroupMiss
from hazmon.errors import CommandRefused, NotFound
from hazmon.model import MissCause
from hazmon.plant import BOX, BoxState, GroupState, LateLane, Plant
from hazmon.rulebook import Rule
from hazmon.rules.evaluate import evaluate, watch
from hazmon.rules.frame import NEVER, Bools, ScanBlock
from hazmon.rules.rate import Trail
from hazmon.rules.walk import Change

BOX_SILENT_US = 10 * US  # two heartbeats and ten batches
BOX_QUIET_US = 6 * US  # longer than between two heartbeats: from here on it is not its points that are silent, but the box
NO_FAULT_OF_THE_LINK = {MissCause.BOX_OFF, MissCause.LINK_OFF, MissCause.EXEMPT}
LINK_MISSES = 2  # scans missed in a row make a connection alarm, which so comes within three periods
LATE_PERIODS = 2  # readings may be this many of their periods older than the live window
LANE_IDLE_US = 30 * US  # a lane that nothing has fed for so long is over
NOBODY: Mapping[str, int | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: the event it made, or why it was refused."""

    command: Command
    event: AlarmEvent | None
    refusal: NotFound | CommandRefused | None


def step(
    plant: Plant, deliveries: Sequence[Delivery], commands: Sequence[Command], now: int, alive: Mapping[str, int | None] = NOBODY
) -> tuple[list[AlarmEvent], list[Outcome]]:
    """Move the plant on by these deliveries and commands to `now` (microseconds UTC); `alive` names boxes that gave a sign,
    each with what it says its clock is off (microseconds to add; None if it does not say).

    Deliveries must be ones that were never stepped before; they are taken box by box in the order of their sequence.
    """
    events: list[AlarmEvent] = []
    for edge, offset in alive.items():
        events += hear(plant, edge, now)
        if offset is not None:
            set_clock(plant, edge, offset, now)
    for delivery in sorted(deliveries, key=lambda d: (d.edge, d.boot != plant.boxes[d.edge].boot, d.seq)):
        events += _absorb(plant, in_park_time(delivery, plant.boxes[delivery.edge].clock), now)
    events += _silences(plant, now)
    outcomes = [_command(plant, command, now) for command in commands]
    events += [outcome.event for outcome in outcomes if outcome.event is not None]
    return events, outcomes


def hear(plant: Plant, edge: str, now: int) -> list[AlarmEvent]:
    """A sign of life from a box. While it was silent itself, nobody could hear its points: that time does not count for them."""
    box = plant.boxes[edge]
    own = plant.own[edge]
    if not box.met:
        box.met = True
        plant.heard[own] = now
    elif now - box.heard > BOX_QUIET_US:
        plant.heard[own] = np.minimum(plant.heard[own] + now - box.heard, now)
    box.heard = now
    link = f"{edge}/{BOX}"
    if link not in plant.excused:
        return []
    plant.heard[sorted(plant.excused.pop(link))] = now
    event = plant.book.clear(link, Rule.STALE, now, 0.0, "the box is back")
    return [event] if event else []


def _absorb(plant: Plant, delivery: Delivery, now: int) -> list[AlarmEvent]:
    box = plant.boxes[delivery.edge]
    if (delivery.boot != box.boot or delivery.seq > box.next_seq) and _has_live(plant, delivery):
        _open_lane(plant, box, delivery.edge, now)
        box.boot, box.next_seq = delivery.boot, delivery.seq
    events = hear(plant, delivery.edge, now)
    if delivery.boot == box.boot:
        box.next_seq = max(box.next_seq, delivery.seq + 1)
    for block in delivery.blocks:
        state = plant.group(delivery.groups[block.group])
        late = _late(plant, state, block, delivery.arrived)
        if late.any():
            events += _replay(plant, box, state, block.rows(late), now)
            block = block.rows(~late)
        if block.times.size:
            events += _live(plant, state, block, now)
    for miss in delivery.misses:
        events += _missed(plant, miss, delivery.arrived)
    return events


def _late(plant: Plant, state: GroupState, block: ScanBlock, arrived: int) -> Bools:
    """bool[T]: scans that came too late or out of order to be judged live."""
    window = round(plant.park.settings.live_window_s * US) + LATE_PERIODS * state.group.period_us
    return (block.times <= state.newest) | (arrived - block.times > window)


def _has_live(plant: Plant, delivery: Delivery) -> bool:
    """Whether the batch tells of the present; one without scans does if it was made within the live window."""
    window = plant.park.settings.live_window_s * US
    if not delivery.blocks:
        return delivery.arrived - delivery.made_at <= window
    return any(
        not _late(plant, plant.group(delivery.groups[block.group]), block, delivery.arrived).all() for block in delivery.blocks
    )


def _live(plant: Plant, state: GroupState, block: ScanBlock, now: int) -> list[AlarmEvent]:
    state.newest = int(block.times[-1])
    state.missed = 0
    events = _reconnected(plant, state, block, now) if plant.excused else []
    present = block.present()
    heard = block.points if present is None else block.points[present.any(axis=0)]
    plant.heard[heard[heard >= 0]] = now
    plant.frame.absorb(block)
    for change in evaluate(plant.rules, plant.table, block, state.trail):
        events += _tell(plant, change, "")
    return events


def _reconnected(plant: Plant, state: GroupState, block: ScanBlock, now: int) -> list[AlarmEvent]:
    """Points that are read again need no excuse, whatever connection they were read by before it went silent.

    A connection may be read in several groups: it is back when all its points are.
    """
    events: list[AlarmEvent] = []
    own = block.points[block.points >= 0]
    back = set[int](own.tolist())
    connection = f"{state.group.edge}/{state.group.connection}"
    for link in [link for link, points in plant.excused.items() if points & back or link == connection]:
        plant.heard[own] = now
        plant.excused[link] -= back
        if not plant.excused[link]:
            del plant.excused[link]
            event = plant.book.clear(link, Rule.STALE, int(block.times[0]), 0.0, "scans come again")
            events += [event] if event else []
    return events


def _tell(plant: Plant, change: Change, reason: str) -> list[AlarmEvent]:
    subject = plant.subject(change.point, change.rule)
    if change.on:
        event = plant.book.raise_alarm(
            subject, change.rule, plant.priority(change.point, change.rule), change.at, change.value, change.limit, reason
        )
    else:
        event = plant.book.clear(subject.id, change.rule, change.at, change.value, reason)
    return [event] if event else []


def _missed(plant: Plant, miss: GroupMiss, arrived: int) -> list[AlarmEvent]:
    """Scans missed in a row make a connection alarm, dated to the last of them; single points are left to go stale."""
    if miss.column is not None or miss.cause in NO_FAULT_OF_THE_LINK:
        return []
    group = miss.group
    state = plant.group(group)
    window = round(plant.park.settings.live_window_s * US) + LATE_PERIODS * group.period_us
    if miss.at <= state.newest or arrived - miss.at > window:
        return []
    short = LINK_MISSES - state.missed
    state.missed += miss.count
    link = f"{group.edge}/{group.connection}"
    points = set(group.points[group.points >= 0].tolist())
    if link in plant.excused:
        plant.excused[link] |= points
        return []
    if state.missed < LINK_MISSES:
        return []
    plant.excused[link] = points
    at = miss.at + (short - 1) * group.period_us if short > 0 else miss.at
    silent = LINK_MISSES * group.period_us / US
    event = plant.book.raise_alarm(plant.connection(group), Rule.STALE, 3, at, silent, silent, miss.cause.name.lower())
    return [event] if event else []


def _silences(plant: Plant, now: int) -> list[AlarmEvent]:
    """What only time brings: silent boxes, stale points, lanes that are over."""
    events: list[AlarmEvent] = []
    for edge, box in plant.boxes.items():
        link = f"{edge}/{BOX}"
        if now - box.heard > BOX_SILENT_US and link not in plant.excused:
            plant.excused[link] = plant.points_of(edge)
            limit = BOX_SILENT_US / US
            event = plant.book.raise_alarm(
                plant.box(edge), Rule.STALE, 2, box.heard + BOX_SILENT_US, limit, limit, "nothing heard"
            )
            events += [event] if event else []
        over = [lane for lane in box.lanes if now - lane.touched > LANE_IDLE_US]
        for lane in over:
            events += _close_lane(plant, lane, now)
        if over:
            box.lanes = [lane for lane in box.lanes if now - lane.touched <= LANE_IDLE_US]
    excused = np.zeros(len(plant.subjects), bool)
    for edge, box in plant.boxes.items():
        if now - box.heard > BOX_QUIET_US:
            excused[plant.own[edge]] = True
    if plant.excused:
        excused[plant.excused_points()] = True
    for change in watch(plant.rules, plant.table, plant.heard, excused, now):
        events += _tell(plant, change, "")
    return events


def _open_lane(plant: Plant, box: BoxState, edge: str, now: int) -> None:
    """Remember how things stood before a hole in the box's sequence: what fills it later is judged from here."""
    own = {key: state for key, state in plant.groups.items() if state.group.edge == edge}
    newest = {key: state.newest for key, state in own.items()}
    trails = {key: state.trail.copy() for key, state in own.items()}
    box.lanes.append(LateLane(plant.rules.copy(), trails, newest, dict(newest), now))


def _lane(plant: Plant, box: BoxState, group: int, first: int, now: int) -> LateLane:
    """The lane of the hole that a scan of that time fills: the last one that began before it."""
    for lane in reversed(box.lanes):
        if lane.begun.get(group, NEVER) < first:
            return lane
    box.lanes.insert(0, LateLane(plant.rules.copy(), {}, {}, {}, now))
    return box.lanes[0]


def _replay(plant: Plant, box: BoxState, state: GroupState, block: ScanBlock, now: int) -> list[AlarmEvent]:
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
    for change in evaluate(lane.rules, plant.table, block, trail):
        events += _tell_late(plant, lane, change)
    return events


def _tell_late(plant: Plant, lane: LateLane, change: Change) -> list[AlarmEvent]:
    if change.rule is Rule.STALE:
        return []
    key = (change.point, change.rule)
    if change.on:
        event = plant.book.raise_late(
            plant.subject(change.point, change.rule),
            change.rule,
            plant.priority(*key),
            change.at,
            change.value,
            change.limit,
        )
        if event:
            lane.told[key] = event.alarm.id
    else:
        identity = lane.told.pop(key, None)
        event = plant.book.clear_late(identity, change.at, change.value, "late readings") if identity else None
    return [event] if event else []


def _close_lane(plant: Plant, lane: LateLane, now: int) -> list[AlarmEvent]:
    """The backlog is in: what still holds in the lane goes on in a live alarm, or its end was never seen."""
    events: list[AlarmEvent] = []
    for (point, rule), identity in lane.told.items():
        standing = plant.book.standing(plant.subjects[point].id, rule)
        late = plant.book.open.get(identity)
        at = max(standing.raised_at, late.raised_at) if standing and late else now
        reason = f"goes on as {standing.id}" if standing else "its end is not in the readings"
        event = plant.book.clear_late(identity, at, float("nan"), reason)
        events += [event] if event else []
    return events


def _command(plant: Plant, command: Command, now: int) -> Outcome:
    try:
        return Outcome(command, plant.book.acknowledge(command.alarm, now, command.by, command.note), None)
    except (NotFound, CommandRefused) as refusal:
        return Outcome(command, None, refusal)
