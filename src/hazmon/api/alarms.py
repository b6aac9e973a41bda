"""GET /api/v1/alarms and what hangs below it: the alarms, their events, and acknowledging them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from hazmon.alarms.book import Alarm
from hazmon.alarms.commands import Acknowledge
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.alarms.transitions import TABLE, Ignored
from hazmon.api.alarm_json import alarm_json, event_json
from hazmon.api.instants import instant
from hazmon.api.paging import Cursor, Limit, bad_cursor
from hazmon.api.room import Room, TheRoom
from hazmon.api.views import AcknowledgeBody, AlarmEventView, AlarmView, Page
from hazmon.errors import CommandRefused, NotFound
from hazmon.store import alarms as record

router = APIRouter(tags=["alarms"])
AlarmId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="16 hex digits")]
Priorities = Annotated[list[Annotated[int, Query(ge=1, le=4)]] | None, Query(max_length=4)]
_MAX_EVENT = 2**63 - 1


@router.get("/alarms", response_model=Page[AlarmView])
async def list_alarms(
    room: TheRoom,
    state: Annotated[list[AlarmState] | None, Query(max_length=4, description="any of these")] = None,
    source: Annotated[str | None, Query(max_length=64)] = None,
    enterprise: Annotated[str | None, Query(max_length=64)] = None,
    priority: Priorities = None,
    start: Annotated[AwareDatetime | None, Query(description="raised at or after; with a time zone")] = None,
    end: Annotated[AwareDatetime | None, Query(description="raised before; with a time zone")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Recorded alarms, the newest first."""
    wanted = record.AlarmFilter(state, source, enterprise, priority, _bound(start, "start"), _bound(end, "end"))
    async with room.connection() as connection:
        found = await record.alarms(connection, wanted, _position(cursor), limit + 1)
    part = found[:limit]
    following = f"{part[-1].raised_at}.{part[-1].id}" if len(found) > limit else None
    return {"items": [alarm_json(alarm, recorded=True) for alarm in part], "next": following}


@router.get("/alarms/{alarm}", response_model=AlarmView)
async def one_alarm(alarm: AlarmId, room: TheRoom) -> dict[str, Any]:
    """One alarm as it stands. An open alarm is known also while the database does not answer."""
    return alarm_json(*await _find(room, alarm))


@router.get("/alarms/{alarm}/events", response_model=Page[AlarmEventView])
async def list_events(alarm: AlarmId, room: TheRoom, limit: Limit = 200, cursor: Cursor = None) -> dict[str, Any]:
    """What happened to an alarm, in order; at the end of the last part what is not recorded yet."""
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and int(cursor) <= _MAX_EVENT):
        raise bad_cursor()
    after = int(cursor or 0)
    known, _ = await _find(room, alarm)
    async with room.connection() as connection:
        events = await record.events_of(connection, known, after, limit + 1)
    items = [event_json(event, recorded=True) for event in events[:limit]]
    if len(events) <= limit:
        last = events[-1].number if events else after
        waiting = [event for event in room.engine.unrecorded.values() if event.alarm.id == alarm and event.number > last]
        items += [event_json(event, recorded=False) for event in waiting][: limit - len(items)]
        more = len(events[:limit]) + len(waiting) > limit
    else:
        more = True
    return {"items": items, "next": str(items[-1]["event"]) if more else None}


@router.post("/alarms/{alarm}/acknowledge", response_model=AlarmView)
async def acknowledge(alarm: AlarmId, body: AcknowledgeBody, room: TheRoom) -> dict[str, Any]:
    """Say that somebody has seen the alarm. Answers when that is recorded; the event is on the stream by then.

    404: no such alarm; 409: its state does not allow it, the detail says why; 503: it cannot be recorded.
    """
    outcome = await room.engine.command(Acknowledge(alarm, body.by, body.note))
    if outcome.event is not None:
        return alarm_json(outcome.event.alarm, recorded=True)
    if isinstance(outcome.refusal, NotFound):
        await _find(room, alarm)
        over = TABLE[AlarmState.NORMAL, Stimulus.ACKNOWLEDGE]
        raise CommandRefused(over.why if isinstance(over, Ignored) else "the alarm is over")
    raise outcome.refusal or CommandRefused("the alarm does not allow it")


async def _find(room: Room, identity: str) -> tuple[Alarm, bool]:
    """The alarm as the room was told it, else as it is recorded. Raises NotFound."""
    told = room.board.open.get(identity)
    if told is not None:
        return told
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
