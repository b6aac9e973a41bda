"""GET /api/v1/enterprises."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from hazmon.api.paging import Cursor, Limit, page_of
from hazmon.api.room import Room, TheRoom
from hazmon.api.views import EnterpriseView, Page
from hazmon.errors import NotFound
from hazmon.model import Enterprise

router = APIRouter(tags=["register"])


@router.get("/enterprises", response_model=Page[EnterpriseView])
async def list_enterprises(room: TheRoom, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """The park's enterprises, in the order of the configuration."""
    part, following = page_of(room.park.enterprises, lambda enterprise: enterprise.id, cursor, limit)
    return {"items": [_view(room, enterprise) for enterprise in part], "next": following}


@router.get("/enterprises/{enterprise}", response_model=EnterpriseView)
async def one_enterprise(enterprise: str, room: TheRoom) -> dict[str, Any]:
    """One enterprise."""
    for found in room.park.enterprises:
        if found.id == enterprise:
            return _view(room, found)
    raise NotFound(f"no enterprise {enterprise}")


def _view(room: Room, enterprise: Enterprise) -> dict[str, Any]:
    return {
        "id": enterprise.id,
        "name": enterprise.name,
        "name_en": enterprise.name_en,
        "residents_500m": enterprise.residents_500m,
        "sources": [source.id for source in enterprise.sources],
        "points": sum(point.enterprise == enterprise.id for point in room.park.points),
    }
