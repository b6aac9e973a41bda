"""A PLC on the network: Modbus TCP, read-only (function codes 1 to 4), a value computed when it is asked for.

Our own on purpose: the box reads with a Modbus library, and a server from the same library would share its mistakes.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from hazmon_sim.clock import Now
from hazmon_sim.ledger import Ledger, ModbusAnswer
from hazmon_sim.plant import Plc, Register
from hazmon_sim.words import encode

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, NO_SUCH_UNIT = 1, 2, 3, 11
MAX_COUNT = {1: 2000, 2: 2000, 3: 125, 4: 125}
REOPEN_S = 0.5
_HEADER = struct.Struct(">HHHB")
_ASKED = struct.Struct(">BHH")


class Refused(Exception):
    """An answer that is an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Cell:
    """A register within a request: `place` counts bits or bytes from the start of the data, and may be before it."""

    place: int
    register: Register


class Device:
    """What the PLC answers, without a network."""

    def __init__(self, plc: Plc) -> None:
        self.plc = plc
        self._plans: dict[tuple[int, int, int], tuple[_Cell, ...]] = {}

    def read(self, function: int, address: int, count: int, t: float) -> bytes:
        """The data of the answer at t. Registers that exist and belong to nothing read 0. Raises Refused."""
        limit = MAX_COUNT.get(function)
        if limit is None:
            raise Refused(ILLEGAL_FUNCTION)
        if not 1 <= count <= limit:
            raise Refused(ILLEGAL_VALUE)
        if address + count > self.plc.size.get(function, 0):
            raise Refused(ILLEGAL_ADDRESS)
        cells = self._plan(function, address, count)
        return _bits(cells, count, t) if function <= 2 else _words(cells, count, t)

    def _plan(self, function: int, address: int, count: int) -> tuple[_Cell, ...]:
        key = (function, address, count)
        if key not in self._plans:
            self._plans[key] = tuple(
                _Cell((item.address - address) * (1 if function <= 2 else 2), item)
                for item in self.plc.registers
                if item.function == function and item.address < address + count and item.address + item.width > address
            )
        return self._plans[key]


def _bits(cells: tuple[_Cell, ...], count: int, t: float) -> bytes:
    data = bytearray((count + 7) // 8)
    for cell in cells:
        if cell.register.instrument.read(t) >= 0.5:
            data[cell.place // 8] |= 1 << cell.place % 8
    return bytes(data)


def _words(cells: tuple[_Cell, ...], count: int, t: float) -> bytes:
    data = bytearray(2 * count)
    for place, item in ((cell.place, cell.register) for cell in cells):
        raw = encode(item.instrument.read(t), item.type, item.byte_order, item.gain, item.zero)
        first, last = max(place, 0), min(place + len(raw), len(data))
        data[first:last] = raw[first - place : last - place]
    return bytes(data)


class PlcServer:
    """The device on its port. `silent`, `late_s` and `close` are how it fails."""

    def __init__(self, plc: Plc, now: Now, ledger: Ledger, host: str, port: int) -> None:
        self.plc = plc
        self.host = host
        self.port = port
        self.silent = False
        self.late_s = 0.0
        self._device = Device(plc)
        self._now = now
        self._ledger = ledger
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Transport] = set()
        self._reopening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen; port 0 takes a free one. Raises OSError."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Link(self._answer, self._links), self.host, self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening and drop every client."""
        if self._reopening is not None:
            self._reopening.cancel()
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in tuple(self._links):
            link.abort()

    def reopen(self) -> None:
        """Listen again after `close`, as soon as the port is free."""
        self._reopening = asyncio.get_running_loop().create_task(self._open_when_free())

    async def _open_when_free(self) -> None:
        while True:
            try:
                return await self.open()
            except OSError:
                await asyncio.sleep(REOPEN_S)

    def _answer(self, link: asyncio.Transport, head: int, unit: int, pdu: bytes) -> None:
        if self.silent:
            return
        if self.late_s:
            asyncio.get_running_loop().call_later(self.late_s, self._send, link, head, unit, pdu)
        else:
            self._send(link, head, unit, pdu)

    def _send(self, link: asyncio.Transport, head: int, unit: int, pdu: bytes) -> None:
        if self.silent or link.is_closing():
            return
        t = self._now()
        function, address, count = _ASKED.unpack(pdu) if len(pdu) == _ASKED.size else (pdu[0], 0, 0)
        try:
            if unit != self.plc.unit:
                raise Refused(NO_SUCH_UNIT)
            data = self._device.read(function, address, count, t)
        except Refused as refused:
            body = bytes((function | 0x80, refused.code))
        else:
            body = bytes((function, len(data))) + data
            if self._ledger.keeps:
                stamp = int(t * 1e6)
                self._ledger.write(ModbusAnswer(stamp, self.plc.id, unit, function, address, count, data.hex()))
        link.write(_HEADER.pack(head, 0, len(body) + 1, unit) + body)


class _Link(asyncio.Protocol):
    """One client: cuts the stream into requests."""

    def __init__(self, answer: Callable[[asyncio.Transport, int, int, bytes], None], links: set[asyncio.Transport]) -> None:
        self._answer = answer
        self._links = links
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's transports are not of that class
        self._transport = stream
        self._links.add(stream)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._links.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            head, protocol, length, unit = _HEADER.unpack_from(self._buffer)
            if protocol or not 2 <= length <= 254:
                transport.abort()
                return
            if len(self._buffer) < 6 + length:
                return
            pdu = bytes(self._buffer[_HEADER.size : 6 + length])
            del self._buffer[: 6 + length]
            self._answer(transport, head, unit, pdu)
