"""A park service for the page alone: speaks its HTTP and WebSocket over real sockets, and misbehaves on request.

Run as a process of its own, so that it can also be stopped, continued and killed: `python stage.py PORT STATIC`.
Requests to /stage steer it: POST /stage {"frames": false, ...} sets how it behaves, POST /stage/alarms raises alarms.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import uuid
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from plant import Json, points, sources, value
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from hazmon.rulebook import Rule, kind_of

TICK_S = 0.1
BAD_GATEWAY = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def iso(at_s: float) -> str:
    """ISO-8601 UTC with milliseconds."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Behaviour:
    """What the stage does; the defaults are a service in good order."""

    frames: bool = True
    commits: bool = True
    gateway: bool = True
    late_s: float = 0.0  # frames reach the page this much after they were made
    acknowledge: str = "accept"  # accept | conflict | unrecorded
    acknowledge_after_s: float = 0.0
    database: str = "ok"
    unrecorded: int = 0
    version: str = ""
    silent_edges: list[str] = field(default_factory=list[str])
    quiet_sources: list[str] = field(default_factory=list[str])  # their readings stop, their box is well
    bad_points: list[str] = field(default_factory=list[str])


class Stage:
    """The park's present, and the pages that watch it."""

    def __init__(self) -> None:
        self.sources = sources()
        self.points = points(self.sources)
        self.begin()

    def begin(self) -> None:
        """As after a restart: well-behaved, without alarms, another epoch."""
        self.behaviour = Behaviour()
        self.epoch = uuid.uuid4().hex
        self.seq = 0
        self.event = 0
        self.alarms: dict[str, Json] = {}
        self.samples: dict[int, list[Any]] = {}
        self.heartbeat_at: dict[str, float] = {}
        self.watermark = time.time()
        self.pages: dict[WebSocket, asyncio.Queue[str]] = {}

    async def run(self) -> None:
        """Readings in tenths of the park ten times a second, a heartbeat each second."""
        turn = 0
        while True:
            now = time.time()
            if self.behaviour.commits:
                self.watermark = now
            self.delta({"values": self.scan(now, turn % 10)})
            if turn % 10 == 0:
                self.send({"type": "heartbeat", "seq": self.seq, "epoch": self.epoch, **self.stamp()})
            if turn % 50 == 0:
                self.delta({"edges": self.edges(now)})
            turn += 1
            await asyncio.sleep(TICK_S)

    def scan(self, now: float, share: int | None) -> list[list[Any]]:
        """New samples of one tenth of the points (all of them when `share` is None)."""
        behaviour = self.behaviour
        changed: list[list[Any]] = []
        for index, point in enumerate(self.points):
            if (share is not None and index % 10 != share) or point["source"] in behaviour.quiet_sources:
                continue
            bad = point["id"] in behaviour.bad_points
            sample = [index, None if bad else round(value(point, index, now), 4), 129 if bad else 0, int(now * 1000)]
            self.samples[index] = sample
            changed.append(sample)
        return changed

    def edges(self, now: float) -> list[Json]:
        """Every box; the silent ones last spoke when they fell silent."""
        found: list[Json] = []
        for name in sorted({source["edge"] for source in self.sources}):
            silent = name in self.behaviour.silent_edges
            if not silent:
                self.heartbeat_at[name] = now
            found.append({
                "edge": name,
                "state": "silent" if silent else "ok",
                "last_heartbeat": iso(self.heartbeat_at.get(name, now)),
                "outbox_batches": 0,
                "outbox_bytes": 0,
                "clock_offset_ms": 3,
                "connections": [{"name": "plc1", "state": "ok", "last_error": None, "since": iso(now)}],
            })  # fmt: skip
        return found

    def stamp(self) -> Json:
        """Server time and watermark as frames carry them."""
        return {"server_time": iso(time.time() - self.behaviour.late_s), "watermark": iso(self.watermark)}

    def snapshot(self) -> Json:
        """The first frame of a connection."""
        now = time.time()
        self.scan(now, None)
        return {
            "type": "snapshot",
            "epoch": self.epoch,
            "seq": self.seq,
            "version": self.behaviour.version,
            **self.stamp(),
            "park": {"name": "金乡县新材料产业园（演示）", "name_en": "Jinxiang new materials park (demo)"},
            "sources": self.sources,
            "points": self.points,
            "values": list(self.samples.values()),
            "alarms": list(self.alarms.values()),
            "edges": self.edges(now),
            "health": self.health(),
        }

    def health(self) -> Json:
        """State of the record."""
        return {"database": self.behaviour.database, "unrecorded": self.behaviour.unrecorded}

    def delta(self, changes: Json) -> None:
        """Send `changes` to every page as the next frame of the sequence."""
        self.seq += 1
        self.send({"type": "delta", "seq": self.seq, **changes})

    def send(self, frame: Json) -> None:
        """Queue a frame for every page, unless the stage plays dumb."""
        if self.behaviour.frames:
            words = json.dumps(frame)
            for queue in self.pages.values():
                queue.put_nowait(words)

    def raise_alarm(self, wanted: Json) -> Json:
        """Raise an alarm on a point (`point`), anything else as given or plausible."""
        point = next(one for one in self.points if one["id"] == wanted.get("point", "E01/LT-1011"))
        self.event += 1
        rule, now = wanted.get("rule", "HH"), iso(time.time())
        mark = {"rule": rule, "at": now, "value": round(point["hh"] * 1.02, 3), "limit": point["hh"]}
        alarm: Json = {
            "id": uuid.uuid4().hex[:16],
            "enterprise": point["id"].split("/")[0],
            "source": point["source"],
            "tag": point["tag"],
            "point": point["id"],
            "name": point["name"],
            "kind": kind_of(Rule(rule)),
            "rule": rule,
            "active": True,
            "priority": 1,
            "state": "unacknowledged",
            "suppressions": list[str](),
            "health": "ok",
            "latching": False,
            "first_out": False,
            "opened_at": now,
            "raised_at": now,
            "raised_count": 1,
            "acknowledged_at": None,
            "acknowledged_by": None,
            "cleared_at": None,
            "value": mark["value"],
            "limit": mark["limit"],
            "unit": point["uom"],
            "first": mark,
            "worst": mark,
            "peak": None,
            "peak_at": None,
            "overdue": 0,
            "verified": None,
            "disposed": None,
            "shelf": None,
            "by_design": None,
            "late": False,
            "recorded": True,
            "event": self.event,
        } | wanted
        self.alarms[alarm["id"]] = alarm
        return alarm

    def acknowledge(self, alarm: Json, by: str) -> Json:
        """The transition of an acknowledgement."""
        self.event += 1
        returned = alarm["state"] == "returned_unacknowledged"
        after = alarm | {
            "state": "normal" if returned else "acknowledged",
            "acknowledged_at": iso(time.time()),
            "acknowledged_by": by,
            "event": self.event,
        }
        self.alarms[alarm["id"]] = after
        if returned:
            del self.alarms[alarm["id"]]
        return after


def problem(status: int, title: str, detail: str) -> Response:
    """An error in the one shape of the API."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def application(stage: Stage, static: Path) -> Starlette:
    """The page's files, its API and the strings that steer the stage."""

    async def live(page: WebSocket) -> None:
        if not stage.behaviour.gateway:
            await page.send_denial_response(HTMLResponse(BAD_GATEWAY, 502))
            return
        await page.accept()
        queue: asyncio.Queue[str] = asyncio.Queue()
        if stage.behaviour.frames:
            queue.put_nowait(json.dumps(stage.snapshot()))
        stage.pages[page] = queue
        try:
            while True:
                await page.send_text(await queue.get())
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            stage.pages.pop(page, None)

    async def acknowledge(request: Request) -> Response:
        behaviour = stage.behaviour
        if not behaviour.gateway:
            return HTMLResponse(BAD_GATEWAY, 502)
        await asyncio.sleep(behaviour.acknowledge_after_s)
        if behaviour.acknowledge == "unrecorded":
            return problem(503, "Not recorded", "数据库无响应，确认未记录")
        body = await request.json()
        changed: list[Json] = []
        outcomes: list[Json] = []
        for name in body["alarms"]:
            alarm = stage.alarms.get(name)
            refused = alarm is None or alarm["state"] == "acknowledged" or behaviour.acknowledge == "conflict"
            if alarm is not None and not refused:
                changed.append(stage.acknowledge(alarm, body["by"]))
            outcomes.append({"alarm": name, "done": not refused, "why": "报警已由他人确认" if refused else None})
        stage.delta({"alarms": changed})
        return JSONResponse(outcomes)

    async def steer(request: Request) -> Response:
        for name, wanted in (await request.json()).items():
            if name not in {known.name for known in fields(Behaviour)}:
                return problem(400, "Unknown behaviour", name)
            setattr(stage.behaviour, name, wanted)
        stage.delta({"edges": stage.edges(time.time()), "health": stage.health()})
        if not stage.behaviour.gateway:
            for page in list(stage.pages):
                with contextlib.suppress(RuntimeError):  # already gone
                    await page.close(1001)
        return JSONResponse({"pages": len(stage.pages)})

    async def alarms(request: Request) -> Response:
        raised = [stage.raise_alarm(wanted) for wanted in await request.json()]
        stage.delta({"alarms": raised})
        return JSONResponse(raised)

    async def change(request: Request) -> Response:
        alarm = stage.alarms[request.path_params["alarm"]] | await request.json()
        stage.alarms[alarm["id"]] = alarm
        if alarm["state"] == "normal" and not alarm["suppressions"]:
            del stage.alarms[alarm["id"]]
        stage.delta({"alarms": [alarm]})
        return JSONResponse(alarm)

    async def gap(_: Request) -> Response:
        stage.seq += 1
        return JSONResponse({"lost": stage.seq})

    async def reset(_: Request) -> Response:
        stage.begin()
        return JSONResponse({})

    async def points_of_stage(_: Request) -> Response:
        return JSONResponse([point["id"] for point in stage.points])

    return Starlette(
        routes=[
            Route("/stage", steer, methods=["POST"]),
            Route("/stage/alarms", alarms, methods=["POST"]),
            Route("/stage/alarms/{alarm}", change, methods=["POST"]),
            Route("/stage/gap", gap, methods=["POST"]),
            Route("/stage/reset", reset, methods=["POST"]),
            Route("/stage/points", points_of_stage),
            Route("/api/v1/alarms/acknowledge", acknowledge, methods=["POST"]),
            WebSocketRoute("/api/v1/live", live),
            Mount("/", StaticFiles(directory=static, html=True)),
        ],
    )


async def serve(port: int, static: Path) -> None:
    """Play until killed."""
    stage = Stage()
    configuration = uvicorn.Config(application(stage, static), "127.0.0.1", port, log_level="warning", lifespan="off")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.run())
        tasks.create_task(uvicorn.Server(configuration).serve())


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
