"""What goes wrong in the written time: a list of happenings, a function of the park, the length and the seed alone.

All times are whole minutes since the beginning; `start` is the first minute concerned, `end` the first that is not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from hazmon_sim.history.park import Box, Park, Source

HOUR = 60
DAY = 24 * HOUR
NOT_CONNECTED, TIMEOUT, REFUSED, DECODE, BOX_OFF, LINK_OFF = 1, 2, 3, 4, 6, 7
QUALITIES = {"F": 1, "M": 2, "S": 3, "D": 4, "C": 5, "T": 6, "B": 7, "K": 8, "hole": 128, "X": 129}
FAULTS = ("D", "M", "C", "X", "K", "B", "S", "T", "above", "below", "near", "hole", "refused", "decode")
STYLES = ("in time", "within the grace", "at the grace's end", "too late", "refused", "withdrawn", "undecided", "none")


@dataclass(frozen=True, slots=True)
class Off:
    """The box has no power; it comes back as a new boot and reports the time as BOX_OFF."""

    edge: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing arrives, and nobody ever says why."""

    edge: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LinkDown:
    """No way to the park. What the box `keeps` is delivered afterwards, the rest is reported as LINK_OFF."""

    edge: str
    start: int
    end: int
    keeps: bool = True


@dataclass(frozen=True, slots=True)
class GroupDown:
    """One connection of a box: its points are missed with the cause."""

    edge: str
    group: str
    start: int
    end: int
    cause: int


@dataclass(frozen=True, slots=True)
class Bad:
    """Tags with a fault of FAULTS, or with a quality letter."""

    edge: str
    tags: tuple[str, ...]
    start: int
    end: int
    fault: str


@dataclass(frozen=True, slots=True)
class Twice:
    """The batch of this minute is sent again: in the same body, or `later` in the next minute."""

    edge: str
    minute: int
    later: bool


@dataclass(frozen=True, slots=True)
class Swapped:
    """The batch of this minute arrives after the next one's."""

    edge: str
    minute: int


@dataclass(frozen=True, slots=True)
class Filing:
    """An exemption as it is filed: for a unit `E01/V-1101`, or for a whole source; `decision` approve, refuse or none."""

    target: str
    whole_source: bool
    kind: str
    reason: str
    start: int
    until: int
    filed: int
    decision: str
    decided: int
    withdrawn: int | None = None


@dataclass(slots=True)
class Script:
    """All of it."""

    off: list[Off] = field(default_factory=list[Off])
    lost: list[Lost] = field(default_factory=list[Lost])
    link: list[LinkDown] = field(default_factory=list[LinkDown])
    groups: list[GroupDown] = field(default_factory=list[GroupDown])
    bad: list[Bad] = field(default_factory=list[Bad])
    twice: list[Twice] = field(default_factory=list[Twice])
    swapped: list[Swapped] = field(default_factory=list[Swapped])
    filings: list[Filing] = field(default_factory=list[Filing])

    def happenings(self) -> Iterator[tuple[str, Any]]:
        """Every one with the name of its kind."""
        for each in fields(self):
            for found in getattr(self, each.name):
                yield type(found).__name__, found


def write_script(park: Park, days: int, seed: int) -> Script:
    """At least one of everything that fits into the time, then more of it at random, so many a box and day."""
    writer = _Writer(park, days * DAY, random.Random(f"hazmon history {seed}"))
    writer.one_of_each()
    for day in range(days):
        for box in park.boxes:
            writer.a_day(box, day * DAY)
    return writer.script


class _Writer:
    def __init__(self, park: Park, minutes: int, rng: random.Random) -> None:
        self._park = park
        self._minutes = minutes
        self._rng = rng
        self._sources = list(park.sources)
        self.script = Script()

    def one_of_each(self) -> None:
        """What must not be missing, however short the time: spread over boxes and sources so that little hides the rest."""
        boxes = list(self._park.boxes)
        self._rng.shuffle(boxes)
        self._rng.shuffle(self._sources)
        over_cap = self._sources[0]
        self._maintain(over_cap, None, 2 * HOUR, 46 * HOUR, "in time", "X")
        for at, style in enumerate(STYLES):
            source = self._sources[(at + 1) % len(self._sources)]
            unit = self._rng.choice(source.units)[0]
            self._maintain(source, unit, (3 + 2 * at) * HOUR, self._rng.randint(5, 9) * HOUR, style)
        whole = self._sources[(len(STYLES) + 1) % len(self._sources)]
        self._maintain(whole, None, 6 * HOUR, 5 * HOUR, "within the grace")
        script, end = self.script, self._minutes
        others = [box.edge for box in boxes if box.edge != over_cap.edge] or [over_cap.edge]
        box_of = {box.edge: box for box in boxes}

        def edge(at: int) -> str:
            return others[at % len(others)]

        script.link.append(LinkDown(edge(0), 9 * HOUR + 7, _least(end, 9 * HOUR + 7 + 27 * HOUR)))
        script.link.append(LinkDown(edge(1), 11 * HOUR + 3, 13 * HOUR + 41))
        script.link.append(LinkDown(edge(2), 4 * HOUR + 11, 4 * HOUR + 52, keeps=False))
        script.off.append(Off(edge(1), 15 * HOUR, 16 * HOUR + 30))
        script.lost.append(Lost(edge(2), 18 * HOUR + 5, 19 * HOUR + 20))
        for at, cause in enumerate((NOT_CONNECTED, TIMEOUT)):
            name = self._rng.choice(box_of[edge(3 + at)].groups).name
            script.groups.append(GroupDown(edge(3 + at), name, 7 * HOUR + at * 95, 9 * HOUR + at * 95, cause))
        for at, fault in enumerate(FAULTS):
            self._instrument(box_of[edge(at)], (1 + at) * HOUR, self._rng.randint(20, 150), fault)
        script.twice += [Twice(edge(3), 61, later=False), Twice(edge(4), 62, later=True)]
        script.swapped.append(Swapped(edge(5), 63))

    def a_day(self, box: Box, day: int) -> None:
        """A day of one box, by its odds."""
        rng, script, edge = self._rng, self.script, box.edge
        for start, end in self._some(day, 0.03, 30, 6 * HOUR):
            script.off.append(Off(edge, start, end))
        for start, end in self._some(day, 0.02, 10, 4 * HOUR):
            script.lost.append(Lost(edge, start, end))
        for start, end in self._some(day, 0.10, 3, 6 * HOUR):
            script.link.append(LinkDown(edge, start, end, keeps=rng.random() < 0.9))
        for start, end in self._some(day, 0.006, 25 * HOUR, 60 * HOUR):
            script.link.append(LinkDown(edge, start, end))
        for start, end in self._some(day, 0.12, 5, 8 * HOUR):
            name = rng.choice(box.groups).name
            script.groups.append(GroupDown(edge, name, start, end, rng.choice((NOT_CONNECTED, TIMEOUT))))
        for start, end in self._some(day, 0.5, 10, 12 * HOUR):
            self._instrument(box, start, end - start, rng.choice(FAULTS))
        for start, end in self._some(day, 0.03, DAY, 4 * DAY):
            self._instrument(box, start, end - start, rng.choice(FAULTS))
        for start, end in self._some(day, 0.06, 2 * HOUR, 40 * HOUR):
            own = [source for source in self._sources if source.edge == edge]
            source = rng.choice(own)
            unit = None if rng.random() < 0.25 else rng.choice(source.units)[0]
            self._maintain(source, unit, start, end - start, rng.choice(STYLES))
        for start, _ in self._some(day, 0.5, 1, 1):
            script.twice.append(Twice(edge, start, later=rng.random() < 0.5))
        for start, _ in self._some(day, 0.4, 1, 1):
            script.swapped.append(Swapped(edge, start))

    def _some(self, day: int, odds: float, shortest: int, longest: int) -> list[tuple[int, int]]:
        if self._rng.random() >= odds:
            return []
        start = day + self._rng.randrange(DAY)
        return [(start, _least(self._minutes, start + self._rng.randint(shortest, longest)))]

    def _instrument(self, box: Box, start: int, minutes: int, fault: str) -> None:
        end = _least(self._minutes, start + minutes)
        if start < end:
            moving = [tag.name for tag in box.tags if tag.rest is None]
            self.script.bad.append(Bad(box.edge, (self._rng.choice(moving),), start, end, fault))

    def _maintain(self, source: Source, unit: str | None, start: int, minutes: int, style: str, fault: str = "") -> None:
        """A unit or a whole source under maintenance, and what is filed of it."""
        rng = self._rng
        end = _least(self._minutes, start + minutes)
        if start >= end:
            return
        box = next(box for box in self._park.boxes if box.edge == source.edge)
        tags = tuple(tag.name for tag in box.tags if tag.source == source.id and unit in (None, tag.unit))
        if tags:
            self.script.bad.append(Bad(box.edge, tags, start, end, fault or rng.choice(("M", "F", "hole", "X", "C"))))
        if style == "none":
            return
        filed = start + {"within the grace": rng.randint(10, 119), "at the grace's end": 120, "too late": 185}.get(style, 0)
        filed -= rng.randint(1, 2 * DAY) if style in ("in time", "withdrawn", "refused", "undecided") else 0
        until = end + rng.choice((-45, 0, 0, 30))  # planned ends are rarely met
        if not filed < until:
            return
        decision = {"refused": "refuse", "undecided": "none"}.get(style, "approve")
        filed = max(filed, 0)
        decided = min(filed + rng.randint(0, 3 * HOUR), until - 2)
        if decided < filed:
            return
        withdrawn = max(decided + 1, (start + until) // 2)
        self.script.filings.append(
            Filing(
                target=source.id if unit is None else f"{source.edge}/{unit}",
                whole_source=unit is None,
                kind=rng.choice(("停用", "检修", "离线报备")),
                reason=f"{style} / seeded",
                start=start,
                until=until,
                filed=filed,
                decision=decision,
                decided=decided,
                withdrawn=withdrawn if style == "withdrawn" else None,
            )
        )


def _least(end: int, wanted: int) -> int:
    return min(end, wanted)
