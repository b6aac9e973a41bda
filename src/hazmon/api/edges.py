"""GET /api/v1/edges: the boxes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from hazmon.api.paging import Cursor, Limit, page_of
from hazmon.api.room import TheRoom
from hazmon.api.views import EdgeView, Page

router = APIRouter(tags=["boxes"])


@router.get("/edges", response_model=Page[EdgeView])
async def list_edges(room: TheRoom, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """Each box: its newest heartbeat, what waits in its outbox, its connections, its clock's offset."""
    part, following = page_of(room.boxes.views(), lambda view: view["edge"], cursor, limit)
    return {"items": part, "next": following}
