"""GET /api/v1/alarms and what hangs below it: the alarms, their events, and what is suppressed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from hazmon.alarms.alarm import Alarm
from hazmon.alarms.states import AlarmState, Suppression
from hazmon.api.alarm_json import alarm_json, event_json
from hazmon.api.alarm_views import AlarmEventView, AlarmView, SuppressedView
from hazmon.api.instants import instant
from hazmon.api.paging import Cursor, Limit, Only, bad_cursor
from hazmon.api.room import Room, TheRoom
from hazmon.api.views import Page
from hazmon.errors import NotFound
from hazmon.rulebook import Kind
from hazmon.store import alarms as record

router = APIRouter(tags=["alarms"])
AlarmId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="16 hex digits")]
Priorities = Annotated[list[Annotated[int, Query(ge=1, le=4)]] | None, Query(max_length=4)]
_MAX_EVENT = 2**63 - 1


@router.get("/alarms", response_model=Page[AlarmView])
async def list_alarms(
    room: TheRoom,
    state: Annotated[list[AlarmState] | None, Query(max_length=6, description="any of these")] = None,
    kind: Annotated[list[Kind] | None, Query(max_length=15)] = None,
    source: Only = None,
    enterprise: Only = None,
    priority: Priorities = None,
    start: Annotated[AwareDatetime | None, Query(description="opened at or after; with a time zone")] = None,
    end: Annotated[AwareDatetime | None, Query(description="opened before; with a time zone")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Recorded alarms, the newest first."""
    wanted = record.AlarmFilter(state, kind, source, enterprise, priority, _bound(start, "start"), _bound(end, "end"))
    async with room.connection() as connection:
        found = await record.alarms(connection, wanted, _position(cursor), limit + 1)
    part = found[:limit]
    following = f"{part[-1].opened_at}.{part[-1].id}" if len(found) > limit else None
    return {"items": [alarm_json(alarm, recorded=True) for alarm in part], "next": following}


@router.get("/alarms/suppressed", response_model=SuppressedView)
async def list_suppressed(room: TheRoom) -> dict[str, Any]:
    """What is not heard now: shelved, suppressed by design, out of service."""
    hidden = [(alarm, recorded) for alarm, recorded in room.board.open.values() if alarm.suppressed]
    counts = {suppression: sum(suppression in alarm.suppressions for alarm, _ in hidden) for suppression in Suppression}
    return {
        "alarms": [alarm_json(alarm, recorded) for alarm, recorded in hidden],
        "shelved": counts[Suppression.SHELVED],
        "suppressed_by_design": counts[Suppression.BY_DESIGN],
        "out_of_service": counts[Suppression.OUT_OF_SERVICE],
        "by_design": {f"{subject}.{kind}": reason for (subject, kind), reason in room.engine.plant.book.designs.items()},
    }


@router.get("/alarms/{alarm}", response_model=AlarmView)
async def one_alarm(alarm: AlarmId, room: TheRoom) -> dict[str, Any]:
    """One alarm as it stands. An open alarm is known also while the database does not answer."""
    return alarm_json(*await find_alarm(room, alarm))


@router.get("/alarms/{alarm}/events", response_model=Page[AlarmEventView])
async def list_events(alarm: AlarmId, room: TheRoom, limit: Limit = 200, cursor: Cursor = None) -> dict[str, Any]:
    """What happened to an alarm, in order; at the end of the last part what is not recorded yet."""
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and int(cursor) <= _MAX_EVENT):
        raise bad_cursor()
    after = int(cursor or 0)
    await find_alarm(room, alarm)
    async with room.connection() as connection:
        events = await record.events_of(connection, alarm, after, limit + 1)
    items = [event_json(event, recorded=True) for event in events[:limit]]
    if len(events) <= limit:
        last = events[-1].number if events else after
        waiting = [event for event in room.engine.unrecorded.values() if event.alarm.id == alarm and event.number > last]
        items += [event_json(event, recorded=False) for event in waiting][: limit - len(items)]
        more = len(events[:limit]) + len(waiting) > limit
    else:
        more = True
    return {"items": items, "next": str(items[-1]["event"]) if more else None}


async def find_alarm(room: Room, identity: str) -> tuple[Alarm, bool]:
    """The alarm as the room was told it, else as it is recorded. Raises NotFound."""
    told = room.board.open.get(identity)
    if told is not None:
        held = room.engine.plant.book.open.get(identity)
        grown = held is not None and held.event == told[0].event
        return (held, told[1]) if held is not None and grown else told
    async with room.connection() as connection:
        recorded = await record.alarm(connection, identity)
    if recorded is None:
        raise NotFound(f"no alarm {identity}")
    return recorded, True


def _position(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    at, _, identity = cursor.partition(".")
    if not (at.isascii() and at.isdecimal() and len(at) <= 16 and identity and "\0" not in identity):
        raise bad_cursor()
    return int(at), identity


def _bound(moment: datetime | None, name: str) -> int | None:
    return None if moment is None else instant(moment, name)
