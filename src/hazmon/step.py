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

from hazmon.alarms.alarm import AlarmEvent, Subject
from hazmon.alarms.book import Turn
from hazmon.alarms.commands import Command
from hazmon.alarms.obey import obey
from hazmon.alarms.timers import tick
from hazmon.boxclock import in_park_time, set_clock
from hazmon.bydesign import apply_designs, unknown_points
from hazmon.clock import US
from hazmon.delivery import Delivery, GroupMiss
from hazmon.errors import CommandRefused, NotFound
from hazmon.lanes import NO_FAULT_OF_THE_LINK, end_lanes, judge_late, miss_late, open_lane, replay_late
from hazmon.plant import BOX, GroupState, Plant
from hazmon.rulebook import Kind, Rule
from hazmon.rules.evaluate import evaluate, watch
from hazmon.rules.frame import Bools, ScanBlock
from hazmon.rules.named import named
from hazmon.rules.walk import Change
from hazmon.telling import follow_peaks, judge_health, tell, with_peaks

BOX_SILENT_US = 10 * US  # two heartbeats and ten batches
BOX_QUIET_US = 6 * US  # longer than between two heartbeats: from here on it is not its points that are silent, but the box
LINK_MISSES = 2  # scans missed in a row make a connection alarm, which so comes within three periods
LATE_PERIODS = 2  # readings may be this many of their periods older than the live window
UNTOLD_TURNS = 100  # of floods, that nobody asked for
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
    found = _Found([], [])
    for delivery in sorted(deliveries, key=lambda d: (d.edge, d.boot != plant.boxes[d.edge].boot, d.seq)):
        events += _absorb(plant, in_park_time(delivery, plant.boxes[delivery.edge].clock), now, found)
    for box in plant.boxes.values():
        events += judge_late(plant, box)
    events += _silences(plant, now, found)
    unknown = unknown_points(plant)
    found.changes.extend(named(plant.rules, plant.named, plant.held, found.blocks, unknown))
    events += apply_designs(plant, unknown, now)  # before anything is told: what means nothing must not ring for an instant
    events += tell(plant, found.changes)
    for block in found.blocks:
        follow_peaks(plant, block)
    events = with_peaks(plant, events)
    events += judge_health(plant, now)
    events += tick(plant.book, now, plant.park.settings.escalation, plant.realarm_min)
    outcomes = [_command(plant, command, now) for command in commands]
    events += [outcome.event for outcome in outcomes if outcome.event is not None]
    for event in events:
        if event.rings:
            plant.flood.note(event.at)
    while len(plant.flood.due) > UNTOLD_TURNS:
        plant.flood.due.popleft()
    return events, outcomes


@dataclass(frozen=True, slots=True)
class _Found:
    """What the step's live scans are and what they changed; told when all of them are known."""

    changes: list[Change]
    blocks: list[ScanBlock]


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
    plant.health_moved = True
    return _ended(plant, plant.box(edge), now, "the box is back")


def deaf(plant: Plant, gap: int) -> None:
    """For `gap` microseconds the park itself did not look: nobody could be heard, so the time counts for nobody's silence."""
    for box in plant.boxes.values():
        box.heard += gap
    plant.heard += gap


def _absorb(plant: Plant, delivery: Delivery, now: int, found: _Found) -> list[AlarmEvent]:
    box = plant.boxes[delivery.edge]
    if (delivery.boot != box.boot or delivery.seq > box.next_seq) and _has_live(plant, delivery):
        open_lane(plant, box, delivery.edge, now)
        box.boot, box.next_seq = delivery.boot, delivery.seq
    events = hear(plant, delivery.edge, now)
    if delivery.boot == box.boot:
        box.next_seq = max(box.next_seq, delivery.seq + 1)
    for block in delivery.blocks:
        state = plant.group(delivery.groups[block.group])
        late = _late(plant, state, block, delivery.arrived)
        if late.any():
            events += replay_late(plant, box, state, block.rows(late), now)
            block = block.rows(~late)
        if block.times.size:
            events += _reconnected(plant, state, block, now) if plant.excused else []
            found.changes.extend(_live(plant, state, block, now))
            found.blocks.append(block)
    for miss in delivery.misses:
        if _overtaken(plant, miss, delivery.arrived):
            miss_late(plant, box, miss, now)
        else:
            events += _missed(plant, miss)
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


def _live(plant: Plant, state: GroupState, block: ScanBlock, now: int) -> list[Change]:
    state.newest = int(block.times[-1])
    state.missed = 0
    present = block.present()
    heard = block.points if present is None else block.points[present.any(axis=0)]
    plant.heard[heard[heard >= 0]] = now
    if plant.doubted and not plant.doubted.isdisjoint(heard.tolist()):
        plant.doubted.difference_update(heard.tolist())
        plant.health_moved = True
    plant.frame.absorb(block)
    return evaluate(plant.rules, plant.table, block, state.trail)


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
        plant.health_moved = True
        if not plant.excused[link]:
            del plant.excused[link]
            alarm = plant.book.of(link, Kind.STALE)
            if alarm is not None:
                events += _ended(plant, alarm.subject, int(block.times[0]), "scans come again")
    return events


def _silent(plant: Plant, subject: Subject, at: int, silent_s: float, priority: int, reason: str) -> list[AlarmEvent]:
    """A connection or a box went silent."""
    plant.health_moved = True
    event = plant.book.turn_on(Turn(subject, Rule.STALE, at, silent_s, silent_s, priority, reason))
    return [event] if event else []


def _ended(plant: Plant, subject: Subject, at: int, reason: str) -> list[AlarmEvent]:
    event = plant.book.turn_off(Turn(subject, Rule.STALE, at, 0.0, None, reason=reason))
    return [event] if event else []


def _overtaken(plant: Plant, miss: GroupMiss, arrived: int) -> bool:
    """The miss tells of a time before the present, or before a scan that came since."""
    window = round(plant.park.settings.live_window_s * US) + LATE_PERIODS * miss.group.period_us
    state = plant.groups.get(miss.group.id)
    return (state is not None and miss.at <= state.newest) or arrived - miss.at > window


def _missed(plant: Plant, miss: GroupMiss) -> list[AlarmEvent]:
    """Scans missed in a row make a connection alarm, dated to the last of them; single points are left to go stale."""
    if miss.column is not None or miss.cause in NO_FAULT_OF_THE_LINK:
        return []
    group = miss.group
    state = plant.group(group)
    short = LINK_MISSES - state.missed
    state.missed += miss.count
    link = f"{group.edge}/{group.connection}"
    points = set(group.points[group.points >= 0].tolist())
    if link in plant.excused:
        plant.health_moved |= not points <= plant.excused[link]
        plant.excused[link] |= points
        return []
    if state.missed < LINK_MISSES:
        return []
    plant.excused[link] = points
    at = miss.at + (short - 1) * group.period_us if short > 0 else miss.at
    return _silent(plant, plant.connection(group), at, LINK_MISSES * group.period_us / US, 3, miss.cause.name.lower())


def _silences(plant: Plant, now: int, found: _Found) -> list[AlarmEvent]:
    """What only time brings: silent boxes, stale points, lanes that are over."""
    events: list[AlarmEvent] = []
    for edge, box in plant.boxes.items():
        link = f"{edge}/{BOX}"
        if now - box.heard > BOX_SILENT_US and link not in plant.excused:
            plant.excused[link] = plant.points_of(edge)
            events += _silent(plant, plant.box(edge), box.heard + BOX_SILENT_US, BOX_SILENT_US / US, 2, "nothing heard")
        events += end_lanes(plant, box, now)
    excused = np.zeros(len(plant.subjects), bool)
    for edge, box in plant.boxes.items():
        if now - box.heard > BOX_QUIET_US:
            excused[plant.own[edge]] = True
    if plant.excused:
        excused[plant.excused_points()] = True
    found.changes.extend(watch(plant.rules, plant.table, plant.heard, excused, now))
    return events


def _command(plant: Plant, command: Command, now: int) -> Outcome:
    try:
        event = obey(plant.book, command, now, plant.alarmed, plant.park.settings.shelve_max_h, plant.is_toxic)
        return Outcome(command, event, None)
    except (NotFound, CommandRefused) as refusal:
        return Outcome(command, None, refusal)
