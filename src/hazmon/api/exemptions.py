"""停用/检修 of units: while one is in force, the alarms of its unit are suppressed by design, and counted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from hazmon.api.alarm_json import iso_or_none
from hazmon.api.alarm_views import CommentBody, ExemptionBody, ExemptionView
from hazmon.api.room import Room, TheRoom
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
    async with room.exempting:
        now = room.clock.now()
        until = now + round(body.minutes * MINUTE_US)
        async with room.connection() as connection, connection.transaction():
            filed = await record.file_exemption(connection, (enterprise, unit), body.kind, body.reason, body.by, now, until)
            longest = await record.longest(connection, now, filed.key)
        _tell(room, filed.key, longest)
    return _json(filed)


@router.post("/exemptions/{number}/end", response_model=ExemptionView)
async def end_exemption(number: Annotated[int, Path(ge=1, le=2**62)], body: CommentBody, room: TheRoom) -> dict[str, Any]:
    """End an exemption now: what stands in its unit rings. 404: none of that number is in force."""
    ended: record.Exemption | None = None
    longest: dict[str, record.Exemption] = {}
    async with room.exempting:
        now = room.clock.now()
        try:
            async with room.connection() as connection, connection.transaction():
                ended = await record.end_exemption(connection, number, body.by, now)
                if ended is None:
                    raise NotFound(f"no exemption {number} in force")
                longest = await record.longest(connection, now, ended.key)
                return _json(ended)
        finally:
            if ended is not None:  # also when it is not known to be recorded: to ring is the safe side
                _tell(room, ended.key, longest)


def _tell(room: Room, unit: str, longest: dict[str, record.Exemption]) -> None:
    """Let the engine go by the exemption of the unit that lasts longest, if any is in force."""
    found = longest.get(unit)
    room.engine.exempt(unit, None if found is None else Exempt(found.until, found.reason))


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
