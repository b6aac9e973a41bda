"""A day of one box before anything is sent: what its instruments show, which of it is bad, and which connections are down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon_sim.history import wire
from hazmon_sim.history.ledger import DAY_MINUTES, MINUTE_US, Times
from hazmon_sim.history.park import Box
from hazmon_sim.history.script import DECODE, QUALITIES, REFUSED, Bad, GroupDown, Script
from hazmon_sim.history.wire import Bytes, Ints
from hazmon_sim.history.world import World

_BEYOND = {"above": 0.10, "below": -0.06, "near": 0.02}  # of the span; near is outside, yet within NE 43's margin
_REPORTED = {"refused": REFUSED, "decode": DECODE}


@dataclass(frozen=True, slots=True)
class ColumnMiss:
    """Scans come without a column, and it is reported why; minutes of the day."""

    column: int
    start: int
    end: int
    cause: int


@dataclass(slots=True)
class Day:
    """Arrays of the day's scans: times int64[T], numbers int32[T, N], quality uint8[T, N], down uint8[minute, group] causes."""

    number: int
    times: Times
    numbers: Ints
    quality: Bytes
    down: Bytes
    misses: list[ColumnMiss]
    plain: list[bool]  # of a minute: all scans there, all good
    bodies: Bytes  # uint8[minute, bytes]: the blocks of a minute as if it were plain, group by group
    borders: list[int]  # where in them each group's block begins, and the end
    good: list[list[bool]]  # of a minute and group: all there is of it is good


class Days:
    """Makes the days of one box."""

    def __init__(self, box: Box, seed: int, from_us: int, scan_s: int, script: Script) -> None:
        self._box = box
        self._from_us = from_us
        self.scans = 60 // scan_s
        self.period_us = scan_s * 1_000_000
        self.offset_us = self.period_us // 6  # of a minute's first scan
        self.world = World(box, seed)
        self.groups = [
            wire.group(group.name, self.period_us, [tag.name for tag in box.tags[group.first : group.last]])
            for group in box.groups
        ]
        self.digests = [wire.group_digest(group) for group in self.groups]
        self.decimals = [[tag.decimals for tag in box.tags[group.first : group.last]] for group in box.groups]
        self._columns = {tag.name: column for column, tag in enumerate(box.tags)}
        self._bad = [bad for bad in script.bad if bad.edge == box.edge]
        self._down = [down for down in script.groups if down.edge == box.edge]

    def make(self, number: int) -> Day:
        """The day of that number, the first being 0."""
        scans = self.scans
        begins_us = self._from_us + number * DAY_MINUTES * MINUTE_US
        times = begins_us + self.offset_us + np.arange(DAY_MINUTES * scans, dtype=np.int64) * self.period_us
        numbers = self.world.day(number, times)
        down = np.zeros((DAY_MINUTES, len(self._box.groups)), np.uint8)
        day = Day(number, times, numbers, np.zeros(numbers.shape, np.uint8), down, [], [], np.zeros((0, 0), np.uint8), [], [])
        for bad in self._bad:
            self._spoil(day, bad)
        for each in self._down:
            self._cut(day, each)
        touched = np.concatenate([down, day.quality.reshape(DAY_MINUTES, -1)], axis=1).max(axis=1) > 0
        for miss in day.misses:
            touched[miss.start : miss.end] = True
        day.plain = [not each for each in touched.tolist()]
        parts = self._blocks(numbers)
        day.bodies = np.concatenate(parts, axis=1)
        day.borders = [0, *np.cumsum([part.shape[1] for part in parts]).tolist()]
        by_minute = day.quality.reshape(DAY_MINUTES, self.scans, -1)
        worst = [by_minute[:, :, group.first : group.last].max(axis=(1, 2)) for group in self._box.groups]
        day.good = (np.stack(worst, axis=1) == 0).tolist()
        return day

    def _spoil(self, day: Day, bad: Bad) -> None:
        start, end = _within(day.number, bad.start, bad.end)
        if start >= end:
            return
        rows = slice(start * self.scans, end * self.scans)
        for tag in bad.tags:
            column = self._columns[tag]
            if bad.fault in _BEYOND:
                shown = self.world.beyond(
                    column, _BEYOND[bad.fault], (end - start) * self.scans, day.number * DAY_MINUTES + start
                )
                day.numbers[rows, column] = shown
            elif bad.fault in _REPORTED:
                day.quality[rows, column] = QUALITIES["hole"]
                day.misses.append(ColumnMiss(column, start, end, _REPORTED[bad.fault]))
            else:
                day.quality[rows, column] = QUALITIES[bad.fault]

    def _cut(self, day: Day, down: GroupDown) -> None:
        start, end = _within(day.number, down.start, down.end)
        if start < end:
            group = next(at for at, group in enumerate(self._box.groups) if group.name == down.group)
            day.down[start:end, group] = down.cause

    def _blocks(self, numbers: Ints) -> list[Bytes]:
        offsets = [self.offset_us + scan * self.period_us - MINUTE_US for scan in range(self.scans)]
        minutes = numbers.reshape(DAY_MINUTES, self.scans, -1)
        return [
            wire.ordinary_blocks(digest, offsets, decimals, minutes[:, :, group.first : group.last])
            for group, digest, decimals in zip(self._box.groups, self.digests, self.decimals, strict=True)
        ]


def _within(day: int, start: int, end: int) -> tuple[int, int]:
    """The part of a span that lies in the day, in minutes of the day; empty if none does."""
    first = day * DAY_MINUTES
    return max(start - first, 0), min(end - first, DAY_MINUTES)
