"""The record as a bundle needs it: leaves of a stretch of the log with what they say, checkpoints, and the tables beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from hazmon.clock import MINUTE_US, as_datetime, as_us
from hazmon.errors import LedgerError
from hazmon.ledger.content import Batch, encode
from hazmon.ledger.tree import HASH, TILE, Read, fold
from hazmon.store.alarms import event_of
from hazmon.store.ledger import event_json, read_hashes, unpacked
from hazmon.store.pool import Connection

HOUR_US = 60 * MINUTE_US


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint as its row says; `at` in microseconds."""

    size: int
    at: int
    day: date | None
    note: bytes


@dataclass(frozen=True, slots=True)
class LeafRow:
    """A leaf with its content as the record has it, or why it cannot be read."""

    n: int
    kind: str
    content: bytes


@asynccontextmanager
async def at_one_instant(connection: Connection) -> AsyncGenerator[None]:
    """Everything read in the block is of one moment; nothing is written."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


async def checkpoints(connection: Connection) -> list[CheckpointRow]:
    """All checkpoints, by size."""
    rows = await (await connection.execute("SELECT size, at, day, note FROM checkpoint ORDER BY size, at")).fetchall()
    return [CheckpointRow(size, as_us(at), day, note.encode()) for size, at, day, note in rows]


async def statements(connection: Connection, kinds: Sequence[str], first: int, end: int, faults: list[str]) -> list[LeafRow]:
    """Statements of these kinds among the leaves [first, end); what does not unpack is named in `faults`."""
    rows = await (
        await connection.execute(
            "SELECT n, kind, content FROM statement WHERE kind = ANY(%b) AND n >= %b AND n < %b ORDER BY n",
            (list(kinds), first, end),
            binary=True,
        )
    ).fetchall()
    found: list[LeafRow] = []
    for n, kind, content in rows:
        try:
            found.append(LeafRow(n, kind, unpacked(content)))
        except LedgerError as error:
            faults.append(f"statement {n}: {error}")
    return found


async def batches(connection: Connection, edges: Sequence[str], first: int, end: int, faults: list[str]) -> list[LeafRow]:
    """The batches of these boxes among the leaves [first, end), as leaves; two rows of one leaf are a fault."""
    rows = await (
        await connection.execute(
            "SELECT n, edge, boot, seq, arrived_at, clock_offset, body FROM evidence"
            " WHERE edge = ANY(%b) AND n >= %b AND n < %b ORDER BY n",
            (list(edges), first, end),
            binary=True,
        )
    ).fetchall()
    found: dict[int, LeafRow] = {}
    for n, edge, boot, seq, arrived, offset, body in rows:
        try:
            leaf = Batch(edge, boot, seq, as_us(arrived), offset or None, unpacked(body))
            if n in found:
                raise LedgerError(f"leaf {n} stands twice in the table of batches")
            found[n] = LeafRow(n, "batch", encode(leaf))
        except LedgerError as error:
            faults.append(f"batch {edge}/{boot}/{seq}, leaf {n}: {error}")
    return list(found.values())


async def kinds_of(connection: Connection, first: int, end: int) -> dict[int, str]:
    """What each of the leaves [first, end) is, by the tables that hold their contents; what is in none is gone."""
    rows = await (
        await connection.execute(
            "SELECT n, 'batch' FROM evidence WHERE n >= %(first)s AND n < %(end)s"
            " UNION ALL SELECT n, kind FROM statement WHERE n >= %(first)s AND n < %(end)s",
            {"first": first, "end": end},
        )
    ).fetchall()
    return dict(rows)


async def groups(connection: Connection, edges: Sequence[str]) -> list[tuple[str, str, int, list[str]]]:
    """Box, name, period (microseconds) and tags of every scan group that these boxes ever declared."""
    return await (
        await connection.execute(
            "SELECT edge, name, period_us, tags FROM scan_group WHERE edge = ANY(%s) ORDER BY edge, digest", (list(edges),)
        )
    ).fetchall()


async def pages(
    connection: Connection, sources: Sequence[str], begin: int, end: int
) -> list[tuple[str, int, list[str], bytes, int | None]]:
    """Source, hour since 1970, tags, facts and leaf of the pages of [begin, end) microseconds."""
    rows = await (
        await connection.execute(
            "SELECT h.source, h.hour, l.tags, h.facts, h.leaf FROM coverage_hour h JOIN coverage_layout l USING (layout_id)"
            " WHERE h.source = ANY(%b) AND h.hour >= %b AND h.hour < %b ORDER BY h.source, h.hour",
            (list(sources), as_datetime(begin), as_datetime(end)),
            binary=True,
        )
    ).fetchall()
    return [(source, as_us(hour) // HOUR_US, tags, bytes(facts), leaf) for source, hour, tags, facts, leaf in rows]


async def pending(connection: Connection, kinds: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """What of these kinds was said and is not in the ledger yet, in its order."""
    return await (
        await connection.execute("SELECT kind, body FROM ledger_pending WHERE kind = ANY(%s) ORDER BY id", (list(kinds),))
    ).fetchall()


async def alarm_events(connection: Connection, first: int, faults: list[str]) -> dict[int, dict[str, Any]]:
    """The events from that number on as the table of alarms has them, in the form in which they are said to the ledger."""
    rows = await (
        await connection.execute(
            "SELECT event, at, stimulus, from_state, by, value, reason, rule, suppressed, evidence, after, alarm_id, to_state"
            " FROM alarm_event WHERE event >= %s ORDER BY event",
            (first,),
        )
    ).fetchall()
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        try:
            found[row[0]] = {**event_json(event_of(row[:11])), "alarm": row[11], "to": row[12]}
        except (ValueError, TypeError, AttributeError, msgspec.MsgspecError) as error:
            faults.append(f"alarm_event {row[0]} cannot be read: {error}")
            found[row[0]] = {}
    return found


async def veto_rows(connection: Connection) -> list[tuple[str, str, str, int, int | None]]:
    """Every veto as its table has it; times in microseconds."""
    rows = await (
        await connection.execute("SELECT veto_id, point, kind, begin_at, end_at FROM coverage_veto ORDER BY veto_id")
    ).fetchall()
    return [(identity, point, kind, as_us(begin), _us(end)) for identity, point, kind, begin, end in rows]


async def scheme_rows(connection: Connection) -> list[tuple[int, str, dict[str, Any]]]:
    """Every scheme as its table has it."""
    return await (await connection.execute("SELECT since, digest, duties FROM coverage_scheme ORDER BY since")).fetchall()


async def misshapen(connection: Connection) -> list[str]:
    """Where the tables of the log are not of the shape that they only ever have: rows that are missing, or too many."""
    found: list[str] = []
    row = await (
        await connection.execute(
            "SELECT (SELECT COALESCE(max(number) + 1, 0) * 256 FROM ledger_tile WHERE level = 0),"
            " (SELECT count(*) FROM ledger_leaf), (SELECT min(n) FROM ledger_leaf), (SELECT max(n) FROM ledger_leaf)"
        )
    ).fetchone()
    full, count, lowest, highest = row if row is not None else (0, 0, None, None)
    if count and (lowest != full or highest != full + count - 1):
        found.append(f"ledger_leaf has {count} rows from {lowest} to {highest}; they follow leaf {full - 1} one by one")
    end = full + count
    levels = await (
        await connection.execute(
            "SELECT level, count(*), min(number), max(number), min(length(hashes)) FROM ledger_tile GROUP BY level ORDER BY level"
        )
    ).fetchall()
    for level, tiles, first, last, shortest in levels:
        whole, partial = divmod(full >> 8 * level, TILE)
        wanted = whole + (1 if level and partial else 0)
        if (tiles, first, last) != (wanted, 0, wanted - 1) or (shortest != TILE * HASH and not (level and partial)):
            found.append(f"ledger_tile has {tiles} tiles of level {level}, numbers {first} to {last}; it should have {wanted}")
    rows = await (
        await connection.execute(
            "SELECT 'evidence', n FROM evidence WHERE n < 0 OR n >= %(end)s"
            " UNION ALL SELECT 'statement', n FROM statement WHERE n < 0 OR n >= %(end)s"
            " UNION ALL SELECT 'evidence and statement', n FROM evidence JOIN statement USING (n) ORDER BY 2 LIMIT 20",
            {"end": end},
        )
    ).fetchall()
    found += [f"{table} has a row of leaf {n}, which is not its own: it was put in afterwards" for table, n in rows]
    rows = await (
        await connection.execute(
            "SELECT n, number, previous FROM (SELECT n, number, lag(number, 1, -1::bigint) OVER (ORDER BY n) AS previous"
            " FROM statement) s WHERE number <> previous + 1 ORDER BY n LIMIT 20"
        )
    ).fetchall()
    found += [
        f"statement {number} (leaf {n}) follows statement {previous}: what was between is gone" for n, number, previous in rows
    ]
    return found


async def damaged(connection: Connection, size: int) -> list[str]:
    """Hashes of the log that the tile under them does not give; reads all of it. For when a proof does not hold."""
    found: list[str] = []
    level = 1
    while count := size >> 8 * level:
        for first in range(0, count, TILE):
            row = (await read_hashes(connection, [Read(level, first, min(TILE, count - first))]))[0]
            for at in range(len(row) // HASH):
                below = (await read_hashes(connection, [Read(level - 1, (first + at) * TILE, TILE)]))[0]
                if fold(below) != row[at * HASH : (at + 1) * HASH]:
                    leaves = (first + at) << 8 * level, ((first + at + 1) << 8 * level) - 1
                    found.append(f"hash {first + at} of level {level} is not that of leaves {leaves[0]} to {leaves[1]}")
        level += 1
    return found


async def judged_days(
    connection: Connection, sources: Sequence[str], first: int, end: int
) -> list[tuple[str, int, bytes, bytes | None]]:
    """Source, day since 1970, slots and failing units of the judged days [first, end)."""
    return await (
        await connection.execute(
            "SELECT source, day - DATE '1970-01-01', slots, failing FROM coverage_day WHERE source = ANY(%b)"
            " AND day >= DATE '1970-01-01' + %b::int AND day < DATE '1970-01-01' + %b::int ORDER BY source, day",
            (list(sources), first, end),
            binary=True,
        )
    ).fetchall()


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else as_us(moment)
