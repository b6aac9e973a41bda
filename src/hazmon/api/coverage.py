"""GET /api/v1/coverage: which share of the time each source was really monitored, from the record."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import AwareDatetime

from hazmon.api.coverage_json import lines, whole
from hazmon.api.coverage_views import CoverageView
from hazmon.api.instants import instant
from hazmon.api.room import Room, TheRoom
from hazmon.auditing.window import Reading, open_window, read
from hazmon.clock import US, iso
from hazmon.coverage.account import total
from hazmon.coverage.calendar import Step, edges, local_day, midnight
from hazmon.coverage.facts import SLOT_US
from hazmon.coverage.figures import By, count, names_of, rows

router = APIRouter(tags=["coverage"])
DAY_US = 86_400 * US
LONGEST_DAYS = 400
From = Annotated[
    AwareDatetime | None, Query(alias="from", description="with a time zone; the local midnight before `to` if not given")
]
To = Annotated[AwareDatetime | None, Query(description="excluded; with a time zone; now if not given")]
Of = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$", description="a source or an enterprise")]


@router.get("/coverage", response_model=CoverageView)
async def coverage(
    room: TheRoom, start: From = None, to: To = None, by: By = By.SOURCE, step: Step = Step.ALL, of: Of = None
) -> Response:
    """Coverage over [from, to), at most 400 days, of all or of one source or enterprise.

    404: no such source or enterprise; 409: the park does not say what must be monitored.
    """
    begin, end = asked_range(room, start, to, LONGEST_DAYS)
    if by in (By.GROUP, By.POINT):
        raise HTTPException(422, "by: park, enterprise or source")
    found = await read_window(room, begin, end, of)
    body = await asyncio.to_thread(_answer, found, begin, end, by, step)
    return Response(body, media_type="application/json")


def asked_range(room: Room, start: datetime | None, to: datetime | None, days: int) -> tuple[int, int]:
    """Microseconds [from, to); 422 when it is no range, or too long."""
    end = room.clock.now() if to is None else instant(to, "to")
    zone = ZoneInfo(room.park.settings.timezone)
    begin = midnight(local_day((end - 1) // SLOT_US, zone), zone) * SLOT_US if start is None else instant(start, "from")
    if begin >= end:
        raise HTTPException(422, "from must be before to")
    if end - begin > days * DAY_US:
        raise HTTPException(422, f"{days} days at most")
    return begin, end


async def read_window(room: Room, begin: int, end: int, of: str | None) -> Reading:
    """What the record says of the range."""
    async with room.connection() as connection:
        return await read(connection, await open_window(connection, room.park, begin, end, room.clock.now(), of))


def _answer(found: Reading, begin: int, end: int, by: By, step: Step) -> bytes:
    window = found.window
    counted = count(found.settled(), edges(window.first, window.end, step, window.zone))
    told = rows(counted, by, names_of(window.park))
    answer: dict[str, Any] = {
        "from": iso(begin),
        "to": iso(end),
        "counted_to": iso(window.end * SLOT_US),
        "timezone": window.zone.key,
        "simulated": False,
        "by": by,
        "step": step,
        "rows": lines(told),
        "total": whole(total(row.tally for row in told)),
    }
    return msgspec.json.encode(answer)
