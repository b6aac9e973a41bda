"""Gathers what connections bring within a few milliseconds into one batch, and waits for the disk on their behalf."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hazmon_edge.clock import Clock
from hazmon_edge.outbox import Outbox
from hazmon_edge.scans import Collected, blocks_of
from hazmon_edge.store import Entry

WINDOW_NS = 40_000_000  # PLCs and sensors of one second share a batch; a slow device is not waited for
MAX_VALUES = 100_000  # of one batch


class Assembler:
    """`keep` returns when what was brought is in the outbox; the entry then goes straight to the uplink."""

    def __init__(self, outbox: Outbox, clock: Clock, ship: Callable[[Entry], None]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._ship = ship
        self._pending: list[tuple[Collected, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()

    async def keep(self, collected: Collected) -> None:
        """Put it on disk with whatever else comes within the window."""
        done = asyncio.get_running_loop().create_future()
        self._pending.append((collected, done))
        self._arrived.set()
        await done

    async def run(self) -> None:
        """Gather and write, for ever."""
        while True:
            await self._arrived.wait()
            await self._clock.sleep_until(self._clock.monotonic_ns() + WINDOW_NS)
            await self.flush()

    async def flush(self) -> None:
        """Write all that is pending now."""
        while self._pending:
            some = self._take()
            entry, saved = await self._outbox.append(
                blocks=blocks_of([scan for collected, _ in some for scan in collected.scans]),
                misses=[miss for collected, _ in some for miss in collected.misses],
                positions=[collected.position for collected, _ in some if collected.position is not None],
            )
            self._ship(entry)
            for collected, done in some:
                if saved and collected.kept is not None:
                    collected.kept()
                if not done.done():
                    done.set_result(None)
        self._arrived.clear()

    def _take(self) -> list[tuple[Collected, asyncio.Future[None]]]:
        """From the front, as many as one batch holds; what one tick brought is never split."""
        size = count = 0
        for collected, _ in self._pending:
            size += sum(len(scan.values) for scan in collected.scans)
            if count and size > MAX_VALUES:
                break
            count += 1
        some, self._pending = self._pending[:count], self._pending[count:]
        return some
