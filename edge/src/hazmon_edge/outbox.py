"""The outbox: the box's durable promise. What is in it has been synced to disk, and only a receipt takes it out.

Batches are numbered (boot, seq) and chained by digest in the order of making. One thread writes; batches that wait while a
commit runs share the next one. When the disk does not take a batch it stays in memory, is shipped from there and tried again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from hazmon_edge.clock import Clock
from hazmon_edge.errors import Cause, OutboxError
from hazmon_edge.store import Changes, Entry, Head, OutboxFile
from hazmon_edge.wire import WHOLE_GROUP, Batch, Block, Group, Miss, decode, digest, encode, link, pack_block, unpack_block

MEMORY_BYTES = 16 * 1024 * 1024  # of batches that the disk did not take
SETTLE_S = 1.0  # receipts wait so long for a commit to share
RETRY_S = 1.0
TRIM_COUNT = 200
REMEMBERED = 20_000  # settled batches
DAY_US = 86_400 * 1_000_000

_A = TypeVarTuple("_A")
_R = TypeVar("_R")

log = logging.getLogger("hazmon.edge")


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits for the park."""

    batches: int
    bytes: int
    oldest_us: int | None


class Outbox:
    """Open with `await Outbox.open(...)`; close with `await outbox.close()`."""

    def __init__(self, file: OutboxFile, thread: ThreadPoolExecutor, edge: str, clock: Clock, max_days: float) -> None:
        self._file = file
        self._thread = thread
        self._edge = edge
        self._clock = clock
        self._max_age_us = round(max_days * DAY_US)
        self.boot = 1 + secrets.randbelow(2**63 - 1)  # the park keeps it in a signed column
        self._seq = 0
        self.last_head = self._head = file.head()
        self._alive_base_us = self._head.alive_us - clock.monotonic_ns() // 1_000
        self._batches, self._bytes = file.depth()
        self._positions = file.positions()
        self._groups = file.groups()
        self._oldest_us: int | None = None
        self._waiting = Changes()
        self._waiters: list[asyncio.Future[bool]] = []
        self._unsaved: dict[int, Entry] = {}  # refused by the disk, oldest first
        self._settled: dict[int, None] = {}  # out for everyone; remembered after they left the file, for a read that began before
        self._coming: set[int] = set()  # their maker has not been told yet, and may want to ship them itself
        self._full = False
        self._closing = False
        self._wake = asyncio.Event()
        self._writer = asyncio.create_task(self._write_loop(), name="outbox")

    @classmethod
    async def open(cls, path: Path, edge: str, clock: Clock, max_days: float = 7.0) -> Outbox:
        """Open or create the file, checked. A damaged one is set aside. Raises OutboxError when there is no way to write here."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        try:
            file = await asyncio.get_running_loop().run_in_executor(thread, OutboxFile, path, clock.now_us)
        except OSError as error:
            raise OutboxError(f"{path}: {error.strerror or error}") from error
        return cls(file, thread, edge, clock, max_days)

    @property
    def last_seq(self) -> int:
        """Sequence number of the last batch of this boot, 0 before the first."""
        return self._seq

    @property
    def writer(self) -> asyncio.Task[None]:
        """The task that writes; it ends only after `close`, unless something is wrong with it."""
        return self._writer

    @property
    def depth(self) -> Depth:
        """Batches and canonical bytes that no receipt has taken out."""
        return Depth(self._batches, self._bytes, self._oldest_us if self._batches else None)

    def position(self, name: str) -> bytes | None:
        """What a collector stored with its last batch."""
        return self._positions.get(name)

    def declarations(self, digests: Iterable[bytes]) -> list[Group]:
        """The groups of these digests that this box has ever declared."""
        return [self._groups[each] for each in digests if each in self._groups]

    async def append(
        self,
        blocks: Sequence[Block] = (),
        misses: Sequence[Miss] = (),
        groups: Sequence[Group] = (),
        positions: Sequence[tuple[str, bytes]] = (),
    ) -> tuple[Entry, bool]:
        """Make one batch. Returns when it is on disk, or (second value False) when the disk refused and it is only in memory."""
        entry = self._make(blocks, misses, groups)
        self._waiting.entries.append(entry)
        self._waiting.groups += groups
        self._waiting.positions.update(positions)
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wake.set()
        self._coming.add(entry.n)
        try:
            return entry, await waiter
        finally:
            self._coming.discard(entry.n)

    async def oldest(self, after: int, max_count: int, max_bytes: int) -> list[Entry]:
        """Batches behind `after` in order of making, those in memory behind those on disk."""
        try:
            entries = await self._in_thread(self._file.oldest, after, max_count, max_bytes)
        except OutboxError as error:
            log.error("outbox: %s; what is in memory is shipped", error)
            entries = []
        entries = [e for e in entries if e.n not in self._settled and e.n not in self._coming]
        if len(entries) < max_count:
            known = {e.n for e in entries}
            extra = [e for n, e in self._unsaved.items() if n > after and n not in known]
            entries += extra[: max_count - len(entries)]
        return entries

    def settle(self, done: Sequence[Entry], parked: Sequence[tuple[Entry, str]] = ()) -> None:
        """Take out what the park has committed, and set aside for ever, with the reason, what it will never take."""
        for entry in (*done, *(entry for entry, _ in parked)):
            if entry.n in self._settled:
                continue
            self._settled[entry.n] = None
            self._batches -= 1
            self._bytes -= len(entry.canonical)
        self._waiting.deleted += [entry.n for entry in done]
        self._waiting.parked += [(entry.n, reason) for entry, reason in parked]
        asyncio.get_running_loop().call_later(SETTLE_S, self._wake.set)

    async def trim(self) -> int:
        """Drop what is older than the box may keep, oldest first, and record it as misses. Returns how many batches.

        Age is counted in time the box was running: a clock that steps ten years ahead throws nothing away.
        """
        oldest = await self._in_thread(self._file.oldest_age)
        if oldest is None or self._alive_us() - oldest[1] <= self._max_age_us:
            return 0
        entries = await self.oldest(0, TRIM_COUNT, MEMORY_BYTES)
        entries = [e for e in entries if self._alive_us() - e.alive_us > self._max_age_us]
        await self._drop(entries, f"kept for more than {self._max_age_us / DAY_US:g} days")
        await self._in_thread(self._file.shrink)
        return len(entries)

    async def close(self) -> None:
        """Write what waits, then close the file."""
        self._closing = True
        self._wake.set()
        await self._writer
        await self._in_thread(self._file.close)
        self._thread.shutdown(wait=False)

    def _make(self, blocks: Sequence[Block], misses: Sequence[Miss], groups: Sequence[Group]) -> Entry:
        self._seq += 1
        batch = Batch(
            edge=self._edge,
            boot=self.boot,
            seq=self._seq,
            previous=link(self._head.digest),
            made_us=self._clock.now_us(),
            groups=tuple(groups),
            blocks=tuple(pack_block(block) for block in blocks),
            misses=tuple(misses),
        )
        canonical = encode(batch)
        entry = Entry(self._head.n + 1, self.boot, self._seq, batch.made_us, self._alive_us(), canonical, digest(canonical))
        self._head = Head(entry.n, entry.digest, entry.made_us, entry.alive_us)
        self._groups.update((group.digest, group) for group in groups)
        self._batches += 1
        self._bytes += len(canonical)
        return entry

    def _alive_us(self) -> int:
        return self._alive_base_us + self._clock.monotonic_ns() // 1_000

    async def _write_loop(self) -> None:
        while not self._closing or self._waiting.entries or self._waiting.deleted or self._waiting.parked:
            if not self._closing:
                await self._wake.wait()
            self._wake.clear()
            await self._write_once()

    async def _write_once(self) -> None:
        changes, self._waiting = self._waiting, Changes()
        waiters, self._waiters = self._waiters, []
        new = changes.entries
        done = set(changes.deleted)
        changes.entries = [e for e in (*self._unsaved.values(), *new) if e.n not in done]
        try:
            oldest = await self._in_thread(self._commit, changes)
        except OutboxError as error:
            self._keep_in_memory(changes, error)
            saved = False
        else:
            saved = True
            self._oldest_us = oldest[0] if oldest else None
            self._unsaved.clear()
            self._positions.update(changes.positions)
            while len(self._settled) > REMEMBERED:
                del self._settled[next(iter(self._settled))]
            if self._full:
                self._full = False
                log.info("outbox: the disk takes batches again")
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(saved)

    def _commit(self, changes: Changes) -> tuple[int, int] | None:
        self._file.commit(changes)
        try:
            return self._file.oldest_age()
        except OutboxError:  # all is committed, only its age is not known
            return None

    def _keep_in_memory(self, changes: Changes, error: OutboxError) -> None:
        """The disk refused: keep all in memory for the next try, within bounds."""
        if not self._full:
            log.error("outbox: %s; batches stay in memory and are shipped from there", error)
        self._full = True
        self._unsaved = {e.n: e for e in changes.entries}
        self._waiting.deleted[:0] = changes.deleted
        self._waiting.parked[:0] = changes.parked
        self._waiting.groups[:0] = changes.groups
        self._waiting.positions = {**changes.positions, **self._waiting.positions}
        lost: list[Entry] = []
        size = sum(len(e.canonical) for e in self._unsaved.values())
        for entry in list(self._unsaved.values()):
            if size <= MEMORY_BYTES or self._closing:
                break
            size -= len(entry.canonical)
            lost.append(self._unsaved.pop(entry.n))
        if lost:
            asyncio.get_running_loop().create_task(self._drop(lost, "the disk is full and so is the memory for it"))
        if self._closing:
            log.error("outbox: stopping with %d batches that the disk did not take", len(self._unsaved))
            self._waiting = Changes()
        else:
            asyncio.get_running_loop().call_later(RETRY_S, self._wake.set)

    async def _drop(self, entries: Sequence[Entry], why: str) -> None:
        """Lose batches, but not without a name: what they held becomes misses in a new batch, in the same commit."""
        if not entries:
            return
        log.error("outbox: %d batches dropped: %s", len(entries), why)
        misses = misses_of(decode(entry.canonical) for entry in entries)
        self.settle(entries)
        await self.append(misses=misses)

    async def _in_thread(self, call: Callable[[*_A], _R], *arguments: *_A) -> _R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)


def misses_of(batches: Iterable[Batch]) -> list[Miss]:
    """What is missing when these batches are lost: their scans as misses of the link, their own misses as they are."""
    lost: dict[bytes, tuple[int, int]] = {}
    misses: list[Miss] = []
    for batch in batches:
        misses += batch.misses
        for packed in batch.blocks:
            times = unpack_block(packed).times_us
            at_us, count = lost.get(packed.group, (min(times), 0))
            lost[packed.group] = (min(at_us, *times), count + len(times))
    return [Miss(group, WHOLE_GROUP, at, count, Cause.LINK_OFF) for group, (at, count) in lost.items()] + misses
