"""A relay between boxes and park that keeps the bodies of the batches that pass: what the wire carries, byte for byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.threads import loop_in_thread

TAKE = 65_536


@dataclass(frozen=True, slots=True)
class Body:
    """One POST of batches: when it came (Unix seconds), and its bytes as sent."""

    at: float
    data: bytes


class Tap:
    """Listens on `port` and forwards to the park."""

    def __init__(self, park_port: int) -> None:
        self.port = 0
        self.bodies: list[Body] = []
        self._park_port = park_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen on a port of the system's choice."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            park_reader, park_writer = await asyncio.open_connection("127.0.0.1", self._park_port)
            back = asyncio.create_task(_pass(park_reader, writer))
            self._tasks.add(back)
            back.add_done_callback(self._tasks.discard)
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                if head.startswith(b"POST /api/v1/batches "):
                    self.bodies.append(Body(time.time(), body))
                park_writer.write(head + body)
                await park_writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):  # cancelled: the measurement is over
            writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(TAKE):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


@contextmanager
def running_tap(park_port: int) -> Generator[Tap]:
    """The relay in a thread of its own for the block."""
    tap = Tap(park_port)
    with loop_in_thread() as run:
        run(tap.open())
        yield tap
