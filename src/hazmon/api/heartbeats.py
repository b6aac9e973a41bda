"""POST /api/v1/heartbeats: a box's sign of life."""

from __future__ import annotations

from fastapi import APIRouter

from hazmon.api.access import SendingBox
from hazmon.api.boxes import Beat, BeatAnswer
from hazmon.api.room import TheRoom

router = APIRouter(tags=["boxes"])


@router.post("/heartbeats")
async def take_heartbeat(beat: Beat, room: TheRoom, edge: SendingBox) -> BeatAnswer:
    """Say that the box is alive, how much waits in its outbox, and how its connections are. Every five seconds."""
    if beat.edge != edge:
        raise PermissionError(f"box {edge} may not speak for {beat.edge}")
    room.engine.heartbeat(edge, None if beat.clock_offset_ms is None else beat.clock_offset_ms * 1000)
    return BeatAnswer(server_time_us=room.boxes.hear(beat))
