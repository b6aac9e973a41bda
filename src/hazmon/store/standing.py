"""What a restarted service needs: the open alarms, which rules held a while ago, and the last scans of every group."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hazmon.alarms.book import Alarm, Subject
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.clock import as_datetime, as_us
from hazmon.delivery import ScanGroup
from hazmon.rulebook import Rule
from hazmon.rules.frame import ScanBlock
from hazmon.store.pool import Connection

_ALARM = (
    "SELECT alarm_id, enterprise, source, tag, rule, priority, state, raised_at, acknowledged_at, acknowledged_by,"
    " cleared_at, value, limit_value, uom, name, late, event FROM alarm"
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A live rule that turned on or off."""

    subject: str
    rule: Rule
    at: int
    on: bool


async def open_alarms(connection: Connection) -> list[Alarm]:
    """Every alarm that is not over, oldest first."""
    rows = await (await connection.execute(_ALARM + " WHERE state <> 'normal' ORDER BY raised_at")).fetchall()
    return [alarm_of(row) for row in rows]


async def last_event(connection: Connection) -> int:
    """Number of the newest recorded event, 0 for none."""
    row = await (await connection.execute("SELECT COALESCE(max(event), 0) FROM alarm_event")).fetchone()
    return row[0] if row else 0


async def turns_since(connection: Connection, since: int) -> list[Turn]:
    """Live rules turning on and off since that microsecond, in order."""
    rows = await (
        await connection.execute(
            "SELECT a.enterprise || '/' || a.tag, a.rule, e.at, e.stimulus FROM alarm_event e JOIN alarm a USING (alarm_id)"
            " WHERE e.at >= %s AND NOT a.late AND e.stimulus IN ('raise', 'clear') ORDER BY e.event",
            (as_datetime(since),),
        )
    ).fetchall()
    return [Turn(subject, Rule(rule), as_us(at), stimulus == Stimulus.RAISE) for subject, rule, at, stimulus in rows]


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


def alarm_of(row: tuple[Any, ...]) -> Alarm:
    """Alarm of a row in the order of the alarm table's columns."""
    (
        identity,
        enterprise,
        source,
        tag,
        rule,
        priority,
        state,
        raised_at,
        acknowledged_at,
        acknowledged_by,
        cleared_at,
        value,
        limit,
        uom,
        name,
        late,
        event,
    ) = row
    return Alarm(
        id=identity,
        subject=Subject(enterprise, tag, source, name, uom),
        rule=Rule(rule),
        priority=priority,
        state=AlarmState(state),
        raised_at=as_us(raised_at),
        value=value,
        limit=limit,
        late=late,
        acknowledged_at=None if acknowledged_at is None else as_us(acknowledged_at),
        acknowledged_by=acknowledged_by,
        cleared_at=None if cleared_at is None else as_us(cleared_at),
        event=event,
    )


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
