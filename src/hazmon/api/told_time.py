"""Time that a simulator tells: a header that sets the service's clock forward, where the service was started for that."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from hazmon.api.problems import problem
from hazmon.clock import Clock, SteppedClock

HEADER = "hazmon-simulated-now"  # microseconds since 1970, UTC
LATEST = 4_102_444_800_000_000  # 2100-01-01


class ToldTime:
    """ASGI middleware: 400 for the header where time is real, or on what is no time."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the clock forward, then pass the request on."""
        told = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if told is not None:
            if not isinstance(self._clock, SteppedClock):
                await problem(400, "time is real here: start the service with HAZMON_SIMULATED_FROM")(scope, receive, send)
                return
            if not told.isascii() or not told.isdigit() or not 0 < int(told) < LATEST:
                await problem(400, f"{HEADER}: microseconds since 1970 wanted, not {told[:40]!r}")(scope, receive, send)
                return
            self._clock.set_forward(int(told))
        await self._app(scope, receive, send)
