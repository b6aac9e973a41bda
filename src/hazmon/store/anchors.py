"""What the look for gaming keeps and reads: fingerprints of the past, what is due, the clocks of batches, vetoes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hazmon.clock import MINUTE_US, as_datetime, as_us
from hazmon.coverage.book import Veto
from hazmon.delivery import ScanGroup
from hazmon.rules.frame import Ints
from hazmon.store.pool import Connection

BUCKET_US = 5 * MINUTE_US
NEWEST = 8  # of the anchors with one fingerprint, these are enough


@dataclass(frozen=True, slots=True)
class Due:
    """Batches of a run of a box that nobody has looked at: their numbers and the time of their scans, microseconds."""

    id: int
    edge: str
    boot: int
    first_seq: int
    last_seq: int
    first: int | None
    last: int | None


async def due(connection: Connection, most: int) -> list[Due]:
    """The oldest of what is due."""
    rows = await (
        await connection.execute(
            "SELECT id, edge, boot, first_seq, last_seq, first_ts, last_ts FROM honesty_due ORDER BY id LIMIT %s", (most,)
        )
    ).fetchall()
    return [Due(*row[:5], *(None if at is None else as_us(at) for at in row[5:])) for row in rows]


async def settle(connection: Connection, ids: Sequence[int]) -> None:
    """These are no longer due."""
    await connection.execute("DELETE FROM honesty_due WHERE id = ANY(%s)", (list(ids),))


async def groups(connection: Connection, edges: Sequence[str]) -> list[ScanGroup]:
    """Every version of these boxes' groups; its `points` are the record's point ids, -1 for a tag without one."""
    rows = await (
        await connection.execute(
            "SELECT group_id, edge, name, period_us, digest, tags, point_ids FROM scan_group WHERE edge = ANY(%s)", (list(edges),)
        )
    ).fetchall()
    return [
        ScanGroup(number, edge, name, period, digest, tuple(tags), np.where(np.array(ids) == 0, -1, np.array(ids, np.int64)))
        for number, edge, name, period, digest, tags, ids in rows
    ]


async def point_names(connection: Connection) -> dict[int, str]:
    """`E01/LT-1101` by the record's point id."""
    rows = await (await connection.execute("SELECT point_id, enterprise || '/' || tag FROM point")).fetchall()
    return dict(rows)


async def seen(connection: Connection, prints: Ints, first: int, last: int) -> tuple[Ints, Ints, Ints]:
    """Anchors dated in [first, last] microseconds that have one of these fingerprints: fingerprint, point id, time."""
    rows = await (
        await connection.execute(
            "SELECT f, a.point_id, us(a.at) FROM unnest(%s::bigint[]) AS f CROSS JOIN LATERAL"
            " (SELECT point_id, at FROM anchor WHERE fingerprint = f AND at BETWEEN %s AND %s ORDER BY at DESC LIMIT %s) AS a",
            (prints.tolist(), as_datetime(first), as_datetime(last), NEWEST),
        )
    ).fetchall()
    found = np.array(rows, np.int64).reshape(-1, 3)
    return found[:, 0], found[:, 1], found[:, 2]


async def keep(connection: Connection, points: Ints, times: Ints, prints: Ints) -> None:
    """Keep the first of each point and bucket; the arrays, int64[k], are in the order of time for each point."""
    buckets = times // BUCKET_US
    first = np.unique(np.stack((points, buckets)), axis=1, return_index=True)[1]
    await connection.execute(
        "INSERT INTO anchor (bucket, point_id, at, fingerprint)"
        " SELECT * FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::bigint[]) ON CONFLICT DO NOTHING",
        (
            buckets[first].tolist(),
            points[first].tolist(),
            [as_datetime(at) for at in times[first].tolist()],
            prints[first].tolist(),
        ),
    )


async def let_go(connection: Connection, before: int) -> None:
    """Forget fingerprints of times before that microsecond."""
    await connection.execute("DELETE FROM anchor WHERE bucket < %s", (before // BUCKET_US,))


async def batch_clocks(connection: Connection, edge: str, boot: int, first: int, last: int) -> list[tuple[int, int]]:
    """Number and making (microseconds by the box's clock) of the run's batches numbered first to last, and one on either side."""
    rows = await (
        await connection.execute(
            "(SELECT seq, made_at FROM batch WHERE (edge, boot) = (%(edge)s, %(boot)s) AND seq < %(first)s"
            "  AND made_at IS NOT NULL ORDER BY seq DESC LIMIT 1)"
            " UNION ALL SELECT seq, made_at FROM batch WHERE (edge, boot) = (%(edge)s, %(boot)s)"
            "  AND seq BETWEEN %(first)s AND %(last)s AND made_at IS NOT NULL"
            " UNION ALL (SELECT seq, made_at FROM batch WHERE (edge, boot) = (%(edge)s, %(boot)s) AND seq > %(last)s"
            "  AND made_at IS NOT NULL ORDER BY seq LIMIT 1) ORDER BY seq",
            {"edge": edge, "boot": boot, "first": first, "last": last},
        )
    ).fetchall()
    return [(seq, as_us(made)) for seq, made in rows]


async def tags_heard(connection: Connection, edge: str) -> list[str]:
    """Names of the points that the box ever sent."""
    rows = await (
        await connection.execute(
            "SELECT DISTINCT edge || '/' || tag FROM scan_group, unnest(tags) AS tag WHERE edge = %s ORDER BY 1",
            (edge,),
        )
    ).fetchall()
    return [name for (name,) in rows]


async def known_vetoes(connection: Connection, spans: Mapping[str, tuple[int, int]]) -> list[Veto]:
    """Vetoes of replay, identity and clock that touch the span (microseconds) of their point."""
    rows = await (
        await connection.execute(
            "SELECT v.veto_id, v.point, v.kind, v.begin_at, v.end_at, v.evidence FROM coverage_veto v"
            " JOIN unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS s (point, first, last) USING (point)"
            " WHERE v.kind IN ('replay', 'identical', 'clock') AND v.begin_at <= s.last AND v.end_at >= s.first",
            (
                list(spans),
                [as_datetime(first) for first, _ in spans.values()],
                [as_datetime(last) for _, last in spans.values()],
            ),
        )
    ).fetchall()
    return [
        Veto(identity, point, kind, as_us(begin), None if end is None else as_us(end), evidence)
        for identity, point, kind, begin, end, evidence in rows
    ]
