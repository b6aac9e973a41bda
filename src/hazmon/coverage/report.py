"""What an auditor is answered: figures, gaps and the two rates, as plain data that every export is made of."""

from __future__ import annotations

from dataclasses import dataclass

from hazmon.coverage.account import PointTally, Tally
from hazmon.coverage.exempting import Exemption
from hazmon.model import CoverageRules


@dataclass(frozen=True, slots=True)
class Row:
    """One line of figures: of whom, over which time (microseconds, [begin, end))."""

    of: str  # "" = the park; E01; E01-S1; E01-S1/level; E01/LT-1101
    name: str
    name_en: str
    begin: int
    end: int
    tally: Tally
    point: PointTally | None = None  # by=point only


@dataclass(frozen=True, slots=True)
class Lacking:
    """A group that a unit must have measured and that no configured point measures."""

    source: str
    unit: str
    group: str
    group_name: str


@dataclass(frozen=True, slots=True)
class Targets:
    """The county's two rates: sources monitored on line, and sources equipped, each of so many; who is not, and why."""

    sources: int
    online: int
    equipped: int
    offline: tuple[tuple[str, Tally], ...]  # sources below `online_min`, with their figures
    lacking: tuple[Lacking, ...]


@dataclass(frozen=True, slots=True)
class BatchName:
    """A batch of the record, by which a gap can be looked into."""

    edge: str
    boot: int
    seq: int
    digest: str  # hex
    arrived: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of slots that a source lost to one cause: [begin, end) microseconds."""

    id: str  # source and first minute: E01-S1@2026-11-24T02:15Z
    source: str
    units: tuple[str, ...]
    groups: tuple[str, ...]
    points: tuple[str, ...]  # those that would have had to measure them
    begin: int
    end: int
    slots: int
    factor: str  # connect | online | complete | valid
    cause: str  # the fact behind it, by name: timeout, device_fault, flagged:replay, park_down, box_silent ...
    excused: int  # slots of it
    exemption: int | None
    filed: str | None  # before | after (the gap began)
    before: BatchName | None
    after: BatchName | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report tells, for one range and one choice of sources."""

    park: str
    park_en: str
    timezone: str
    simulated: bool
    begin: int
    end: int  # not beyond the last slot that counts
    made_at: int  # the end of the last slot that counts when the same range was first whole: the same query, the same bytes
    total: Row
    enterprises: tuple[Row, ...]
    sources: tuple[Row, ...]
    days: tuple[Row, ...]  # by source and local day, sources in order, days in order
    targets: Targets
    gaps: tuple[Gap, ...]
    gaps_left_out: int
    exemptions: tuple[Exemption, ...]
    checkpoint: str | None  # the signed checkpoint that it rests on, as text
    rules: CoverageRules | None = None  # that were in force at its end: the figures in the definitions, the groups' names
