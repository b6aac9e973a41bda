"""The configuration in force: read the folder again, all of it or nothing, and which versions there were."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from hazmon.api.alarm_views import By, Reason
from hazmon.api.paging import Limit
from hazmon.api.problems import problem
from hazmon.api.room import Room, TheRoom
from hazmon.api.views import Page, Time
from hazmon.clock import iso
from hazmon.errors import ConfigError
from hazmon.model import Park
from hazmon.registry import load
from hazmon.reload import NeedsRestart, changes, reloaded
from hazmon.store import configurations as record

router = APIRouter(tags=["configuration"])
log = structlog.get_logger()


class ReloadBody(BaseModel):
    """Who has the folder read again, and why. A dry run says what would change, and changes nothing."""

    model_config = ConfigDict(json_schema_extra={"example": {"by": "王工", "why": "1#球罐高报改为 10.2 m", "dry_run": False}})

    by: By
    why: Reason
    dry_run: bool = False


class ChangeView(BaseModel):
    """A field that changed; null where it was, or is, not there."""

    subject: str = Field(description="a point, named rule, suppression by design, source, enterprise, or `park`")
    field: str
    old: Any
    new: Any


class ConfigurationView(BaseModel):
    """A version of the configuration, in force from `at` to the next one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "number": 3,
                "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "at": "2026-01-01T08:00:00.000000Z",
                "by": "王工",
                "why": "1#球罐高报改为 10.2 m",
                "changes": [{"subject": "E01/LT-1101", "field": "H", "old": 10.5, "new": 10.2}],
            }
        }
    )

    number: int
    digest: str = Field(description="SHA-256 of the folder's files")
    at: Time
    by: str = Field(description="`service start` when the service found the folder changed as it started")
    why: str
    changes: list[ChangeView]


class ReloadView(BaseModel):
    """What a reload did, or would do."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "number": 7,
                "dry_run": False,
                "digest": "9f3c1a70",
                "changes": [{"subject": "E01/LT-1101", "field": "H", "old": 10.5, "new": 10.2}],
            }
        }
    )

    number: int | None = Field(description="of the version in force after it; null: a dry run that would make a new one")
    dry_run: bool
    digest: str
    changes: list[ChangeView]


@router.get("/configuration", response_model=Page[ConfigurationView])
async def list_configurations(
    room: TheRoom, limit: Limit = 50, cursor: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> dict[str, Any]:
    """The versions of the configuration, the newest first: the first one of the first part is in force."""
    async with room.connection() as connection:
        found = await record.configurations(connection, cursor, limit + 1)
    items = found[:limit]
    return {"items": [_view(each) for each in items], "next": str(items[-1].number) if len(found) > limit else None}


@router.post("/configuration/reload", response_model=ReloadView)
async def reload(body: ReloadBody, room: TheRoom) -> dict[str, Any] | Response:
    """Read the configuration folder again and go on with it. Limits, rules and handling may change; nothing that stands is lost.

    422 with every finding when the folder is refused; 409 when points, sources or boxes differ, which needs a restart.
    """
    try:
        async with room.reloading:
            return await _take_over(room, await asyncio.to_thread(load, room.config), body)
    except ConfigError as error:
        found = [asdict(finding) for finding in error.findings]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"the configuration is refused: {len(found)} findings", errors=found)
    except NeedsRestart as error:
        return problem(HTTPStatus.CONFLICT, str(error), errors=[{"at": what} for what in error.what])


async def _take_over(room: Room, park: Park, body: ReloadBody) -> dict[str, Any]:
    """Try it, record it, and only then apply it: whatever fails, the configuration in force is the one that was."""
    found = changes(room.park, park)
    reloaded(room.engine.plant, park, room.clock.now())
    async with room.connection() as connection:
        last = await record.configurations(connection, None, 1)
        number = last[0].number if last and last[0].digest == park.digest else None
        if not body.dry_run:
            if number is None:
                number = await record.record_configuration(connection, park.digest, room.clock.now(), body.by, body.why, found)
            room.engine.reload(park)
            room.hub.reloaded()
            log.info("configuration taken over", number=number, changes=len(found), by=body.by)
    return {"number": number, "dry_run": body.dry_run, "digest": park.digest, "changes": [asdict(each) for each in found]}


def _view(found: record.Configuration) -> dict[str, Any]:
    return {
        "number": found.number,
        "digest": found.digest,
        "at": iso(found.at),
        "by": found.by,
        "why": found.why,
        "changes": [asdict(each) for each in found.changes],
    }
