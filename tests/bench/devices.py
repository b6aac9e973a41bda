"""Lean Modbus devices for load figures: each has a port, answers register reads after a set time, and is counted."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

from bench.threads import loop_in_thread

HEADER = struct.Struct(">HHHBBHH")  # transaction, protocol, length, unit, function, address, count
LEVEL = struct.pack(">f", 5.0)


class Devices:
    """So many devices in one loop; `ports` in their order, `requests` counts what all of them were asked."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.requests = 0
        self.ports: list[int] = []

    async def open(self, count: int) -> None:
        """Listen on ports of the system's choice."""
        loop = asyncio.get_running_loop()
        for _ in range(count):
            server = await loop.create_server(lambda: _Line(self), "127.0.0.1", 0)
            self.ports.append(server.sockets[0].getsockname()[1])


class _Line(asyncio.Protocol):
    """One client: answers each read of registers with levels of 5 m."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            transaction, _, _, unit, function, _, count = HEADER.unpack_from(self._buffer)
            self._buffer = self._buffer[HEADER.size :]
            self._devices.requests += 1
            words = (LEVEL * (count // 2 + 1))[: 2 * count]
            answer = struct.pack(">HHHBBB", transaction, 0, len(words) + 3, unit, function, len(words)) + words
            self._loop.call_later(self._devices.delay_s, self._send, answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


@contextmanager
def running_devices(count: int, delay_s: float) -> Generator[Devices]:
    """The devices in a thread of their own for the block."""
    devices = Devices(delay_s)
    with loop_in_thread() as run:
        run(devices.open(count))
        yield devices
