"""Reading the alarm stream and the page's socket as their clients do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import websockets
from contract.rooms import Service


@dataclass(slots=True)
class Told:
    """One server-sent event."""

    kind: str
    id: str | None
    data: dict[str, Any]


class Listener:
    """Frames of the alarm stream, one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def frame(self, seconds: float = 10.0) -> Told:
        """The next frame. Raises StopAsyncIteration when the stream has ended."""
        kind, identity, data = "message", None, ""
        async with asyncio.timeout(seconds):
            while True:
                line = await anext(self._lines)
                if not line and data:
                    return Told(kind, identity, json.loads(data))
                name, _, value = line.partition(": ")
                match name:
                    case "event":
                        kind = value
                    case "id":
                        identity = value
                    case "data":
                        data += value
                    case _:
                        assert not line or line.startswith(":"), line

    async def end(self, seconds: float = 10.0) -> None:
        """Read until the service ends the stream."""
        async with asyncio.timeout(seconds):
            async for _ in self._lines:
                pass

    async def next(self, kind: str = "alarm", seconds: float = 10.0) -> Told:
        """The next frame of that kind; heartbeats before it are passed over."""
        while True:
            frame = await self.frame(seconds)
            if frame.kind == kind:
                return frame
            assert frame.kind == "heartbeat", frame


@asynccontextmanager
async def stream(service: Service, last: str | None = None) -> AsyncGenerator[Listener]:
    """A client of the alarm stream, with the Last-Event-ID it comes back with."""
    headers = {} if last is None else {"Last-Event-ID": last}
    async with service.http.stream("GET", "/api/v1/alarms/stream", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Listener(response)


@asynccontextmanager
async def page(service: Service) -> AsyncGenerator[websockets.ClientConnection]:
    """A client of the page's socket."""
    url = service.url.replace("http", "ws") + "/api/v1/live"
    async with websockets.connect(url, max_size=None, proxy=None) as connection:
        yield connection


async def closing_code(connection: websockets.ClientConnection) -> int | None:
    """Read until the service closes the socket; the code it gave."""
    try:
        async with asyncio.timeout(10):
            while True:
                await connection.recv()
    except websockets.ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


async def live_frame(connection: websockets.ClientConnection, kind: str | None = None) -> dict[str, Any]:
    """The next frame, of that kind if one is named."""
    async with asyncio.timeout(10):
        while True:
            frame: dict[str, Any] = json.loads(await connection.recv())
            if kind in (None, frame["type"]):
                return frame
