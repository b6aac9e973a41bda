"""What the service must answer, reckoned from the ledger and the configuration alone: coverage of every source and day.

Plain on purpose. Per source: the best fact of each required item (unit, group) minute by minute, the minute's fate from these,
then the lost minutes one by one in the order of time against the exemptions and the month's cap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hazmon_sim.errors import SimulatorError
from hazmon_sim.history.ledger import DAY_MINUTES, MINUTE_US, facts_of, read_ledger
from hazmon_sim.history.park import Park, Source, Terms
from hazmon_sim.history.wire import Bytes

GOOD, PROMPT, A_SAMPLE, EXEMPT_CAUSE = 64, 65, 20, 8
_NOTHING, _REFUSED, _DECODE, _QUALITY, _HOLE, _TOO_LATE = 0, 3, 4, 5, 9, 29
_ONLINE = (1, 2, 6, 7)  # not connected, timeout, box off, link off
COUNTS = ("slots", "covered", "prompt", "excused", "connect", "online", "complete", "valid")
_COVERED, _CONNECT, _ON, _COMPLETE, _VALID = range(5)


@dataclass(slots=True)
class Row:
    """A source's day, in slots of a minute."""

    of: str
    from_us: int
    slots: int = 0
    covered: int = 0
    prompt: int = 0
    excused: int = 0
    connect: int = 0
    online: int = 0
    complete: int = 0
    valid: int = 0


@dataclass(frozen=True, slots=True)
class Exempt:
    """An approved exemption in force from `start_us` to `end_us`: of a unit, or of all units of the source."""

    source: str | None
    edge: str
    unit: str | None
    start_us: int
    end_us: int

    def excuses(self, source: Source, unit: str, at_us: int) -> bool:
        """Whether the unit of the source need not be measured in the slot that begins at `at_us`."""
        if not self.start_us <= at_us < self.end_us:
            return False
        return self.source == source.id or (self.edge == source.edge and self.unit == unit)


def in_force(line: Mapping[str, Any], grace_us: int) -> Exempt | None:
    """What an exemption line of the ledger excuses: from its beginning if it was filed at most the grace after, else from its
    filing; to its planned end or its withdrawal. None for one that was never approved."""
    if not line["approved"]:
        return None
    start_us, filed_us = int(line["start_us"]), int(line["filed_us"])
    begins_us = start_us if filed_us <= start_us + grace_us else filed_us
    withdrawn_us = line["withdrawn_us"]
    ends_us = line["until_us"] if withdrawn_us is None else min(line["until_us"], withdrawn_us)
    target = str(line["target"])
    if line["whole_source"]:
        return Exempt(target, "", None, begins_us, int(ends_us))
    edge, _, unit = target.partition("/")
    return Exempt(None, edge, unit, begins_us, int(ends_us))


class Reckoner:
    """Takes one source's facts day by day, in order."""

    def __init__(self, source: Source, park: Park, exemptions: Iterable[Exempt]) -> None:
        self._source = source
        self._terms = park.terms
        self._zone = park.timezone
        units = {unit for unit, _ in source.units}
        self._exemptions = [
            each for each in exemptions if each.source == source.id or (each.edge == source.edge and each.unit in units)
        ]
        box = next(box for box in park.boxes if box.edge == source.edge)
        self._tags = [tag.name for tag in box.tags if tag.source == source.id]
        self.items: list[tuple[str, list[str]]] = []  # unit, tags
        for unit, kind in source.units:
            for group in park.terms.required.get(kind, ()):
                wanted = park.terms.groups[group]
                tags = [tag.name for tag in box.tags if (tag.source, tag.unit) == (source.id, unit) and tag.quantity in wanted]
                self.items.append((unit, tags))
        self._excused: dict[tuple[int, int], int] = {}  # slots, by the month

    def day(self, from_us: int, facts: Mapping[str, Bytes]) -> Row:
        """The row of a day: facts uint8[slot] of every tag, the first slot beginning at `from_us`."""
        slots = len(next(iter(facts.values())))
        nothing = np.zeros(slots, np.uint8)
        best = [np.max([nothing, *(facts[tag] for tag in tags)], axis=0) for _, tags in self.items]
        heard = np.max([nothing, *(facts[tag] for tag in self._tags)], axis=0) >= A_SAMPLE
        row = Row(self._source.id, from_us, slots)
        if not best:
            row.covered = row.prompt = slots
            return row
        row.prompt = int((np.min(best, axis=0) == PROMPT).sum())
        lost = np.array([self._losses(best_of, tags, heard) for best_of, (_, tags) in zip(best, self.items, strict=True)])
        fate = np.where(lost == _COVERED, _VALID + 1, lost).min(axis=0)  # the first factor of any failing item
        fate[fate > _VALID] = _COVERED
        row.covered, row.connect, row.online, row.complete, row.valid = np.bincount(fate, minlength=5).tolist()
        for slot in np.flatnonzero(fate).tolist():
            failing = {self.items[item][0] for item in np.flatnonzero(lost[:, slot]).tolist()}
            row.excused += self._excuse(from_us + slot * MINUTE_US, failing)
        return row

    def _losses(self, best: Bytes, tags: list[str], heard: NDArray[np.bool_]) -> NDArray[np.int64]:
        """int64[slot]: to which factor an item is lost, _COVERED where it is not."""
        if not tags:
            return np.full(len(best), _CONNECT)
        lost = np.full(len(best), _VALID)
        lost[best >= GOOD] = _COVERED
        lost[np.isin(best, (_REFUSED, _DECODE, EXEMPT_CAUSE, _HOLE, _TOO_LATE))] = _COMPLETE
        lost[best == _NOTHING] = _COMPLETE
        lost[(best == _NOTHING) & ~heard] = _ON
        lost[np.isin(best, _ONLINE)] = _ON
        return lost

    def _excuse(self, at_us: int, failing: set[str]) -> bool:
        """Whether this lost slot is excused; if it is, it counts towards the month's cap."""
        if not all(any(each.excuses(self._source, unit, at_us) for each in self._exemptions) for unit in failing):
            return False
        moment = datetime.fromtimestamp(at_us // 1_000_000, self._zone)
        month = moment.year, moment.month
        if self._excused.get(month, 0) >= cap_slots(self._terms, month, self._zone):
            return False
        self._excused[month] = self._excused.get(month, 0) + 1
        return True


def cap_slots(terms: Terms, month: tuple[int, int], zone: ZoneInfo) -> int:
    """How many slots of a source a calendar month may excuse: the share of its slots, rounded down."""
    first = datetime(month[0], month[1], 1, tzinfo=zone)
    following = datetime(month[0] + month[1] // 12, month[1] % 12 + 1, 1, tzinfo=zone)
    minutes = (following.astimezone(UTC) - first.astimezone(UTC)) // timedelta(minutes=1)
    return int(terms.cap * minutes)


def expect(ledger: Path, park: Park) -> Iterator[Row]:
    """Rows by day, then by source in the order of the configuration."""
    run: dict[str, Any] = {}
    exemptions: list[Exempt] = []
    pages: dict[int, dict[str, list[tuple[str, list[str]]]]] = {}
    for line in read_ledger(ledger):
        match line["kind"]:
            case "run":
                run = line
            case "exemption":
                found = in_force(line, park.terms.grace_us)
                exemptions += [found] if found else []
            case "facts":
                pages.setdefault(line["day"], {})[line["edge"]] = line["runs"]
            case _:
                pass
    if not run:
        raise SimulatorError(f"{ledger}: no line of kind run")
    reckoners = [(source, Reckoner(source, park, exemptions)) for source in park.sources]
    for day in range(run["days"]):
        missing = [box.edge for box in park.boxes if box.edge not in pages.get(day, {})]
        if missing:
            raise SimulatorError(f"{ledger}: no facts of day {day} of {', '.join(missing)}")
        facts = {edge: facts_of(runs) for edge, runs in pages.pop(day).items()}
        for source, reckoner in reckoners:
            yield reckoner.day(run["from_us"] + day * DAY_MINUTES * MINUTE_US, facts[source.edge])
