"""What a restarted service needs: the open alarms, which rules held a while ago, and the last scans of every group."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hazmon.alarms.alarm import Alarm
from hazmon.alarms.states import Stimulus
from hazmon.clock import as_datetime, as_us
from hazmon.delivery import ScanGroup
from hazmon.rebuild import Turned, turned
from hazmon.rulebook import Rule
from hazmon.rules.frame import ScanBlock
from hazmon.store.bodies import alarm_of
from hazmon.store.pool import Connection


async def open_alarms(connection: Connection) -> list[Alarm]:
    """Every alarm that is not over, oldest first."""
    rows = await (
        await connection.execute("SELECT body FROM alarm WHERE state <> 'normal' OR suppressed ORDER BY opened_at")
    ).fetchall()
    return [alarm_of(body) for (body,) in rows]


async def closed_alarms(connection: Connection, since: int, limit: int) -> list[Alarm]:
    """Alarms that are over and opened since that microsecond, the newest `limit` of them, oldest first."""
    rows = await (
        await connection.execute(
            "SELECT body FROM alarm WHERE state = 'normal' AND NOT suppressed AND opened_at >= %s"
            " ORDER BY opened_at DESC LIMIT %s",
            (as_datetime(since), limit),
        )
    ).fetchall()
    return [alarm_of(body) for (body,) in reversed(rows)]


async def last_event(connection: Connection) -> int:
    """Number of the newest recorded event, 0 for none."""
    row = await (
        await connection.execute("SELECT GREATEST((SELECT max(event) FROM alarm_event), (SELECT max(event) FROM alarm), 0)")
    ).fetchone()
    return row[0] if row else 0


async def turns_since(connection: Connection, since: int) -> list[Turned]:
    """What turned since that microsecond of live alarms, in the order in which it was told."""
    rows = await (
        await connection.execute(
            "SELECT e.at, e.stimulus, e.rule, e.after FROM alarm_event e JOIN alarm a USING (alarm_id)"
            " WHERE e.at >= %s AND NOT a.late AND e.stimulus IN ('raise', 'escalate', 'ease', 'clear', 'latch') ORDER BY e.event",
            (as_datetime(since),),
        )
    ).fetchall()
    found = [turned(as_us(at), Stimulus(stimulus), Rule(rule), alarm_of(after)) for at, stimulus, rule, after in rows]
    return [turn for turn in found if turn is not None]


async def rings_since(connection: Connection, since: int) -> list[int]:
    """When alarms rang, since that microsecond."""
    rows = await (
        await connection.execute(
            "SELECT e.at FROM alarm_event e JOIN alarm a USING (alarm_id) WHERE e.at >= %s AND NOT a.late AND NOT e.suppressed"
            " AND e.to_state IN ('unacknowledged', 'latched_unacknowledged')"
            " AND e.stimulus IN ('raise', 'escalate', 'realarm', 'expire', 'release', 'return') ORDER BY e.at",
            (as_datetime(since),),
        )
    ).fetchall()
    return [as_us(at) for (at,) in rows]


async def scans_since(
    connection: Connection, groups: dict[int, ScanGroup], since: int
) -> AsyncGenerator[tuple[ScanGroup, ScanBlock], None]:
    """The scans of each group since that microsecond, a block a group."""
    for group in groups.values():
        rows = await (
            await connection.execute(
                'SELECT ts, "values", quality, offsets FROM scan WHERE group_id = %s AND ts >= %s ORDER BY ts',
                (group.id, as_datetime(since)),
                binary=True,
            )
        ).fetchall()
        if rows:
            yield group, _block(group, rows)


def _block(group: ScanGroup, rows: list[tuple[Any, ...]]) -> ScanBlock:
    shape = (len(rows), len(group.tags))
    quality: NDArray[np.uint8] | None = None
    offsets: NDArray[np.int32] | None = None
    if any(row[2] is not None for row in rows):
        quality = np.array([np.frombuffer(row[2] or bytes(shape[1]), np.uint8) for row in rows])
    if any(row[3] is not None for row in rows):
        offsets = np.array([row[3] or [0] * shape[1] for row in rows], np.int32)
    return ScanBlock(
        group=group.id,
        times=np.array([as_us(row[0]) for row in rows], np.int64),
        values=np.array([row[1] for row in rows], float).reshape(shape),
        quality=quality,
        offsets=offsets,
        points=group.points,
    )
