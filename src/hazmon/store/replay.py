"""What a replay reads of the record: scans group by group, decoded from binary COPY by numpy, and the alarms that were raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString, TypeVar

import numpy as np
from numpy.typing import NDArray

from hazmon.clock import as_datetime, as_us
from hazmon.delivery import ScanGroup
from hazmon.rules.frame import Floats, Ints, ScanBlock
from hazmon.store.copy import HEADER, PG_EPOCH_US, TRAILER, row_type
from hazmon.store.pool import Connection

N = TypeVar("N", np.uint8, np.int32)


@dataclass(frozen=True, slots=True)
class Raise:
    """A raise or an escalation in the record: microseconds, `E01/LT-1101`, rule, value; not heard, or found late."""

    at: int
    subject: str
    rule: str
    value: float | None
    suppressed: bool
    late: bool


async def groups_with_scans(connection: Connection, start: int, end: int) -> set[int]:
    """Ids of the groups that have scans in [start, end), microseconds."""
    rows = await (
        await connection.execute(
            "SELECT g.group_id FROM scan_group g"
            " WHERE EXISTS (SELECT FROM scan s WHERE s.group_id = g.group_id AND s.ts >= %s AND s.ts < %s)",
            (as_datetime(start), as_datetime(end)),
        )
    ).fetchall()
    return {number for (number,) in rows}


async def scans_between(connection: Connection, group: ScanGroup, start: int, end: int) -> ScanBlock:
    """The scans of a group in [start, end), microseconds, in time order; a block without rows when there are none."""
    parts: list[bytes] = []
    async with (
        connection.cursor() as cursor,
        cursor.copy(
            'COPY (SELECT ts, group_id, lag_ms, "values", quality, offsets FROM scan'
            " WHERE group_id = %s AND ts >= %s AND ts < %s ORDER BY ts) TO STDOUT (FORMAT binary)",
            (group.id, as_datetime(start), as_datetime(end)),
        ) as copy,
    ):
        async for part in copy:
            parts.append(bytes(part))
    return decoded(group, b"".join(parts))


async def raises_between(connection: Connection, start: int, end: int) -> list[Raise]:
    """Raises and escalations dated in [start, end), microseconds, by time; those of silence (STALE) are left out."""
    rows = await (
        await connection.execute(
            "SELECT e.at, a.enterprise || '/' || a.tag, e.rule, e.value, e.suppressed, a.late"
            " FROM alarm_event e JOIN alarm a USING (alarm_id) WHERE e.at >= %s AND e.at < %s"
            " AND e.stimulus IN ('raise', 'raise_late', 'escalate') AND e.rule <> 'STALE' ORDER BY e.at, e.event",
            (as_datetime(start), as_datetime(end)),
        )
    ).fetchall()
    return [Raise(as_us(at), *rest) for at, *rest in rows]


def decoded(group: ScanGroup, body: bytes) -> ScanBlock:
    """The block of a binary COPY. Rows that have no quality or no offsets are narrower, so it is read in runs of one width."""
    columns = len(group.tags)
    at, end = len(HEADER), len(body) - len(TRAILER)
    times: list[Ints] = [np.empty(0, np.int64)]
    values: list[Floats] = [np.empty((0, columns))]
    quality: list[NDArray[np.uint8] | None] = [None]
    offsets: list[NDArray[np.int32] | None] = [None]
    while at < end:
        run = _run(body, at, end, columns)
        names = run.dtype.names or ()
        times.append(run["ts"].astype(np.int64) + PG_EPOCH_US)
        values.append(run["values"]["value"].astype(np.float64))
        quality.append(run["quality"] if "quality" in names else None)
        offsets.append(run["offsets"]["value"].astype(np.int32) if "offsets" in names else None)
        at += run.nbytes
    lengths = [each.size for each in times]
    return ScanBlock(
        group=group.id,
        times=np.concatenate(times),
        values=np.concatenate(values),
        quality=_whole(quality, lengths, columns, np.uint8),
        offsets=_whole(offsets, lengths, columns, np.int32),
        points=group.points,
    )


def _run(body: bytes, at: int, end: int, columns: int) -> NDArray[np.void]:
    """The rows from `at` on that have what the first of them has."""
    without = row_type(columns, False, False)
    quality = _length(body, at, without, "quality_length") >= 0
    offsets = _length(body, at, row_type(columns, quality, False), "offsets_length") >= 0
    kind = row_type(columns, quality, offsets)
    rows = np.frombuffer(body, kind, offset=at, count=(end - at) // kind.itemsize)
    alike = rows["quality_length"] == (columns if quality else -1)
    alike &= rows["offsets_head"]["length"] >= 0 if offsets else rows["offsets_length"] == -1
    return rows if alike.all() else rows[: int(alike.argmin())]


def _length(body: bytes, at: int, kind: np.dtype[np.void], field: LiteralString) -> int:
    assert kind.fields is not None  # noqa: S101 - a record type has fields
    place = at + kind.fields[field][1]
    return int.from_bytes(body[place : place + 4], "big", signed=True)


def _whole(parts: list[NDArray[N] | None], lengths: list[int], columns: int, kind: type[N]) -> NDArray[N] | None:
    """All runs in one; None when no run has it, zeros where one has not."""
    if all(part is None for part in parts):
        return None
    return np.concatenate(
        [np.zeros((length, columns), kind) if part is None else part for part, length in zip(parts, lengths, strict=True)]
    )
