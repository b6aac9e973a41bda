"""One connection's life: its own task, its own grid of ticks, its own way back when the device goes away.

Every tick ends with something on disk: a scan, or a miss with its cause. No other connection can delay it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from hazmon_edge.clock import SECOND_NS, Clock
from hazmon_edge.collectors import Collector
from hazmon_edge.errors import Cause, CollectError, NotConnected
from hazmon_edge.scans import Collected
from hazmon_edge.ticks import next_tick
from hazmon_edge.wire import Miss

FIRST_RETRY_S = 0.25
LAST_RETRY_S = 5.0

log = logging.getLogger("hazmon.edge")


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """What the heartbeat tells about a connection. state: connecting | ok | down."""

    name: str
    state: str
    since_us: int
    last_error: str
    points: int


def retry_delay_s(failures: int, jitter: float) -> float:
    """Wait before connecting again after so many failures in a row: none after the first, then doubling, bounded.

    `jitter` in 0..1 takes up to half of it off, so that boxes cut off together do not come back together.
    """
    if failures <= 1:
        return 0.0
    return min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures - 2, 10)) * (1 - jitter / 2)


class ConnectionRunner:
    """Drives one collector: owns schedule, reconnecting and counting; `keep` puts what was collected on disk."""

    def __init__(
        self,
        name: str,
        points: int,
        collector: Collector,
        clock: Clock,
        keep: Callable[[Collected], Awaitable[None]],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._points = points
        self._collector = collector
        self._clock = clock
        self._keep = keep
        self._jitter = jitter
        self._state = "connecting"
        self._since_us = clock.now_us()
        self._error = ""
        self._failures = 0
        self._retry_ns = 0
        self._was_connected = False
        self._attempt: asyncio.Task[None] | None = None

    @property
    def state(self) -> ConnectionState:
        return ConnectionState(self._name, self._state, self._since_us, self._error, self._points)

    @property
    def interval_ns(self) -> int:
        """Between two ticks."""
        return self._collector.interval_ns

    async def run(self, first_ns: int) -> None:
        """Tick for ever, from the first instant on. Ends only by cancellation."""
        interval = self.interval_ns
        scheduled = self._collector.first_ns(first_ns)
        self._start_attempt()
        try:
            while True:
                scheduled = await self._tick(scheduled, interval)
        finally:
            if self._attempt is not None:
                self._attempt.cancel()
            await self._collector.close()

    async def _tick(self, scheduled: int, interval: int) -> int:
        """One tick: wait, collect, put on disk. Returns the next instant."""
        await self._clock.sleep_until(scheduled)
        slept_through = (self._clock.monotonic_ns() - scheduled) // interval
        misses = self._owed(Cause.BOX_OFF, scheduled, slept_through)  # the box itself stood still
        scheduled += slept_through * interval
        try:
            collected = await self._collect(scheduled + interval)
        except CollectError as error:
            collected = Collected(misses=self._owed(error.cause, scheduled, 1), error=str(error))
        except Exception:
            log.exception("connection %s failed in a way nobody thought of; starting it anew", self._name)
            await self._collector.close()
            collected = Collected(misses=self._owed(Cause.DECODE, scheduled, 1), error="internal error, see the log")
        self._judge(collected)
        after = next_tick(self._clock.monotonic_ns(), scheduled, interval)
        collected.misses = misses + collected.misses + self._owed(Cause.TIMEOUT, scheduled + interval, after.missed)
        if not collected.is_empty:
            await self._keep(collected)
        return after.at_ns

    def _owed(self, cause: Cause, from_ns: int, ticks: int) -> list[Miss]:
        if ticks <= 0:
            return []
        at_us = self._clock.now_us() - (self._clock.monotonic_ns() - from_ns) // 1_000
        return self._collector.owe(cause, at_us, ticks)

    async def _collect(self, deadline_ns: int) -> Collected:
        if not self._collector.connected:
            await self._connect(deadline_ns)
        self._was_connected = True
        return await self._collector.collect(deadline_ns)

    async def _connect(self, deadline_ns: int) -> None:
        """Start an attempt when one is due, and give it half the tick. Raises NotConnected when there is no connection yet."""
        with suppress(CollectError):
            self._finish_attempt()  # one that ended between two ticks
        if self._attempt is None:
            if self._clock.monotonic_ns() < self._retry_ns:
                raise NotConnected(self._error)
            self._start_attempt()
        if self._attempt is not None and not self._collector.connected:
            left_s = (deadline_ns - self._clock.monotonic_ns()) / 2 / SECOND_NS
            await asyncio.wait([self._attempt], timeout=max(left_s, 0))
        self._finish_attempt()
        if not self._collector.connected:
            raise NotConnected(self._error or "connecting")

    def _finish_attempt(self) -> None:
        """Forget an attempt that is over. Raises what it ended with."""
        if self._attempt is None or not self._attempt.done():
            return
        attempt, self._attempt = self._attempt, None
        try:
            attempt.result()
        except CollectError:
            self._failed()
            raise

    def _start_attempt(self) -> None:
        self._attempt = asyncio.create_task(self._collector.connect(), name=f"connect {self._name}")

    def _failed(self) -> None:
        self._was_connected = False
        self._failures += 1
        wait_s = retry_delay_s(self._failures, self._jitter())
        self._retry_ns = self._clock.monotonic_ns() + round(wait_s * SECOND_NS)

    def _judge(self, collected: Collected) -> None:
        """Tell a change of state once, in the log and in the next heartbeat. A tick that owed nothing says nothing."""
        if collected.scans:
            state = "ok"
            self._failures = 0
        elif collected.misses or collected.error:
            state = "down"
            if self._was_connected and not self._collector.connected:
                self._failed()
        else:
            state = "ok" if self._state == "connecting" else self._state
        self._error = collected.error
        if state == self._state:
            return
        self._state = state
        self._since_us = self._clock.now_us()
        if state == "down":
            log.warning("connection %s down: %s", self._name, collected.error)
        else:
            log.info("connection %s up: %d points", self._name, self._points)
