"""No request body is larger than it may be, whether it says its length or not."""

from __future__ import annotations

from hazmon_edge.wire import MAX_BODY
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hazmon.api.problems import problem

SMALL_BODY = 64 * 1024
_LARGE = {"/api/v1/batches": MAX_BODY}


class BodyLimit:
    """ASGI middleware: 413 for a body above the limit of its path, found out before or while it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _LARGE.get(scope["path"], SMALL_BODY)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > limit:
            await problem(413, _text(limit))(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, _text(limit))
            return message

        await self._app(scope, counted, send)


def _text(limit: int) -> str:
    return f"a body here has {limit} bytes at most"
