"""The only module of the box that reads time. Stamps are wall time, cadence is monotonic time; both are arguments elsewhere."""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import Protocol

SECOND_US = 1_000_000
SECOND_NS = 1_000_000_000


class Clock(Protocol):
    """Wall time to stamp with, monotonic time to count with, and a way to wait."""

    def now_us(self) -> int:
        """Wall time, microseconds UTC since 1970."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed instant; never steps."""
        ...

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Return when monotonic time has reached the instant; at once if it has."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    async def sleep_until(self, monotonic_ns: int) -> None:
        # A loop's timers count milliseconds, so one sleep can end a fraction early.
        while (left := monotonic_ns - time.monotonic_ns()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(max(left / SECOND_NS, 0.000_5))


class ManualClock:
    """A clock that a test moves. `advance` wakes sleepers in the order of their instants."""

    def __init__(self, now_us: int = 1_700_000_000_000_000, monotonic_ns: int = 0) -> None:
        self._now_us = now_us
        self._monotonic_ns = monotonic_ns
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = 0

    def now_us(self) -> int:
        return self._now_us

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    async def sleep_until(self, monotonic_ns: int) -> None:
        if monotonic_ns <= self._monotonic_ns:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (monotonic_ns, self._order, future))
        await future

    def step_wall(self, by_us: int) -> None:
        """Set the wall clock forward or back, as an operator or NTP does; monotonic time does not notice."""
        self._now_us += by_us

    async def advance(self, seconds: float) -> None:
        """Let time pass, stopping at every sleeper's instant so that it runs at its own time."""
        end = self._monotonic_ns + round(seconds * SECOND_NS)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            self._move(at)
            if not future.done():
                future.set_result(None)
            await _settle()
        self._move(end)
        await _settle()

    def _move(self, to_ns: int) -> None:
        if to_ns > self._monotonic_ns:
            self._now_us += (to_ns - self._monotonic_ns) // 1_000
            self._monotonic_ns = to_ns


async def _settle() -> None:
    """Let every task that can run do so until it waits again."""
    for _ in range(20):
        await asyncio.sleep(0)
