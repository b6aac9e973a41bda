"""A box's way to the park, in the simulator's hands: a TCP relay that passes, resets, or swallows.

Swallowed bytes are not lost but held, as TCP would send them again once the network is back.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import cast


class Mode(Enum):
    """What the relay does with traffic."""

    PASS = "pass"  # noqa: S105 - no password
    CLOSED = "closed"  # every connection is reset
    BLACK_HOLE = "black-hole"  # connections stay open, nothing moves


class Relay:
    """Listens on `port` and forwards to the park."""

    def __init__(self, site: str, host: str, port: int, park: tuple[str, int]) -> None:
        self.site = site
        self.host = host
        self.port = port
        self.park = park
        self.mode = Mode.PASS
        self.ends: set[_End] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; port 0 takes a free one. Raises OSError."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _BoxEnd(self), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop, and reset what is open."""
        if self._server is not None:
            self._server.close()
        self._reset()

    def switch(self, mode: Mode) -> None:
        """From now on."""
        self.mode = mode
        if mode is Mode.CLOSED:
            self._reset()
        for end in tuple(self.ends):
            end.hold() if mode is Mode.BLACK_HOLE else end.flow()

    def _reset(self) -> None:
        for end in tuple(self.ends):
            end.abort()


class _End(asyncio.Protocol):
    """One half of a connection; what it receives goes to `other`."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None
        self._choked = False
        self.early = bytearray()  # came before there was another end; uvloop begins to read whatever is asked of it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's transports are not of that class
        self.transport = stream
        self.relay.ends.add(self)
        if self.relay.mode is Mode.CLOSED:
            stream.abort()
        elif self.relay.mode is Mode.BLACK_HOLE:
            self.hold()

    def connection_lost(self, exc: Exception | None) -> None:
        self.relay.ends.discard(self)
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close() if exc is None else self.other.abort()

    def data_received(self, data: bytes) -> None:
        if self.other is None or self.other.transport is None:
            self.early += data
            self.hold()
        else:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.choke(True)

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.choke(False)

    def choke(self, choked: bool) -> None:
        """The other end takes no more for now, or takes more again."""
        self._choked = choked
        self.hold() if choked else self.flow()

    def hold(self) -> None:
        """Read nothing."""
        if self.transport is not None and not self.transport.is_closing() and self.transport.is_reading():
            self.transport.pause_reading()

    def flow(self) -> None:
        """Read again, if anything may be read now."""
        free = self.relay.mode is Mode.PASS and not self._choked and self.other is not None
        if free and self.transport is not None and not self.transport.is_closing() and not self.transport.is_reading():
            self.transport.resume_reading()

    def abort(self) -> None:
        """Reset."""
        if self.transport is not None:
            self.transport.abort()


class _BoxEnd(_End):
    """The box's half: dials the park as soon as anything may move."""

    _dialling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.hold()
        if self.relay.mode is Mode.PASS:
            self._dial()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._dialling is not None:
            self._dialling.cancel()
        super().connection_lost(exc)

    def flow(self) -> None:
        if self.other is None and self.relay.mode is Mode.PASS:
            self._dial()
        super().flow()

    def _dial(self) -> None:
        if self._dialling is None:
            self._dialling = asyncio.get_running_loop().create_task(self._reach())

    async def _reach(self) -> None:
        park = _End(self.relay)
        park.other = self
        try:
            await asyncio.get_running_loop().create_connection(lambda: park, *self.relay.park)
        except OSError:
            self.abort()
            return
        self.other = park
        if self.transport is None or self.transport.is_closing():
            park.abort()
        elif self.early and park.transport is not None:
            park.transport.write(bytes(self.early))
            self.early.clear()
        self.flow()
