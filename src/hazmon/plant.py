"""The park's live state: what the rules know, what each group and box is doing, and the open alarms."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hazmon.alarms.alarm import Alarm, Subject
from hazmon.alarms.book import AlarmBook
from hazmon.alarms.flood import Flood
from hazmon.clock import US
from hazmon.delivery import ScanGroup
from hazmon.model import ERROR_PRIORITY, Park, Point, Quantity, priority
from hazmon.rulebook import RULES, Deviation, Kind, NamedRule, Rule, operands_of
from hazmon.rules.frame import NEVER, Frame, Ints
from hazmon.rules.late_named import LateNamed
from hazmon.rules.limits import LimitTable
from hazmon.rules.named import Held, NamedTable
from hazmon.rules.trail import Trail
from hazmon.rules.walk import RuleState

PROCESS_RULES = frozenset(RULES) - {Rule.STALE, Rule.QUALITY, Rule.RANGE, Rule.STUCK, Rule.ERROR}
BOX = "box"  # the tag of a box's own alarm
START_GRACE_US = 20 * US  # a service and its boxes that start together need a while to meet


@dataclass(slots=True)
class GroupState:
    """A scan group as it runs: its trail for slopes, its newest scan, and how many scans in a row were missed."""

    group: ScanGroup
    trail: Trail
    newest: int = NEVER
    missed: int = 0


@dataclass(slots=True)
class LateLane:
    """A second evaluation beside the live one, for what comes late from one hole of a box: it starts where the hole began.

    `begun` holds each group's newest scan at that time, `newest` the newest that the lane has judged; `told` the late alarms
    whose condition still holds in the lane; `named` what the lane knows for the named rules.
    """

    rules: RuleState
    trails: dict[int, Trail]
    begun: dict[int, int]
    newest: dict[int, int]
    touched: int
    named: LateNamed
    told: dict[tuple[int, Kind], str] = field(default_factory=dict[tuple[int, Kind], str])


@dataclass(slots=True)
class BoxState:
    """A box: when it was last heard of, the batch that is expected next, and a late lane for each hole while it is filled."""

    heard: int
    met: bool = False  # since the service began
    clock: int = 0  # microseconds to add to its times; 0 for a clock that is right
    boot: int = NEVER
    next_seq: int = 0
    lanes: list[LateLane] = field(default_factory=list[LateLane])


@dataclass(frozen=True, slots=True)
class Exempt:
    """An approved exemption of a unit or source, in force or planned: [begins, until) in microseconds, and why.

    Alarms are suppressed by design while one that is `quiet` is in force (停用/检修, not 离线报备).
    """

    begins: int
    until: int
    reason: str
    quiet: bool = True

    def holds(self, now: int) -> bool:
        """It is in force."""
        return self.begins <= now < self.until


@dataclass(slots=True)
class Plant:
    """Everything the step needs, and all that it changes. Arrays over the park's points; `rules` and `subjects` have the named
    rules after them."""

    park: Park
    table: LimitTable
    rules: RuleState
    frame: Frame
    heard: Ints  # when a reading of each point last arrived in time
    excused: dict[str, set[int]]  # subject id of a standing connection or box alarm -> points it stands for
    subjects: list[Subject]
    groups: dict[int, GroupState]
    boxes: dict[str, BoxState]
    own: dict[str, Ints]  # indices of each box's points
    book: AlarmBook
    operands: dict[int, tuple[int, ...]]  # row of a named rule -> the points it looks at
    named: NamedTable
    held: Held  # what the named rules know of their points
    exempt: dict[str, tuple[Exempt, ...]] = field(default_factory=dict[str, tuple[Exempt, ...]])  # by unit `E01/V-1101` or source
    exempt_then: dict[str, Exempt] = field(default_factory=dict[str, Exempt])  # what was in force when `exempted` was found
    exempted: dict[tuple[str, Kind], str] = field(default_factory=dict[tuple[str, Kind], str])  # alarms of exempt units, and why
    flood: Flood = field(default_factory=Flood)
    begun: int = NEVER  # when the service, or its configuration, began
    doubted: set[int] = field(default_factory=set[int])  # points that alarms rest on which began in doubt, unheard since
    health_moved: bool = False  # a point went stale or bad, or is heard again: standing alarms must be looked at

    @classmethod
    def of(cls, park: Park, now: int, book: AlarmBook | None = None) -> Plant:
        """A plant of which nothing has been heard yet; silence is counted from START_GRACE after `now`."""
        count = len(park.points)
        quiet_since = now + START_GRACE_US
        book = book or AlarmBook()
        table = LimitTable.of(park.points)
        named = NamedTable.of(park.named, park.by_design, park.by_id, count, table)
        plant = cls(
            park=park,
            table=table,
            rules=RuleState.quiet(count + len(park.named)),
            frame=Frame.empty(count),
            heard=np.full(count, quiet_since, np.int64),
            excused={},
            subjects=[
                *(Subject(point.enterprise, point.tag, point.source, point.name, point.uom) for point in park.points),
                *(Subject(rule.enterprise, rule.tag, rule.source, rule.name, _uom(park, rule)) for rule in park.named),
            ],
            groups={},
            boxes={enterprise.id: BoxState(quiet_since) for enterprise in park.enterprises},
            own={
                enterprise.id: np.flatnonzero([point.enterprise == enterprise.id for point in park.points])
                for enterprise in park.enterprises
            },
            book=book,
            named=named,
            held=Held.of(named),
            operands={park.rows[rule.id]: tuple(park.by_id[point] for point in operands_of(rule.test)) for rule in park.named},
            begun=now,
        )
        for edge in plant.boxes:
            if book.standing(f"{edge}/{BOX}", Kind.STALE) is not None:
                plant.excused[f"{edge}/{BOX}"] = plant.points_of(edge)
        return plant

    def points_of(self, edge: str) -> set[int]:
        """Indices of a box's points."""
        return set(self.own[edge].tolist())

    def group(self, group: ScanGroup) -> GroupState:
        """The running state of a group, made when it is first met."""
        state = self.groups.get(group.id)
        if state is None:
            state = self.groups[group.id] = GroupState(group, Trail.of(group.points, self.table))
            link = f"{group.edge}/{group.connection}"
            if self.book.standing(link, Kind.STALE) is not None:
                self.excused.setdefault(link, set()).update(group.points[group.points >= 0].tolist())
                self.health_moved = True
        return state

    def subject(self, point: int, rule: Rule) -> Subject:
        """A point as the subject of a rule's alarm; a rate speaks in the point's unit per minute."""
        subject = self.subjects[point]
        match rule:
            case Rule.RATE_UP | Rule.RATE_DOWN:
                return replace(subject, uom=f"{subject.uom}/min")
            case Rule.FORECAST_UP | Rule.FORECAST_DOWN:
                return replace(subject, uom="min")
            case _:
                return subject

    def connection(self, group: ScanGroup) -> Subject:
        """The subject of a connection's alarm; its source only if all its points belong to one."""
        indices: list[int] = group.points[group.points >= 0].tolist()
        sources = {self.park.points[index].source for index in indices}
        source = sources.pop() if len(sources) == 1 else ""
        name = f"连接 {group.connection} 无数据 / connection {group.connection} gives no data"
        return Subject(group.edge, group.connection, source, name, "s")

    def box(self, edge: str) -> Subject:
        """The subject of a box's own alarm."""
        return Subject(edge, BOX, "", "采集箱失联 / the box is silent", "s")

    def priority(self, row: int, rule: Rule) -> int:
        """Priority of an alarm; what the configuration names goes before the default."""
        if row >= len(self.park.points):
            return ERROR_PRIORITY if rule is Rule.ERROR else self.park.named[row - len(self.park.points)].priority
        point = self.park.points[row]
        default = priority(point.quantity, rule)
        named = point.handling.priority if rule in PROCESS_RULES else None
        return default if named is None else named

    def latching(self, row: int, rule: Rule) -> bool:
        """The alarm stays until it is reset."""
        return rule in PROCESS_RULES and self._ruled(row).handling.latch

    def realarm_min(self, alarm: Alarm) -> float | None:
        """After how many minutes of standing acknowledged the alarm rings again."""
        row = self.park.rows.get(alarm.subject.id)
        return None if row is None else self._ruled(row).handling.realarm_min

    def limit(self, row: int, rule: Rule) -> float | None:
        """One of the four limits of a point."""
        found = float(self.table.limit[row, RULES.index(rule)])
        return None if np.isnan(found) else found

    def alarmed(self, subject: str, kind: Kind) -> tuple[Subject, int] | None:
        """Subject and priority of what may be alarmed about: a rule that is configured, or an alarm that is open without one."""
        row = self.park.rows.get(subject)
        rules = [rule for rule in kind.rules if self.has(subject, rule)]
        if row is None or not rules:
            alarm = self.book.of(subject, kind)
            return None if alarm is None else (alarm.subject, alarm.priority)
        return self.subject(row, rules[-1]), min(self.priority(row, rule) for rule in rules)

    def is_toxic(self, subject: str) -> bool:
        """The subject is a toxic gas detector, or a named rule over one."""
        row = self.park.rows.get(subject)
        if row is None:
            return False
        points = self.operands.get(row, (row,))
        return any(self.park.points[point].quantity is Quantity.TOXIC_GAS for point in points)

    def _ruled(self, row: int) -> Point | NamedRule:
        count = len(self.park.points)
        return self.park.points[row] if row < count else self.park.named[row - count]

    def has(self, subject: str, rule: Rule) -> bool:
        """Whether the rule is configured of a point or named rule."""
        row = self.park.rows.get(subject)
        if row is None:
            return False
        if row >= len(self.park.points):
            return rule in (self.park.named[row - len(self.park.points)].rule, Rule.ERROR)
        limits = self.park.points[row].limits
        match rule:
            case Rule.LL | Rule.L | Rule.H | Rule.HH:
                return self.limit(row, rule) is not None
            case Rule.RATE_UP:
                return limits.rate_up is not None
            case Rule.RATE_DOWN:
                return limits.rate_down is not None
            case Rule.STUCK:
                return limits.stuck_s is not None
            case Rule.FORECAST_UP:
                return limits.forecast_min is not None and limits.hh is not None
            case Rule.FORECAST_DOWN:
                return limits.forecast_min is not None and limits.ll is not None
            case Rule.STALE | Rule.QUALITY | Rule.RANGE | Rule.ERROR:
                return True
            case _:
                return False

    def excused_points(self) -> Ints:
        """int64: indices of the points for which a connection or box alarm stands."""
        return np.array(sorted(set[int]().union(*self.excused.values())), np.int64)


def _uom(park: Park, rule: NamedRule) -> str:
    """A deviation is in its instruments' unit; the others have none."""
    return park.points[park.by_id[rule.test.a]].uom if isinstance(rule.test, Deviation) else ""
