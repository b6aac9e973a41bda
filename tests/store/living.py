"""A living engine on a real database, boxes that speak to it in bytes, and a database server that can be stopped and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from embedded import Daemon, Servers, start_postgres
from embedded.processes import runs
from hazmon_edge import wire

from hazmon.clock import SystemClock
from hazmon.engine import Engine, Notice
from hazmon.model import Park
from hazmon.recovery import recover
from hazmon.store.pool import Pool, connect, migrate
from hazmon.store.record import Recorder
from hazmon.store.register import Lookups, Register

PATIENCE_S = 10.0


@dataclass
class Box:
    """An edge box of one scan group: makes batches of scans taken now."""

    edge: str
    tags: tuple[str, ...] = ("LT-1",)
    boot: int = 1
    seq: int = 0
    made: dict[int, bytes] = field(default_factory=dict[int, bytes])

    @property
    def group(self) -> wire.Group:
        return wire.Group("plc1", 1_000_000, self.tags)

    def batch(self, *values: float, declare: bool | None = None) -> bytes:
        """Canonical bytes of a batch with a scan a value, the last one now; a boot's first batch declares the group."""
        now = SystemClock().now()
        self.seq += 1
        times = [now - 1000 * (len(values) - 1 - k) for k in range(len(values))]
        block = wire.Block(self.group.digest, times, [value for value in values for _ in self.tags], len(self.tags))
        groups = (self.group,) if (self.seq == 1 if declare is None else declare) else ()
        blocks = (wire.pack_block(block),) if values else ()
        return wire.encode(wire.Batch(self.edge, self.boot, self.seq, made_us=now, groups=groups, blocks=blocks))

    def restart(self) -> None:
        """A new run."""
        self.boot, self.seq = self.boot + 1, 0


@dataclass
class Service:
    """An engine that runs, and what its room has been shown."""

    url: str
    engine: Engine
    pool: Pool
    shown: list[Notice] = field(default_factory=list[Notice])
    task: asyncio.Task[None] | None = None
    reader: asyncio.Task[None] | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def run(self) -> None:
        """Let it turn."""
        self.task = asyncio.create_task(self.engine.run())

    async def until(self, condition: Callable[[], bool], limit_s: float = PATIENCE_S) -> None:
        """Wait until something shown makes the condition true."""
        async with asyncio.timeout(limit_s), self._news:
            await self._news.wait_for(condition)

    def seen(self, recorded: bool) -> list[int]:
        """Numbers of the events shown so far."""
        return [notice.event.number for notice in self.shown if notice.recorded == recorded]

    async def rows(self, query: Any) -> list[tuple[Any, ...]]:
        """What the record says."""
        async with await connect(self.url) as connection:
            return await (await connection.execute(query)).fetchall()

    async def listen(self) -> None:
        """Take what the room is shown, for ever."""
        subscription = self.engine.alarms.subscribe()
        while True:
            items = await subscription.take()
            async with self._news:
                self.shown += items
                self._news.notify_all()


@asynccontextmanager
async def service(url: str, park: Park, *, running: bool = True) -> AsyncGenerator[Service]:
    """A service as the composition root makes it, without the web."""
    await migrate(url)
    async with await connect(url) as connection:
        register = await Register.open(connection, park)
        plant, groups, events = await recover(connection, register, park, SystemClock().now())
    pool = Pool(url)
    await pool.open()
    engine = Engine(plant, Recorder(url), Lookups(pool, register), groups, SystemClock())
    engine.begin_with(events)
    found = Service(url, engine, pool)
    found.reader = asyncio.create_task(found.listen())
    if running:
        found.run()
    try:
        yield found
    finally:
        for task in (found.task, found.reader):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in (found.task, found.reader) if task is not None), return_exceptions=True)
        await engine.finish()
        await pool.close()


class Server:
    """A database server of the test's own."""

    def __init__(self, programs: Servers, data: Path) -> None:
        self._programs, self._data = programs, data
        self._daemon: Daemon = start_postgres(programs, data)
        self.url = self._daemon.url

    def stop_answering(self) -> None:
        """Freeze it: connections stay open and nothing comes back."""
        self._signal(signal.SIGSTOP)

    def answer(self) -> None:
        """Go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a power cut would."""
        pids = self._pids()
        self._signal(signal.SIGKILL)
        if self._daemon.child is not None:
            self._daemon.child.wait()
        end = time.monotonic() + PATIENCE_S
        while any(runs(pid) for pid in pids):
            assert time.monotonic() < end, "processes of the killed server live on"
            time.sleep(0.01)

    def start(self) -> None:
        """Start it again, on the same data and port."""
        self._daemon = start_postgres(self._programs, self._data, urlsplit(self.url).port or 0)

    def end(self) -> None:
        """Stop it for good."""
        self.answer()
        self._daemon.stop()

    def _pids(self) -> Sequence[int]:
        """The server and its children, which have sessions of their own."""
        pid = self._daemon.pid
        children = [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [pid, *children]

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:  # a backend that ended by itself meanwhile
                continue
