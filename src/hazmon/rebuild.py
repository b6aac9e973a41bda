"""The plant of a restarted service, from its record and the last scans: nothing is lost, nothing rings twice. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from hazmon.alarms.alarm import Alarm, AlarmEvent
from hazmon.alarms.book import AlarmBook, Turn
from hazmon.alarms.flood import Flood
from hazmon.alarms.states import Health, Stimulus
from hazmon.clock import MINUTE_US
from hazmon.delivery import ScanGroup
from hazmon.model import Park
from hazmon.plant import BOX, GroupState, Plant
from hazmon.rulebook import RULES, Kind, Rule
from hazmon.rules.evaluate import evaluate
from hazmon.rules.frame import NEVER, Bools, ScanBlock
from hazmon.rules.named import named
from hazmon.rules.walk import Recorded
from hazmon.telling import follow_peaks


@dataclass(frozen=True, slots=True)
class Turned:
    """Rules of a live alarm's kind turned at an instant, microseconds: those that held till then, and since."""

    subject: str
    kind: Kind
    at: int
    before: frozenset[Rule]
    after: frozenset[Rule]


def reach(plant: Plant) -> int:
    """Microseconds of scans that the rules look back."""
    delays = [delay for rule in plant.named.rules for delay in (rule.on_delay, rule.off_delay)]
    return MINUTE_US + max(plant.table.reach, *delays, 0)


def rebuild(
    park: Park,
    now: int,
    book: AlarmBook,
    turns: Iterable[Turned],
    scans: Iterable[tuple[ScanGroup, ScanBlock]],
    rings: Iterable[int],
) -> Plant:
    """The plant with that book. `turns`: those of live alarms since the first of `scans`, in their order.

    `rings`: when alarms rang of late, for a flood goes on. The scans are evaluated again, which fills slope windows and running
    delays; the events this makes are in the record already. What turned is taken from there: a delay that began before the first
    scan is over later here than it was, or never, and the opposite must be counted from when the rule turned.
    """
    plant = Plant.of(park, now, book)
    standing = _standing(plant)
    recorded, before = _recorded(plant, turns, standing)
    plant.rules.active[:] = before
    blocks: list[ScanBlock] = []
    for group, block in scans:
        state = plant.group(group)
        state.newest = int(block.times[-1])
        plant.frame.absorb(block)
        _evaluate_again(plant, state, block, recorded)
        blocks.append(block)
    named(plant.rules, plant.named, plant.held, blocks, np.zeros(len(park.points), bool), recorded)
    plant.rules.since[plant.rules.active != standing] = NEVER
    plant.rules.active[:] = standing
    blind: list[int] = np.flatnonzero(standing[:, RULES.index(Rule.ERROR)]).tolist()
    plant.rules.failed = {row: plant.rules.failed.get(row, {}) for row in blind}
    for block in blocks:
        follow_peaks(plant, block)
    plant.flood = Flood.of(rings)
    plant.doubted = _doubted(plant)
    return plant


def turned(at: int, stimulus: Stimulus, rule: Rule, after: Alarm) -> Turned | None:
    """What turned with an event about this rule, by the alarm after it; None of what turned nothing, or nothing live."""
    match stimulus:
        case Stimulus.RAISE:
            before = frozenset[Rule]()
        case Stimulus.ESCALATE:
            before = after.holding - {rule}
        case Stimulus.EASE:
            before = frozenset(after.kind.rules)
        case Stimulus.CLEAR | Stimulus.LATCH:
            milder = takewhile(lambda each: each is not rule, after.kind.rules)
            before = frozenset({rule, *milder})  # where the milder had not held, there is none
        case _:
            return None
    return None if after.late else Turned(after.subject.id, after.kind, at, before, after.holding)


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


def _recorded(plant: Plant, turns: Iterable[Turned], standing: Bools) -> tuple[dict[int, deque[Recorded]], Bools]:
    """By row what its rules turned to and when, and bool[S,R]: what held before the first of it."""
    found: dict[int, deque[Recorded]] = {}
    before = standing.copy()
    known: set[tuple[int, Kind]] = set()
    for turn in turns:
        row = plant.park.rows.get(turn.subject)
        if row is None:
            continue
        rules = [rule for rule in turn.kind.rules if plant.has(turn.subject, rule)]
        columns = np.array([RULES.index(rule) for rule in rules], np.int64)
        if (row, turn.kind) not in known:
            known.add((row, turn.kind))
            before[row, columns] = [rule in turn.before for rule in rules]
        active = np.array([rule in turn.after for rule in rules], bool)
        found.setdefault(row, deque()).append(Recorded(row, turn.at, columns, active))
    return found, before


def _evaluate_again(plant: Plant, state: GroupState, block: ScanBlock, recorded: Mapping[int, deque[Recorded]]) -> None:
    """Evaluate the block; what turned at a reading of it, or before it, does so here. That is taken from `recorded`."""
    times = np.broadcast_to(block.cell_times(), block.values.shape)
    cuts: list[tuple[int, Recorded]] = []
    for column, row in enumerate(block.points.tolist()):
        due = recorded.get(row)
        while due:
            reached = np.flatnonzero(times[:, column] >= due[0].at)
            if not reached.size:
                break
            first = int(reached[0])
            cuts.append((first + int(times[first, column] == due[0].at), due.popleft()))
    done = 0
    for cut, turn in sorted(cuts, key=lambda each: each[0]):
        if cut > done:
            evaluate(plant.rules, plant.table, block.rows(np.arange(done, cut)), state.trail)
            done = cut
        turn.impose(plant.rules)
    if done < block.times.size:
        evaluate(plant.rules, plant.table, block.rows(np.arange(done, block.times.size)), state.trail)


def _doubted(plant: Plant) -> set[int]:
    """The points of alarms that could not be judged when the service ended: until they are heard, nothing else is known."""
    in_doubt = [plant.book.open[identity] for identity in plant.book.live.values()]
    rows = [plant.park.rows.get(alarm.subject.id) for alarm in in_doubt if alarm.health is not Health.OK]
    return {point for row in rows if row is not None for point in plant.operands.get(row, (row,))}
