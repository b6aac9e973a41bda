"""Points, scan groups and the boxes' tokens: the names under which everything else is recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hazmon_edge import wire

from hazmon.delivery import ScanGroup
from hazmon.model import Park
from hazmon.rules.frame import Ints
from hazmon.store.pool import Connection, Pool

Key = tuple[str, int, int]  # edge, boot, seq


class Register:
    """The record's ids for the park's points. point_id[P]; index_of: point_id -> park index."""

    def __init__(self, park: Park, point_id: Sequence[int]) -> None:
        self.park = park
        self.point_id = list(point_id)
        self.index_of = {number: index for index, number in enumerate(self.point_id)}

    @classmethod
    async def open(cls, connection: Connection, park: Park) -> Register:
        """Give every point of the configuration its id; points that left it keep theirs."""
        await connection.execute(
            "INSERT INTO point (enterprise, tag) SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING",
            ([p.enterprise for p in park.points], [p.tag for p in park.points]),
        )
        rows = await (await connection.execute("SELECT enterprise, tag, point_id FROM point")).fetchall()
        await connection.execute(  # tags that the configuration has learnt since their group was declared
            "UPDATE scan_group g SET point_ids = known.ids FROM (SELECT s.group_id,"
            " array_agg(COALESCE(p.point_id, 0) ORDER BY t.column_no) AS ids"
            " FROM scan_group s CROSS JOIN unnest(s.tags) WITH ORDINALITY AS t (tag, column_no)"
            " LEFT JOIN point p ON (p.enterprise, p.tag) = (s.edge, t.tag) GROUP BY s.group_id) known"
            " WHERE known.group_id = g.group_id AND known.ids <> g.point_ids"
        )
        ids = {(enterprise, tag): number for enterprise, tag, number in rows}
        return cls(park, [ids[p.enterprise, p.tag] for p in park.points])

    async def groups(self, connection: Connection) -> dict[tuple[str, bytes], ScanGroup]:
        """All group versions by (edge, digest)."""
        rows = await (await connection.execute("SELECT group_id, edge, name, period_us, digest, tags FROM scan_group")).fetchall()
        return {
            (edge, bytes(digest)): ScanGroup(number, edge, name, period, bytes(digest), tuple(tags), self._indices(edge, tags))
            for number, edge, name, period, digest, tags in rows
        }

    async def add_group(self, connection: Connection, edge: str, group: wire.Group) -> ScanGroup:
        """Record a group version and answer it; the same version twice is the same group."""
        points = self._indices(edge, group.points)
        indices: list[int] = points.tolist()
        ids = [self.point_id[index] if index >= 0 else 0 for index in indices]
        row = await (
            await connection.execute(
                "INSERT INTO scan_group (edge, name, period_us, digest, point_ids, tags) VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (edge, digest) DO UPDATE SET point_ids = EXCLUDED.point_ids RETURNING group_id",
                (edge, group.name, group.period_us, group.digest, ids, list(group.points)),
            )
        ).fetchone()
        assert row is not None  # noqa: S101 - RETURNING of an upsert
        return ScanGroup(row[0], edge, group.name, group.period_us, group.digest, group.points, points)

    def _indices(self, edge: str, tags: Sequence[str]) -> Ints:
        return np.array([self.park.by_id.get(f"{edge}/{tag}", -1) for tag in tags], np.int64)


class Lookups:
    """What the engine asks while batches come in: which of them are recorded, and ids for new group versions."""

    def __init__(self, pool: Pool, register: Register) -> None:
        self._pool = pool
        self._register = register

    async def last_seq(self, edge: str, boot: int) -> int:
        """Highest recorded sequence number of a boot, -1 for none. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            row = await (
                await connection.execute(
                    "SELECT seq FROM batch WHERE edge = %s AND boot = %s ORDER BY seq DESC LIMIT 1", (edge, boot)
                )
            ).fetchone()
        return row[0] if row else -1

    async def is_recorded(self, key: Key) -> bool:
        """Whether the batch (edge, boot, seq) is in the ledger. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            found = await connection.execute("SELECT FROM batch WHERE (edge, boot, seq) = (%s, %s, %s)", key)
            return await found.fetchone() is not None

    async def add_group(self, edge: str, group: wire.Group) -> ScanGroup:
        """Record a group version. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            return await self._register.add_group(connection, edge, group)


async def edge_tokens(connection: Connection) -> dict[bytes, str]:
    """SHA-256 of every valid token, and the box it belongs to."""
    rows = await (await connection.execute("SELECT token_sha256, edge FROM edge_token WHERE revoked_at IS NULL")).fetchall()
    return {bytes(digest): edge for digest, edge in rows}


async def add_edge_token(connection: Connection, edge: str, token_sha256: bytes) -> None:
    """Record a token's hash for a box; older tokens of the box stay valid until they are revoked."""
    await connection.execute("INSERT INTO edge_token (edge, token_sha256) VALUES (%s, %s)", (edge, token_sha256))
