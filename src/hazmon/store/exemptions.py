"""Exemptions in the record: filed, approved or refused, withdrawn; never deleted.

Each step is one conditional statement: of two who take it at once, the database lets one have it, and answers the other None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from hazmon.clock import as_datetime, as_us
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.filing import ExemptionState, target_of
from hazmon.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Filed:
    """What an enterprise files; times in microseconds. `unit` None: the whole source."""

    enterprise: str
    source: str
    unit: str | None
    kind: str
    reason: str
    begins: int
    until: int
    at: int
    by: str


@dataclass(frozen=True, slots=True)
class ExemptionFilter:
    """Which exemptions; None: whatever. Planned times that overlap [begin, end), in microseconds."""

    state: ExemptionState | None = None
    source: str | None = None
    begin: int | None = None
    end: int | None = None


async def file(connection: Connection, filed: Filed) -> Exemption:
    """Record a new exemption, which waits for the park's decision."""
    row = await (
        await connection.cursor(row_factory=dict_row).execute(
            "INSERT INTO exemption (enterprise, source, unit, kind, reason, begins_at, until, filed_at, filed_by)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING *",
            (
                filed.enterprise,
                filed.source,
                filed.unit,
                filed.kind,
                filed.reason,
                *map(as_datetime, (filed.begins, filed.until, filed.at)),
                filed.by,
            ),
        )
    ).fetchone()
    assert row is not None  # noqa: S101 - RETURNING of an insert
    return _exemption(row)


async def find(connection: Connection, number: int) -> Exemption | None:
    """The exemption of that number."""
    row = await (
        await connection.cursor(row_factory=dict_row).execute("SELECT * FROM exemption WHERE exemption_id = %s", (number,))
    ).fetchone()
    return None if row is None else _exemption(row)


async def decide(connection: Connection, number: int, approved: bool, by: str, why: str, at: int) -> Exemption | None:
    """Approve or refuse; None when it was decided or withdrawn before, or there is none."""
    row = await (
        await connection.cursor(row_factory=dict_row).execute(
            "UPDATE exemption SET approved_at = CASE WHEN %(approved)s THEN %(at)s::timestamptz END,"
            " refused_at = CASE WHEN NOT %(approved)s THEN %(at)s::timestamptz END, decided_by = %(by)s, decided_why = %(why)s"
            " WHERE exemption_id = %(number)s AND approved_at IS NULL AND refused_at IS NULL AND withdrawn_at IS NULL"
            " RETURNING *",
            {"approved": approved, "at": as_datetime(at), "by": by, "why": why, "number": number},
        )
    ).fetchone()
    return None if row is None else _exemption(row)


async def withdraw(connection: Connection, number: int, by: str, why: str, at: int) -> Exemption | None:
    """Withdraw; None when it was refused or withdrawn before, its approved time is over, or there is none."""
    row = await (
        await connection.cursor(row_factory=dict_row).execute(
            "UPDATE exemption SET withdrawn_at = %(at)s, withdrawn_by = %(by)s, withdrawn_why = %(why)s"
            " WHERE exemption_id = %(number)s AND refused_at IS NULL AND withdrawn_at IS NULL"
            " AND (approved_at IS NULL OR until > %(at)s) RETURNING *",
            {"at": as_datetime(at), "by": by, "why": why, "number": number},
        )
    ).fetchone()
    return None if row is None else _exemption(row)


async def exemptions(
    connection: Connection, wanted: ExemptionFilter, now: int, before: int | None, limit: int
) -> list[Exemption]:
    """Those that are wanted, the newest first: numbers below `before`, states as they are at the microsecond `now`."""
    rows = await (
        await connection.cursor(row_factory=dict_row).execute(
            "SELECT * FROM exemption WHERE (%(before)s::bigint IS NULL OR exemption_id < %(before)s)"
            " AND (%(source)s::text IS NULL OR source = %(source)s)"
            " AND (%(end)s::timestamptz IS NULL OR begins_at < %(end)s)"
            " AND (%(begin)s::timestamptz IS NULL OR until > %(begin)s)"
            " AND (%(state)s::text IS NULL OR %(state)s = CASE WHEN withdrawn_at IS NOT NULL THEN 'withdrawn'"
            " WHEN refused_at IS NOT NULL THEN 'refused' WHEN approved_at IS NULL THEN 'filed'"
            " WHEN until <= %(now)s THEN 'over' ELSE 'approved' END)"
            " ORDER BY exemption_id DESC LIMIT %(limit)s",
            {
                "before": before,
                "source": wanted.source,
                "begin": _moment(wanted.begin),
                "end": _moment(wanted.end),
                "state": wanted.state,
                "now": as_datetime(now),
                "limit": limit,
            },
        )
    ).fetchall()
    return [_exemption(row) for row in rows]


async def overlapping(connection: Connection, sources: Sequence[str], begin: int, end: int) -> list[Exemption]:
    """All of these sources, of whatever state, whose planned time overlaps [begin, end) microseconds; by source and beginning."""
    rows = await (
        await connection.cursor(row_factory=dict_row).execute(
            "SELECT * FROM exemption WHERE source = ANY(%s) AND begins_at < %s AND until > %s"
            " ORDER BY source, begins_at, exemption_id",
            (list(sources), as_datetime(end), as_datetime(begin)),
        )
    ).fetchall()
    return [_exemption(row) for row in rows]


async def agreed(connection: Connection, now: int, target: str | None = None) -> dict[str, list[Exemption]]:
    """By target (`E01/V-1101`, or a source `E01-S1`), what is approved and in force at that microsecond or planned for later.

    Of one target or of all; each target's by their beginning.
    """
    rows = await (
        await connection.cursor(row_factory=dict_row).execute(
            "SELECT * FROM exemption WHERE approved_at IS NOT NULL AND withdrawn_at IS NULL AND until > %(now)s"
            " AND (%(target)s::text IS NULL OR %(target)s = CASE WHEN unit IS NULL THEN source"
            " ELSE enterprise || '/' || unit END) ORDER BY begins_at, exemption_id",
            {"now": as_datetime(now), "target": target},
        )
    ).fetchall()
    found: dict[str, list[Exemption]] = {}
    for each in map(_exemption, rows):
        found.setdefault(target_of(each), []).append(each)
    return found


async def place(connection: Connection, sources: Mapping[str, str]) -> None:
    """Name the source of exemptions that were filed when only the unit was recorded. sources: by unit, `E01/V-1101`."""
    await connection.execute(
        "UPDATE exemption e SET source = known.source FROM unnest(%s::text[], %s::text[]) AS known (unit, source)"
        " WHERE e.source IS NULL AND e.enterprise || '/' || e.unit = known.unit",
        (list(sources.keys()), list(sources.values())),
    )


def _exemption(row: Mapping[str, Any]) -> Exemption:
    return Exemption(
        id=row["exemption_id"],
        enterprise=row["enterprise"],
        source=row["source"] or "",
        unit=row["unit"],
        kind=row["kind"],
        reason=row["reason"],
        begins=as_us(row["begins_at"]),
        until=as_us(row["until"]),
        filed_at=as_us(row["filed_at"]),
        filed_by=row["filed_by"],
        approved_at=_us(row["approved_at"]),
        decided_by=row["decided_by"],
        decided_why=row["decided_why"],
        refused_at=_us(row["refused_at"]),
        withdrawn_at=_us(row["withdrawn_at"]),
        withdrawn_by=row["withdrawn_by"],
        withdrawn_why=row["withdrawn_why"],
    )


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else as_us(moment)


def _moment(us: int | None) -> datetime | None:
    return None if us is None else as_datetime(us)
