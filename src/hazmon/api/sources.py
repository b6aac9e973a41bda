"""GET /api/v1/sources: the major hazard sources, their level, and how they are now."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query

from hazmon.api.alarm_json import iso_or_none
from hazmon.api.paging import Cursor, Limit, page_of
from hazmon.api.room import Room, TheRoom
from hazmon.api.views import Page, SourceLatest, SourceView
from hazmon.clock import iso
from hazmon.errors import NotFound
from hazmon.model import Level, Source
from hazmon.rules.frame import NEVER, Ints

router = APIRouter(tags=["register"])


@router.get("/sources", response_model=Page[SourceView])
async def list_sources(
    room: TheRoom,
    enterprise: Annotated[str | None, Query(max_length=64)] = None,
    level: Annotated[list[Level] | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """The park's major hazard sources, in the order of the configuration."""
    wanted = [
        source
        for source in room.park.sources
        if enterprise in (None, source.enterprise) and (level is None or source.level in level)
    ]
    part, following = page_of(wanted, lambda source: source.id, cursor, limit)
    return {"items": [_view(room, source) for source in part], "next": following}


@router.get("/sources/{source}", response_model=SourceView)
async def one_source(source: str, room: TheRoom) -> dict[str, Any]:
    """One source."""
    return _view(room, _found(room, source))


@router.get("/sources/{source}/latest", response_model=SourceLatest)
async def latest(source: str, room: TheRoom) -> dict[str, Any]:
    """The newest reading of each point of a source, as the rules see it now; recorded or about to be."""
    _found(room, source)
    now, frame = room.clock.now(), room.engine.plant.frame
    readings: list[dict[str, Any]] = []
    indices: list[int] = _points(room, source).tolist()
    for index in indices:
        value, at = float(frame.value[index]), int(frame.at[index])
        readings.append(
            {
                "point": room.park.points[index].id,
                "value": None if value != value else value,
                "quality": int(frame.quality[index]),
                "at": None if at == NEVER else iso(at),
                "stale": now - at > int(room.engine.plant.table.stale[index]),
            }
        )
    return {"source": source, "server_time": iso(now), "readings": readings}


def _found(room: Room, identity: str) -> Source:
    for source in room.park.sources:
        if source.id == identity:
            return source
    raise NotFound(f"no source {identity}")


def _points(room: Room, source: str) -> Ints:
    return np.array([index for index, point in enumerate(room.park.points) if point.source == source], np.int64)


def _view(room: Room, source: Source) -> dict[str, Any]:
    points = _points(room, source.id)
    return {
        "id": source.id,
        "enterprise": source.enterprise,
        "name": source.name,
        "name_en": source.name_en,
        "unit_type": source.unit_type,
        "level": source.level,
        "s": source.s,
        "r": source.r,
        "position": source.position,
        "chemicals": [{"name": c.name, "cas": c.cas, "tonnes": c.tonnes} for c in source.chemicals],
        "units": [{"id": u.id, "name": u.name, "kind": u.kind} for u in source.units],
        "points": points.size,
        "live": _live(room, source, points),
    }


def _live(room: Room, source: Source, points: Ints) -> dict[str, Any]:
    alarms = [alarm for alarm, _ in room.board.open.values() if alarm.subject.source == source.id]
    newest = int(room.engine.plant.frame.at[points].max(initial=NEVER))
    return {
        "worst_priority": min((alarm.priority for alarm in alarms if alarm.active), default=None),
        "active": sum(alarm.active for alarm in alarms),
        "unacknowledged": sum(alarm.acknowledged_at is None for alarm in alarms),
        "connection": _connection(room, source, points),
        "newest_at": iso_or_none(None if newest == NEVER else newest),
    }


def _connection(room: Room, source: Source, points: Ints) -> str:
    box = room.boxes.state(source.enterprise)
    if box != "ok":
        return box
    missed = np.isin(points, room.engine.plant.excused_points())
    if not missed.any():
        return "ok"
    return "down" if missed.all() else "partial"
