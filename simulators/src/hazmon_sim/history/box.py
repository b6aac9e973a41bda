"""One simulated box: makes its batches minute by minute, keeps what it cannot send, and enters in the account what arrived."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from hazmon_sim.history import wire
from hazmon_sim.history.day import Day, Days
from hazmon_sim.history.ledger import DAY_MINUTES, MINUTE_US, Account, Times
from hazmon_sim.history.park import Box, Terms
from hazmon_sim.history.script import BOX_OFF, LINK_OFF, QUALITIES, Script
from hazmon_sim.history.wire import Bytes, Ints

BACKLOG_MINUTES = 10  # while there is no link, so many minutes make a batch
BODY_BATCHES = 60
HOLE_CODE = QUALITIES["hole"]
_ON, _OFF, _LOST = range(3)
_UP, _KEPT, _DROPPED = range(3)


@dataclass(frozen=True, slots=True)
class Scans:
    """Scans of a group: numbers int32[T, n], quality uint8[T, n] of the columns from `first` on."""

    first: int
    times: Times
    numbers: Ints
    quality: Bytes


@dataclass(frozen=True, slots=True)
class Missed:
    """A miss, of the columns `first` to `last` (exclusive)."""

    first: int
    last: int
    at_us: int
    count: int
    cause: int


@dataclass(slots=True)
class Made:
    """A batch that was made. The scans of one that arrives in its own minute, as most do, are entered with its day."""

    canonical: bytes
    seq: int
    boot: int
    start: int  # minutes since the beginning
    end: int
    how: str = "live"
    scans: list[Scans] = field(default_factory=list[Scans])
    misses: list[Missed] = field(default_factory=list[Missed])
    in_time: bool = False
    is_duplicate: bool = False


class SimulatedBox:
    """Call `begin_day`, then `minute` for every minute of the day, then `end_day`."""

    def __init__(self, box: Box, script: Script, seed: int, from_us: int, minutes: int, scan_s: int, terms: Terms) -> None:
        self.edge = box.edge
        self._box = box
        self._from_us = from_us
        self._days = Days(box, seed, from_us, scan_s, script)
        self.account = Account(box, from_us, terms)
        self._boots = random.Random(f"{seed} {box.edge}")
        self._state = _spans(minutes, [(o.start, o.end, _OFF) for o in script.off if o.edge == box.edge])
        lost = _spans(minutes, [(o.start, o.end, _LOST) for o in script.lost if o.edge == box.edge])
        self._state = bytes(max(pair) for pair in zip(self._state, lost, strict=True))
        links = [(o.start, o.end, _KEPT if o.keeps else _DROPPED) for o in script.link if o.edge == box.edge]
        self._link = _spans(minutes, links)
        self._twice = {t.minute: t.later for t in script.twice if t.edge == box.edge}
        self._swapped = {s.minute for s in script.swapped if s.edge == box.edge}
        self._name = box.edge.encode()
        self.boot = self._new_boot()
        self.seq = 0
        self._previous = wire.FIRST_LINK
        self._pending: list[Made] = []
        self._again: list[Made] = []
        self._since = 0  # the first minute that waits to become a batch, while there is no link
        self._owing: tuple[int, int] | None = None  # since when nothing could be kept, and the cause to report
        self._day: Day | None = None
        self._in_time: list[int] = []
        self.readings = 0

    @property
    def waiting(self) -> int:
        """Batches that wait for a link."""
        return len(self._pending)

    @property
    def unsettled(self) -> int:
        """The first minute of which something may still arrive."""
        open_ = [self._since, *(made.start for made in self._pending)]
        return min(open_ if self._owing is None else [*open_, self._owing[0]])

    def begin_day(self, number: int) -> None:
        """Make the day's values."""
        self._day = self._days.make(number)
        self._in_time = []
        self._since = number * DAY_MINUTES

    def minute(self, minute: int) -> list[list[Made]]:
        """What is sent at the end of this minute: bodies of batches. Empty when nothing can be sent."""
        state, link = self._state[minute], self._link[minute]
        if state in (_LOST, _OFF):
            self._close_stretch(minute)
            if state == _OFF:  # also of what it had dropped and never came to report
                self._owing = (minute if self._owing is None else self._owing[0], BOX_OFF)
            self._since = minute + 1
            return []
        if link == _DROPPED:
            self._close_stretch(minute)
            self._owing = self._owing or (minute, LINK_OFF)
            self._since = minute + 1
            return []
        if self._owing is not None:
            self._settle_debt(minute, *self._owing)
        if link == _KEPT:
            if minute + 1 - self._since >= BACKLOG_MINUTES or (minute + 1) % DAY_MINUTES == 0:
                self._close_stretch(minute + 1)
            return []
        self._close_stretch(minute)
        self._since = minute + 1
        if minute in self._swapped and self._declared:
            self._pending.append(self._make(minute, minute + 1, "swapped"))
            return []
        return self._send(minute, self._make_live(minute))

    def arrived(self, made: Made, now_us: int) -> None:
        """The park has it: enter it in the account."""
        if made.in_time:
            self._in_time.append(made.start)
        for each in made.scans:
            values = each.numbers / np.array(
                [10.0**tag.decimals for tag in self._box.tags[each.first :][: each.numbers.shape[1]]]
            )
            self.readings += int((each.quality != HOLE_CODE).sum())
            self.account.samples(each.first, each.times, values, each.quality, np.full(len(each.times), now_us))
        for miss in made.misses:
            self.account.miss(miss.first, miss.last, miss.at_us, miss.count, self._days.period_us, miss.cause)

    def end_day(self) -> None:
        """Enter the minutes that arrived in time: each at its end."""
        day, scans = self._today, self._days.scans
        minutes = np.array(self._in_time, np.int64)
        values = self._days.world.values(day.numbers)
        for at, group in enumerate(self._box.groups):
            read = minutes[day.down[minutes % DAY_MINUTES, at] == 0]
            rows = ((read % DAY_MINUTES)[:, None] * scans + np.arange(scans)).reshape(-1)
            if rows.size:
                arrived = np.repeat(self._from_us + (read + 1) * MINUTE_US, scans)
                quality = day.quality[rows, group.first : group.last]
                self.account.samples(group.first, day.times[rows], values[rows, group.first : group.last], quality, arrived)
                self.readings += int((quality != HOLE_CODE).sum())

    @property
    def _today(self) -> Day:
        if self._day is None:
            raise RuntimeError("begin_day comes before minute")
        return self._day

    @property
    def _declared(self) -> bool:
        return self.seq > 0

    def _new_boot(self) -> int:
        return self._boots.randrange(1, 2**62)

    def _close_stretch(self, end: int) -> None:
        """Minutes that had no link become a batch that waits."""
        if self._since < end:
            self._pending.append(self._make(self._since, end, "backlog"))
        self._since = end

    def _settle_debt(self, minute: int, since: int, cause: int) -> None:
        """After an outage of the box or of its outbox: a batch that says what was not read or not kept."""
        self._owing = None
        if cause == BOX_OFF:
            self.boot, self.seq = self._new_boot(), 0
        count = (minute - since) * self._days.scans
        at_us = self._from_us + since * MINUTE_US + self._days.offset_us
        misses = [Missed(group.first, group.last, at_us, count, cause) for group in self._box.groups]
        packed = [wire.miss(digest, wire.WHOLE_GROUP, at_us, count, cause) for digest in self._days.digests]
        made_us = self._from_us + minute * MINUTE_US + 1
        self._pending.append(self._finish(Made(b"", 0, 0, since, minute, "debt", [], misses), made_us, (0, b""), packed))
        self._since = max(self._since, minute)

    def _send(self, minute: int, live: Made) -> list[list[Made]]:
        """The live batch first, then what waited; what goes twice, twice."""
        first = [made for made in self._pending if made.seq == 1] + [live]  # the park must know a boot's groups
        self._pending = [made for made in self._pending if made.seq != 1]
        if self._twice.get(minute) is False:
            first.append(_copy(live))
        bodies = [first]
        self._pending += [_copy(made) for made in self._again]
        self._again = [live] if self._twice.get(minute) else []
        waiting, self._pending = self._pending, []
        bodies += [waiting[at : at + BODY_BATCHES] for at in range(0, len(waiting), BODY_BATCHES)]
        return bodies

    def _make_live(self, minute: int) -> Made:
        """The batch of a minute that is sent at once."""
        day, at = self._today, minute % DAY_MINUTES
        made = Made(b"", 0, 0, minute, minute + 1, in_time=True)
        made_us = self._from_us + (minute + 1) * MINUTE_US
        body = day.bodies[at].tobytes()
        if day.plain[at]:
            return self._finish(made, made_us, (len(self._box.groups), body), ())
        blocks: list[bytes] = []
        scans = slice(at * self._days.scans, (at + 1) * self._days.scans)
        for number, group in enumerate(self._box.groups):
            if not day.down[at, number]:
                block = body[day.borders[number] : day.borders[number + 1]]
                quality = day.quality[scans, group.first : group.last]
                blocks.append(block if day.good[at][number] else wire.with_quality(block, quality))
        misses = self._misses(made)
        return self._finish(made, made_us, (len(blocks), b"".join(blocks)), misses)

    def _make(self, start: int, end: int, how: str) -> Made:
        """A batch of the minutes `start` to `end` (exclusive) of today, whatever they hold."""
        day, days = self._today, self._days
        made = Made(b"", 0, 0, start, end, how)
        made_us = self._from_us + end * MINUTE_US
        first, last = start - day.number * DAY_MINUTES, end - day.number * DAY_MINUTES
        blocks: list[bytes] = []
        for at, (group, digest) in enumerate(zip(self._box.groups, days.digests, strict=True)):
            causes = day.down[first:last, at]
            rows = (np.flatnonzero(causes == 0)[:, None] + first) * days.scans + np.arange(days.scans)
            rows = rows.reshape(-1)
            if rows.size:
                columns = slice(group.first, group.last)
                scans = Scans(group.first, day.times[rows], day.numbers[rows, columns], day.quality[rows, columns])
                made.scans.append(scans)
                blocks.append(
                    wire.block(digest, (scans.times - made_us).tolist(), days.decimals[at], scans.numbers, scans.quality)
                )
        return self._finish(made, made_us, (len(blocks), b"".join(blocks)), self._misses(made))

    def _misses(self, made: Made) -> list[bytes]:
        """What is missed in the batch's minutes; entered in `made`, and packed."""
        day, days = self._today, self._days
        base = day.number * DAY_MINUTES
        first, last = made.start - base, made.end - base
        misses: list[bytes] = []
        for at, (group, digest) in enumerate(zip(self._box.groups, days.digests, strict=True)):
            for begin, stop, cause in _runs(day.down[first:last, at]):
                miss = self._missed(group.first, group.last, made.start + begin, made.start + stop, cause)
                made.misses.append(miss)
                misses.append(wire.miss(digest, wire.WHOLE_GROUP, miss.at_us, miss.count, cause))
        for each in day.misses:
            begin, stop = max(each.start, first), min(each.end, last)
            if begin < stop:
                at = next(at for at, group in enumerate(self._box.groups) if each.column < group.last)
                miss = self._missed(each.column, each.column + 1, base + begin, base + stop, each.cause)
                made.misses.append(miss)
                column = each.column - self._box.groups[at].first
                misses.append(wire.miss(days.digests[at], column, miss.at_us, miss.count, each.cause))
        return misses

    def _missed(self, first: int, last: int, start: int, end: int, cause: int) -> Missed:
        at_us = self._from_us + start * MINUTE_US + self._days.offset_us
        return Missed(first, last, at_us, (end - start) * self._days.scans, cause)

    def _finish(self, made: Made, made_us: int, blocks: tuple[int, bytes], misses: Iterable[bytes]) -> Made:
        """Number it and put it into the chain; the first batch of a boot declares the groups."""
        groups = () if self._declared else self._days.groups
        self.seq += 1
        made.boot, made.seq = self.boot, self.seq
        made.canonical = wire.batch(self._name, self.boot, self.seq, self._previous, made_us, groups, blocks, tuple(misses))
        self._previous = wire.link(made.canonical)
        return made


def _copy(made: Made) -> Made:
    return Made(made.canonical, made.seq, made.boot, made.start, made.end, "again", is_duplicate=True)


def _spans(minutes: int, spans: list[tuple[int, int, int]]) -> bytes:
    """The greatest number of the spans that cover a minute, 0 where none does."""
    found = np.zeros(minutes, np.uint8)
    for start, end, number in spans:
        found[start:end] = np.maximum(found[start:end], number)
    return found.tobytes()


def _runs(causes: Bytes) -> list[tuple[int, int, int]]:
    """From, to and cause of the runs of one cause other than 0."""
    if len(causes) == 1:
        return [(0, 1, int(causes[0]))] if causes[0] else []
    borders = [0, *(np.flatnonzero(np.diff(causes)) + 1).tolist(), len(causes)]
    return [(a, b, int(causes[a])) for a, b in pairwise(borders) if a < b and causes[a]]
