"""Minute aggregates of the good readings, made again from the scans of every minute in which something new was recorded.

The record notes which spans of which box are due (a trigger on the ledger row, in the same transaction). A minute is made when
it is over, and as a whole, so it may be made again at any time: after a crash, or when late scans have come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hazmon.clock import MINUTE_US, US, as_datetime, as_us
from hazmon.store.pool import Connection

GRACE_US = 5 * US  # a minute is over when boxes have had as long to deliver its end
HOUR_US = 60 * MINUTE_US
MOST_SPANS = 10_000  # noted spans that are taken up in one run
MOST_HOURS = 12  # hours of a box that are made in one run; the rest waits for the next


@dataclass(frozen=True, slots=True)
class Span:
    """A time of one box, [first, last) microseconds."""

    edge: str
    first: int
    last: int


async def roll(connection: Connection, now: int) -> int:
    """Make the minutes that are due and over at `now` (microseconds); answers how many rows were made. One run at a time."""
    until = (now - GRACE_US) // MINUTE_US * MINUTE_US
    rows = await (
        await connection.execute("SELECT id, edge, first_ts, last_ts FROM minute_due ORDER BY id LIMIT %s", (MOST_SPANS,))
    ).fetchall()
    made, hours = 0, MOST_HOURS
    left: list[Span] = []
    for span in merged(Span(edge, as_us(first), as_us(last)) for _, edge, first, last in rows):
        groups = await _groups(connection, span.edge)
        at = span.first // MINUTE_US * MINUTE_US
        end = min(span.last // MINUTE_US * MINUTE_US + MINUTE_US, until)
        while at < end and hours:
            at = await _next_scan(connection, groups, at, end)
            if at < end:
                stop = min(at // HOUR_US * HOUR_US + HOUR_US, end)
                made += await _make(connection, groups, at, stop)
                at, hours = stop, hours - 1
        if at < span.last:
            left.append(Span(span.edge, max(at, span.first), span.last))
    await _settle(connection, [row[0] for row in rows], left)
    return made


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time, each box's overlapping spans as one; newest first, for live trends matter more than a backlog."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.edge, span.first)):
        if found and found[-1].edge == span.edge and span.first <= found[-1].last:
            found[-1] = Span(span.edge, found[-1].first, max(found[-1].last, span.last))
        else:
            found.append(span)
    return sorted(found, key=lambda span: -span.last)


async def _groups(connection: Connection, edge: str) -> list[int]:
    rows = await (await connection.execute("SELECT group_id FROM scan_group WHERE edge = %s", (edge,))).fetchall()
    return [row[0] for row in rows]


async def _next_scan(connection: Connection, groups: list[int], first: int, end: int) -> int:
    """Start of the first minute from `first` on that may hold a reading; `end` when there is none. Skips what is empty."""
    row = await (
        await connection.execute(
            "SELECT min(found.ts) FROM unnest(%s::int[]) AS g (group_id) CROSS JOIN LATERAL"
            " (SELECT ts FROM scan WHERE scan.group_id = g.group_id AND ts >= %s AND ts < %s ORDER BY ts LIMIT 1) AS found",
            (groups, as_datetime(first - MINUTE_US), as_datetime(end + US)),
        )
    ).fetchone()
    if row is None or row[0] is None:
        return end
    return max(first, (as_us(row[0]) - US) // MINUTE_US * MINUTE_US)


async def _make(connection: Connection, groups: list[int], first: int, end: int) -> int:
    """Make the minutes of [first, end). One that would lose readings stays: its scans are no longer kept."""
    done = await connection.execute(
        "INSERT INTO minute (minute, point_id, good, low, high, mean, last)"
        " SELECT m, point_id, count(*), min(v), max(v), avg(v), last(v, at)"
        " FROM (SELECT time_bucket('1 minute', r.at) AS m, r.* FROM"
        "  (SELECT c.point_id, c.v, s.ts + COALESCE(c.ms, 0) * INTERVAL '1 ms' AS at"
        "   FROM scan s JOIN scan_group g USING (group_id)"
        '   CROSS JOIN LATERAL unnest(s."values", g.point_ids, s.offsets) WITH ORDINALITY AS c (v, point_id, ms, n)'
        "   WHERE s.group_id = ANY(%(groups)s) AND s.ts >= %(first)s - INTERVAL '1 minute' AND s.ts < %(end)s + INTERVAL '1 s'"
        "   AND c.point_id <> 0 AND (s.quality IS NULL OR get_byte(s.quality, c.n::int - 1) IN (0, 8))) AS r"
        "  WHERE r.at >= %(first)s AND r.at < %(end)s) AS good"
        " GROUP BY m, point_id"
        " ON CONFLICT (point_id, minute) DO UPDATE SET good = EXCLUDED.good, low = EXCLUDED.low, high = EXCLUDED.high,"
        " mean = EXCLUDED.mean, last = EXCLUDED.last WHERE EXCLUDED.good >= minute.good",
        {"groups": groups, "first": as_datetime(first), "end": as_datetime(end)},
    )
    return done.rowcount


async def _settle(connection: Connection, ids: list[int], left: list[Span]) -> None:
    """What was taken up is no longer due, but for what is left of it."""
    async with connection.transaction():
        await connection.execute("DELETE FROM minute_due WHERE id = ANY(%s)", (ids,))
        await connection.execute(
            "INSERT INTO minute_due (edge, first_ts, last_ts)"
            " SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[])",
            (
                [span.edge for span in left],
                [as_datetime(span.first) for span in left],
                [as_datetime(span.last) for span in left],
            ),
        )
