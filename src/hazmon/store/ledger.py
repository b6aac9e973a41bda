"""The ledger in the record: leaves appended in the transaction that records what they say, and checkpoints of it signed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import msgspec
import zstandard

from hazmon.alarms.alarm import AlarmEvent
from hazmon.clock import MINUTE_US, as_datetime, as_us
from hazmon.delivery import Delivery
from hazmon.errors import LedgerError, StoreUnavailable
from hazmon.ledger.checkpoint import Checkpoint, sign_checkpoint
from hazmon.ledger.content import Batch, Facts, Json, Leaf, Said, Statement, StatementKind, canonical, encode, parse
from hazmon.ledger.note import Signer
from hazmon.ledger.tree import HASH, TILE, Frontier, Read, edge_reads, leaf_hash
from hazmon.store.bodies import body_of, evidence_text
from hazmon.store.pool import Connection

PAGE_GRACE_US = 2 * MINUTE_US  # a page is sealed when boxes have had as long to deliver its end
MOST_PAGES = 5_000  # sealed at once; the rest follow with the next checkpoint
DRAIN_US = 10_000_000  # how often what was said outside is looked for
_PACK = zstandard.ZstdCompressor(level=3)
_UNPACK = zstandard.ZstdDecompressor()


@dataclass(slots=True)
class Seal:
    """A checkpoint that is wanted; `day` when it ends that day. `note` is the signed text, once it is recorded."""

    day: date | None = None
    note: bytes | None = None


@dataclass(slots=True)
class LedgerKeeper:
    """The log's growing end, what it holds of each kind, and the keys it is signed with, the newest first. One writer."""

    origin: str
    signers: Sequence[Signer]
    _frontier: Frontier | None = None
    _counts: Counter[str] = field(default_factory=Counter[str])
    _drained: int = 0

    def forget(self) -> None:
        """The transaction failed: read the end of the log again."""
        self._frontier = None

    async def keep(
        self,
        connection: Connection,
        said: Sequence[Said],
        deliveries: Sequence[Delivery],
        events: Sequence[AlarmEvent],
        seals: Sequence[Seal],
        now: int,
    ) -> None:
        """Append what is recorded in this transaction, and sign the checkpoints that are wanted.

        What was `said` comes before the batches: a scheme is in force for those that are recorded with it.
        """
        if self._frontier is None:
            try:
                self._frontier, self._counts = await _end(connection)
            except LedgerError as error:  # a damaged ledger must not silence the alarms: they go on, not recorded
                raise StoreUnavailable(str(error)) from error
        leaves: list[Leaf] = [Statement(kind, now, body) for kind, body in said]
        leaves += [Batch(d.edge, d.boot, d.seq, d.arrived, d.offset or None, d.canonical) for d in deliveries]
        leaves += [Statement("event", now, event_json(event)) for event in events]
        if now >= self._drained + DRAIN_US or seals:
            self._drained = now
            leaves += await _drain(connection, now)
        frontier = await self._append(connection, self._frontier, leaves, now)
        if seals:
            frontier = await self._seal(connection, frontier, seals, now)
        self._frontier = frontier

    async def _seal(self, connection: Connection, frontier: Frontier, seals: Sequence[Seal], now: int) -> Frontier:
        """The pages that wait, and then for each seal a leaf that counts all before it, and a checkpoint over them all."""
        pages = await _unsealed(connection, now)
        first = frontier.count
        frontier = await self._append(connection, frontier, pages, now)
        await _mark_pages(connection, pages, first)
        for seal in seals:
            body: dict[str, Json] = {
                "day": None if seal.day is None else seal.day.isoformat(),
                "counts": dict(sorted(self._counts.items())),
                "waiting": len(pages) == MOST_PAGES,
            }
            frontier = await self._append(connection, frontier, [Statement("seal", now, body)], now)
            checkpoint = Checkpoint(self.origin, frontier.count, frontier.root(), now, seal.day)
            seal.note = sign_checkpoint(checkpoint, self.signers)
            await connection.execute(
                "INSERT INTO checkpoint (size, at, day, note) VALUES (%s, %s, %s, %s)",
                (frontier.count, as_datetime(now), seal.day, seal.note.decode()),
            )
        return frontier

    async def _append(self, connection: Connection, frontier: Frontier, leaves: Sequence[Leaf], now: int) -> Frontier:
        """Write down leaves, tiles and what the leaves say; answers the log with them."""
        if not leaves:
            return frontier
        contents = [encode(leaf) for leaf in leaves]
        hashes = [leaf_hash(content) for content in contents]
        grown, tiles = frontier.append(b"".join(hashes))
        numbers = range(frontier.count, grown.count)
        await connection.execute(
            "INSERT INTO ledger_leaf SELECT * FROM unnest(%b::bigint[], %b::bytea[])", (list(numbers), hashes)
        )
        if tiles:
            partial = [(level, grown.count >> 8 * (level + 1), row) for level, row in enumerate(grown.edge) if level and row]
            rows = [*((tile.level, tile.number, tile.hashes) for tile in tiles), *partial]
            await connection.execute(
                "INSERT INTO ledger_tile SELECT * FROM unnest(%b::smallint[], %b::bigint[], %b::bytea[])"
                " ON CONFLICT (level, number) DO UPDATE SET hashes = EXCLUDED.hashes",
                [list(column) for column in zip(*rows, strict=True)],
            )
            await connection.execute("DELETE FROM ledger_leaf WHERE n < %s", (grown.count - grown.count % TILE,))
        batches = [(n, leaf) for n, leaf in zip(numbers, leaves, strict=True) if isinstance(leaf, Batch)]
        if batches:
            await connection.execute(
                "INSERT INTO evidence SELECT * FROM unnest(%b::bigint[], %b::timestamptz[], %b::text[], %b::bigint[],"
                " %b::bigint[], %b::bigint[], %b::bytea[])",
                (
                    [n for n, _ in batches],
                    [as_datetime(leaf.arrived) for _, leaf in batches],
                    [leaf.edge for _, leaf in batches],
                    [leaf.boot for _, leaf in batches],
                    [leaf.seq for _, leaf in batches],
                    [leaf.offset or 0 for _, leaf in batches],
                    [_PACK.compress(leaf.body) for _, leaf in batches],
                ),
            )
        said = [
            (n, leaf, content) for n, leaf, content in zip(numbers, leaves, contents, strict=True) if not isinstance(leaf, Batch)
        ]
        if said:
            await connection.execute(
                "INSERT INTO statement SELECT n, number, kind, %b, content"
                " FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::bytea[]) AS s (n, number, kind, content)",
                (
                    as_datetime(now),
                    [n for n, _, _ in said],
                    list(range(self._statements, self._statements + len(said))),
                    [kind_of(leaf) for _, leaf, _ in said],
                    [_PACK.compress(content) for _, _, content in said],
                ),
            )
        self._counts.update(kind_of(leaf) for leaf in leaves)
        return grown

    @property
    def _statements(self) -> int:
        """How many leaves say something else than a box's batch."""
        return self._counts.total() - self._counts["batch"]


def kind_of(leaf: Leaf) -> str:
    """The word that a leaf's content has for what it is."""
    match leaf:
        case Batch():
            return "batch"
        case Facts():
            return "facts"
        case Statement():
            return leaf.kind


def unpacked(packed: bytes) -> bytes:
    """What is kept as zstd. Raises LedgerError."""
    try:
        return _UNPACK.decompress(packed)
    except zstandard.ZstdError as error:
        raise LedgerError(f"the ledger's bytes do not unpack: {error}") from None


async def say(connection: Connection, kind: StatementKind, body: dict[str, Json]) -> None:
    """Have it put into the ledger, in the transaction that records it."""
    canonical(body)
    await connection.execute(
        "INSERT INTO ledger_pending (kind, body) VALUES (%s, %s::jsonb)", (kind, msgspec.json.encode(body).decode())
    )


async def read_hashes(connection: Connection, reads: Sequence[Read]) -> list[bytes]:
    """The hashes that proofs ask for. Raises LedgerError when the record no longer has them."""
    return [await _read(connection, read) for read in reads]


async def _read(connection: Connection, read: Read) -> bytes:
    row = await (
        await connection.execute(
            "SELECT hashes FROM ledger_tile WHERE (level, number) = (%s, %s)", (read.level, read.tile), binary=True
        )
    ).fetchone()
    if row is not None:
        found = read.of(row[0])
    elif read.level == 0:
        rows = await (
            await connection.execute(
                "SELECT hash FROM ledger_leaf WHERE n >= %s AND n < %s ORDER BY n",
                (read.first, read.first + read.count),
                binary=True,
            )
        ).fetchall()
        found = b"".join(hash for (hash,) in rows)
    else:
        found = b""
    if len(found) != read.count * HASH:
        last = read.first + read.count - 1
        raise LedgerError(f"the ledger lacks hashes {read.first} to {last} of level {read.level}: something was deleted from it")
    return found


async def ledger_size(connection: Connection) -> int:
    """How many leaves the ledger has."""
    row = await (
        await connection.execute(
            "SELECT GREATEST((SELECT COALESCE(max(number) + 1, 0) * 256 FROM ledger_tile WHERE level = 0),"
            " (SELECT COALESCE(max(n) + 1, 0) FROM ledger_leaf))"
        )
    ).fetchone()
    return row[0] if row else 0


async def sealed_days(connection: Connection, since: date) -> set[date]:
    """Days from `since` on that have their seal."""
    rows = await (await connection.execute("SELECT day FROM checkpoint WHERE day >= %s", (since,))).fetchall()
    return {day for (day,) in rows}


async def _end(connection: Connection) -> tuple[Frontier, Counter[str]]:
    """The log as it is recorded, and how many leaves it has of each kind: as the last seal says, and those after it."""
    size = await ledger_size(connection)
    frontier = Frontier.rebuilt(size, await read_hashes(connection, list(edge_reads(size))))
    row = await (
        await connection.execute("SELECT n, content FROM statement WHERE kind = 'seal' ORDER BY n DESC LIMIT 1", binary=True)
    ).fetchone()
    counts = Counter[str]()
    sealed = -1
    if row is not None:
        sealed = row[0]
        leaf = parse(unpacked(row[1]))
        if not isinstance(leaf, Statement):
            raise LedgerError(f"leaf {sealed} of the ledger is no seal, as its row says")
        counts.update(cast(dict[str, int], leaf.body["counts"]))
        counts["seal"] += 1
    rows = await (
        await connection.execute("SELECT kind, count(*) FROM statement WHERE n > %s GROUP BY kind", (sealed,))
    ).fetchall()
    for kind, count in rows:
        counts[kind] += count
    counts["batch"] += size - counts.total()
    return frontier, counts


async def _drain(connection: Connection, now: int) -> list[Leaf]:
    """What was said outside since, in its order; it is gone from there when this transaction commits."""
    rows = await (await connection.execute("DELETE FROM ledger_pending RETURNING id, kind, body")).fetchall()
    return [Statement(kind, now, body) for _, kind, body in sorted(rows, key=lambda row: row[0])]


async def _unsealed(connection: Connection, now: int) -> list[Facts]:
    """Pages of hours that are over and that changed since they were last put into the ledger."""
    rows = await (
        await connection.execute(
            "SELECT h.source, h.hour, l.tags, h.facts FROM coverage_hour h JOIN coverage_layout l USING (layout_id)"
            " WHERE h.leaf IS NULL AND h.hour < %s ORDER BY h.hour, h.source LIMIT %s",
            (as_datetime(now - PAGE_GRACE_US - 60 * MINUTE_US), MOST_PAGES),
            binary=True,
        )
    ).fetchall()
    return [Facts(source, as_us(hour) // (60 * MINUTE_US), tuple(tags), bytes(facts)) for source, hour, tags, facts in rows]


async def _mark_pages(connection: Connection, pages: Sequence[Facts], first: int) -> None:
    if not pages:
        return
    await connection.execute(
        "UPDATE coverage_hour h SET leaf = p.leaf"
        " FROM unnest(%s::text[], %s::timestamptz[], %s::bigint[]) AS p (source, hour, leaf)"
        " WHERE (h.source, h.hour) = (p.source, p.hour)",
        (
            [page.source for page in pages],
            [as_datetime(page.hour * 60 * MINUTE_US) for page in pages],
            list(range(first, first + len(pages))),
        ),
    )


def event_json(event: AlarmEvent) -> dict[str, Json]:
    """An alarm event or command, as it is recorded."""
    found: dict[str, Any] = {
        "event": int(event.number),
        "alarm": str(event.alarm.id),
        "at": int(event.at),
        "stimulus": str(event.stimulus),
        "from": str(event.before),
        "to": str(event.alarm.state),
        "by": None if event.by is None else str(event.by),
        "value": float(event.value) if event.value is not None and math.isfinite(event.value) else None,
        "reason": str(event.reason),
        "rule": str(event.rule),
        "suppressed": bool(event.suppressed),
        "evidence": msgspec.json.decode(evidence_text(event.evidence) or "null"),
        "after": msgspec.json.decode(body_of(event.alarm)),
    }
    return found
