"""Engine and model side by side: the same beats to both, and everything that either says compared after each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import fields
from itertools import islice

import numpy as np
from model.record import Facts, Happened, Identity
from model.reference import SECOND, Reference, Sample
from model.world import PARK, POINTS, START, Beat, Cell

from hazmon.alarms.alarm import Alarm, AlarmEvent, Mark, alarm_id
from hazmon.alarms.book import AlarmBook
from hazmon.alarms.commands import Command
from hazmon.delivery import Delivery, ScanGroup
from hazmon.errors import CommandRefused, NotFound
from hazmon.model import Quality
from hazmon.plant import Exempt, Plant
from hazmon.rebuild import reach, rebuild, turned
from hazmon.rulebook import Rule
from hazmon.rules.frame import ScanBlock
from hazmon.step import Outcome, step

TOLD = 30  # steps that the story of a divergence tells
KEPT = 300 * SECOND  # of scans and events, more than a restart reads back
GROUP = ScanGroup(1, "E01", "plc1", SECOND, b"", tuple(point.tag for point in POINTS), np.arange(len(POINTS)))
Told = tuple[int, int, Beat, list[Command], list[AlarmEvent], list[Outcome]]
REASONS: dict[str, tuple[type[Exception], str]] = {
    "unknown": (NotFound, "no alarm "),
    "not alarmed": (NotFound, "nothing is alarmed about"),
    "not open": (NotFound, "no open alarm"),
    "over": (CommandRefused, "the alarm is over"),
    "acknowledged already": (CommandRefused, "acknowledged already"),
    "not latched": (CommandRefused, "nothing to reset"),
    "length": (CommandRefused, "for at most"),
    "leader": (CommandRefused, "班长"),
    "shelved already": (CommandRefused, "shelved already"),
    "not shelved": (CommandRefused, "not shelved"),
    "out of service already": (CommandRefused, "out of service already"),
    "in service": (CommandRefused, "in service"),
}


class Divergence(AssertionError):
    """Engine and model differ."""


class Comparison:
    """One plant and one model, through the same life."""

    def __init__(self, replay: str = "") -> None:
        self.replay = replay
        self.now = START
        self.steps = 0
        self.plant = Plant.of(PARK, START)
        self.model = Reference(PARK, START)
        self.record: dict[str, Alarm] = {}
        self.events: deque[AlarmEvent] = deque()
        self.scans: deque[ScanBlock] = deque()
        self.number = 0
        self.spoken_of: deque[Identity] = deque(maxlen=12)  # records of which something was told lately
        self.story: deque[Told] = deque(maxlen=TOLD)
        self.facts: dict[str, tuple[Alarm, Facts]] = {}  # of the engine's alarms as they stood last

    def live(self, beats: Iterable[Beat]) -> int:
        """Live through these; how many they were. Raises Divergence with the story so far."""
        for beat in beats:
            self.take(beat)
        return self.steps

    def take(self, beat: Beat) -> None:
        """One step of both."""
        self.now += beat.lasts
        self.steps += 1
        if beat.restart:
            self._restart()
            self.model.restart(self.now)
        for unit, length in beat.exempt:
            self.plant.exempt[unit] = (Exempt(self.now, self.now + length, "检修"),)
            self.model.exempt[unit] = self.now + length
        asked = [self._asked(deed.record, deed.name) for deed in beat.deeds]
        commands = [deed.command(target, self.now) for deed, (target, _) in zip(beat.deeds, asked, strict=True)]
        deliveries = [self._delivery(beat)] if beat.scans else []
        alive = {"E01": None} if beat.alive and not beat.scans else {}
        events, outcomes = step(self.plant, deliveries, commands, self.now, alive)
        self._keep(events)
        self.story.append((self.steps, self.now, beat, commands, events, outcomes))

        happened = self.model.step(beat.alive, _samples(self.now, beat), self.now)
        wrong: list[str] = []
        for command, (_, identity), outcome in zip(commands, asked, outcomes, strict=True):
            answer = self.model.command(command, identity, self.now)
            if isinstance(answer, Happened):
                happened.append(answer)
            wrong += _refused(command, answer, outcome.refusal)
        self.spoken_of.extend(each.after.identity for each in happened)
        wrong += _by_record(
            [(key(event.alarm), seen(event)) for event in events], [(each.after.identity, each) for each in happened]
        )
        wrong += self._books()
        if wrong:
            raise Divergence("\n".join(["", *(_told(*told) for told in self.story), "", *wrong, self.replay]))

    def _asked(self, record: int | None, name: str) -> tuple[str, Identity | None]:
        """The target as the engine takes it, and the record that it means if it is not a name."""
        if record is None:
            return name, None
        found = next(islice(reversed(self.spoken_of), record, None), None)
        if found is None:
            return name, None
        subject, kind, opened_at = found
        point = next((point for point in POINTS if point.id == subject), None)
        named = self.plant.subjects[PARK.by_id[subject]] if point else self.plant.box("E01")
        return alarm_id(named, kind, opened_at), found

    def _delivery(self, beat: Beat) -> Delivery:
        delivery = Delivery("E01", 1, self.steps, b"", b"", self.now, self.now, {1: GROUP})
        delivery.blocks.append(
            ScanBlock(
                1,
                np.array([self.now - age for age, _ in beat.scans]),
                np.array([[_value(cell) for cell in cells] for _, cells in beat.scans]),
                np.array([[Quality.ABSENT if cell is None else cell[1] for cell in cells] for _, cells in beat.scans], np.uint8),
                np.array([[0 if cell is None else cell[2] for cell in cells] for _, cells in beat.scans], np.int32),
                GROUP.points,
            )
        )
        self.scans.extend(delivery.blocks)
        return delivery

    def _keep(self, events: list[AlarmEvent]) -> None:
        """The record, as a database would have it: the alarm after each event."""
        for event in events:
            self.number = event.number
            self.record.pop(event.alarm.id, None)
            self.record[event.alarm.id] = event.alarm
            self.events.append(event)
        while self.events and self.events[0].at < self.now - KEPT:
            self.events.popleft()
        while self.scans and self.scans[0].times[0] < self.now - KEPT:
            self.scans.popleft()

    def _restart(self) -> None:
        """As after a kill: what is left is the record."""
        since = self.now - reach(self.plant)
        turns = [turned(event.at, event.stimulus, event.rule, event.alarm) for event in self.events if event.at >= since]
        book = AlarmBook([alarm for alarm in self.record.values() if alarm.open], self.number + 1)
        book.closed = {alarm.id: alarm for alarm in self.record.values() if not alarm.open}
        scans = [(GROUP, block) for block in _together(self.scans, since)]
        exempt = self.plant.exempt
        rings = [event.at for event in self.events if event.rings]
        self.plant = rebuild(PARK, self.now, book, [turn for turn in turns if turn], scans, rings)
        self.plant.exempt = exempt

    def _facts(self, alarm: Alarm) -> Facts:
        known = self.facts.get(alarm.id)
        if known is None or known[0] is not alarm:
            known = self.facts[alarm.id] = alarm, facts(alarm)
        return known[1]

    def _books(self) -> list[str]:
        engine = {key(alarm): self._facts(alarm) for alarm in self.plant.book.open.values()}
        model = {identity: record.facts() for identity, record in self.model.open().items()}
        wrong = [f"  open in the {'engine' if k in engine else 'model'} only: {k}" for k in sorted(engine.keys() ^ model.keys())]
        return wrong + [line for k in engine.keys() & model.keys() for line in _different(k, engine[k], model[k])]


def _together(blocks: Iterable[ScanBlock], since: int) -> list[ScanBlock]:
    """The scans since then as the database gives them: one block a group."""
    parts = [block.rows(block.times >= since) for block in blocks]
    parts = [part for part in parts if part.times.size]
    if not parts:
        return []
    times, values = (np.concatenate([getattr(part, name) for part in parts]) for name in ("times", "values"))
    quality, offsets = (np.concatenate([getattr(part, name) for part in parts]) for name in ("quality", "offsets"))
    return [ScanBlock(parts[0].group, times, values, quality, offsets, parts[0].points)]


def key(alarm: Alarm) -> Identity:
    """What makes an alarm the one it is."""
    return alarm.subject.id, alarm.kind, alarm.opened_at


def facts(alarm: Alarm) -> Facts:
    """The engine's alarm in the model's words."""
    return Facts(
        identity=key(alarm),
        state=alarm.state,
        holding=alarm.holding,
        first=_mark(alarm.first),
        worst=_mark(alarm.worst),
        current=_mark(alarm.current),
        raised=alarm.raised,
        raised_at=alarm.raised_at,
        priority=alarm.priority,
        health=alarm.health,
        shelved_until=None if alarm.shelf is None else alarm.shelf.until,
        by_design=alarm.by_design is not None,
        out_of_service=alarm.out_of_service is not None,
        waiting_since=alarm.waiting_since,
        overdue=alarm.overdue,
        verify_overdue=alarm.verify_overdue,
        verified=alarm.verified is not None,
        disposed=alarm.disposed is not None,
    )


def seen(event: AlarmEvent) -> Happened:
    """The engine's event in the model's words."""
    return Happened(
        event.stimulus,
        event.rule,
        event.before,
        event.at,
        event.by,
        event.value,
        event.suppressed,
        event.rings,
        facts(event.alarm),
    )


def _mark(mark: Mark | None) -> tuple[Rule, int] | None:
    return None if mark is None else (mark.rule, mark.at)


def _value(cell: Cell) -> float:
    return float("nan") if cell is None else cell[0]


def _samples(now: int, beat: Beat) -> dict[str, list[Sample]]:
    """Each point's readings in order."""
    found: dict[str, list[Sample]] = {}
    for age, cells in beat.scans:
        for point, cell in zip(POINTS, cells, strict=True):
            if cell is not None:
                value, quality, offset = cell
                found.setdefault(point.id, []).append((now - age + offset * 1000, value, quality))
    return found


def _refused(command: Command, answer: Happened | set[str], refusal: Exception | None) -> list[str]:
    allowed = set[str]() if isinstance(answer, Happened) else answer
    if refusal is None:
        return [f"  {command}: the model refuses: {', '.join(sorted(allowed))}"] if allowed else []
    fits = {why for why, (kind, words) in REASONS.items() if isinstance(refusal, kind) and words in str(refusal)}
    if fits & allowed:
        return []
    does = ", ".join(sorted(allowed)) or "does it"
    return [f"  {command}: the engine refuses ({type(refusal).__name__}: {refusal}), the model: {does}"]


def _by_record(engine: list[tuple[Identity, Happened]], model: list[tuple[Identity, Happened]]) -> list[str]:
    """Each record's events in order."""
    wrong: list[str] = []
    for identity in dict.fromkeys([k for k, _ in engine] + [k for k, _ in model]):
        ours, theirs = ([event for k, event in events if k == identity] for events in (engine, model))
        if ours != theirs:
            wrong += [f"  engine: {_line(identity, event)}" for event in ours]
            wrong += [f"  model:  {_line(identity, event)}" for event in theirs]
            for one, other in zip(ours, theirs, strict=False):
                wrong += _different(identity, one.after, other.after)
    return wrong


def _different(identity: Identity, engine: Facts, model: Facts) -> list[str]:
    if engine == model:
        return []
    return [
        f"  {identity[0]}.{identity[1]} {each.name}: engine {getattr(engine, each.name)}, model {getattr(model, each.name)}"
        for each in fields(Facts)
        if getattr(engine, each.name) != getattr(model, each.name)
    ]


def _line(identity: Identity, event: Happened) -> str:
    words = f"{(event.at - START) / SECOND:g}s {identity[0]}.{event.rule} {event.stimulus}: {event.before} -> {event.after.state}"
    marks = [
        "" if event.value is None else f"{event.value:g}",
        "" if event.by is None else f"by {event.by}",
        "suppressed" if event.suppressed else "",
        "RINGS" if event.rings else "",
    ]
    return " ".join([words, *(mark for mark in marks if mark)])


def _told(number: int, now: int, beat: Beat, commands: list[Command], events: list[AlarmEvent], outcomes: list[Outcome]) -> str:
    """A step as a few lines of the story."""
    words = [f"{number}. {(now - START) / SECOND:g}s"]
    words += ["RESTART"] if beat.restart else []
    words += [f"exempt {unit} for {length / SECOND:g}s" for unit, length in beat.exempt]
    words += [] if beat.scans else ["alive, no scan" if beat.alive else "silence"]
    for age, cells in beat.scans:
        words.append(f"[{(now - age - START) / SECOND:g}s]")
        for point, cell in zip(POINTS, cells, strict=True):
            if cell is None:
                words.append(f"{point.tag}=_")
            else:
                bad = "" if cell[1] in (Quality.GOOD, Quality.CLOCK_SUSPECT) else "!"
                words.append(f"{point.tag}={bad}{cell[0]:g}" + (f"+{cell[2]}ms" if cell[2] else ""))
    lines = [" ".join(words), *(f"    {command}" for command in commands)]
    lines += [f"    engine: {_line(key(event.alarm), seen(event))}" for event in events]
    for outcome in outcomes:
        if outcome.refusal is not None:
            lines.append(f"    engine refuses {type(outcome.command).__name__}: {outcome.refusal}")
    return "\n".join(lines)
