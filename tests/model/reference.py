"""The reference model of the alarm engine: plain, slow, sample by sample, point by point; no arrays and nothing of the engine.

Times in microseconds. A step is: what was read, what silence brings, what is suppressed by design at its end, then what turned
(told in order of time), what can be judged, what time brings, and last what people ask.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from model.record import WORST, Happened, Identity, Record, Waits

from hazmon.alarms.commands import (
    Acknowledge,
    Command,
    Comment,
    Dispose,
    Remove,
    Reset,
    Return,
    Role,
    Shelve,
    Unshelve,
    Verify,
)
from hazmon.alarms.states import Health, Stimulus
from hazmon.model import Park, Point, Quality, Quantity
from hazmon.rulebook import All, Expression, Kind, Not, Rule, Some, Term

SECOND = 1_000_000
JITTER = 50_000  # polls come a hair off their second: a delay is over by so much early
GRACE = 20 * SECOND  # a service that starts waits so long for its boxes
BOX_SILENT = 10 * SECOND
BOX_QUIET = 6 * SECOND
REMEMBERED = 1000  # records that are over and can still be spoken of
GAS = {Quantity.TOXIC_GAS: (2, 1), Quantity.COMBUSTIBLE_GAS: (3, 1), Quantity.OXYGEN: (2, 1)}
LIMITS = {Rule.LL: Kind.LOW, Rule.L: Kind.LOW, Rule.H: Kind.HIGH, Rule.HH: Kind.HIGH}
ALWAYS = (Kind.STALE, Kind.QUALITY, Kind.RANGE, Kind.ERROR)  # every point may be alarmed about these

Key = tuple[str, Kind]
Sample = tuple[int, float, int]  # when, value, quality code


@dataclass(frozen=True)
class Turn:
    """A rule turned."""

    at: int
    rule: Rule
    on: bool
    value: float | None


@dataclass
class Eye:
    """One point, as far as it is known."""

    point: Point
    heard: int
    stale: bool = False
    bad: bool = False
    value: float = math.nan
    judged: bool = False  # the newest reading could be
    doubted: bool = False  # one of its alarms could not be judged when the service ended, and nothing was read since
    holds: set[Rule] = field(default_factory=set[Rule])
    since: dict[Rule, int] = field(default_factory=dict[Rule, int])  # from when on the opposite has been true

    def limit(self, rule: Rule) -> float | None:
        """The limit of that rule, if there is one."""
        limits = self.point.limits
        return {Rule.LL: limits.ll, Rule.L: limits.l, Rule.H: limits.h, Rule.HH: limits.hh}[rule]

    def priority(self, rule: Rule) -> int:
        """1 is the most urgent."""
        if rule in (Rule.STALE, Rule.QUALITY, Rule.RANGE):
            return 4
        if self.point.handling.priority is not None:
            return self.point.handling.priority
        return GAS.get(self.point.quantity, (3, 2))[rule in WORST]

    def read(self, at: int, value: float, quality: int) -> list[Turn]:
        """A reading came."""
        turns: list[Turn] = []
        self.doubted = False
        if self.stale:
            self.stale = False
            turns.append(Turn(at, Rule.STALE, False, 0.0))
        self.judged = quality in (Quality.GOOD, Quality.CLOCK_SUSPECT)
        if self.bad is self.judged:
            self.bad = not self.judged
            turns.append(Turn(at, Rule.QUALITY, self.bad, float(quality)))
        if self.judged:
            self.value = value
            for rule in LIMITS:
                turns += self._hold(rule, at, value)
        return turns

    def _hold(self, rule: Rule, at: int, value: float) -> list[Turn]:
        limit = self.limit(rule)
        if limit is None:
            return []
        holds = rule in self.holds
        low = LIMITS[rule] is Kind.LOW
        reached = value <= limit if low else value >= limit
        band = self.point.limits.deadband
        left = not reached and (value >= limit + band if low else value <= limit - band)
        if not (left if holds else reached):
            self.since.pop(rule, None)
            return []
        since = self.since.setdefault(rule, at)
        delay = self.point.limits.off_delay_s if holds else self.point.limits.on_delay_s
        if at - since < delay * SECOND - JITTER:
            return []
        del self.since[rule]
        self.holds ^= {rule}
        return [Turn(at, rule, not holds, value)]


class Reference:
    """The whole park of one box, as the model sees it."""

    def __init__(self, park: Park, now: int) -> None:
        (enterprise,) = park.enterprises
        self.park = park
        self.box = f"{enterprise.id}/box"
        self.eyes = {point.id: Eye(point, now + GRACE) for point in park.points}
        self.box_heard = now + GRACE
        self.box_met = False
        self.box_lost = False
        self.exempt: dict[str, int] = {}
        self.designs: set[Key] = set()
        self.live: dict[Key, Record] = {}
        self.past: deque[Record] = deque(maxlen=REMEMBERED)
        self.told: list[Happened] = []
        escalation = park.settings.escalation
        self.waits = Waits(escalation.urgent_min, escalation.other_min, escalation.verify_min)

    def restart(self, now: int) -> None:
        """Killed and started again: patience with silence begins anew, and what was in doubt is so until something is read."""
        self.box_heard = now + GRACE
        self.box_met = False
        doubted = {record.subject for record in self.live.values() if record.health is not Health.OK}
        for eye in self.eyes.values():
            eye.heard = now + GRACE
            eye.doubted = eye.point.id in doubted

    def step(self, heard: bool, samples: dict[str, list[Sample]], now: int) -> list[Happened]:
        """What happened by `now`; `heard`: the box gave a sign of life, `samples`: readings of each point, in order."""
        self.told.clear()
        if heard:
            self._hear(now)
        turns: dict[str, list[Turn]] = {}
        for point, readings in samples.items():
            eye = self.eyes[point]
            for reading in readings:
                turns.setdefault(point, []).extend(eye.read(*reading))
                eye.heard = now
        if now - self.box_heard > BOX_SILENT and not self.box_lost:
            self.box_lost = True
            lost_at = self.box_heard + BOX_SILENT
            self._record((self.box, Kind.STALE), lost_at, 2).turn({Rule.STALE}, lost_at, BOX_SILENT / SECOND, priority=2)
        if not self.box_lost and now - self.box_heard <= BOX_QUIET:
            for point, eye in self.eyes.items():
                stale = round(eye.point.limits.stale_s * SECOND)
                if not eye.stale and now - eye.heard > stale:
                    eye.stale = True
                    turns.setdefault(point, []).append(Turn(eye.heard + stale, Rule.STALE, True, stale / SECOND))
        self._design(now)
        for point, found in turns.items():
            self._turn(self.eyes[point], found)
        for record in list(self.live.values()):
            record.judged(self._health(record), now)
        for record in list(self.live.values()):
            record.pass_time(now, self.waits)
            self._settle(record)
        return list(self.told)

    def _hear(self, now: int) -> None:
        for eye in self.eyes.values():
            if not self.box_met or self.box_lost:
                eye.heard = now
            elif now - self.box_heard > BOX_QUIET:
                eye.heard = min(eye.heard + now - self.box_heard, now)
        self.box_met = True
        self.box_heard = now
        if self.box_lost:
            self.box_lost = False
            record = self.live[self.box, Kind.STALE]
            record.turn(set(), now, 0.0)
            self._settle(record)

    def _design(self, now: int) -> None:
        self.exempt = {unit: until for unit, until in self.exempt.items() if until > now}
        exempt = [point for point in self.park.points if f"{point.enterprise}/{point.unit}" in self.exempt]
        self.designs = {(point.id, kind) for point in exempt for kind in Kind}
        for design in self.park.by_design:
            if self._truth(design.when) is True:
                self.designs |= set(design.alarms)
        for key, record in list(self.live.items()):
            if key in self.designs and not record.by_design:
                record.suppress(now)
            elif key not in self.designs and record.by_design:
                record.release(now)
                self._settle(record)

    def _truth(self, expression: Expression) -> bool | None:
        """True, False, or None when nobody knows."""
        match expression:
            case Term(point=point, op=op, value=value):
                eye = self.eyes[point]
                if not eye.judged or eye.stale or self.box_lost:
                    return None
                return {
                    ">": eye.value > value,
                    ">=": eye.value >= value,
                    "<": eye.value < value,
                    "<=": eye.value <= value,
                    "==": eye.value == value,
                    "!=": eye.value != value,
                }[op]
            case Not(of=part):
                inner = self._truth(part)
                return None if inner is None else not inner
            case All(of=parts):
                found = [self._truth(part) for part in parts]
                return False if False in found else None if None in found else True
            case Some(of=parts):
                found = [self._truth(part) for part in parts]
                return True if True in found else None if None in found else False

    def _turn(self, eye: Eye, turns: list[Turn]) -> None:
        """What turned at one instant of one kind turned together."""
        together: dict[tuple[int, Kind], list[Turn]] = {}
        for turn in sorted(turns, key=lambda turn: turn.at):
            together.setdefault((turn.at, LIMITS.get(turn.rule) or Kind(turn.rule)), []).append(turn)
        for (at, kind), found in together.items():
            key = eye.point.id, kind
            record = self.live.get(key)
            holding = set[Rule]() if record is None else set(record.holding)
            for turn in found:
                holding = holding | {turn.rule} if turn.on else holding - {turn.rule}
            priority = min((eye.priority(rule) for rule in holding), default=4)
            record = self._record(key, at, priority)
            latching = eye.point.handling.latch and kind in LIMITS.values()
            record.turn(holding, at, found[0].value, priority=priority, latching=latching, health=self._health(record))
            self._settle(record)

    def _health(self, record: Record) -> Health:
        """Whether the condition can be judged now; what tells of the instrument itself always can."""
        eye = self.eyes.get(record.subject)
        if eye is None or record.kind in ALWAYS:
            return Health.OK
        if eye.stale or self.box_lost:
            return Health.STALE
        if eye.bad:
            return Health.BAD_QUALITY
        return record.health if eye.doubted else Health.OK

    def _record(self, key: Key, at: int, priority: int) -> Record:
        record = self.live.get(key)
        if record is None:
            eye = self.eyes.get(key[0])
            realarm = None if eye is None else eye.point.handling.realarm_min
            record = Record(*key, at, priority, self.told, realarm, by_design=key in self.designs)
            self.live[key] = record
        return record

    def _settle(self, record: Record) -> None:
        """A record that is over leaves the book, and can still be spoken of."""
        if record.over and self.live.get((record.subject, record.kind)) is record:
            del self.live[record.subject, record.kind]
            self.past.append(record)

    def find(self, identity: Identity) -> Record | None:
        """The record of that identity, open or over."""
        subject, kind, opened_at = identity
        live = self.live.get((subject, kind))
        if live is not None and live.opened_at == opened_at:
            return live
        return next(
            (each for each in reversed(self.past) if (each.subject, each.kind, each.opened_at) == identity),
            None,
        )

    def command(self, command: Command, identity: Identity | None, now: int) -> Happened | set[str]:
        """What it did, or why not: any of these reasons is right. `identity`: the record meant, where it is not named."""
        self.told.clear()
        switching = isinstance(command, Shelve | Unshelve | Remove | Return)
        if identity is not None:
            record = self.find(identity)
            if record is None:
                return {"unknown"}
            if switching and record.over:
                return {"over"}
        else:
            subject, _, word = command.target.rpartition(".")
            if word not in [kind.value for kind in Kind]:
                return {"unknown"}
            key = subject, Kind(word)
            priority = self._alarmed(key)
            if priority is None:
                return {"not alarmed"}
            record = self.live.get(key)
            if record is None and not switching:
                return {"not open"}
            record = record or Record(*key, now, priority, self.told, self._realarm(key), by_design=key in self.designs)
        reasons = self._obey(record, command, now)
        if reasons:
            return reasons
        if switching:
            self.live[record.subject, record.kind] = record
        self._settle(record)
        (happened,) = self.told
        return happened

    def _realarm(self, key: Key) -> float | None:
        eye = self.eyes.get(key[0])
        return None if eye is None else eye.point.handling.realarm_min

    def _alarmed(self, key: Key) -> int | None:
        """The priority of what may be alarmed about, None where nothing is."""
        eye = self.eyes.get(key[0])
        if eye is None:
            return self.live[key].priority if key in self.live else None
        if key[1] in ALWAYS:
            return 3 if key[1] is Kind.ERROR else 4
        return min(
            (eye.priority(rule) for rule, kind in LIMITS.items() if kind is key[1] and eye.limit(rule) is not None), default=None
        )

    def _obey(self, record: Record, command: Command, now: int) -> set[str]:
        """Why not; empty when it was done."""
        by = command.by
        reasons: set[str] = set()
        match command:
            case Acknowledge():
                why = record.acknowledge(now, by)
                reasons |= {why} if why else set()
            case Reset():
                why = record.reset(now, by)
                reasons |= {why} if why else set()
            case Comment():
                record.say(Stimulus.COMMENT, now, by)
            case Verify():
                record.say(Stimulus.VERIFY, now, by)
            case Dispose():
                record.say(Stimulus.DISPOSE, now, by)
            case Shelve(role=role, until=until):
                eye = self.eyes.get(record.subject)
                toxic = eye is not None and eye.point.quantity is Quantity.TOXIC_GAS
                if not now < until <= now + self.park.settings.shelve_max_h * 3600 * SECOND:
                    reasons.add("length")
                worst = min(record.priority, self._alarmed((record.subject, record.kind)) or record.priority)
                if role is not Role.SHIFT_LEADER and (toxic or worst == 1):
                    reasons.add("leader")
                if record.shelved_until is not None:
                    reasons.add("shelved already")
                if not reasons:
                    record.shelve(now, by, until)
            case Unshelve():
                if record.shelved_until is None:
                    reasons.add("not shelved")
                else:
                    record.unshelve(now, by)
            case Remove(role=role) | Return(role=role):
                if role is not Role.SHIFT_LEADER:
                    reasons.add("leader")
                if record.out_of_service is isinstance(command, Remove):
                    reasons.add("out of service already" if record.out_of_service else "in service")
                if not reasons:
                    (record.remove if isinstance(command, Remove) else record.put_back)(now, by)
        return reasons

    def open(self) -> dict[Identity, Record]:
        """All that is not over."""
        return {(record.subject, record.kind, record.opened_at): record for record in self.live.values()}
