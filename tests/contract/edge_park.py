"""A park of a few lines on a real socket, and a line to it that can go dead without a word."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hazmon_edge import wire
from hazmon_edge.clock import SystemClock

Reply = tuple[int, dict[str, str], bytes]
Say = Callable[[list[wire.Batch]], Reply | None]  # None: judge it as usual


def problem(status: int, detail: str, **headers: str) -> Reply:
    """A problem+json."""
    body = json.dumps({"title": "x", "status": status, "detail": detail}).encode()
    return status, {"content-type": "application/problem+json"} | {k.replace("_", "-"): v for k, v in headers.items()}, body


@dataclass
class ParkServer:
    """Commits what comes, once, and answers with receipts. `say` may answer something else."""

    known: set[bytes] = field(default_factory=set[bytes])
    demands_groups: bool = False
    committed: dict[tuple[int, int], wire.Batch] = field(default_factory=dict[tuple[int, int], wire.Batch])
    order: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    bundles: list[list[tuple[int, int]]] = field(default_factory=list[list[tuple[int, int]]])
    arrived_us: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    duplicates: int = 0
    heartbeats: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tokens: list[str] = field(default_factory=list[str])
    say: Say | None = None
    delay_s: float = 0.0
    offset_us: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def values(self, group: str | None = None) -> list[tuple[int, tuple[float, ...]]]:
        """(time, values) of every scan committed, in order of time."""
        names = {g.digest: g.name for batch in self.committed.values() for g in batch.groups}
        rows: list[tuple[int, tuple[float, ...]]] = []
        for batch in self.committed.values():
            for block in map(wire.unpack_block, batch.blocks):
                if group is None or names.get(block.group) == group:
                    n = block.points
                    rows += [(t, tuple(block.values[i * n : i * n + n])) for i, t in enumerate(block.times_us)]
        return sorted(rows)

    def misses(self) -> list[wire.Miss]:
        """Every miss committed, in order of time."""
        return sorted((m for batch in self.committed.values() for m in batch.misses), key=lambda m: m.at_us)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers["content-length"]))
                self.tokens.append(headers["authorization"].removeprefix("bearer "))
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                status, extra, answer = self._beat(body) if "heartbeats" in head[0] else self._take(body)
                lines = [f"HTTP/1.1 {status} x", f"content-length: {len(answer)}", *(f"{k}: {v}" for k, v in extra.items())]
                writer.write("\r\n".join([*lines, "", ""]).encode() + answer)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    def _beat(self, body: bytes) -> Reply:
        self.heartbeats.append(json.loads(body))
        return 200, {}, json.dumps({"server_time_us": SystemClock().now_us() + self.offset_us}).encode()

    def _take(self, body: bytes) -> Reply:
        raw = wire.unpack(body)
        batches = [wire.decode(each) for each in raw]
        self.bundles.append([(batch.boot, batch.seq) for batch in batches])
        if self.say is not None and (said := self.say(batches)) is not None:
            return said
        return accepted([self.judge(batch) for batch in batches])

    def judge(self, batch: wire.Batch) -> dict[str, Any]:
        """Commit it if it is new, and say so."""
        key = (batch.boot, batch.seq)
        self.known |= {group.digest for group in batch.groups}
        used = {block.group for block in batch.blocks} | {miss.group for miss in batch.misses}
        if self.demands_groups and not used <= self.known:
            return receipt(batch, "rejected", retry=True, reason="unknown-group")
        if key in self.committed:
            assert self.committed[key] == batch, "a batch came again with other contents"
            self.duplicates += 1
            return receipt(batch, "duplicate")
        self.committed[key] = batch
        self.order.append(key)
        self.arrived_us[key] = SystemClock().now_us()
        return receipt(batch, "accepted")


def accepted(receipts: list[dict[str, Any]]) -> Reply:
    """Status 200 with these receipts."""
    return 200, {}, json.dumps({"receipts": receipts, "server_time_us": SystemClock().now_us()}).encode()


def receipt(
    batch: wire.Batch, outcome: str, *, retry: bool = False, reason: str | None = None, refused: Any = None
) -> dict[str, Any]:
    """A receipt as JSON."""
    return {
        "boot": str(batch.boot),
        "seq": str(batch.seq),
        "outcome": outcome,
        "retry": retry,
        "reason": reason,
        "refused": refused or [],
    }


class Line:
    """A TCP relay. `open` relays, `hole` swallows every byte both ways and resets nothing, `cut` refuses."""

    def __init__(self, target: ParkServer) -> None:
        self._target = target
        self.mode = "open"
        self.port = 0
        self.delay_s = 0.0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        if self._server is not None:
            await self._server.wait_closed()

    def cut(self) -> None:
        """Close everything there is, cleanly or not, and refuse what comes."""
        self.mode = "cut"
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self.mode == "cut":
            writer.transport.abort()
            return
        if self.mode == "hole":  # a connection made in a hole is never answered, also not later
            with contextlib.suppress(ConnectionError):
                while await reader.read(65536):
                    pass
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target.port)
        self._writers.add(far_writer)
        ways = [asyncio.create_task(self._relay(reader, far_writer)), asyncio.create_task(self._relay(far_reader, writer))]
        self._tasks.update(ways)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for each in (writer, far_writer):
            each.transport.abort()
            self._writers.discard(each)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lost = False
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                lost = lost or self.mode == "hole"  # what was swallowed leaves a gap: nothing after it can be delivered
                if lost:
                    continue
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def park_and_line() -> AsyncGenerator[tuple[ParkServer, Line]]:
    """A park and the line to it, while both stand."""
    park = ParkServer()
    await park.start()
    line = Line(park)
    await line.start()
    try:
        yield park, line
    finally:
        await line.stop()
        await park.stop()
