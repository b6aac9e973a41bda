"""Playing a scenario: the very step that production runs, with the scenario's time."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace

from hazmon.alarms.alarm import Alarm, AlarmEvent
from hazmon.alarms.book import AlarmBook
from hazmon.alarms.commands import (
    Acknowledge,
    Command,
    Comment,
    Dispose,
    Remove,
    Reset,
    Return,
    Shelve,
    Unshelve,
    Verify,
)
from hazmon.alarms.flood import FloodTurn
from hazmon.alarms.states import Health, Stimulus
from hazmon.clock import US
from hazmon.delivery import ScanGroup
from hazmon.model import Park
from hazmon.plant import Exempt, Plant
from hazmon.rebuild import reach, rebuild, turned
from hazmon.rulebook import Kind, Rule, kind_of, operands_of
from hazmon.rules.frame import ScanBlock
from hazmon.scenario.line import START_US, Line
from hazmon.scenario.reading import Deed, Scenario
from hazmon.step import step

SWITCHING = frozenset({"shelve", "unshelve", "remove", "return"})


def play(scenario: Scenario, park: Park) -> list[str]:
    """The transcript that the scenario gives with the park's points that have a series in it."""
    return _Player(scenario, _within(park, scenario.series)).play()


def _within(park: Park, tags: Container[str]) -> Park:
    """The park of these tags alone, with the rules and suppressions that look at no other."""
    points = tuple(point for point in park.points if point.tag in tags)
    ids = {point.id for point in points}
    named = tuple(rule for rule in park.named if ids.issuperset(operands_of(rule.test)))
    subjects = ids | {rule.id for rule in named}
    by_design = tuple(
        replace(design, alarms=tuple(alarm for alarm in design.alarms if alarm[0] in subjects))
        for design in park.by_design
        if ids.issuperset(operands_of(design.when))
    )
    return Park(park.settings, park.enterprises, points, named=named, by_design=by_design)


@dataclass(slots=True)
class _Player:
    scenario: Scenario
    park: Park
    plant: Plant = field(init=False)
    line: Line = field(init=False)
    told: dict[tuple[str, Kind], str] = field(default_factory=dict[tuple[str, Kind], str])
    record: dict[str, Alarm] = field(default_factory=dict[str, Alarm])
    events: list[AlarmEvent] = field(default_factory=list[AlarmEvent])
    scans: list[tuple[ScanGroup, ScanBlock]] = field(default_factory=list[tuple[ScanGroup, ScanBlock]])
    transcript: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.plant = Plant.of(self.park, START_US)
        self._exempt()
        self.line = Line(self.scenario, self.park.points)

    def play(self) -> list[str]:
        for k in range(self.scenario.length):
            at = k * self.scenario.step_us
            now = START_US + at
            if at in self.scenario.restart:
                self._restart(now)
            deeds = [deed for deed in self.scenario.do if at <= deed.at < at + self.scenario.step_us]
            deliveries = self.line.deliver(k)
            alive = {delivery.edge: self.line.offset(at) for delivery in deliveries} if self.scenario.clock else {}
            events, outcomes = step(self.plant, deliveries, [self._command(deed, now) for deed in deeds], now, alive)
            self.scans += [(delivery.groups[block.group], block) for delivery in deliveries for block in delivery.blocks]
            asked = sum(outcome.event is not None for outcome in outcomes)
            for event in events[: len(events) - asked]:
                self._tell(event)
            for deed, outcome in zip(deeds, outcomes, strict=True):
                if outcome.event is not None:
                    self._tell(outcome.event)
                if outcome.refusal is not None:
                    self.transcript.append(f"{at / US:g}s {deed.target} {deed.verb} refused: {outcome.refusal}")
            self.transcript += [_flood_text(turn) for turn in self.plant.flood.turns(now)]
        return self.transcript

    def _tell(self, event: AlarmEvent) -> None:
        alarm = event.alarm
        self.told[alarm.subject.tag, alarm.kind] = alarm.id
        self.record[alarm.id] = alarm
        self.events.append(event)
        self.transcript.append(event_text(event))

    def _command(self, deed: Deed, now: int) -> Command:
        tag, _, word = deed.target.rpartition(".")
        kind = Kind(word) if word in tuple(Kind) else kind_of(Rule(word))
        identity = None if deed.verb in SWITCHING else self.told.get((tag, kind))
        target = identity or f"{self.park.enterprises[0].id}/{tag}.{kind}"
        match deed.verb:
            case "acknowledge":
                return Acknowledge(target, deed.by, deed.note)
            case "comment":
                return Comment(target, deed.by, deed.note)
            case "verify":
                return Verify(target, deed.by, deed.verdict, deed.note)
            case "dispose":
                return Dispose(target, deed.by, deed.note)
            case "reset":
                return Reset(target, deed.by, deed.note)
            case "shelve":
                return Shelve(target, deed.by, deed.role, deed.note, now + deed.length)
            case "unshelve":
                return Unshelve(target, deed.by, deed.note)
            case "remove":
                return Remove(target, deed.by, deed.role, deed.note)
            case _:
                return Return(target, deed.by, deed.role, deed.note)

    def _exempt(self) -> None:
        """All exemptions at once: each begins and ends by itself."""
        for unit, begin, end, reason in self.scenario.exempt:
            target = f"{self.park.enterprises[0].id}/{unit}"
            exempt = Exempt(START_US + begin, START_US + end, reason)
            self.plant.exempt[target] = (*self.plant.exempt.get(target, ()), exempt)

    def _restart(self, now: int) -> None:
        """As after a kill: what is left is the record."""
        since = now - reach(self.plant)
        turns = [turned(event.at, event.stimulus, event.rule, event.alarm) for event in self.events if event.at >= since]
        scans = [(group, block) for group, block in self.scans if int(block.times[0]) >= since]
        numbers = [event.number for event in self.events]
        book = AlarmBook([alarm for alarm in self.record.values() if alarm.open], max(numbers, default=0) + 1)
        book.closed = {alarm.id: alarm for alarm in self.record.values() if not alarm.open}
        rings = [event.at for event in self.events if event.rings]
        in_order = sorted(scans, key=lambda scan: int(scan[1].times[0]))
        self.plant = rebuild(self.park, now, book, [turn for turn in turns if turn], in_order, rings)
        self._exempt()


def event_text(event: AlarmEvent) -> str:
    """An event as a line of a transcript."""
    alarm = event.alarm
    words = [
        f"{(event.at - START_US) / US:g}s {alarm.subject.tag}.{event.rule} {event.stimulus}: {event.before} -> {alarm.state}",
        "" if event.value is None else f"{event.value:.6g}",
        "" if event.by is None else f"by={event.by}",
        "rings" if event.rings else "",
        "first-out" if alarm.first_out and event.rings else "",
        f"({', '.join(alarm.suppressions)})" if alarm.suppressed else "",
        "" if alarm.health is Health.OK or event.stimulus is Stimulus.HEALTH else f"health={alarm.health}",
        event.reason,
    ]
    return " ".join(word for word in words if word)


def _flood_text(turn: FloodTurn) -> str:
    return f"{(turn.at - START_US) / US:g}s FLOOD {'begins' if turn.begins else 'ends'}"
