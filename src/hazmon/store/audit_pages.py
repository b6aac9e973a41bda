"""The evidence under the figures: pages of facts, vetoes, the batches around a gap, and the checkpoint over it all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hazmon.clock import as_datetime, as_us
from hazmon.coverage.book import Veto
from hazmon.coverage.facts import HOUR_SLOTS, SLOT_US
from hazmon.coverage.pages import Pages
from hazmon.coverage.report import BatchName
from hazmon.store.pool import Connection

HOUR_US = HOUR_SLOTS * SLOT_US


async def pages(connection: Connection, spans: Sequence[tuple[str, int, int]]) -> list[Pages]:
    """The recorded pages of (source, first hour, hour after the last) each; a box's are named by its enterprise."""
    cursor = await connection.execute(
        "SELECT h.source, l.tags, array_agg((EXTRACT(epoch FROM h.hour) / 3600)::int ORDER BY h.hour),"
        " string_agg(h.facts, ''::bytea ORDER BY h.hour)"
        " FROM unnest(%b::text[], %b::timestamptz[], %b::timestamptz[]) AS span (source, since, until)"
        " JOIN coverage_hour h ON h.source = span.source AND h.hour >= span.since AND h.hour < span.until"
        " JOIN coverage_layout l USING (layout_id) GROUP BY h.source, h.layout_id, l.tags",
        (
            [source for source, _, _ in spans],
            [as_datetime(first * HOUR_US) for _, first, _ in spans],
            [as_datetime(end * HOUR_US) for _, _, end in spans],
        ),
        binary=True,
    )
    return [
        Pages(source, tuple(tags), np.array(hours, np.int64), np.frombuffer(facts, np.uint8).reshape(-1, len(tags), HOUR_SLOTS))
        for source, tags, hours, facts in await cursor.fetchall()
    ]


async def vetoes_between(connection: Connection, begin: int, end: int) -> list[Veto]:
    """Vetoes with part of [begin, end) microseconds."""
    cursor = await connection.execute(
        "SELECT veto_id, point, kind, begin_at, end_at FROM coverage_veto"
        " WHERE begin_at < %s AND (end_at IS NULL OR end_at > %s) ORDER BY veto_id",
        (as_datetime(end), as_datetime(begin)),
    )
    return [
        Veto(identity, point, kind, as_us(since), None if until is None else as_us(until))
        for identity, point, kind, since, until in await cursor.fetchall()
    ]


async def neighbours(
    connection: Connection, spans: Sequence[tuple[str, int, int]]
) -> list[tuple[BatchName | None, BatchName | None]]:
    """For each (box, begin, end): of its batches the last with readings from before `begin`, and the first from `end` on."""
    cursor = await connection.execute(
        "SELECT b.edge, b.boot, b.seq, b.digest, b.arrived_at, a.edge, a.boot, a.seq, a.digest, a.arrived_at"
        " FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS gap (edge, since, until, number)"
        " LEFT JOIN LATERAL (SELECT * FROM batch WHERE edge = gap.edge AND first_ts < gap.since"
        " ORDER BY first_ts DESC, boot DESC, seq DESC LIMIT 1) b ON true"
        " LEFT JOIN LATERAL (SELECT * FROM batch WHERE edge = gap.edge AND first_ts >= gap.until"
        " ORDER BY first_ts, boot, seq LIMIT 1) a ON true ORDER BY gap.number",
        (
            [edge for edge, _, _ in spans],
            [as_datetime(begin) for _, begin, _ in spans],
            [as_datetime(end) for _, _, end in spans],
        ),
    )
    return [(_batch(row[:5]), _batch(row[5:])) for row in await cursor.fetchall()]


async def checkpoint_after(connection: Connection, at: int) -> str | None:
    """The first checkpoint that was signed at that microsecond or later, else the newest of all; None while there is none."""
    row = await (
        await connection.execute(
            "(SELECT note FROM checkpoint WHERE at >= %(at)s ORDER BY at, size LIMIT 1)"
            " UNION ALL (SELECT note FROM checkpoint WHERE at < %(at)s ORDER BY at DESC, size DESC LIMIT 1) LIMIT 1",
            {"at": as_datetime(at)},
        )
    ).fetchone()
    return None if row is None else row[0]


def _batch(row: Sequence[object]) -> BatchName | None:
    edge, boot, seq, digest, arrived = row
    if edge is None:
        return None
    return BatchName(edge, boot, seq, digest.hex(), as_us(arrived))  # pyright: ignore
