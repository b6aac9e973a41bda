"""From what the rules found to what the book of alarms says: turns, health and peaks of the plant's alarms. Pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hazmon.alarms.alarm import URGENT, Alarm, AlarmEvent
from hazmon.alarms.book import Turn
from hazmon.alarms.states import Health, Stimulus
from hazmon.plant import Plant
from hazmon.rulebook import NOT_EVALUATED, RULES, Kind, Rule, Signal, kind_of
from hazmon.rules.frame import Bools, Floats, ScanBlock
from hazmon.rules.instrument import TIE
from hazmon.rules.walk import Change

_STALE, _QUALITY, _RANGE = (RULES.index(rule) for rule in (Rule.STALE, Rule.QUALITY, Rule.RANGE))
_JUDGES_ITSELF = frozenset({Kind.STALE, Kind.QUALITY, Kind.RANGE, Kind.ERROR})
HEALTH_RULES = frozenset({Rule.STALE, Rule.QUALITY, Rule.RANGE, Rule.ERROR})


def turn_of(plant: Plant, change: Change, reason: str = "", health: Health = Health.OK) -> Turn:
    """The change as the book understands it."""
    rules = kind_of(change.rule).rules
    milder = plant.limit(change.point, rules[0]) if len(rules) > 1 else None
    return Turn(
        subject=plant.subject(change.point, change.rule),
        rule=change.rule,
        at=change.at,
        value=change.value,
        limit=change.limit,
        priority=plant.priority(change.point, change.rule),
        reason=_blind(plant, change) or reason,
        evidence=change.evidence,
        latching=plant.latching(change.point, change.rule),
        milder=milder,
        health=health,
    )


def _blind(plant: Plant, change: Change) -> str:
    """Which rules cannot be evaluated, and why: those that the subject has, unless what it has not is at fault."""
    failed = [each for each in change.failed if plant.has(plant.subjects[change.point].id, each[0])] or change.failed
    by_reason: dict[str, list[str]] = {}
    for rule, why in failed:
        by_reason.setdefault(why, []).append(rule)
    return "; ".join(f"{', '.join(rules)} {NOT_EVALUATED}: {why}" for why, rules in by_reason.items())


def tell(plant: Plant, changes: list[Change]) -> list[AlarmEvent]:
    """The live alarms' events of these changes, in the order in which they happened."""
    events: list[AlarmEvent] = []
    silent = _silent(plant)
    jumped = _jumped(changes)
    for change in in_order(changes):
        if change.rule in HEALTH_RULES:
            plant.health_moved = True
        kind = kind_of(change.rule)
        before = plant.book.of(plant.subjects[change.point].id, kind)
        turn = turn_of(plant, change, health=_health(plant, change.point, kind, silent, before))
        if change.on and change.rule in URGENT:
            also = jumped.get((change.point, change.at), frozenset[Rule]())
            turn = replace(turn, also=also & set(kind_of(change.rule).rules))
        event = plant.book.turn_on(turn) if change.on else plant.book.turn_off(turn)
        if event is not None:
            events.append(event)
            events += _off_the_shelf(plant, event)
    return events


def _off_the_shelf(plant: Plant, event: AlarmEvent) -> list[AlarmEvent]:
    """A shelf made at H, or before anything was raised, does not hide HH; nor where there is no H."""
    alarm = event.alarm
    worse = event.stimulus in (Stimulus.RAISE, Stimulus.ESCALATE) and event.rule in URGENT
    if not worse or alarm.shelf is None or alarm.shelf.seen in URGENT:
        return []
    reason = "worse than what was shelved"
    return [plant.book.move(replace(alarm, shelf=None), Stimulus.EXPIRE, event.at, reason=reason, rule=event.rule)]


def _jumped(changes: list[Change]) -> dict[tuple[int, int], frozenset[Rule]]:
    """Milder limits that were reached, by point and instant: a jump past both limits is one turn."""
    found: dict[tuple[int, int], frozenset[Rule]] = {}
    for change in changes:
        if change.on and change.rule in (Rule.L, Rule.H):
            found[change.point, change.at] = found.get((change.point, change.at), frozenset[Rule]()) | {change.rule}
    return found


def in_order(changes: list[Change]) -> list[Change]:
    """By time; at one instant the worse status first to come and last to go: a jump past both limits rings and ends once.

    A rule that turned off after it turned on stays after, should its readings' own times cross.
    """
    latest: dict[tuple[int, Rule], int] = {}
    moments: list[tuple[int, bool]] = []
    for change in changes:
        pair = change.point, change.rule
        latest[pair] = max(change.at, latest.get(pair, change.at))
        moments.append((latest[pair], (change.rule in URGENT) != change.on))
    return [changes[k] for k in sorted(range(len(changes)), key=moments.__getitem__)]


def judge_health(plant: Plant, now: int) -> list[AlarmEvent]:
    """Open alarms that rest on readings which can no longer, or again, be judged: that of one that returned may be wrong too.

    A record that a command opened since was not judged yet.
    """
    if not plant.health_moved and plant.book.quiet_until:
        return []
    plant.health_moved = False
    silent = _silent(plant)
    events: list[AlarmEvent] = []
    for identity in list(plant.book.live.values()):
        alarm = plant.book.open[identity]
        row = plant.park.rows.get(alarm.subject.id)
        if row is None:
            continue
        event = plant.book.set_health(alarm, _health(plant, row, alarm.kind, silent, alarm), now)
        if event is not None:
            events.append(event)
    return events


def _silent(plant: Plant) -> set[int]:
    """Points for which a connection or box alarm stands."""
    return set[int]().union(*plant.excused.values())


def _health(plant: Plant, row: int, kind: Kind, silent: set[int], before: Alarm | None) -> Health:
    """How the row's condition of that kind can be judged; `before`: its alarm, if there is one already.

    One that was in doubt when the service began stays so while nothing is heard of what it rests on.
    """
    blind = any(rule in plant.rules.failed.get(row, ()) for rule in kind.rules)
    if kind in _JUDGES_ITSELF:
        return Health.ERROR if blind else Health.OK
    rows = plant.operands.get(row, (row,))
    if any(plant.rules.active[each, _STALE] or each in silent for each in rows):
        return Health.STALE
    if any(plant.rules.active[each, _QUALITY] or _faulty(plant, each) for each in rows):
        return Health.BAD_QUALITY
    if blind:
        return Health.ERROR
    if before is not None and plant.doubted and not plant.doubted.isdisjoint(rows):
        return before.health
    return Health.OK


def _faulty(plant: Plant, point: int) -> bool:
    """By NAMUR NE 43 the signal is a fault, not a value."""
    return bool(plant.rules.active[point, _RANGE]) and plant.park.points[point].limits.signal is Signal.CURRENT


def _measured(values: Floats, fault: Floats) -> Bools:
    """bool[T]: the values between the two signals by which a 4-20 mA instrument says that it has failed."""
    near = (fault[1] - fault[0]) * TIE
    return (values > fault[0] + near) & (values < fault[1] - near)


def follow_peaks(plant: Plant, block: ScanBlock) -> None:
    """How far the values of standing limit alarms went."""
    held = (block.points >= 0) & plant.rules.active[block.points, :4].any(axis=1)
    if not held.any():
        return
    usable = block.usable()
    times = np.broadcast_to(block.cell_times(), block.values.shape)
    for column in np.flatnonzero(held):
        row = int(block.points[column])
        values = block.values[:, column]
        for kind in (Kind.LOW, Kind.HIGH):
            alarm = plant.book.standing(plant.subjects[row].id, kind)
            if alarm is None or alarm.first is None:
                continue
            counts = times[:, column] >= alarm.first.at
            if usable is not None:
                counts = counts & usable[:, column]
            if plant.table.current[row]:
                counts = counts & _measured(values, plant.table.fault[row])
            if counts.any():
                _follow(plant, alarm, values[counts].tolist(), times[counts, column].tolist())


def with_peaks(plant: Plant, events: list[AlarmEvent]) -> list[AlarmEvent]:
    """The events, each with how far its alarm's value went by now, so that the record has it."""
    grown: list[AlarmEvent] = []
    for event in events:
        held = plant.book.open.get(event.alarm.id)
        if held is not None and held.event == event.number and held.peak != event.alarm.peak:
            event = replace(event, alarm=held)
        grown.append(event)
    return grown


def _follow(plant: Plant, alarm: Alarm, values: list[float], times: list[int]) -> None:
    furthest = max(values) if alarm.kind is Kind.HIGH else min(values)
    if alarm.peak is None or (furthest > alarm.peak if alarm.kind is Kind.HIGH else furthest < alarm.peak):
        plant.book.reached(alarm, furthest, times[values.index(furthest)])
