"""Exemptions of units in the record: filed, ended, never deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hazmon.clock import as_datetime, as_us
from hazmon.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Exemption:
    """停用/检修 of a unit; times in microseconds."""

    id: int
    enterprise: str
    unit: str
    kind: str
    reason: str
    filed_at: int
    filed_by: str
    until: int
    ended_at: int | None
    ended_by: str | None

    @property
    def key(self) -> str:
        """`E01/V-1101`."""
        return f"{self.enterprise}/{self.unit}"


async def file_exemption(
    connection: Connection, unit: tuple[str, str], kind: str, reason: str, by: str, at: int, until: int
) -> Exemption:
    """Record a new exemption of (enterprise, unit)."""
    row = await (
        await connection.execute(
            "INSERT INTO exemption (enterprise, unit, kind, reason, filed_at, filed_by, until)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING exemption_id",
            (*unit, kind, reason, as_datetime(at), by, as_datetime(until)),
        )
    ).fetchone()
    identity = row[0] if row else 0
    return Exemption(identity, *unit, kind, reason, at, by, until, None, None)


async def end_exemption(connection: Connection, identity: int, by: str, at: int) -> Exemption | None:
    """End an exemption now; None when there is none of that number, or it is over."""
    row = await (
        await connection.execute(
            "UPDATE exemption SET ended_at = %s, ended_by = %s WHERE exemption_id = %s AND ended_at IS NULL AND until > %s"
            " RETURNING exemption_id, enterprise, unit, kind, reason, filed_at, filed_by, until, ended_at, ended_by",
            (as_datetime(at), by, identity, as_datetime(at)),
        )
    ).fetchone()
    return None if row is None else _exemption(row)


async def exemptions(connection: Connection, since: int, limit: int) -> list[Exemption]:
    """Exemptions in force at that microsecond or later, the newest first."""
    rows = await (
        await connection.execute(
            "SELECT exemption_id, enterprise, unit, kind, reason, filed_at, filed_by, until, ended_at, ended_by FROM exemption"
            " WHERE until > %s AND (ended_at IS NULL OR ended_at > %s) ORDER BY exemption_id DESC LIMIT %s",
            (as_datetime(since), as_datetime(since), limit),
        )
    ).fetchall()
    return [_exemption(row) for row in rows]


async def longest(connection: Connection, at: int, unit: str | None = None) -> dict[str, Exemption]:
    """By unit (`E01/V-1101`), the exemption that lasts longest of those in force at that microsecond; of one unit or of all."""
    rows = await (
        await connection.execute(
            "SELECT DISTINCT ON (enterprise, unit)"
            " exemption_id, enterprise, unit, kind, reason, filed_at, filed_by, until, ended_at, ended_by FROM exemption"
            " WHERE until > %(at)s AND (ended_at IS NULL OR ended_at > %(at)s)"
            " AND (%(unit)s::text IS NULL OR enterprise || '/' || unit = %(unit)s)"
            " ORDER BY enterprise, unit, until DESC, exemption_id DESC",
            {"at": as_datetime(at), "unit": unit},
        )
    ).fetchall()
    return {found.key: found for found in map(_exemption, rows)}


def _exemption(row: tuple[Any, ...]) -> Exemption:
    identity, enterprise, unit, kind, reason, filed_at, filed_by, until, ended_at, ended_by = row
    ended = None if ended_at is None else as_us(ended_at)
    return Exemption(identity, enterprise, unit, kind, reason, as_us(filed_at), filed_by, as_us(until), ended, ended_by)
