"""The reference record of one alarm: plain facts (does it stand, was it seen, is it latched, what keeps it quiet), no table.

Written from the standards' diagram (ISA-18.2 / IEC 62682), not from the engine: a state is what the facts say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hazmon.alarms.states import AlarmState, Health, Stimulus
from hazmon.rulebook import Kind, Rule

MINUTE = 60_000_000
WORST = (Rule.LL, Rule.HH)
Identity = tuple[str, Kind, int]  # subject, kind, when it opened


@dataclass(frozen=True)
class Waits:
    """The limits of the escalation, in minutes."""

    urgent: tuple[float, ...]
    other: tuple[float, ...]
    verify: float


@dataclass(frozen=True)
class Facts:
    """All that is compared of a record."""

    identity: Identity
    state: AlarmState
    holding: frozenset[Rule]
    first: tuple[Rule, int] | None
    worst: tuple[Rule, int] | None
    current: tuple[Rule, int] | None
    raised: int
    raised_at: int | None
    priority: int
    health: Health
    shelved_until: int | None
    by_design: bool
    out_of_service: bool
    waiting_since: int | None
    overdue: int
    verify_overdue: bool
    verified: bool
    disposed: bool


@dataclass(frozen=True)
class Happened:
    """An event, and the record after it."""

    stimulus: Stimulus
    rule: Rule
    before: AlarmState
    at: int
    by: str | None
    value: float | None
    suppressed: bool
    rings: bool
    after: Facts


@dataclass
class Record:
    """One alarm from its opening to its end."""

    subject: str
    kind: Kind
    opened_at: int
    priority: int
    told: list[Happened]  # where its events go: the step's list
    realarm_min: float | None = None
    latching: bool = False
    standing: bool = False
    latched: bool = False
    seen: bool = True
    seen_at: int | None = None
    holding: set[Rule] = field(default_factory=set[Rule])
    first: tuple[Rule, int] | None = None
    worst: tuple[Rule, int] | None = None
    current: tuple[Rule, int] | None = None
    raised: int = 0
    raised_at: int | None = None
    health: Health = Health.OK
    shelved_until: int | None = None
    shelved_at: Rule | None = None  # the worst that was known when it was shelved
    by_design: bool = False
    out_of_service: bool = False
    waiting_since: int | None = None
    overdue: int = 0
    verify_overdue: bool = False
    verified_at: int | None = None
    asked_at: int | None = None  # when it was raised, or got worse, last
    disposed: bool = False

    @property
    def state(self) -> AlarmState:
        """The letter of the standards' diagram."""
        if self.standing:
            return AlarmState.ACKNOWLEDGED if self.seen else AlarmState.UNACKNOWLEDGED
        if self.latched:
            return AlarmState.LATCHED_ACKNOWLEDGED if self.seen else AlarmState.LATCHED_UNACKNOWLEDGED
        return AlarmState.NORMAL if self.seen else AlarmState.RETURNED

    @property
    def quiet(self) -> bool:
        """Something keeps it from being heard."""
        return self.shelved_until is not None or self.by_design or self.out_of_service

    @property
    def over(self) -> bool:
        """Nothing is left of it."""
        return self.state is AlarmState.NORMAL and not self.quiet

    @property
    def urgent(self) -> bool:
        """LL, HH, level 2 of a gas, and whatever has the first priority."""
        return self.priority == 1 or (self.worst is not None and self.worst[0] in WORST)

    def facts(self) -> Facts:
        """As it stands."""
        return Facts(
            (self.subject, self.kind, self.opened_at),
            self.state,
            frozenset(self.holding),
            self.first,
            self.worst,
            self.current,
            self.raised,
            self.raised_at,
            self.priority,
            self.health,
            self.shelved_until,
            self.by_design,
            self.out_of_service,
            self.waiting_since,
            self.overdue,
            self.verify_overdue,
            self.verified_at is not None,
            self.disposed,
        )

    def turn(
        self,
        holding: set[Rule],
        at: int,
        value: float | None,
        *,
        priority: int = 4,
        latching: bool = False,
        health: Health = Health.OK,
    ) -> None:
        """From now on these rules of its kind hold. `priority`: of the worst of them; `health`: whether it can be judged now."""
        before, was, now = self.state, worst_of(self.holding), worst_of(holding)
        self.holding = set(holding)
        if now is was:
            return
        if now is None:
            self.standing, self.latched, self.health = False, self.latching, health
            self._tell(Stimulus.LATCH if self.latching else Stimulus.CLEAR, before, at, rule=was, value=value)
            return
        self.current = now, at
        if was in WORST:
            self._tell(Stimulus.EASE, before, at, value=value)
            return
        self.latching, self.health = latching, health
        self.priority = priority if self.worst is None else min(self.priority, priority)
        self.first = self.first or self.current
        if self.worst is None or (now in WORST and self.worst[0] not in WORST):
            self.worst = self.current
        if was is None:
            self.standing, self.latched = True, False
            self.raised += 1
            self.raised_at = at
        self._ask(at)
        self.asked_at, self.verify_overdue = at, False
        self._tell(Stimulus.RAISE if was is None else Stimulus.ESCALATE, before, at, value=value, loud=True)
        if self.shelved_until is not None and now in WORST and self.shelved_at not in WORST:
            self.shelved_until = None
            self._recall(Stimulus.EXPIRE, at)

    def judged(self, health: Health, at: int) -> None:
        """Whether the condition can be judged."""
        if health is not self.health:
            self.health = health
            self._tell(Stimulus.HEALTH, self.state, at)

    def suppress(self, at: int) -> None:
        """By design, from now on."""
        self.by_design = True
        self._tell(Stimulus.SUPPRESS, self.state, at)

    def release(self, at: int) -> None:
        """By design no longer."""
        self.by_design = False
        self._recall(Stimulus.RELEASE, at)

    def acknowledge(self, at: int, by: str) -> str | None:
        """Somebody has seen it. Answers why not."""
        if self.seen:
            return "over" if self.state is AlarmState.NORMAL else "acknowledged already"
        before = self.state
        self._seen(at)
        self._tell(Stimulus.ACKNOWLEDGE, before, at, by)
        return None

    def reset(self, at: int, by: str) -> str | None:
        """Let go of what latched. Answers why not."""
        if not self.latched:
            return "over" if self.state is AlarmState.NORMAL else "not latched"
        before = self.state
        self.latched = False
        self._tell(Stimulus.RESET, before, at, by)
        return None

    def say(self, stimulus: Stimulus, at: int, by: str) -> None:
        """A comment, a verification, a disposal."""
        if stimulus is Stimulus.VERIFY:
            self.verified_at = at
        self.disposed = self.disposed or stimulus is Stimulus.DISPOSE
        self._tell(stimulus, self.state, at, by)

    def shelve(self, at: int, by: str, until: int) -> None:
        """Put it aside until then."""
        self.shelved_until = until
        self.shelved_at = None if self.worst is None or self.state is AlarmState.NORMAL else self.worst[0]
        self._tell(Stimulus.SHELVE, self.state, at, by)

    def unshelve(self, at: int, by: str) -> None:
        """By hand: whoever does it has seen it."""
        before = self.state
        self.shelved_until = None
        self._seen(at)
        self._tell(Stimulus.UNSHELVE, before, at, by)

    def remove(self, at: int, by: str) -> None:
        """Out of service."""
        self.out_of_service = True
        self._tell(Stimulus.REMOVE, self.state, at, by)

    def put_back(self, at: int, by: str) -> None:
        """In service again."""
        self.out_of_service = False
        self._recall(Stimulus.RETURN, at, by)

    def pass_time(self, now: int, waits: Waits) -> None:
        """Whatever was due by now, one after the other."""
        while True:
            due = self._due(waits)
            if due is None or due[0] > now:
                return
            at, what = due
            before = self.state
            if what == "expire":
                self.shelved_until = None
                self._recall(Stimulus.EXPIRE, at)
            elif what == "realarm":
                self._ask(at)
                self._tell(Stimulus.REALARM, before, at, loud=True)
            else:
                if what == "unverified":
                    self.verify_overdue = True
                else:
                    self.overdue += 1
                self._tell(Stimulus.OVERDUE, before, at)

    def _due(self, waits: Waits) -> tuple[int, str] | None:
        if self.shelved_until is not None:
            return self.shelved_until, "expire"
        if self.quiet:
            return None
        found: list[tuple[int, str]] = []
        limits = waits.urgent if self.urgent else waits.other
        if self.waiting_since is not None and self.overdue < len(limits):
            found.append((self.waiting_since + round(limits[self.overdue] * MINUTE), "unacknowledged"))
        if self.urgent and not self.over and self.asked_at is not None and not self.verify_overdue and not self._found:
            found.append((self.asked_at + round(waits.verify * MINUTE), "unverified"))
        if self.state is AlarmState.ACKNOWLEDGED and self.realarm_min is not None and self.seen_at is not None:
            found.append((self.seen_at + round(self.realarm_min * MINUTE), "realarm"))
        return min(found, key=lambda each: each[0]) if found else None

    @property
    def _found(self) -> bool:
        """Somebody has said what it is since it was raised or got worse."""
        return self.verified_at is not None and (self.asked_at is None or self.verified_at >= self.asked_at)

    def _ask(self, at: int) -> None:
        """Somebody is waited for anew."""
        self.seen, self.seen_at = False, None
        self.waiting_since, self.overdue = at, 0

    def _seen(self, at: int) -> None:
        self.seen, self.seen_at = True, at
        self.waiting_since = None

    def _recall(self, stimulus: Stimulus, at: int, by: str | None = None) -> None:
        """It may be heard again: what stands or is latched asks anew, what is past is let go of."""
        before = self.state
        if self.standing or self.latched:
            self._ask(at)
        else:
            self.seen, self.waiting_since = True, None
        self._tell(stimulus, before, at, by, loud=True)

    def _tell(
        self,
        stimulus: Stimulus,
        before: AlarmState,
        at: int,
        by: str | None = None,
        *,
        rule: Rule | None = None,
        value: float | None = None,
        loud: bool = False,
    ) -> None:
        if rule is None:
            rule = self.current[0] if self.current else mildest(self.kind)
        rings = loud and not self.quiet and not self.seen
        self.told.append(Happened(stimulus, rule, before, at, by, value, self.quiet, rings, self.facts()))


def worst_of(holding: set[Rule]) -> Rule | None:
    """The worst of the rules of one kind."""
    return next((rule for rule in holding if rule in WORST), next(iter(holding), None))


def mildest(kind: Kind) -> Rule:
    """The status that a record begins with."""
    return {Kind.LOW: Rule.L, Kind.HIGH: Rule.H}.get(kind) or Rule(kind)
