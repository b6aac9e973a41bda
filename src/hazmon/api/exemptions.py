"""Exemptions 停用/检修/离线报备: filed by an enterprise, approved or refused by the park, withdrawn by the enterprise.

404: no such unit, source or exemption; 409: not allowed, the detail says why; 503: it cannot be recorded.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import AwareDatetime

from hazmon.api.alarm_json import iso_or_none
from hazmon.api.exemption_views import ExemptionBody, ExemptionView, StepBody
from hazmon.api.instants import instant
from hazmon.api.paging import Cursor, Limit, Only, bad_cursor
from hazmon.api.room import Room, TheRoom
from hazmon.api.views import Page
from hazmon.bydesign import exempts_of
from hazmon.clock import US, iso
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.filing import (
    ExemptionState,
    in_force,
    may_decide,
    may_file,
    may_withdraw,
    quiet,
    sources_by_unit,
    state_of,
    target_of,
    told,
)
from hazmon.errors import CommandRefused, NotFound
from hazmon.model import CoverageRules
from hazmon.store import exemptions as record
from hazmon.store.pool import Connection

router = APIRouter(tags=["exemptions"])
Number = Annotated[int, Path(ge=1, le=2**62)]
_DEFAULTS = CoverageRules({}, {})


@router.get("/exemptions", response_model=Page[ExemptionView])
async def list_exemptions(
    room: TheRoom,
    state: Annotated[ExemptionState | None, Query(description="as it is now")] = None,
    source: Only = None,
    begin: Annotated[AwareDatetime | None, Query(alias="from", description="planned until after it; with a time zone")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="planned from before it; with a time zone")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Exemptions, the newest first."""
    bounds = None if begin is None else instant(begin, "from"), None if end is None else instant(end, "to")
    if bounds[0] is not None and bounds[1] is not None and bounds[0] >= bounds[1]:
        raise HTTPException(422, "to: after from")
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and int(cursor) <= 2**62):
        raise bad_cursor()
    now = room.clock.now()
    wanted = record.ExemptionFilter(state, source, *bounds)
    async with room.connection() as connection:
        found = await record.exemptions(connection, wanted, now, None if cursor is None else int(cursor), limit + 1)
    part = found[:limit]
    return {"items": [_json(room, each, now) for each in part], "next": str(part[-1].id) if len(found) > limit else None}


@router.get("/exemptions/{number}", response_model=ExemptionView)
async def one_exemption(number: Number, room: TheRoom) -> dict[str, Any]:
    """One exemption, whatever became of it."""
    async with room.connection() as connection:
        return _json(room, await _found(connection, number), room.clock.now())


@router.post("/exemptions", response_model=ExemptionView, status_code=201)
async def file_exemption(body: ExemptionBody, room: TheRoom) -> dict[str, Any]:
    """File an exemption; it means nothing until the park approves it. By an enterprise."""
    enterprise, source, unit = _target(room, body)
    now = room.clock.now()
    begins = now if body.begins is None else instant(body.begins, "from")
    until = instant(body.until, "until")
    may_file(body.role, begins, until, now)
    filed = record.Filed(enterprise, source, unit, body.kind, body.reason, begins, until, now, body.by)
    async with room.connection() as connection:
        return _json(room, await record.file(connection, filed), now)


@router.post("/exemptions/{number}/approve", response_model=ExemptionView)
async def approve_exemption(number: Number, body: StepBody, room: TheRoom) -> dict[str, Any]:
    """Approve an exemption. By a shift leader (班长) of the park who did not file it."""
    return await _decide(room, number, body, approved=True)


@router.post("/exemptions/{number}/refuse", response_model=ExemptionView)
async def refuse_exemption(number: Number, body: StepBody, room: TheRoom) -> dict[str, Any]:
    """Refuse an exemption. By a shift leader (班长) of the park who did not file it."""
    return await _decide(room, number, body, approved=False)


@router.post("/exemptions/{number}/withdraw", response_model=ExemptionView)
async def withdraw_exemption(number: Number, body: StepBody, room: TheRoom) -> dict[str, Any]:
    """Withdraw an exemption that waits, is planned or is in force; what stands in its unit rings. By an enterprise."""
    moved: Exemption | None = None
    left: list[Exemption] = []
    async with room.exempting:
        now = room.clock.now()
        try:
            async with room.connection() as connection, connection.transaction():
                found = await _found(connection, number)
                try:
                    may_withdraw(found, body.role, now)
                    moved = await record.withdraw(connection, number, body.by, body.reason, now)
                    if moved is None:  # somebody was quicker, in between
                        raise CommandRefused(told(await _found(connection, number)))
                except CommandRefused:
                    _tell(room, found, await _agreed(connection, found, now))
                    raise
                left = await _agreed(connection, moved, now)
                return _json(room, moved, now)
        finally:
            if moved is not None:  # also when it is not known to be recorded: to ring is the safe side
                _tell(room, moved, left)


async def _decide(room: Room, number: int, body: StepBody, *, approved: bool) -> dict[str, Any]:
    """The engine follows the record also after a refusal: of an approval whose answer was lost, this is when it is heard."""
    async with room.exempting:
        now = room.clock.now()
        async with room.connection() as connection:
            found = await _found(connection, number)
            try:
                may_decide(found, body.by, body.role, now)
                decided = await record.decide(connection, number, approved, body.by, body.reason, now)
                if decided is None:  # somebody was quicker, in between
                    raise CommandRefused(told(await _found(connection, number)))
            except CommandRefused:
                _tell(room, found, await _agreed(connection, found, now))
                raise
            _tell(room, decided, await _agreed(connection, decided, now))
            return _json(room, decided, now)


def _target(room: Room, body: ExemptionBody) -> tuple[str, str, str | None]:
    """Enterprise, source and unit that are meant. Raises NotFound, and CommandRefused where a unit's name is not enough."""
    if body.unit is None:
        for source in room.park.sources:
            if source.id == body.source:
                return source.enterprise, source.id, None
        raise NotFound(f"no source {body.source}")
    sources = sources_by_unit(room.park).get(body.unit, [])
    if not sources:
        raise NotFound(f"no unit {body.unit}")
    if len(sources) > 1:
        raise CommandRefused(f"unit {body.unit} is in more than one source ({', '.join(sources)}): file for the source")
    enterprise, _, unit = body.unit.partition("/")
    return enterprise, sources[0], unit


async def _found(connection: Connection, number: int) -> Exemption:
    found = await record.find(connection, number)
    if found is None:
        raise NotFound(f"no exemption {number}")
    return found


async def _agreed(connection: Connection, of: Exemption, now: int) -> list[Exemption]:
    """All that is approved of the same unit or source, from now on."""
    return (await record.agreed(connection, now, target_of(of))).get(target_of(of), [])


def _tell(room: Room, of: Exemption, agreed: list[Exemption]) -> None:
    room.engine.exempt(target_of(of), exempts_of(agreed))


def _json(room: Room, found: Exemption, now: int) -> dict[str, Any]:
    grace_s = (room.park.coverage or _DEFAULTS).grace_s
    valid = found.valid(grace_s)
    holds = in_force(found, now)
    return {
        "id": found.id,
        "enterprise": found.enterprise,
        "source": found.source,
        "unit": None if found.unit is None else target_of(found),
        "kind": found.kind,
        "reason": found.reason,
        "from": iso(found.begins),
        "until": iso(found.until),
        "filed_at": iso(found.filed_at),
        "filed_by": found.filed_by,
        "filed_late": found.filed_late(),
        "within_grace": found.filed_at <= found.begins + grace_s * US,
        "state": state_of(found, now),
        "in_force": holds,
        "suppresses": holds and quiet(found),
        "valid": None if valid is None else {"from": iso(valid[0]), "to": iso(valid[1])},
        "approved_at": iso_or_none(found.approved_at),
        "refused_at": iso_or_none(found.refused_at),
        "decided_by": found.decided_by,
        "decided_why": found.decided_why,
        "withdrawn_at": iso_or_none(found.withdrawn_at),
        "withdrawn_by": found.withdrawn_by,
        "withdrawn_why": found.withdrawn_why,
    }
