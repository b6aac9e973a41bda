"""The record as the auditor reads it: judged days, the exemptions over them, and what of the units failed, in few round trips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hazmon.clock import as_datetime, as_us
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.facts import Bytes
from hazmon.coverage.settled import Units
from hazmon.store.pool import Connection

DAY_SLOTS = 1440


async def judged_days(connection: Connection, sources: Sequence[str], first: int, end: int) -> dict[str, Bytes]:
    """uint8[(end - first) * 1440] of each source: its slots of the UTC days [first, end) (days since 1970), UNKNOWN = none."""
    cursor = await connection.execute(
        "SELECT source, array_agg(day - DATE '1970-01-01' ORDER BY day), string_agg(slots, ''::bytea ORDER BY day)"
        " FROM coverage_day WHERE source = ANY(%b) AND day >= DATE '1970-01-01' + %b::int AND day < DATE '1970-01-01' + %b::int"
        " GROUP BY source",
        (list(sources), first, end),
        binary=True,
    )
    found = {source: np.zeros(((end - first), DAY_SLOTS), np.uint8) for source in sources}
    for source, days, slots in await cursor.fetchall():
        found[source][np.array(days) - first] = np.frombuffer(slots, np.uint8).reshape(-1, DAY_SLOTS)
    return {source: slots.reshape(-1) for source, slots in found.items()}


async def failing_units(connection: Connection, spans: Sequence[tuple[str, int, int]], first: int, end: int) -> dict[str, Units]:
    """uint32[(end - first) * 1440] of each source: bits of the units that failed, on the UTC days of its spans [from, to)."""
    cursor = await connection.execute(
        "SELECT DISTINCT ON (d.source, d.day) d.source, d.day - DATE '1970-01-01', d.failing FROM coverage_day d"
        " JOIN unnest(%b::text[], %b::int[], %b::int[]) AS span (source, since, until)"
        " ON d.source = span.source AND d.day >= DATE '1970-01-01' + span.since AND d.day < DATE '1970-01-01' + span.until"
        " WHERE d.failing IS NOT NULL",
        ([source for source, _, _ in spans], [since for _, since, _ in spans], [until for _, _, until in spans]),
        binary=True,
    )
    found = {source: np.zeros(((end - first), DAY_SLOTS), np.uint32) for source, _, _ in spans}
    for source, day, failing in await cursor.fetchall():
        if first <= day < end:
            found[source][day - first] = np.frombuffer(failing, "<u4")
    return {source: units.reshape(-1) for source, units in found.items()}


async def exemptions_between(connection: Connection, begin: int, end: int) -> list[Exemption]:
    """Every exemption, approved or not, whose time [begins, until) has part of [begin, end) microseconds, in order of filing."""
    cursor = await connection.execute(
        "SELECT exemption_id, enterprise, COALESCE(source, ''), unit, kind, reason, begins_at, until, filed_at, filed_by,"
        " approved_at, decided_by, decided_why, refused_at, withdrawn_at, withdrawn_by, withdrawn_why"
        " FROM exemption WHERE begins_at < %s AND until > %s ORDER BY exemption_id",
        (as_datetime(end), as_datetime(begin)),
    )
    return [_exemption(row) for row in await cursor.fetchall()]


def _exemption(row: tuple[Any, ...]) -> Exemption:
    identity, enterprise, source, unit, kind, reason, begins, until, filed, filed_by, *decided = row
    approved, by, why, refused, withdrawn, withdrawn_by, withdrawn_why = decided
    return Exemption(
        id=identity,
        enterprise=enterprise,
        source=source,
        unit=unit,
        kind=kind,
        reason=reason,
        begins=as_us(begins),
        until=as_us(until),
        filed_at=as_us(filed),
        filed_by=filed_by,
        approved_at=None if approved is None else as_us(approved),
        decided_by=by,
        decided_why=why,
        refused_at=None if refused is None else as_us(refused),
        withdrawn_at=None if withdrawn is None else as_us(withdrawn),
        withdrawn_by=withdrawn_by,
        withdrawn_why=withdrawn_why,
    )
