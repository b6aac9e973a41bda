"""The file behind the outbox: one SQLite database, WAL, every commit synced. Blocking; runs on the outbox's own thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import apsw
import zstandard

from hazmon_edge.errors import OutboxError
from hazmon_edge.wire import Group

SCHEMA = 1
_TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE batch (
    n INTEGER PRIMARY KEY,      -- order of making, across boots
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    made_us INTEGER NOT NULL,
    alive_us INTEGER NOT NULL,  -- how long the box had run in all, for the age of a batch: wall clocks step
    size INTEGER NOT NULL,      -- canonical bytes
    bytes BLOB NOT NULL,        -- canonical, or zstd of it where that is shorter
    packed INTEGER NOT NULL
);
CREATE TABLE parked (
    n INTEGER PRIMARY KEY, boot TEXT NOT NULL, seq INTEGER NOT NULL, made_us INTEGER NOT NULL,
    bytes BLOB NOT NULL, packed INTEGER NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE chain (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER, digest BLOB, made_us INTEGER, alive_us INTEGER);
CREATE TABLE position (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE scan_group (digest BLOB PRIMARY KEY, name TEXT NOT NULL, period_us INTEGER NOT NULL, points TEXT NOT NULL);
PRAGMA user_version = 1;
COMMIT;
"""

_P = ParamSpec("_P")
_R = TypeVar("_R")

log = logging.getLogger("hazmon.edge")


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch in the outbox. `n` is its place in the order of making."""

    n: int
    boot: int
    seq: int
    made_us: int
    alive_us: int
    canonical: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The last batch ever made: where numbering and the digest chain go on."""

    n: int = 0
    digest: bytes = bytes(16)
    made_us: int = 0
    alive_us: int = 0


@dataclass(slots=True)
class Changes:
    """Everything one transaction does."""

    entries: list[Entry] = field(default_factory=list[Entry])
    positions: dict[str, bytes] = field(default_factory=dict[str, bytes])
    groups: list[Group] = field(default_factory=list[Group])
    deleted: list[int] = field(default_factory=list[int])
    parked: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


class _Database(Protocol):
    """What is used of apsw.Connection, whose own stubs leave the types of bindings open."""

    def execute(self, statements: str, bindings: Sequence[object] = (), /) -> Iterator[Any]: ...
    def executemany(self, statements: str, bindings: Iterable[Sequence[object]], /) -> Iterator[Any]: ...
    def get_autocommit(self) -> bool: ...
    def set_busy_timeout(self, milliseconds: int, /) -> None: ...
    def close(self, force: bool = False, /) -> None: ...


def _plainly(call: Callable[_P, _R]) -> Callable[_P, _R]:
    """What the database cannot read is an OutboxError too."""

    @wraps(call)
    def answer(*arguments: _P.args, **named: _P.kwargs) -> _R:
        try:
            return call(*arguments, **named)
        except apsw.Error as error:
            raise OutboxError(f"the disk failed: {error}") from error

    return answer


class OutboxFile:
    """Opens, checks, writes and reads the file."""

    def __init__(self, path: Path, now_us: Callable[[], int]) -> None:
        self._path = path
        self._now_us = now_us
        self._pack = zstandard.ZstdCompressor(level=3)
        self._unpack = zstandard.ZstdDecompressor()
        self._db = self._open()

    def head(self) -> Head:
        """Where the chain stands."""
        rows = list(self._db.execute("SELECT n, digest, made_us, alive_us FROM chain"))
        return Head(*rows[0]) if rows else Head()

    def depth(self) -> tuple[int, int]:
        """Batches kept and their canonical bytes."""
        return next(self._db.execute("SELECT count(*), coalesce(sum(size), 0) FROM batch"))

    def positions(self) -> dict[str, bytes]:
        """All positions of collectors."""
        return dict(self._db.execute("SELECT name, value FROM position"))

    def groups(self) -> dict[bytes, Group]:
        """Every scan group ever declared, by digest."""
        rows = self._db.execute("SELECT digest, name, period_us, points FROM scan_group")
        return {digest: Group(name, period_us, tuple(points.split("\x1f"))) for digest, name, period_us, points in rows}

    @_plainly
    def oldest(self, after: int, max_count: int, max_bytes: int) -> list[Entry]:
        """Batches in order of making with n > after; at least one if there is one."""
        entries: list[Entry] = []
        size = 0
        for n, boot, seq, made_us, alive_us, data, packed in self._db.execute(
            "SELECT n, boot, seq, made_us, alive_us, bytes, packed FROM batch WHERE n > ? ORDER BY n LIMIT ?", (after, max_count)
        ):
            canonical = self._unpack.decompress(data) if packed else data
            size += len(canonical)
            if entries and size > max_bytes:
                break
            entries.append(Entry(n, int(boot), seq, made_us, alive_us, canonical, b""))
        return entries

    @_plainly
    def oldest_age(self) -> tuple[int, int] | None:
        """made_us and alive_us of the oldest batch kept."""
        return next(self._db.execute("SELECT made_us, alive_us FROM batch ORDER BY n LIMIT 1"), None)

    def commit(self, changes: Changes) -> None:
        """All of it or nothing, synced to disk on return. Raises OutboxError; the caller still has everything."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._write(changes)
                self._db.execute("COMMIT")
            except apsw.Error:
                if not self._db.get_autocommit():
                    self._db.execute("ROLLBACK")
                raise
        except (apsw.IOError, apsw.ConnectionClosedError) as error:
            # After a failed sync the kernel may have dropped the pages: nothing this handle believes can be trusted.
            self._reopen()
            raise OutboxError(f"the disk failed: {error}") from error
        except apsw.FullError as error:
            raise OutboxError("the disk is full") from error
        except apsw.Error as error:
            raise OutboxError(f"the outbox file cannot be written: {error}") from error

    @_plainly
    def shrink(self) -> None:
        """Give some free pages back to the file system."""
        self._db.execute("PRAGMA incremental_vacuum(2000)")

    def close(self) -> None:
        """Close the file; everything committed is on disk."""
        self._db.close()

    def _write(self, changes: Changes) -> None:
        db = self._db
        if changes.groups:
            db.executemany(
                "INSERT OR IGNORE INTO scan_group VALUES (?, ?, ?, ?)",
                [(g.digest, g.name, g.period_us, "\x1f".join(g.points)) for g in changes.groups],
            )
        if changes.entries:
            db.executemany("INSERT OR REPLACE INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._rows(changes.entries))
            last = changes.entries[-1]
            db.execute("INSERT OR REPLACE INTO chain VALUES (1, ?, ?, ?, ?)", (last.n, last.digest, last.made_us, last.alive_us))
        if changes.positions:
            db.executemany("INSERT OR REPLACE INTO position VALUES (?, ?)", list(changes.positions.items()))
        if changes.parked:
            db.executemany(
                "INSERT OR IGNORE INTO parked SELECT n, boot, seq, made_us, bytes, packed, ? FROM batch WHERE n = ?",
                [(reason, n) for n, reason in changes.parked],
            )
        gone = [*changes.deleted, *(n for n, _ in changes.parked)]
        if gone:
            db.executemany("DELETE FROM batch WHERE n = ?", [(n,) for n in gone])

    def _rows(self, entries: Iterable[Entry]) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        for entry in entries:
            data = self._pack.compress(entry.canonical)
            packed = len(data) < len(entry.canonical)
            rows.append(
                (
                    entry.n,
                    str(entry.boot),
                    entry.seq,
                    entry.made_us,
                    entry.alive_us,
                    len(entry.canonical),
                    data if packed else entry.canonical,
                    int(packed),
                )
            )
        return rows

    def _open(self) -> _Database:
        """Open and check; a file that is damaged is set aside under a new name and a new one begun."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(self._path)
        except (apsw.CorruptError, apsw.NotADBError) as error:
            aside = self._path.with_name(f"{self._path.name}.damaged-{self._now_us()}")
            for suffix in ("", "-wal", "-shm"):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
            log.error("outbox %s is damaged (%s); set aside as %s, going on with an empty one", self._path, error, aside.name)
            return _connect(self._path)

    def _reopen(self) -> None:
        try:
            self._db.close(True)
            self._db = self._open()
        except apsw.Error:
            log.exception("outbox %s cannot be opened again", self._path)


def _connect(path: Path) -> _Database:
    db = cast("_Database", apsw.Connection(str(path)))
    try:
        db.set_busy_timeout(2000)
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = -512")
        (found,) = next(db.execute("PRAGMA quick_check(1)"))
        if found != "ok":
            raise apsw.CorruptError(str(found))
        (version,) = next(db.execute("PRAGMA user_version"))
        if version == 0:
            db.execute(_TABLES)
        elif version != SCHEMA:
            raise OutboxError(f"{path} is of version {version}; this box writes version {SCHEMA}")
    except (apsw.Error, OutboxError):
        db.close(True)
        raise
    return db
