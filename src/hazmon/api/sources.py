"""GET /api/v1/sources: the major hazard sources, their level, and how they are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query

from hazmon.alarms.alarm import UNSEEN, Alarm
from hazmon.api.alarm_json import iso_or_none
from hazmon.api.paging import Cursor, Limit, Only, page_of
from hazmon.api.room import Room, TheRoom
from hazmon.api.views import Page, SourceLatest, SourceView
from hazmon.bydesign import unknown_points
from hazmon.clock import iso
from hazmon.colour import OpenAlarm, SourceFacts, colour
from hazmon.errors import NotFound
from hazmon.model import Level, Source
from hazmon.plant import BOX, Plant
from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import NEVER, Bools, Ints

router = APIRouter(tags=["register"])


@router.get("/sources", response_model=Page[SourceView])
async def list_sources(
    room: TheRoom,
    enterprise: Only = None,
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
    own = [alarm for alarm, _ in room.board.open.values() if alarm.subject.source == source.id]
    alarms = [alarm for alarm in own if not alarm.suppressed]
    newest = int(room.engine.plant.frame.at[points].max(initial=NEVER))
    return {
        "worst_priority": min((alarm.priority for alarm in alarms if alarm.active), default=None),
        "active": sum(alarm.active for alarm in alarms),
        "unacknowledged": sum(alarm.state in UNSEEN for alarm in alarms),
        "suppressed": len(own) - len(alarms),
        "colour": _colour(room, source, points, own),
        "connection": _connection(room, source, points),
        "newest_at": iso_or_none(None if newest == NEVER else newest),
    }


def _colour(room: Room, source: Source, points: Ints, alarms: Sequence[Alarm]) -> dict[str, Any] | None:
    """The warning colour 红橙黄蓝 and why; None where the configuration has no rules for it."""
    plant = room.engine.plant
    if room.park.colours is None:
        return None
    now = room.clock.now()
    targets = (source.id, *(f"{source.enterprise}/{unit.id}" for unit in source.units))
    facts = SourceFacts(
        at_us=now,
        alarms=[
            OpenAlarm(alarm.priority, alarm.kind, alarm.state, alarm.waiting_since or alarm.raised_at, alarm.suppressed)
            for alarm in alarms
            if alarm.raised_at is not None and not alarm.late
        ],
        unknown_share=_unknown_share(plant, points),
        box_silent=f"{source.enterprise}/{BOX}" in plant.excused,
        exempt=any(exempt.holds(now) for target in targets for exempt in plant.exempt.get(target, ())),
    )
    found, reason = colour(room.park.colours, facts)
    return {
        "colour": found,
        "rule": reason.rule,
        "version": reason.version,
        "reason": reason.text,
        "reason_en": reason.text_en,
        "exempt": reason.exempt,
    }


def _unknown_share(plant: Plant, points: Ints) -> float:
    """Share of the points without a usable value now."""
    doubtful: Bools = unknown_points(plant)[points] | plant.rules.active[points, RULES.index(Rule.QUALITY)]
    return np.count_nonzero(doubtful) / max(points.size, 1)


def _connection(room: Room, source: Source, points: Ints) -> str:
    box = room.boxes.state(source.enterprise)
    if box != "ok":
        return box
    missed = np.isin(points, room.engine.plant.excused_points())
    if not missed.any():
        return "ok"
    return "down" if missed.all() else "partial"
