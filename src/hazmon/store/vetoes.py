"""Vetoes as an auditor asks for them."""

from __future__ import annotations

from collections.abc import Sequence

from hazmon.clock import as_datetime, as_us
from hazmon.coverage.book import Veto
from hazmon.store.pool import Connection


async def vetoes_between(connection: Connection, start: int, end: int, points: Sequence[str] | None, most: int) -> list[Veto]:
    """The first `most` vetoes that touch [start, end) microseconds, by their beginning; of these points, None = of all."""
    rows = await (
        await connection.execute(
            "SELECT veto_id, point, kind, begin_at, end_at, evidence FROM coverage_veto"
            " WHERE begin_at < %(end)s AND (end_at IS NULL OR end_at > %(start)s)"
            " AND (%(points)s::text[] IS NULL OR point = ANY(%(points)s)) ORDER BY begin_at, veto_id LIMIT %(most)s",
            {
                "start": as_datetime(start),
                "end": as_datetime(end),
                "points": None if points is None else list(points),
                "most": most,
            },
        )
    ).fetchall()
    return [
        Veto(identity, point, kind, as_us(begin), None if until is None else as_us(until), evidence)
        for identity, point, kind, begin, until, evidence in rows
    ]
