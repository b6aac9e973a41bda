"""The book of alarms that are not over, and the events that change it.

An alarm's id is a function of its subject, its rule and the instant it was raised, so the same readings give the same alarm,
whoever evaluates them and how often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.alarms.transitions import TABLE, Ignored
from hazmon.errors import CommandRefused, NotFound
from hazmon.rulebook import Rule


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alarm is about: a point, a connection or a box."""

    enterprise: str
    tag: str
    source: str  # empty when it concerns more than one
    name: str
    uom: str

    @property
    def id(self) -> str:
        """`E01/LT-1101`."""
        return f"{self.enterprise}/{self.tag}"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands. Times in microseconds UTC; value and limit in the rule's unit, None where the rule has none.

    `raised_at` is the last time it was raised: an alarm that comes back before anybody acknowledged it keeps its id.
    """

    id: str
    subject: Subject
    rule: Rule
    priority: int
    state: AlarmState
    raised_at: int
    value: float | None
    limit: float | None
    late: bool = False
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    cleared_at: int | None = None
    event: int = 0

    @property
    def active(self) -> bool:
        """The condition holds, as far as anybody knows."""
        return self.state in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One step in an alarm's life. `alarm` is the alarm after it; `number` orders the events as the room saw them."""

    number: int
    alarm: Alarm
    stimulus: Stimulus
    before: AlarmState
    at: int
    by: str | None
    value: float | None
    reason: str


def alarm_id(subject: Subject, rule: Rule, raised_at: int) -> str:
    """16 hex digits, the same for the same excursion."""
    return blake2b(f"{subject.id}|{rule}|{raised_at}".encode(), digest_size=8).hexdigest()


class AlarmBook:
    """Alarms that are not over: by id, and the one live alarm that a subject's rule may have."""

    def __init__(self, open_alarms: Iterable[Alarm] = (), next_event: int = 1) -> None:
        self.next_event = next_event
        self.open: dict[str, Alarm] = {}
        self.live: dict[tuple[str, Rule], str] = {}
        for alarm in open_alarms:
            self._keep(alarm)

    def standing(self, subject: str, rule: Rule) -> Alarm | None:
        """The live alarm of that subject and rule whose condition holds."""
        found = self.live.get((subject, rule))
        alarm = self.open[found] if found is not None else None
        return alarm if alarm is not None and alarm.active else None

    def raise_alarm(
        self, subject: Subject, rule: Rule, priority: int, at: int, value: float, limit: float, reason: str
    ) -> AlarmEvent | None:
        """The rule began to hold. A returned alarm that nobody acknowledged comes back as itself."""
        found = self.live.get((subject.id, rule))
        if found is not None:
            before = self.open[found]
            again = replace(before, raised_at=at, value=_number(value), limit=_number(limit), cleared_at=None)
            return self._move(again, Stimulus.RAISE, at, None, value, reason)
        alarm = Alarm(alarm_id(subject, rule, at), subject, rule, priority, AlarmState.NORMAL, at, _number(value), _number(limit))
        return self._move(alarm, Stimulus.RAISE, at, None, value, reason)

    def raise_late(self, subject: Subject, rule: Rule, priority: int, at: int, value: float, limit: float) -> AlarmEvent | None:
        """The rule held in the past, as readings show that came late."""
        identity = alarm_id(subject, rule, at)
        alarm = self.open.get(identity) or Alarm(
            identity, subject, rule, priority, AlarmState.NORMAL, at, _number(value), _number(limit), late=True
        )
        return self._move(alarm, Stimulus.RAISE_LATE, at, None, value, "late readings")

    def clear(self, subject: str, rule: Rule, at: int, value: float, reason: str) -> AlarmEvent | None:
        """The rule ceased to hold."""
        found = self.live.get((subject, rule))
        if found is None or not self.open[found].active:
            return None
        return self._move(replace(self.open[found], cleared_at=at), Stimulus.CLEAR, at, None, value, reason)

    def clear_late(self, identity: str, at: int, value: float, reason: str) -> AlarmEvent | None:
        """A late alarm's condition ended, in the past as well."""
        alarm = self.open.get(identity)
        if alarm is None or alarm.cleared_at is not None:
            return None
        return self._move(replace(alarm, cleared_at=at), Stimulus.CLEAR, at, None, value, reason)

    def acknowledge(self, identity: str, at: int, by: str, note: str) -> AlarmEvent:
        """Somebody has seen it. Raises NotFound, or CommandRefused with the reason."""
        alarm = self.open.get(identity)
        if alarm is None:
            raise NotFound(f"no open alarm {identity}")
        cell = TABLE[alarm.state, Stimulus.ACKNOWLEDGE]
        if isinstance(cell, Ignored):
            raise CommandRefused(cell.why)
        seen = replace(alarm, acknowledged_at=at, acknowledged_by=by)
        event = self._move(seen, Stimulus.ACKNOWLEDGE, at, by, None, note)
        assert event is not None  # noqa: S101 - the cell is a move
        return event

    def _move(
        self, alarm: Alarm, stimulus: Stimulus, at: int, by: str | None, value: float | None, reason: str
    ) -> AlarmEvent | None:
        cell = TABLE[alarm.state, stimulus]
        if isinstance(cell, Ignored):
            return None
        before = alarm.state
        if stimulus is Stimulus.RAISE:
            alarm = replace(alarm, acknowledged_at=None, acknowledged_by=None)
        after = replace(alarm, state=cell.to, event=self.next_event)
        self.next_event += 1
        self._keep(after)
        return AlarmEvent(after.event, after, stimulus, before, at, by, _number(value), reason)

    def _keep(self, alarm: Alarm) -> None:
        key = (alarm.subject.id, alarm.rule)
        if alarm.state is AlarmState.NORMAL:
            self.open.pop(alarm.id, None)
            if self.live.get(key) == alarm.id:
                del self.live[key]
            return
        self.open[alarm.id] = alarm
        if not alarm.late:
            self.live[key] = alarm.id


def _number(value: float | None) -> float | None:
    """None for what is no number."""
    return None if value is None or value != value else value
