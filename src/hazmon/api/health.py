"""/healthz and /readyz: is the process alive, and can it do its work."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from hazmon.api.alarm_json import iso_or_none
from hazmon.api.problems import problem
from hazmon.api.room import TheRoom
from hazmon.errors import StoreUnavailable
from hazmon.store.pool import answers

router = APIRouter(tags=["service"])
PATIENCE_S = 2.0


class Health(BaseModel):
    """The service as it is. `page` says why the page cannot be served, null when it can."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "ok",
                "epoch": "1863b1c2a40",
                "database": "ok",
                "unrecorded": 0,
                "watermark": "2026-01-01T08:00:00.000000Z",
                "page": None,
            }
        }
    )

    status: str
    epoch: str
    database: str
    unrecorded: int
    watermark: str | None
    page: str | None


@router.get("/healthz", response_model=Health)
async def healthz(room: TheRoom) -> dict[str, Any] | Response:
    """Alive: the engine turns and the room is told. A dead database does not make the service unhealthy."""
    fault = room.fault()
    if fault is not None:
        return problem(503, fault)
    return {
        "status": "ok",
        "epoch": room.epoch,
        "database": "down" if room.engine.down else "ok",
        "unrecorded": room.board.waiting,
        "watermark": iso_or_none(room.engine.watermark),
        "page": room.page.fault,
    }


@router.get("/readyz", response_model=Health)
async def readyz(room: TheRoom) -> dict[str, Any] | Response:
    """Ready: alive, and the database answers."""
    try:
        async with asyncio.timeout(PATIENCE_S), room.pool.connection() as connection:
            await answers(connection)
    except (TimeoutError, StoreUnavailable):
        return problem(503, "the database does not answer")
    return await healthz(room)
