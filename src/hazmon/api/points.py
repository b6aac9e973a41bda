"""GET /api/v1/points: what is measured."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from hazmon.api.paging import Cursor, Limit, Only, page_of
from hazmon.api.room import Room, TheRoom
from hazmon.api.views import Page, PointView
from hazmon.errors import NotFound
from hazmon.model import Point, Quantity

router = APIRouter(tags=["register"])


@router.get("/points", response_model=Page[PointView])
async def list_points(
    room: TheRoom,
    enterprise: Only = None,
    source: Only = None,
    quantity: Annotated[list[Quantity] | None, Query()] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """The park's points with their limits, in the order of the configuration."""
    wanted = [
        point
        for point in room.park.points
        if enterprise in (None, point.enterprise)
        and source in (None, point.source)
        and (quantity is None or point.quantity in quantity)
    ]
    part, following = page_of(wanted, lambda point: point.id, cursor, limit)
    return {"items": [_view(point) for point in part], "next": following}


@router.get("/points/{enterprise}/{tag}", response_model=PointView)
async def one_point(enterprise: str, tag: str, room: TheRoom) -> dict[str, Any]:
    """One point."""
    return _view(found_point(room, enterprise, tag))


def found_point(room: Room, enterprise: str, tag: str) -> Point:
    """The point of that name. Raises NotFound."""
    index = room.park.by_id.get(f"{enterprise}/{tag}")
    if index is None:
        raise NotFound(f"no point {enterprise}/{tag}")
    return room.park.points[index]


def _view(point: Point) -> dict[str, Any]:
    return {
        "id": point.id,
        "enterprise": point.enterprise,
        "tag": point.tag,
        "source": point.source,
        "unit": point.unit,
        "name": point.name,
        "name_en": point.name_en,
        "quantity": point.quantity,
        "uom": point.uom,
        "range_low": point.range_low,
        "range_high": point.range_high,
        "period_s": point.period_s,
        "limits": asdict(point.limits),
    }
