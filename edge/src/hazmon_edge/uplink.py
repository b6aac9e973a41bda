"""Ships the outbox to the park: live first, backlog behind, receipts back.

    live lane      the newest batches, at once, one request in flight          |  a dead line stops both lanes; short
    backlog lane   everything else, oldest first, in bundles, one in flight    |  heartbeats probe until it answers

A batch whose answer never came is sent again: the park knows (edge, boot, seq) and answers `duplicate`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hazmon_edge.clock import SECOND_NS, Clock
from hazmon_edge.connection import ConnectionState
from hazmon_edge.errors import UplinkError
from hazmon_edge.outbox import Outbox
from hazmon_edge.park import ANSWER_S, Park, heartbeat_of
from hazmon_edge.store import Entry
from hazmon_edge.wire import Receipt, decode

LIVE_BATCHES = 20  # as many of the newest go first, in order: after a short break nothing is late
BUNDLE_BATCHES = 200
BUNDLE_BYTES = 256 * 1024
HEARTBEAT_S = 5.0
PROBE_S = 0.5
PROBE_TIMEOUTS_S = (1.5, 1.5, 1.5, ANSWER_S)  # quick to see a line come back, patient with a slow park
FIRST_PAUSE_S = 0.2
LAST_PAUSE_S = 5.0
DENIED_PAUSE_S = 10.0
IDLE_S = 0.5

log = logging.getLogger("hazmon.edge")


class Uplink:
    """`offer` takes a batch that is in the outbox; `run` ships until cancelled."""

    def __init__(
        self,
        outbox: Outbox,
        edge: str,
        connect: Callable[[], Park],
        clock: Clock,
        states: Callable[[], Sequence[ConnectionState]],
        folder: Path,
        ahead: Callable[[], int] = lambda: 0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._edge = edge
        self._connect = connect
        self._clock = clock
        self._states = states
        self._folder = folder
        self._ahead = ahead  # microseconds by which stamps run before the wall clock
        self._jitter = jitter
        self._live: deque[Entry] = deque(maxlen=LIVE_BATCHES)
        self._fresh = asyncio.Event()
        self._flying: set[int] = set()
        self._up = asyncio.Event()
        self._up.set()
        self._down = asyncio.Event()
        self._said = ""
        self._offset_ms: int | None = None
        self._bundle_bytes = BUNDLE_BYTES
        self._declared: set[bytes] = set()

    @property
    def clock_offset_ms(self) -> int | None:
        """The park's clock minus the box's, None before the first heartbeat."""
        return self._offset_ms

    def offer(self, entry: Entry) -> None:
        """A batch just made: it goes first. What no longer fits among the newest is backlog."""
        self._live.append(entry)
        self._fresh.set()

    async def run(self) -> None:
        """Ship for ever. Ends by cancellation only."""
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._live_lane(), name="live")
            lanes.create_task(self._backlog_lane(), name="backlog")
            lanes.create_task(self._heartbeats(), name="heartbeats")

    async def _live_lane(self) -> None:
        park = self._connect()
        failures = 0
        try:
            while True:
                await self._fresh.wait()
                await self._up.wait()
                entries = list(self._live)
                self._live.clear()
                self._fresh.clear()
                try:
                    await self._ship(park, entries)
                except UplinkError as error:
                    failures += 1
                    self._live.extendleft(reversed(entries[max(0, len(entries) + len(self._live) - LIVE_BATCHES) :]))
                    self._fresh.set()
                    await self._pause(error, failures)
                else:
                    failures = 0
        finally:
            await park.close()

    async def _backlog_lane(self) -> None:
        park = self._connect()
        failures = cursor = 0
        try:
            while True:
                await self._up.wait()
                waiting = self._flying | {entry.n for entry in self._live}
                entries: list[Entry] = []
                if self._outbox.depth.batches > len(waiting):
                    entries = await self._outbox.oldest(cursor, BUNDLE_BATCHES, self._bundle_bytes)
                if not entries:  # nothing, or the end of this sweep
                    cursor = 0
                    await self._sleep(IDLE_S)
                    continue
                waiting = self._flying | {entry.n for entry in self._live}
                bundle = [entry for entry in entries if entry.n not in waiting]
                try:
                    await self._ship(park, bundle)
                except UplinkError as error:
                    failures += 1
                    if not error.answered:  # perhaps too much for this line in the time
                        self._bundle_bytes = max(self._bundle_bytes // 2, 1)
                    await self._pause(error, failures)
                else:
                    failures, cursor = 0, entries[-1].n
                    self._bundle_bytes = min(self._bundle_bytes * 2, BUNDLE_BYTES)
        finally:
            await park.close()

    async def _ship(self, park: Park, entries: Sequence[Entry]) -> None:
        """Send and settle. Raises UplinkError when batches are left that must be tried again later."""
        if not entries:
            return
        numbers = {entry.n for entry in entries}
        self._flying |= numbers
        try:
            receipts = await park.send(entries)
        except UplinkError as error:
            if error.status not in (400, 413):
                raise
            if len(entries) == 1:
                log.error("uplink: the park cannot read batch %d: %s; it is parked", entries[0].seq, error)
                self._outbox.settle([], [(entries[0], str(error))])
                return
            receipts = None
        finally:
            self._flying -= numbers
        if receipts is None:  # find the one the park cannot take
            middle = len(entries) // 2
            await self._ship(park, entries[:middle])
            await self._ship(park, entries[middle:])
            return
        self._online()
        await self._settle(park, entries, receipts)

    async def _settle(self, park: Park, entries: Sequence[Entry], receipts: Sequence[Receipt]) -> None:
        done: list[Entry] = []
        parked: list[tuple[Entry, str]] = []
        again: list[Entry] = []
        undeclared: list[Entry] = []
        reason = ""
        for entry, receipt in zip(entries, receipts, strict=True):
            if receipt.refused:
                _say_refused(entry, receipt)
            if receipt.outcome != "rejected":
                done.append(entry)
            elif not receipt.retry:
                log.error("uplink: batch %d rejected for good: %s; it is parked", entry.seq, receipt.reason)
                parked.append((entry, receipt.reason or "rejected"))
            elif receipt.reason == "unknown-group":
                undeclared.append(entry)
            else:
                again.append(entry)
                reason = receipt.reason or "no reason given"
        self._outbox.settle(done, parked)
        if undeclared:
            await self._declare(park, undeclared)
        if again:
            raise UplinkError(f"{len(again)} batches to be sent again: {reason}", answered=True)

    async def _declare(self, park: Park, entries: Sequence[Entry]) -> None:
        """The park does not know groups of these batches: declare them, then send the batches again."""
        digests: dict[bytes, None] = {}
        for entry in entries:
            batch = decode(entry.canonical)
            digests.update(dict.fromkeys([b.group for b in batch.blocks] + [m.group for m in batch.misses]))
        if set(digests) <= self._declared:
            self._declared.clear()
            raise UplinkError("the park does not know scan groups that were just declared", answered=True)
        groups = self._outbox.declarations(digests)
        if not groups:
            self._outbox.settle([], [(entry, "its scan groups were never declared on this box") for entry in entries])
            return
        self._declared |= set(digests)
        declaration, _ = await self._outbox.append(groups=groups)
        await self._ship(park, [declaration, *entries])
        self._declared -= set(digests)

    async def _heartbeats(self) -> None:
        park = self._connect()
        probes = 0
        try:
            while True:
                is_probe = not self._up.is_set()
                timeout_s = PROBE_TIMEOUTS_S[probes % len(PROBE_TIMEOUTS_S)] if is_probe else ANSWER_S
                probes = probes + 1 if is_probe else 0
                try:
                    await self._beat(park, timeout_s)
                except UplinkError as error:
                    if error.answered:
                        self._say(f"heartbeat: {error}")
                        self._up.set()
                    else:
                        self._offline(error)
                if self._up.is_set():
                    self._down.clear()
                    await self._until_down(HEARTBEAT_S)
                else:
                    await self._sleep(PROBE_S * (1 - self._jitter() / 2))
        finally:
            await park.close()

    async def _beat(self, park: Park, timeout_s: float) -> None:
        depth = self._outbox.depth
        sent_us, sent_ns = self._clock.now_us(), self._clock.monotonic_ns()
        heartbeat = heartbeat_of(
            self._edge,
            self._outbox.boot,
            sent_us,
            self._outbox.last_seq,
            self._states(),
            outbox_batches=depth.batches,
            outbox_bytes=depth.bytes,
            oldest_us=depth.oldest_us,
            disk_free_bytes=_disk_free(self._folder),
            clock_offset_ms=self._offset_ms,
            version=_version(),
        )
        server_us = await park.beat(heartbeat, timeout_s)
        half_us = (self._clock.monotonic_ns() - sent_ns) // 2_000
        self._offset_ms = round((server_us - (sent_us + half_us) - self._ahead()) / 1_000)
        self._online()

    def _offline(self, error: UplinkError) -> None:
        self._say(f"no park: {error}; everything is kept")
        self._up.clear()
        self._down.set()

    def _online(self) -> None:
        self._up.set()
        if self._said:
            self._said = ""
            log.info("uplink: the park answers; %d batches wait", self._outbox.depth.batches)

    def _say(self, text: str) -> None:
        """Once for each new kind of trouble, not once for each try."""
        if text != self._said:
            if self._up.is_set() or not self._said:
                log.warning("uplink: %s", text)
            self._said = text

    async def _pause(self, error: UplinkError, failures: int) -> None:
        """Wait as long as the kind of failure asks for."""
        wait_s = min(LAST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10)) * (1 - self._jitter() / 2)
        if not error.answered:
            self._offline(error)
            if failures > 1:  # the line carries heartbeats, yet not this
                await self._sleep(min(wait_s, 1.0))
            return  # the next heartbeat that is answered lets the lanes go on
        self._say(str(error) + "; everything is kept")
        if error.status in (401, 403):
            wait_s = DENIED_PAUSE_S
        if error.retry_after_s is not None:
            wait_s = error.retry_after_s * (1 + self._jitter() / 4)
        await self._sleep(wait_s)

    async def _until_down(self, seconds: float) -> None:
        """Sleep, but wake when a lane finds the line dead."""
        waits = [asyncio.create_task(self._sleep(seconds)), asyncio.create_task(_until(self._down))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.monotonic_ns() + round(seconds * SECOND_NS))


def _disk_free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _say_refused(entry: Entry, receipt: Receipt) -> None:
    total = sum(int(str(item.get("count", 1))) for item in receipt.refused)
    first = receipt.refused[0]
    what = f"{first.get('tag')} {first.get('reason')}"
    log.warning("uplink: the park refused %d readings of batch %d, the first: %s", total, entry.seq, what)


def _version() -> str:
    try:
        return version("hazmon-edge")
    except PackageNotFoundError:
        return "unknown"
