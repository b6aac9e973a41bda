"""What was delivered and filed, in the terms of an auditor: JSON lines, written by the simulator for its own reckoning.

    {"kind":"run","from_us":..,"days":..,"seed":..,"scan_s":..,"timezone":"Asia/Shanghai","edges":["E01",..]}
    {"kind":"happening","what":"LinkDown","how":{"edge":"E01","start":..,"end":..,..}}      what the script planned, in minutes
    {"kind":"delivery","edge":"E01","at_us":..,"first_us":..,"last_us":..,"how":"backlog"}     other than in its own minute
    {"kind":"exemption","id":..,"target":..,"whole_source":..,"start_us":..,"until_us":..,"filed_us":..,"approved":..,...}
    {"kind":"facts","edge":"E01","day":0,"runs":[["1440*65",["LT-1101",..]],..]}   facts of a day's minutes, run by run

A fact is one number a point and minute: 0 nothing, 1-8 a miss by cause, 9 a scan without the point, 20-26 a sample of bad
quality, 27 out of range, 28 suspect time, 29 too late, 64 good but late, 65 good and prompt. Of several the greatest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from hazmon_sim.history.park import Box, Terms
from hazmon_sim.history.wire import Bytes
from hazmon_sim.history.world import outside

MINUTE_US = 60_000_000
DAY_MINUTES = 1440
HOLE, OUT_OF_RANGE, CLOCK_SUSPECT, TOO_LATE, LATE, PROMPT = 9, 27, 28, 29, 64, 65
_BY_QUALITY = {1: 20, 2: 21, 3: 22, 4: 23, 5: 24, 6: OUT_OF_RANGE, 7: 25, 8: CLOCK_SUSPECT, 128: HOLE, 129: 26}

Times = NDArray[np.int64]


class Account:
    """The facts of one box, a day at a time: uint8[minute, tag]."""

    def __init__(self, box: Box, from_us: int, terms: Terms) -> None:
        self._from_us = from_us
        self._terms = terms
        self._tags = [tag.name for tag in box.tags]
        self._low, self._high = outside(box.tags)
        self._of_quality = np.zeros(256, np.uint8)
        for code, fact in _BY_QUALITY.items():
            self._of_quality[code] = fact
        self.days: dict[int, Bytes] = {}

    def samples(self, first: int, times: Times, values: NDArray[np.float64], quality: Bytes | None, arrived: Times) -> None:
        """Scans that arrived: values float64[T, N] of the tags from column `first` on, times and arrivals int64[T], in order."""
        columns = slice(first, first + values.shape[1])
        age = arrived - times
        terms = self._terms
        of_age = np.select(
            [age < -terms.clock_us, age > terms.late_us, age > terms.prompt_us], [CLOCK_SUSPECT, TOO_LATE, LATE], PROMPT
        )
        facts = np.repeat(of_age.astype(np.uint8)[:, None], values.shape[1], axis=1)
        facts[(values < self._low[columns]) | (values > self._high[columns])] = OUT_OF_RANGE
        if quality is not None:
            facts = np.where(quality == 0, facts, self._of_quality[quality])
        minutes = (times - self._from_us) // MINUTE_US
        starts = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
        best = np.maximum.reduceat(facts, starts, axis=0)
        for day, rows in _by_day(minutes[starts]):
            page = self._page(day)
            spots = minutes[starts][rows] % DAY_MINUTES
            page[spots, columns] = np.maximum(page[spots, columns], best[rows])

    def miss(self, first: int, last: int, at_us: int, count: int, period_us: int, cause: int) -> None:
        """`count` readings of the columns `first` to `last` (exclusive) reported as missed from `at_us` on, a period apart."""
        minutes = np.unique((at_us + np.arange(count) * period_us - self._from_us) // MINUTE_US)
        for day, rows in _by_day(minutes):
            page = self._page(day)
            spots = minutes[rows] % DAY_MINUTES
            page[spots, first:last] = np.maximum(page[spots, first:last], np.uint8(cause))

    def runs(self, day: int) -> list[tuple[str, list[str]]]:
        """The day's facts as text, tags alike together."""
        page = self._page(day)
        families: dict[str, list[str]] = {}
        plain = (page == page[0]).all(axis=0)
        for column, tag in enumerate(self._tags):
            text = f"{len(page)}*{page[0, column]}" if plain[column] else _runs(page[:, column])
            families.setdefault(text, []).append(tag)
        return list(families.items())

    def _page(self, day: int) -> Bytes:
        if day not in self.days:
            self.days[day] = np.zeros((DAY_MINUTES, len(self._tags)), np.uint8)
        return self.days[day]


class Ledger:
    """Appends lines to the file, which must not exist: a ledger is of one run."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("xb")
        self._encode = msgspec.json.Encoder().encode

    def write(self, kind: str, **what: Any) -> None:
        """One line."""
        self._file.write(self._encode({"kind": kind, **what}) + b"\n")

    def close(self) -> None:
        """No more lines."""
        self._file.close()


def read_ledger(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a ledger, in the order of writing."""
    decoder = msgspec.json.Decoder(dict[str, Any])
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)


def facts_of(runs: Iterable[tuple[str, list[str]]]) -> Mapping[str, Bytes]:
    """uint8[minute] of every tag, from a facts line's runs."""
    found: dict[str, Bytes] = {}
    for text, tags in runs:
        pairs = [run.split("*") for run in text.split()]
        facts = np.repeat(np.array([int(fact) for _, fact in pairs], np.uint8), [int(count) for count, _ in pairs])
        found.update(dict.fromkeys(tags, facts))
    return found


def _runs(facts: Bytes) -> str:
    starts = np.flatnonzero(np.diff(facts.astype(np.int16), prepend=-1))
    counts = np.diff(starts, append=len(facts))
    return " ".join(f"{count}*{facts[start]}" for start, count in zip(starts.tolist(), counts.tolist(), strict=True))


def _by_day(minutes: Times) -> Iterator[tuple[int, NDArray[np.intp]]]:
    days = minutes // DAY_MINUTES
    for day in np.unique(days).tolist():
        yield int(day), np.flatnonzero(days == day)
