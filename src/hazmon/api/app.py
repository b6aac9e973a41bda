"""The application: every router, one error shape, and the tasks that tell the room."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

import structlog
from fastapi import FastAPI

from hazmon.api import (
    alarm_commands,
    alarm_stream,
    alarms,
    batches,
    configuration,
    coverage,
    coverage_findings,
    edges,
    enterprises,
    exemptions,
    health,
    heartbeats,
    live,
    metrics,
    points,
    readings,
    sources,
    statistics,
)
from hazmon.api.limits import BodyLimit
from hazmon.api.openapi import describe
from hazmon.api.page import page_routes
from hazmon.api.problems import handle_problems
from hazmon.api.room import Room
from hazmon.api.told_time import ToldTime

log = structlog.get_logger()
API = "/api/v1"
_ABOUT = """重大危险源在线监测 · Monitoring of the major hazard sources of a chemical park.

A point is `E01/LT-1101`: enterprise and 位号. Times are RFC 3339 in UTC. Lists come in parts: give `next` back as `cursor`.
Everything that goes wrong is `application/problem+json` (RFC 9457).

Beside what stands here, `GET /api/v1/live` is a WebSocket for the page: a snapshot, then deltas numbered by `seq`, and each
second a heartbeat with the watermark, the time of the newest commit. A client that does not keep up is closed with 4008.
"""


def create_app(room: Room) -> FastAPI:
    """The ASGI application of a room. Its lifespan runs the room's tasks; the engine is run by whoever made the room."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        room.start()
        yield
        await room.stop()

    app = FastAPI(
        title="hazmon",
        version=version("hazmon"),
        description=_ABOUT,
        docs_url=None,  # they fetch scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.room = room
    handle_problems(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(ToldTime, clock=room.clock)
    for router in (
        batches.router,
        heartbeats.router,
        enterprises.router,
        sources.router,
        points.router,
        readings.router,
        alarm_stream.router,  # before alarms/{alarm}
        statistics.router,
        alarms.router,
        alarm_commands.router,
        exemptions.router,
        coverage.router,
        configuration.router,
        coverage_findings.router,
        edges.router,
        live.router,
    ):
        app.include_router(router, prefix=API)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.router.routes.extend(page_routes(room.page))
    app.openapi = describe(app)
    if room.page.fault is not None:
        log.error("the page cannot be served", fault=room.page.fault)
    return app
