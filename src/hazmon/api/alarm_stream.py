"""GET /api/v1/alarms/stream: the alarms as server-sent events."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header

from hazmon.alarms.alarm import AlarmEvent
from hazmon.api.room import Room, TheRoom
from hazmon.api.streams import EventStream
from hazmon.store import alarms as record

router = APIRouter(tags=["alarms"])
PAGE = 1000  # events read from the record at a time
MANY = 50_000  # who missed more than this starts again with a snapshot
_IDENTITY = re.compile(r"[0-9a-f]{1,32}\.(\d{1,18})")
_FRAMES = {
    "description": (
        "`snapshot` (open alarms), then `alarm` (an event and its alarm after it) and, each second, `heartbeat`. An event that"
        " is shown before it is recorded has no id and comes again, with its id, when it is recorded."
    ),
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": (
                "event: snapshot\nid: 5f3c.1233\n"
                'data: {"epoch":"5f3c","event":1233,"alarms":[],"server_time":"2026-01-01T08:00:00.000000Z"}\n\n'
                'event: alarm\nid: 5f3c.1234\ndata: {"alarm":{"id":"9f3c1a70b24d5e86"},"event":{"event":1234}}\n\n'
            ),
        }
    },
}


@router.get("/alarms/stream", response_class=EventStream, status_code=200, responses={200: _FRAMES})
async def alarm_stream(
    room: TheRoom,
    last_event_id: Annotated[str | None, Header(max_length=100, description="`<epoch>.<event number>` heard last")] = None,
) -> EventStream:
    """All alarms, live. With Last-Event-ID, whatever the epoch: every recorded event after that one, then the live ones.

    A number that the record does not know, as after a restored database, gets a fresh snapshot. A client that does not keep
    up is cut, and comes back with its Last-Event-ID.
    """
    found = _IDENTITY.fullmatch(last_event_id or "")
    after = int(found[1]) if found else None
    board = room.board
    if after is None or after > board.event or after < board.event - MANY:
        subscription, snapshot = board.join()
        return EventStream(board.stream, subscription, _once(snapshot))
    subscription, missed, upto = board.resume(after)
    if missed is not None:
        return EventStream(board.stream, subscription, _once(missed))
    waiting = board.unrecorded()
    kept = False
    try:
        first = await _events(room, after, upto)
        kept = True
    finally:
        if not kept:
            board.stream.unsubscribe(subscription)
    return EventStream(board.stream, subscription, _recorded(room, first, upto, waiting))


async def _once(frame: bytes) -> AsyncIterator[bytes]:
    if frame:
        yield frame


async def _recorded(room: Room, events: list[AlarmEvent], upto: int, waiting: bytes) -> AsyncIterator[bytes]:
    """The events up to `upto` from the record, a page at a time; then what was told unrecorded when the client came."""
    while events:
        yield b"".join(room.board.frame(event) for event in events)
        events = await _events(room, events[-1].number, upto)
    if waiting:
        yield waiting


async def _events(room: Room, after: int, upto: int) -> list[AlarmEvent]:
    async with room.connection() as connection:
        return await record.events_after(connection, after, upto, PAGE)
