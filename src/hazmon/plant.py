"""The park's live state: what the rules know, what each group and box is doing, and the open alarms."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hazmon.alarms.book import AlarmBook, Subject
from hazmon.clock import US
from hazmon.delivery import ScanGroup
from hazmon.model import Park, priority
from hazmon.rulebook import Rule
from hazmon.rules.frame import NEVER, Frame, Ints
from hazmon.rules.limits import LimitTable
from hazmon.rules.rate import Trail
from hazmon.rules.walk import RuleState

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
    whose condition still holds in the lane.
    """

    rules: RuleState
    trails: dict[int, Trail]
    begun: dict[int, int]
    newest: dict[int, int]
    touched: int
    told: dict[tuple[int, Rule], str] = field(default_factory=dict[tuple[int, Rule], str])


@dataclass(slots=True)
class BoxState:
    """A box: when it was last heard of, the batch that is expected next, and a late lane for each hole while it is filled."""

    heard: int
    met: bool = False  # since the service began
    clock: int = 0  # microseconds to add to its times; 0 for a clock that is right
    boot: int = NEVER
    next_seq: int = 0
    lanes: list[LateLane] = field(default_factory=list[LateLane])


@dataclass(slots=True)
class Plant:
    """Everything the step needs, and all that it changes. Arrays over the park's points."""

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

    @classmethod
    def of(cls, park: Park, now: int, book: AlarmBook | None = None) -> Plant:
        """A plant of which nothing has been heard yet; silence is counted from START_GRACE after `now`."""
        count = len(park.points)
        quiet_since = now + START_GRACE_US
        book = book or AlarmBook()
        plant = cls(
            park=park,
            table=LimitTable.of(park.points),
            rules=RuleState.quiet(count),
            frame=Frame.empty(count),
            heard=np.full(count, quiet_since, np.int64),
            excused={},
            subjects=[Subject(point.enterprise, point.tag, point.source, point.name, point.uom) for point in park.points],
            groups={},
            boxes={enterprise.id: BoxState(quiet_since) for enterprise in park.enterprises},
            own={
                enterprise.id: np.flatnonzero([point.enterprise == enterprise.id for point in park.points])
                for enterprise in park.enterprises
            },
            book=book,
        )
        for edge in plant.boxes:
            if book.standing(f"{edge}/{BOX}", Rule.STALE) is not None:
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
            if self.book.standing(link, Rule.STALE) is not None:
                self.excused.setdefault(link, set()).update(group.points[group.points >= 0].tolist())
        return state

    def subject(self, point: int, rule: Rule) -> Subject:
        """A point as the subject of a rule's alarm; a rate speaks in the point's unit per minute."""
        subject = self.subjects[point]
        return replace(subject, uom=f"{subject.uom}/min") if rule in (Rule.RATE_UP, Rule.RATE_DOWN) else subject

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

    def priority(self, point: int, rule: Rule) -> int:
        """Priority of a point's alarm."""
        return priority(self.park.points[point].quantity, rule)

    def excused_points(self) -> Ints:
        """int64: indices of the points for which a connection or box alarm stands."""
        return np.array(sorted(set[int]().union(*self.excused.values())), np.int64)
