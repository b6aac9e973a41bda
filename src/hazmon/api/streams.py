"""A stream of server-sent events to one client: ends when the client goes, when it is too slow, and when the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hazmon.errors import StoreUnavailable
from hazmon.feed import Cut, Feed, Subscription

FAREWELL_S = 1.0
_ENDS = (Cut, StoreUnavailable, OSError)  # the client comes back with the number it heard last
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(Response):
    """What a client missed, then everything its subscription brings."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed[bytes], subscription: Subscription[bytes], first: AsyncIterator[bytes]) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._feed = feed
        self._subscription = subscription
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one of the three ends it; a send that does not return is not waited for."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        tasks: Sequence[asyncio.Task[None]] = (
            asyncio.create_task(self._pump(send)),
            asyncio.create_task(_gone(receive)),
            asyncio.create_task(self._subscription.ended()),
        )
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._feed.unsubscribe(self._subscription)
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, _ENDS):
                raise result
        try:
            async with asyncio.timeout(FAREWELL_S):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            pass  # it does not even take the end

    async def _pump(self, send: Send) -> None:
        async for body in self._first:
            await send({"type": "http.response.body", "body": body, "more_body": True})
        while True:
            for body in await self._subscription.take():
                await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
