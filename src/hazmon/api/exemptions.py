"""停用/检修 of units: while one is in force, the alarms of its unit are suppressed by design, and counted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from hazmon.api.alarm_json import iso_or_none
from hazmon.api.alarm_views import CommentBody, ExemptionBody, ExemptionView
from hazmon.api.room import TheRoom
from hazmon.clock import MINUTE_US, iso
from hazmon.errors import NotFound
from hazmon.plant import Exempt
from hazmon.store import exemptions as record

router = APIRouter(tags=["exemptions"])
MOST = 1000


@router.get("/exemptions", response_model=list[ExemptionView])
async def list_exemptions(room: TheRoom) -> list[dict[str, Any]]:
    """Exemptions in force, the newest first."""
    async with room.connection() as connection:
        return [_json(found) for found in await record.exemptions(connection, room.clock.now(), MOST)]


@router.post("/exemptions", response_model=ExemptionView, status_code=201)
async def file_exemption(body: ExemptionBody, room: TheRoom) -> dict[str, Any]:
    """File an exemption from now on. 404: no such unit."""
    enterprise, _, unit = body.unit.partition("/")
    units = {each.id for source in room.park.sources if source.enterprise == enterprise for each in source.units}
    if unit not in units:
        raise NotFound(f"no unit {body.unit}")
    now = room.clock.now()
    until = now + round(body.minutes * MINUTE_US)
    async with room.connection() as connection:
        filed = await record.file_exemption(connection, (enterprise, unit), body.kind, body.reason, body.by, now, until)
    room.engine.exempt(filed.key, Exempt(until, body.reason))
    return _json(filed)


@router.post("/exemptions/{number}/end", response_model=ExemptionView)
async def end_exemption(number: Annotated[int, Path(ge=1, le=2**62)], body: CommentBody, room: TheRoom) -> dict[str, Any]:
    """End an exemption now: what stands in its unit rings. 404: none of that number is in force."""
    now = room.clock.now()
    async with room.connection() as connection:
        ended = await record.end_exemption(connection, number, body.by, now)
        if ended is None:
            raise NotFound(f"no exemption {number} in force")
        others = [each for each in await record.exemptions(connection, now, MOST) if each.key == ended.key]
    longest = max(others, key=lambda each: each.until, default=None)
    room.engine.exempt(ended.key, None if longest is None else Exempt(longest.until, longest.reason))
    return _json(ended)


def _json(found: record.Exemption) -> dict[str, Any]:
    return {
        "id": found.id,
        "unit": found.key,
        "kind": found.kind,
        "reason": found.reason,
        "filed_at": iso(found.filed_at),
        "filed_by": found.filed_by,
        "until": iso(found.until),
        "ended_at": iso_or_none(found.ended_at),
        "ended_by": found.ended_by,
    }
