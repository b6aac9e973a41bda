"""The plant of a restarted service, from its record and the last scans: nothing is lost, nothing rings twice. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from hazmon.alarms.alarm import Alarm, AlarmEvent
from hazmon.alarms.book import AlarmBook, Turn
from hazmon.alarms.flood import Flood
from hazmon.alarms.states import Health, Stimulus
from hazmon.clock import MINUTE_US
from hazmon.delivery import ScanGroup
from hazmon.model import Park
from hazmon.plant import BOX, Plant
from hazmon.rulebook import RULES, Kind, Rule
from hazmon.rules.evaluate import evaluate
from hazmon.rules.frame import NEVER, Bools, ScanBlock
from hazmon.rules.named import named
from hazmon.telling import follow_peaks

Key = tuple[str, Kind]


def reach(plant: Plant) -> int:
    """Microseconds of scans that the rules look back."""
    delays = [delay for rule in plant.named.rules for delay in (rule.on_delay, rule.off_delay)]
    return MINUTE_US + max(plant.table.reach, *delays, 0)


def rebuild(
    park: Park,
    now: int,
    book: AlarmBook,
    held: Mapping[Key, frozenset[Rule]],
    scans: Iterable[tuple[ScanGroup, ScanBlock]],
    rings: Iterable[int],
) -> Plant:
    """The plant with that book. `held`: the rules that held before the first of `scans`, of alarms that turned since.

    `rings`: when alarms rang of late, for a flood goes on. The scans are evaluated again, which fills slope windows and running
    delays; the events this makes are in the record already.
    """
    plant = Plant.of(park, now, book)
    standing = _standing(plant)
    before = standing.copy()
    for (subject, kind), rules in held.items():
        row = park.rows.get(subject)
        if row is not None:
            for rule in kind.rules:
                before[row, RULES.index(rule)] = rule in rules and plant.has(subject, rule)
    plant.rules.active[:] = before
    blocks: list[ScanBlock] = []
    for group, block in scans:
        state = plant.group(group)
        state.newest = int(block.times[-1])
        plant.frame.absorb(block)
        evaluate(plant.rules, plant.table, block, state.trail)
        blocks.append(block)
    named(plant.rules, plant.named, plant.held, blocks, np.zeros(len(park.points), bool))
    plant.rules.since[plant.rules.active != standing] = NEVER
    plant.rules.active[:] = standing
    blind: list[int] = np.flatnonzero(standing[:, RULES.index(Rule.ERROR)]).tolist()
    plant.rules.failed = {row: plant.rules.failed.get(row, {}) for row in blind}
    for block in blocks:
        follow_peaks(plant, block)
    plant.flood = Flood.of(rings)
    plant.doubted = _doubted(plant)
    return plant


def held_before(stimulus: Stimulus, rule: Rule, after: Alarm) -> frozenset[Rule] | None:
    """The rules of an alarm that held before an event about this rule; None when it turned none."""
    match stimulus:
        case Stimulus.RAISE:
            return frozenset()
        case Stimulus.ESCALATE:
            return after.holding - {rule}
        case Stimulus.EASE:
            return frozenset(after.kind.rules)
        case Stimulus.CLEAR | Stimulus.LATCH:
            return frozenset({rule})
        case _:
            return None


def end_orphans(plant: Plant, connections: Iterable[str], now: int) -> list[AlarmEvent]:
    """Clear standing alarms of points, rules and connections that the configuration no longer has: nothing could clear them."""
    known = {*connections, *(f"{edge}/{BOX}" for edge in plant.boxes), *(design.id for design in plant.park.by_design)}
    events: list[AlarmEvent] = []
    for (subject, _), identity in list(plant.book.live.items()):
        alarm = plant.book.open[identity]
        if subject not in plant.park.rows and subject in known:
            continue
        for rule in sorted(alarm.holding):
            if not plant.has(subject, rule):
                turn = Turn(alarm.subject, rule, now, None, None, reason="no longer in the configuration")
                event = plant.book.turn_off(turn)
                events += [event] if event else []
    return events


def _standing(plant: Plant) -> Bools:
    """bool[S,R]: the rules that hold by the book, of those that there still are."""
    standing = np.zeros_like(plant.rules.active)
    for (subject, _), identity in plant.book.live.items():
        row = plant.park.rows.get(subject)
        if row is not None:
            for rule in plant.book.open[identity].holding:
                standing[row, RULES.index(rule)] = plant.has(subject, rule)
    return standing


def _doubted(plant: Plant) -> set[int]:
    """The points of alarms that could not be judged when the service ended: until they are heard, nothing else is known."""
    in_doubt = [plant.book.open[identity] for identity in plant.book.live.values()]
    rows = [plant.park.rows.get(alarm.subject.id) for alarm in in_doubt if alarm.health is not Health.OK]
    return {point for row in rows if row is not None for point in plant.operands.get(row, (row,))}
