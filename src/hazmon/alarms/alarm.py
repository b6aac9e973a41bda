"""An alarm as a record: one for the whole rise and fall of a condition, from the first status to the last word said about it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from hazmon.alarms.states import AlarmState, Health, Stimulus, Suppression, Verdict
from hazmon.rulebook import Kind, Rule

URGENT = frozenset({Rule.LL, Rule.HH})
ACTIVE = frozenset({AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED})
RINGING = frozenset({AlarmState.UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED})
UNSEEN = frozenset({AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED, AlarmState.LATCHED_UNACKNOWLEDGED})

Evidence = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alarm is about: a point, a named rule, a connection or a box."""

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
class Mark:
    """A status that was reached: when, with which value, at which limit (in the rule's unit, None where it has none)."""

    rule: Rule
    at: int
    value: float | None
    limit: float | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Put aside for a while, by whom and why; it comes back by itself.

    `seen` is the worst status that whoever did it could know of: a worse one ends the shelf.
    """

    until: int
    by: str
    reason: str
    seen: Rule | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody said of the alarm, and when."""

    at: int
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The enterprise's finding."""

    at: int
    by: str
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands. Times in microseconds UTC.

    It opens when the alarm leaves normal, or is suppressed while normal (then it has no marks yet), and closes when it is
    normal and not suppressed. `holding` are the rules of its kind that hold; `priority` is that of the worst status so far.
    `waiting_since`: from when on somebody is waited for, which escalation counts from. `verify_since`: when it was raised, or got
    worse, last: what was found before was found of less.
    """

    id: str
    subject: Subject
    kind: Kind
    priority: int
    state: AlarmState
    opened_at: int
    late: bool = False
    latching: bool = False
    first_out: bool = False
    health: Health = Health.OK
    holding: frozenset[Rule] = frozenset()
    first: Mark | None = None
    worst: Mark | None = None
    current: Mark | None = None
    peak: float | None = None  # of a limit alarm: the furthest the value went
    peak_at: int | None = None
    raised_at: int | None = None
    raised: int = 0
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    cleared_at: int | None = None
    verified: Verified | None = None
    disposed: Statement | None = None
    shelf: Shelf | None = None
    by_design: str | None = None
    out_of_service: Statement | None = None
    waiting_since: int | None = None
    overdue: int = 0  # steps of the escalation taken since then
    verify_since: int | None = None
    verify_overdue: bool = False
    event: int = 0

    @property
    def active(self) -> bool:
        """The condition holds, as far as anybody knows."""
        return self.state in ACTIVE

    @property
    def suppressions(self) -> tuple[Suppression, ...]:
        """The switches that are on."""
        switches = (
            (Suppression.SHELVED, self.shelf),
            (Suppression.BY_DESIGN, self.by_design),
            (Suppression.OUT_OF_SERVICE, self.out_of_service),
        )
        return tuple(suppression for suppression, on in switches if on is not None)

    @property
    def suppressed(self) -> bool:
        """Not to be heard."""
        return self.shelf is not None or self.by_design is not None or self.out_of_service is not None

    @property
    def open(self) -> bool:
        """It is not over."""
        return self.state is not AlarmState.NORMAL or self.suppressed

    @property
    def urgent(self) -> bool:
        """Level-2 gas and HH/LL, or of the first priority: its escalation is the quick one."""
        return self.priority == 1 or (self.worst is not None and self.worst.rule in URGENT)

    @property
    def rule(self) -> Rule:
        """The status that holds, or held last; of a record that was never raised, the mildest of its kind."""
        return self.current.rule if self.current is not None else self.kind.rules[0]

    @property
    def value(self) -> float | None:
        """At the present status."""
        return None if self.current is None else self.current.value

    @property
    def limit(self) -> float | None:
        """Of the present status."""
        return None if self.current is None else self.current.limit


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One step in an alarm's life. `alarm` is the alarm after it; `number` orders the events as the room saw them.

    `rule` is the status that the event concerns, `suppressed` whether the alarm was kept from being heard.
    """

    number: int
    alarm: Alarm
    stimulus: Stimulus
    before: AlarmState
    at: int
    by: str | None
    value: float | None
    reason: str
    rule: Rule
    suppressed: bool
    evidence: Evidence = ()

    @property
    def rings(self) -> bool:
        """The room hears it: the alarm became unacknowledged, or worse while it was, and nothing keeps it from being heard.

        What latched while it was suppressed was never heard: it rings when the suppression ends by itself.
        """
        alarm = self.alarm
        if alarm.late or alarm.suppressed or alarm.state not in RINGING:
            return False
        if self.stimulus in (Stimulus.EXPIRE, Stimulus.RELEASE, Stimulus.RETURN, Stimulus.REALARM):
            return True
        return self.stimulus in (Stimulus.RAISE, Stimulus.ESCALATE)


def alarm_id(subject: Subject, kind: Kind, opened_at: int) -> str:
    """16 hex digits, the same for the same excursion."""
    return blake2b(f"{subject.id}|{kind}|{opened_at}".encode(), digest_size=8).hexdigest()


def severity(rule: Rule) -> int:
    """Greater is worse, among the rules of one kind."""
    return 1 if rule in URGENT else 0
