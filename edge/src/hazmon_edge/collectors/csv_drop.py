"""A folder that a DCS drops its exports into. The folder may be read-only and on a share; nothing is ever changed in it.

A file is taken when it has not changed between two looks, and one without a line end at its end when it has not for longer:
its last number may not be whole. Each row counts once: what was read up to which row's time is stored
in the same transaction as the readings, so neither a crash nor an export that overlaps the one before reads a row twice.
"""

from __future__ import annotations

import asyncio
import fnmatch
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from hazmon_edge.clock import SECOND_NS, SECOND_US, Clock
from hazmon_edge.config import ScanGroup
from hazmon_edge.errors import Cause, NotConnected
from hazmon_edge.exports import Export, Row, parse_export
from hazmon_edge.scans import Collected, Scan, whole_misses
from hazmon_edge.settings import CsvDrop
from hazmon_edge.tags import CsvTag
from hazmon_edge.wire import Miss

LOOK_NS = SECOND_NS
MAX_BYTES = 64 * 1024 * 1024
MAX_VALUES = 100_000  # of one tick; a longer file takes several
GRACE_US = 5 * SECOND_US
FIRST_LAG_US = 60 * SECOND_US  # until the first files have shown how late rows come
MAX_LAG_US = 3600 * SECOND_US
REMEMBERED_NS = 60 * SECOND_NS  # files so much older than the newest one read are never looked at again
STABLE_LOOKS = 2
TORN_LOOKS = 6  # for a file that does not end with a line end
SETTLING_LOOKS = 8  # after the start: what the DCS exported meanwhile must have had the chance to be read
RECENT = 20  # files that may still be appended to

log = logging.getLogger("hazmon.edge")

Look = tuple[int, int]  # size, mtime_ns


@dataclass(slots=True)
class Position:
    """How far the exports have been read.

    `high_us` is the newest row's time, `accounted_us` up to when owed rows have been read or missed, `newest_ns` the newest
    modification time of a file that was read, `lag_us` how long after its first row a file usually comes.
    """

    high_us: int = 0
    accounted_us: int = 0
    newest_ns: int = 0
    lag_us: int = FIRST_LAG_US

    @classmethod
    def load(cls, stored: bytes | None) -> Position:
        """From what `dump` wrote."""
        return cls(**cast("dict[str, int]", json.loads(stored))) if stored else cls()

    def dump(self) -> bytes:
        """As it is stored with the readings."""
        return json.dumps(asdict(self)).encode()


class CsvCollector:
    """All columns of one folder's exports."""

    def __init__(self, connection: CsvDrop, groups: tuple[ScanGroup, ...], clock: Clock, position: bytes | None) -> None:
        self._link = connection
        self._groups = groups
        self._clock = clock
        self._tags = [cast("CsvTag", tag) for group in groups for tag in group.tags]
        self._rows_per_tick = max(1, MAX_VALUES // len(self._tags))
        self._position = Position.load(position)
        if not self._position.accounted_us:
            self._position.accounted_us = clock.now_us()
        self._period_us = round(connection.period_s * SECOND_US)
        self._reachable = False
        self._done: dict[str, Look] = {}
        self._seen: dict[str, tuple[Look, int]] = {}  # at the last look, and at how many in a row
        self._looks = 0
        self._rest: list[Row] = []  # of long files
        self._rest_ns = 0  # the newest file among them
        self._missing: list[str] = []

    @property
    def interval_ns(self) -> int:
        return LOOK_NS

    @property
    def connected(self) -> bool:
        return self._reachable

    def first_ns(self, proposed_ns: int) -> int:
        return proposed_ns

    async def connect(self) -> None:
        """See that the folder can be listed. Raises NotConnected."""
        await self._look()
        self._reachable = True

    async def collect(self, deadline_ns: int) -> Collected:
        """Rows of files that are complete, and misses for rows that did not come in time."""
        collected = Collected()
        if not self._rest:
            await self._read_files(collected)
        if self._rest:
            rows, self._rest = self._rest[: self._rows_per_tick], self._rest[self._rows_per_tick :]
            for row in rows:
                self._take(row, collected)
            if not self._rest:
                self._position.newest_ns = max(self._position.newest_ns, self._rest_ns)
        elif self._looks > SETTLING_LOOKS:
            collected.misses += self._overdue(Cause.TIMEOUT)
            if collected.misses and not collected.error:
                collected.error = "no export in time"
        if not collected.is_empty:
            collected.position = (self._link.name, self._position.dump())
        return collected

    def owe(self, cause: Cause, at_us: int, ticks: int) -> list[Miss]:
        """What has become overdue; a tick is only a look and owes nothing by itself. A slow look is no reason of its own."""
        return [] if cause in (Cause.TIMEOUT, Cause.BOX_OFF) else self._overdue(cause)

    async def close(self) -> None:
        self._reachable = False

    async def _read_files(self, collected: Collected) -> None:
        looks = await self._look()
        before, self._seen = self._seen, {}
        for name, look in looks.items():
            last, times = before.get(name, (look, 0))
            self._seen[name] = (look, times + 1 if last == look else 1)
        stable = sorted((look[1], name) for name, (look, times) in self._seen.items() if times >= STABLE_LOOKS)
        self._looks += 1
        for mtime_ns, name in stable:
            if len(self._rest) >= self._rows_per_tick:
                break  # the others wait for the next tick
            look, times = self._seen[name]
            try:
                export = await asyncio.to_thread(self._parse, self._link.folder / name, times >= TORN_LOOKS)
            except OSError as error:
                raise self._gone(error) from None
            except ValueError as error:
                self._done[name] = look
                log.error("connection %s: %s refused: %s", self._link.name, name, error)
                collected.error = f"{name}: {error}"
                collected.misses += whole_misses(self._groups, Cause.DECODE, self._clock.now_us())
                collected.position = (self._link.name, self._position.dump())
                continue
            if export is None:
                continue
            self._done[name] = look
            self._rest_ns = max(self._rest_ns, mtime_ns)
            self._say(name, export)
            rows = [row for row in export.rows if row.at_us > self._position.high_us]
            if rows:
                self._learn_lag(mtime_ns // 1_000 - rows[0].at_us)
            self._rest += rows
            if export.bad_lines:
                collected.error = f"{name}: {export.bad_lines[0]}"
                collected.misses += whole_misses(self._groups, Cause.DECODE, self._clock.now_us(), len(export.bad_lines))
        self._rest.sort(key=lambda row: row.at_us)

    async def _look(self) -> dict[str, Look]:
        try:
            return await asyncio.to_thread(self._list)
        except OSError as error:
            raise self._gone(error) from None

    def _gone(self, error: OSError) -> NotConnected:
        self._reachable = False
        return NotConnected(f"{self._link.folder}: {error.strerror or error}")

    def _list(self) -> dict[str, Look]:
        """Files that are not known to be read to their end. Only the newest few known ones are looked at again."""
        recent = set(sorted(self._done, key=lambda name: self._done[name][1])[-RECENT:])
        looks: dict[str, Look] = {}
        for name in fnmatch.filter((path.name for path in self._link.folder.iterdir()), self._link.pattern):
            if name in self._done and name not in recent:
                continue
            try:
                found = (self._link.folder / name).stat()
            except FileNotFoundError:  # renamed meanwhile
                continue
            look = (found.st_size, found.st_mtime_ns)
            if found.st_mtime_ns < self._position.newest_ns - REMEMBERED_NS:
                self._done.setdefault(name, look)
            elif self._done.get(name) != look:
                looks[name] = look
        return looks

    def _parse(self, path: Path, is_settled: bool) -> Export | None:
        """None: not yet, the last line may still be growing. Raises ValueError for what is no export."""
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES} bytes")
        data = path.read_bytes()
        if not is_settled and not data.rstrip(b"\0").endswith((b"\n", b"\r")):
            return None
        return parse_export(data, self._link, self._tags)

    def _take(self, row: Row, collected: Collected) -> None:
        """A row into a scan of each group; the rows that should have been before it are missed."""
        position = self._position
        if row.at_us <= position.high_us:
            return
        if position.high_us:
            late = row.at_us - position.accounted_us - self._period_us // 2
            collected.misses += self._missed(Cause.TIMEOUT, late // self._period_us)
        position.high_us = row.at_us
        position.accounted_us = max(position.accounted_us, row.at_us)
        start = 0
        for group in self._groups:
            end = start + len(group.tags)
            scan = Scan(group.digest, row.at_us, row.values[start:end], row.quality[start:end])
            collected.scans.append(scan)
            collected.misses += [
                Miss(group.digest, column - start, row.at_us, 1, Cause.DECODE)
                for column in row.undecodable
                if start <= column < end
            ]
            start = end

    def _overdue(self, cause: Cause) -> list[Miss]:
        """Rows whose file should long have been here, by half as much again as files usually take."""
        allowed = self._position.lag_us * 3 // 2 + GRACE_US
        late = self._clock.now_us() - self._position.accounted_us - allowed
        return self._missed(cause, late // self._period_us)

    def _learn_lag(self, lag_us: int) -> None:
        """How long after its first new row a file was written: believed at once when longer, by a tenth when shorter."""
        if 0 <= lag_us <= MAX_LAG_US:
            position = self._position
            position.lag_us = max(lag_us, position.lag_us + (lag_us - position.lag_us) // 10)

    def _missed(self, cause: Cause, count: int) -> list[Miss]:
        if count <= 0:
            return []
        at_us = self._position.accounted_us + self._period_us
        self._position.accounted_us += count * self._period_us
        return whole_misses(self._groups, cause, at_us, count)

    def _say(self, name: str, export: Export) -> None:
        for line in export.bad_lines[:3]:
            log.warning("connection %s: %s: %s", self._link.name, name, line)
        if export.missing_columns != self._missing:
            self._missing = export.missing_columns
            if self._missing:
                log.warning("connection %s: %s has no column %s", self._link.name, name, ", ".join(self._missing))
