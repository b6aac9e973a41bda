"""A Modbus TCP device on a real socket: lean, and as rude as a test wants it to be."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

HEADER = struct.Struct(">HHHBB")
Mutate = Callable[[bytes], list[bytes]]  # right answer -> pieces to send, each in a write of its own


class Device:
    """Four tables of words or bits by address. An address that is not there is answered with exception 2."""

    def __init__(self, words: dict[int, int] | None = None, bits: dict[int, int] | None = None) -> None:
        self.words = words if words is not None else {}
        self.bits = bits if bits is not None else {}
        self.delay_s = 0.0
        self.silent = False
        self.mutate: Mutate | None = None
        self.requests: list[tuple[int, int, int]] = []  # function, address, count
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; on the port of the last time, if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def answer(self, request: bytes) -> bytes:
        """The right answer to one whole request."""
        tid, _, _, unit, function = HEADER.unpack_from(request)
        address, count = struct.unpack_from(">HH", request, 8)
        self.requests.append((function, address, count))
        table = self.bits if function <= 2 else self.words
        if function > 4:
            body = bytes((function | 0x80, 1))
        elif any(at not in table for at in range(address, address + count)):
            body = bytes((function | 0x80, 2))
        elif function <= 2:
            packed = sum(bool(table[address + i]) << i for i in range(count)).to_bytes((count + 7) // 8, "little")
            body = bytes((function, len(packed))) + packed
        else:
            words = b"".join((table[at] & 0xFFFF).to_bytes(2, "big") for at in range(address, address + count))
            body = bytes((function, len(words))) + words
        return struct.pack(">HHHB", tid, 0, len(body) + 1, unit) + body

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readexactly(6)
                request = head + await reader.readexactly(int.from_bytes(head[4:6], "big"))
                if self.silent:
                    continue
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                answer = self.answer(request)
                for piece in [answer] if self.mutate is None else self.mutate(answer):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


@asynccontextmanager
async def running(device: Device) -> AsyncGenerator[Device]:
    """The device while it listens."""
    await device.start()
    try:
        yield device
    finally:
        await device.stop()
