"""The book of alarms that are not over, and the events that change it.

An alarm's id is a function of its subject, its kind and the instant it opened, so the same readings give the same alarm,
whoever evaluates them and how often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hazmon.alarms.alarm import UNSEEN, Alarm, AlarmEvent, Evidence, Mark, Subject, alarm_id, severity
from hazmon.alarms.states import AlarmState, Health, Stimulus
from hazmon.alarms.transitions import TABLE, Move
from hazmon.rulebook import Kind, Rule, kind_of

Key = tuple[str, Kind]
KEPT_CLOSED = 1000  # alarms that are over and may still be spoken of without asking the record
INSTRUMENT = frozenset({Kind.STALE, Kind.QUALITY, Kind.RANGE, Kind.STUCK, Kind.ERROR})  # of the eye, not of what it sees
_RAISING = frozenset({Stimulus.RAISE, Stimulus.ESCALATE})
_RECALLING = frozenset({Stimulus.EXPIRE, Stimulus.RELEASE, Stimulus.RETURN, Stimulus.REALARM})


@dataclass(frozen=True, slots=True)
class Turn:
    """A rule of a subject turned on or off. `milder`: the limit of the milder rule of its kind, should that hold on.

    `health`: how the subject can be judged now. `also`: milder rules of its kind that turned on at the very instant.
    """

    subject: Subject
    rule: Rule
    at: int
    value: float | None
    limit: float | None
    priority: int = 4
    reason: str = ""
    evidence: Evidence = ()
    latching: bool = False
    milder: float | None = None
    health: Health = Health.OK
    also: frozenset[Rule] = frozenset()

    @property
    def key(self) -> Key:
        """The record it belongs to."""
        return self.subject.id, kind_of(self.rule)


class AlarmBook:
    """Alarms that are not over: by id, and the one live alarm that a subject may have of a kind.

    `closed` are alarms that are over and were spoken of, or closed, lately.
    """

    def __init__(self, open_alarms: Iterable[Alarm] = (), next_event: int = 1) -> None:
        self.next_event = next_event
        self.open: dict[str, Alarm] = {}
        self.live: dict[Key, str] = {}
        self.closed: dict[str, Alarm] = {}
        self.active_in: dict[str, set[str]] = {}  # source -> live process alarms that are active and can be heard
        self.designs: dict[Key, str] = {}  # what is suppressed by design now, with the reason
        self.grown: set[str] = set()
        self.quiet_until = 0  # time alone does nothing before; any change of an alarm makes it unknown again
        for alarm in open_alarms:
            self.keep(alarm)
            if alarm.by_design is not None:  # the condition may have ended meanwhile: then the next step releases it
                self.designs[alarm.subject.id, alarm.kind] = alarm.by_design

    def standing(self, subject: str, kind: Kind) -> Alarm | None:
        """The live alarm of that subject and kind whose condition holds."""
        alarm = self.of(subject, kind)
        return alarm if alarm is not None and alarm.active else None

    def of(self, subject: str, kind: Kind) -> Alarm | None:
        """The live alarm of that subject and kind."""
        found = self.live.get((subject, kind))
        return None if found is None else self.open[found]

    def turn_on(self, turn: Turn) -> AlarmEvent | None:
        """A rule began to hold. No event when a worse one of its kind holds already."""
        alarm = self.of(*turn.key) or self.new(turn.subject, kind_of(turn.rule), turn.at, turn.priority, turn.latching)
        if turn.rule in alarm.holding:
            return None
        holding = alarm.holding | {turn.rule} | turn.also
        if any(severity(held) > severity(turn.rule) for held in alarm.holding):
            self.keep(replace(alarm, holding=holding))
            return None
        stimulus = Stimulus.ESCALATE if alarm.holding else Stimulus.RAISE
        return self._raise(replace(alarm, holding=holding, cleared_at=None), stimulus, turn)

    def turn_off(self, turn: Turn) -> AlarmEvent | None:
        """A rule ceased to hold. No event when a worse one of its kind holds on."""
        alarm = self.of(*turn.key)
        return None if alarm is None else self._turned_off(alarm, turn)

    def raise_late(self, turn: Turn) -> tuple[str, AlarmEvent | None]:
        """A rule held in the past, as readings show that came late. Answers the late alarm's id, and the event if it is news."""
        fresh = self.new(turn.subject, kind_of(turn.rule), turn.at, turn.priority, latching=False)
        if fresh.id in self.open or fresh.id in self.closed:
            return fresh.id, None
        late = replace(fresh, late=True, by_design=None, holding=frozenset({turn.rule}))
        return fresh.id, self._raise(late, Stimulus.RAISE_LATE, turn)

    def turn_late(self, identity: str, turn: Turn, on: bool) -> AlarmEvent | None:
        """A late alarm got worse, or milder, or ended; in the past as well."""
        alarm = self.open.get(identity) or self.closed.get(identity)
        if alarm is None or not alarm.late or not alarm.holding:
            return None
        if not on:
            return self._turned_off(alarm, turn)
        worse = all(severity(held) < severity(turn.rule) for held in alarm.holding)
        alarm = replace(alarm, holding=alarm.holding | {turn.rule})
        if worse and alarm.state is AlarmState.RETURNED:
            return self._raise(alarm, Stimulus.ESCALATE, turn)
        self.keep(alarm)
        return None

    def end_late(self, identity: str, at: int, reason: str) -> AlarmEvent | None:
        """Nothing more is known of a late alarm."""
        alarm = self.open.get(identity)
        if alarm is None or not alarm.late or not alarm.holding:
            return None
        return self.move(replace(alarm, holding=frozenset(), cleared_at=at), Stimulus.CLEAR, at, reason=reason)

    def set_health(self, alarm: Alarm, health: Health, at: int) -> AlarmEvent | None:
        """The condition can, or can no longer, be judged."""
        if alarm.health is health:
            return None
        return self.move(replace(alarm, health=health), Stimulus.HEALTH, at, reason=health.value)

    def reached(self, alarm: Alarm, value: float, at: int) -> None:
        """The value of a standing limit alarm went further than before: its record grows, silently."""
        self.open[alarm.id] = replace(alarm, peak=value, peak_at=at)
        self.grown.add(alarm.id)

    def take_grown(self) -> list[Alarm]:
        """The open alarms whose records have grown since the last call."""
        grown, self.grown = self.grown, set()
        return [self.open[identity] for identity in sorted(grown) if identity in self.open]

    def new(self, subject: Subject, kind: Kind, at: int, priority: int, latching: bool) -> Alarm:
        """A record that nothing has happened to yet; it is not in the book."""
        return Alarm(
            id=alarm_id(subject, kind, at),
            subject=subject,
            kind=kind,
            priority=priority,
            state=AlarmState.NORMAL,
            opened_at=at,
            latching=latching,
            by_design=self.designs.get((subject.id, kind)),
        )

    def move(
        self,
        alarm: Alarm,
        stimulus: Stimulus,
        at: int,
        *,
        by: str | None = None,
        value: float | None = None,
        reason: str = "",
        rule: Rule | None = None,
        evidence: Evidence = (),
    ) -> AlarmEvent:
        """Take the step that the table has for it; the alarm given is the one before it, its record already grown."""
        cell = TABLE[alarm.state, stimulus]
        if not isinstance(cell, Move):
            raise AssertionError(f"{stimulus} on {alarm.state}: {cell}")
        before = alarm.state
        more: dict[str, Any] = {"state": cell.to, "event": self.next_event}
        if stimulus in _RAISING or (stimulus in _RECALLING and cell.to in UNSEEN):
            more |= {"acknowledged_at": None, "acknowledged_by": None, "waiting_since": at, "overdue": 0}
        elif cell.to not in UNSEEN:
            more |= {"waiting_since": None}
        elif before not in UNSEEN:
            more |= {"waiting_since": at, "overdue": 0}
        after = replace(alarm, **more)
        self.next_event += 1
        self.keep(after)
        return AlarmEvent(
            number=after.event,
            alarm=after,
            stimulus=stimulus,
            before=before,
            at=at,
            by=by,
            value=number(value),
            reason=reason,
            rule=rule or after.rule,
            suppressed=after.suppressed,
            evidence=evidence,
        )

    def keep(self, alarm: Alarm) -> None:
        """Put the alarm where it belongs."""
        key = (alarm.subject.id, alarm.kind)
        self.quiet_until = 0
        if not alarm.open:
            self.open.pop(alarm.id, None)
            if self.live.get(key) == alarm.id:
                del self.live[key]
            self.closed.pop(alarm.id, None)
            self.closed[alarm.id] = alarm
            if len(self.closed) > KEPT_CLOSED:
                del self.closed[next(iter(self.closed))]
        else:
            self.open[alarm.id] = alarm
            if not alarm.late:
                self.live[key] = alarm.id
        self._count(alarm)

    def _count(self, alarm: Alarm) -> None:
        if alarm.late or not alarm.subject.source or alarm.kind in INSTRUMENT:
            return
        active = self.active_in.setdefault(alarm.subject.source, set())
        if alarm.active and not alarm.suppressed:
            active.add(alarm.id)
        else:
            active.discard(alarm.id)

    def _raise(self, alarm: Alarm, stimulus: Stimulus, turn: Turn) -> AlarmEvent:
        mark = Mark(turn.rule, turn.at, number(turn.value), number(turn.limit))
        worse = alarm.worst is None or severity(mark.rule) > severity(alarm.worst.rule)
        again = stimulus is not Stimulus.ESCALATE
        grown = replace(
            alarm,
            first=alarm.first or mark,
            worst=mark if worse else alarm.worst,
            current=mark,
            priority=turn.priority if alarm.worst is None else min(alarm.priority, turn.priority),
            raised_at=turn.at if again or alarm.raised_at is None else alarm.raised_at,
            raised=alarm.raised + again,
            verify_since=turn.at,
            verify_overdue=False,
            latching=turn.latching,
            health=turn.health,
            first_out=self._is_first(alarm) if stimulus is Stimulus.RAISE else alarm.first_out,
        )
        if alarm.kind in (Kind.LOW, Kind.HIGH) and mark.value is not None:
            grown = _peak(grown, mark)
        return self.move(grown, stimulus, turn.at, value=turn.value, reason=turn.reason, rule=turn.rule, evidence=turn.evidence)

    def _is_first(self, alarm: Alarm) -> bool:
        """Nothing else of its source stands: what follows is most likely its consequence.

        The first of a trip stays it when it comes back while its followers stand; the next trip has a first of its own.
        """
        source = alarm.subject.source
        if not source or alarm.late or alarm.suppressed or alarm.kind in INSTRUMENT:
            return False
        standing = self.active_in.get(source, frozenset[str]())
        return not standing or (alarm.first_out and not any(self.open[other].first_out for other in standing))

    def _turned_off(self, alarm: Alarm, turn: Turn) -> AlarmEvent | None:
        if turn.rule not in alarm.holding:
            return None
        holding = alarm.holding - {turn.rule}
        alarm = replace(alarm, holding=holding)
        if not holding:
            stimulus = Stimulus.LATCH if alarm.latching and not alarm.late else Stimulus.CLEAR
            ended = replace(alarm, cleared_at=turn.at, health=turn.health)
            if not ended.open:  # a late alarm that somebody acknowledged before its end was known
                self.keep(ended)
                return None
            return self.move(
                ended, stimulus, turn.at, value=turn.value, reason=turn.reason, rule=turn.rule, evidence=turn.evidence
            )
        rest = max(holding, key=severity)
        if severity(rest) >= severity(turn.rule) or not alarm.open:
            self.keep(alarm)
            return None
        mark = Mark(rest, turn.at, number(turn.value), number(turn.milder))
        return self.move(replace(alarm, current=mark), Stimulus.EASE, turn.at, value=turn.value, reason=turn.reason, rule=rest)


def number(value: float | None) -> float | None:
    """None for what is no number."""
    return None if value is None or value != value else value


def _peak(alarm: Alarm, mark: Mark) -> Alarm:
    further = alarm.peak is None or mark.value is None or (mark.value > alarm.peak) == (alarm.kind is Kind.HIGH)
    return replace(alarm, peak=mark.value, peak_at=mark.at) if further else alarm
