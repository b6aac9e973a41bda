"""WebSocket /api/v1/live: what the page shows, as it changes."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from hazmon.api.room import TheRoom
from hazmon.feed import Cut, Subscription

router = APIRouter()
TOO_SLOW = 4008
GOING_AWAY = 1012  # the service restarts
FAREWELL_S = 5.0
_ENDS = (Cut, WebSocketDisconnect, OSError, RuntimeError)  # starlette raises RuntimeError on a socket that is closed


@router.websocket("/live")
async def live(websocket: WebSocket, room: TheRoom) -> None:
    """A snapshot, then deltas and each second a heartbeat. A client that does not keep up is cut with code 4008."""
    await websocket.accept()
    if room.closing:
        await websocket.close(GOING_AWAY)
        return
    subscription, snapshot = room.hub.join()
    tasks = (
        asyncio.create_task(_send(websocket, snapshot, subscription)),
        asyncio.create_task(_listen(websocket)),
        asyncio.create_task(subscription.ended()),
    )
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        room.hub.frames.unsubscribe(subscription)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, _ENDS):
            raise result
    if any(isinstance(result, WebSocketDisconnect) for result in results):
        return
    try:
        async with asyncio.timeout(FAREWELL_S):
            await websocket.close(GOING_AWAY if room.closing else TOO_SLOW)
    except (TimeoutError, OSError, RuntimeError):
        pass  # it does not even take that


async def _send(websocket: WebSocket, snapshot: str, subscription: Subscription[str]) -> None:
    await websocket.send_text(snapshot)
    while True:
        for frame in await subscription.take():
            await websocket.send_text(frame)


async def _listen(websocket: WebSocket) -> None:
    """The page says nothing; but that it has gone is noticed here."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
