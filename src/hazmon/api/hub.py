"""What the page is shown, as frames: a snapshot, then changes, merged to ten frames a second; alarms go out at once.

Every frame is encoded once and handed to all clients. Watermark is the newest commit, so a live socket over a dead pipeline
is seen: it moves with nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from hazmon.api.alarm_json import alarm_json, iso_or_none
from hazmon.api.board import Board
from hazmon.api.boxes import Boxes
from hazmon.clock import iso
from hazmon.engine import Engine, Notice
from hazmon.feed import Cut, Feed, Subscription
from hazmon.rules.frame import NEVER, Ints

FRAME_S = 0.1
HEARTBEAT_S = 1.0
MS = 1000
QUEUE_FRAMES = 200


class Hub:
    """Frames for all pages. `seq` numbers the deltas."""

    def __init__(self, engine: Engine, board: Board, boxes: Boxes, version: str) -> None:
        self.frames: Feed[str] = Feed(limit=QUEUE_FRAMES)
        self.seq = 0
        self._engine = engine
        self._board = board
        self._boxes = boxes
        self._told = board.told.subscribe()
        self._shown_at: Ints = np.full(len(engine.plant.park.points), NEVER, np.int64)
        self._edges: dict[str, dict[str, Any]] = {view["edge"]: view for view in boxes.views()}
        self._health = self._health_now()
        self._static = {"version": version, **_static(engine)}

    async def run(self) -> None:
        """Send frames until cancelled."""
        clock = self._engine.clock
        tick = beat = clock.monotonic()
        while True:
            alarms = await self._alarms_until(tick)
            now = clock.monotonic()
            if alarms or now >= tick:
                self._send_changes(alarms)
            if now >= tick:
                tick = max(tick + FRAME_S, now)
            if now >= beat:
                beat = max(beat + HEARTBEAT_S, now)
                self.frames.publish(self._heartbeat())

    def join(self) -> tuple[Subscription[str], str]:
        """A subscription and the snapshot before it."""
        return self.frames.subscribe(), self.snapshot()

    def snapshot(self) -> str:
        """Everything a page shows, as a frame."""
        now = self._engine.clock.now()
        frame = self._engine.plant.frame
        return _text(
            {
                "type": "snapshot",
                "epoch": self._board.epoch,
                "seq": self.seq,
                "server_time": iso(now),
                "watermark": iso_or_none(self._engine.watermark),
                **self._static,
                "values": self._values(np.flatnonzero(frame.at != NEVER)),
                "alarms": [alarm_json(alarm, recorded) for alarm, recorded in self._board.open.values()],
                "edges": self._boxes.views(),
                "health": self._health_now(),
            }
        )

    def reloaded(self) -> None:
        """Another configuration is in force: every page is cut, and comes back to a snapshot that shows it."""
        self._static |= _static(self._engine)
        self.frames.close()

    async def _alarms_until(self, tick: float) -> list[Notice]:
        try:
            async with asyncio.timeout(max(0.0, tick - self._engine.clock.monotonic())):
                return [notice for notices in await self._told.take() for notice in notices]
        except TimeoutError:
            return []
        except Cut:
            self._told = self._board.told.subscribe()
            self.frames.close()
            return []

    def _send_changes(self, notices: Iterable[Notice]) -> None:
        delta: dict[str, Any] = {}
        frame = self._engine.plant.frame
        changed = self._engine.take_changed()
        changed = changed[frame.at[changed] != self._shown_at[changed]]
        if changed.size:
            self._shown_at[changed] = frame.at[changed]
            delta["values"] = self._values(changed)
        newest = {notice.event.alarm.id: notice for notice in notices}
        if newest:
            delta["alarms"] = [self._alarm(notice) for notice in newest.values()]
        edges: dict[str, dict[str, Any]] = {view["edge"]: view for view in self._boxes.views()}
        if edges != self._edges:
            delta["edges"] = [view for edge, view in edges.items() if view != self._edges[edge]]
            self._edges = edges
        health = self._health_now()
        if health != self._health:
            delta["health"] = self._health = health
        if delta:
            self.seq += 1
            self.frames.publish(_text({"type": "delta", "seq": self.seq, **delta}))

    def _alarm(self, notice: Notice) -> dict[str, Any]:
        """The alarm as the board holds it, which is never older than the notice."""
        alarm, recorded = self._board.open.get(notice.event.alarm.id, (notice.event.alarm, notice.recorded))
        return alarm_json(alarm, recorded)

    def _heartbeat(self) -> str:
        return _text(
            {
                "type": "heartbeat",
                "seq": self.seq,
                "server_time": iso(self._engine.clock.now()),
                "watermark": iso_or_none(self._engine.watermark),
            }
        )

    def _values(self, indices: Ints) -> list[tuple[int, float, int, int]]:
        frame = self._engine.plant.frame
        return list(
            zip(
                indices.tolist(),
                frame.value[indices].tolist(),
                frame.quality[indices].tolist(),
                (frame.at[indices] // MS).tolist(),
                strict=True,
            )
        )

    def _health_now(self) -> dict[str, Any]:
        return {"database": "down" if self._engine.down else "ok", "unrecorded": self._board.waiting}


def _text(frame: dict[str, Any]) -> str:
    """JSON; NaN becomes null."""
    return msgspec.json.encode(frame).decode()


def _static(engine: Engine) -> dict[str, Any]:
    """What does not change until another configuration is in force, encoded once."""
    park = engine.plant.park
    names = {enterprise.id: (enterprise.name, enterprise.name_en) for enterprise in park.enterprises}
    sources = [
        {
            "id": source.id,
            "enterprise": source.enterprise,
            "enterprise_name": names[source.enterprise][0],
            "enterprise_name_en": names[source.enterprise][1],
            "name": source.name,
            "name_en": source.name_en,
            "level": source.level,
            "r": source.r,
            "position": source.position,
            "unit_type": source.unit_type,
            "edge": source.enterprise,
        }
        for source in park.sources
    ]
    points = [
        {
            "id": point.id,
            "source": point.source,
            "tag": point.tag,
            "name": point.name,
            "name_en": point.name_en,
            "quantity": point.quantity,
            "uom": point.uom,
            "low": point.range_low,
            "high": point.range_high,
            "ll": point.limits.ll,
            "l": point.limits.l,
            "h": point.limits.h,
            "hh": point.limits.hh,
            "period_s": point.period_s,
            "stale_s": point.limits.stale_s,
        }
        for point in park.points
    ]
    return {
        "park": msgspec.Raw(msgspec.json.encode({"name": park.settings.name, "name_en": park.settings.name_en})),
        "sources": msgspec.Raw(msgspec.json.encode(sources)),
        "points": msgspec.Raw(msgspec.json.encode(points)),
    }
