"""Modbus TCP: block reads over one connection per device. Function codes 1 to 4; this file holds no way to write.

pymodbus carries the bytes. What it accepts is decided here: `StrictFramer` passes an answer on only when its header is right
and its transaction is the one asked for, and `_payload` only when unit, function and length are. Anything else is a miss.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from dataclasses import dataclass
from typing import cast

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from hazmon_edge.clock import SECOND_NS, Clock
from hazmon_edge.config import ScanGroup
from hazmon_edge.errors import Cause, CollectError, NotConnected, Refused, TimedOut, Undecodable
from hazmon_edge.registers import Area, Decoder, Request, plan_requests
from hazmon_edge.scans import Collected, Scan, Stamps, whole_misses
from hazmon_edge.settings import Modbus
from hazmon_edge.tags import ModbusTag
from hazmon_edge.wire import Miss

logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)  # the runner says what happened, once

CONNECT_TIMEOUT_S = 2.0
SILENT_SCANS = 3  # scans without a single answer before the connection itself is given up
BUFFER = 1024

_MBAP = struct.Struct(">HHHBB")
_REQUESTS: dict[Area, type[ModbusPDU]] = {
    Area.coil: ReadCoilsRequest,
    Area.discrete: ReadDiscreteInputsRequest,
    Area.holding: ReadHoldingRegistersRequest,
    Area.input: ReadInputRegistersRequest,
}
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, not done",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not answer",
}


class Answer(ModbusPDU):
    """The raw body of an answer, or what is wrong with the bytes."""

    def __init__(self, unit: int, tid: int, function_code: int, body: bytes, fault: str = "") -> None:
        super().__init__(dev_id=unit, transaction_id=tid)
        self.function_code = function_code
        self.body = body
        self.fault = fault


class StrictFramer(FramerSocket):
    """Cuts the byte stream into answers and believes nothing. Never raises, never holds more than one frame."""

    def handleFrame(self, data: bytes, exp_devid: int, exp_tid: int) -> tuple[int, ModbusPDU | None]:
        """Bytes used, and the answer to transaction `exp_tid` if it is whole.

        Answers to other transactions come too late and are skipped. A header that cannot be one ends the trust in the stream.
        """
        used = 0
        while len(data) - used >= _MBAP.size:
            tid, protocol, length, unit, code = _MBAP.unpack_from(data, used)
            if protocol != 0 or not 3 <= length <= 254:
                fault = f"not a Modbus header: protocol {protocol}, length {length}"
                return len(data), Answer(exp_devid, exp_tid, 0, b"", fault)
            end = used + 6 + length
            if end > len(data):
                break
            body = data[used + _MBAP.size : end]
            used = end
            if tid == exp_tid:
                fault = "" if unit == exp_devid else f"unit {unit} answered, unit {exp_devid} was asked"
                return used, Answer(exp_devid, exp_tid, code, body, fault)
        return used, None


@dataclass(slots=True)
class _Read:
    """One block read of a group."""

    request: Request
    decoder: Decoder
    pdu: ModbusPDU


class ModbusCollector:
    """Reads all scan groups of one device, one request at a time."""

    def __init__(self, connection: Modbus, groups: tuple[ScanGroup, ...], clock: Clock, stamps: Stamps) -> None:
        self._connection = connection
        self._groups = groups
        self._clock = clock
        self._stamps = stamps
        self._client: AsyncModbusTcpClient | None = None
        self._asking = False
        self._silent = 0
        self._reads = [self._plan(group) for group in groups]

    @property
    def interval_ns(self) -> int:
        return round(self._connection.period_s * SECOND_NS)

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.connected

    def first_ns(self, proposed_ns: int) -> int:
        return proposed_ns

    async def connect(self) -> None:
        """Open the TCP connection. Raises NotConnected with the system's own words."""
        await self.close()
        link = self._connection
        client = AsyncModbusTcpClient(
            link.host,
            port=link.port,
            timeout=link.timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._on_connection,
        )
        client.ctx.framer = StrictFramer(DecodePDU(False))
        client.ctx.max_buffer_size = BUFFER
        client.set_max_no_responses(1 << 30)  # when to give up is decided here
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await client.ctx.call_create()  # as client.connect() does, but telling why it failed
        except TimeoutError:
            raise NotConnected(f"{link.host}:{link.port} does not answer") from None
        except OSError as error:
            raise NotConnected(f"{link.host}:{link.port}: {error.strerror or error}") from None
        self._client = client
        self._silent = 0

    async def collect(self, deadline_ns: int) -> Collected:
        """One scan of every group, with a miss for every point that could not be read."""
        collected = Collected()
        for group, reads in zip(self._groups, self._reads, strict=True):
            await self._scan(group, reads, deadline_ns, collected)
        if collected.scans:
            self._silent = 0
        elif self.connected:
            self._silent += 1
            if self._silent >= SILENT_SCANS:
                await self.close()
                collected.error += f"; no answer to {SILENT_SCANS} scans, connecting anew"
        return collected

    def owe(self, cause: Cause, at_us: int, ticks: int) -> list[Miss]:
        return whole_misses(self._groups, cause, at_us, ticks)

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _plan(self, group: ScanGroup) -> list[_Read]:
        registers = [tag.register for tag in group.tags if isinstance(tag, ModbusTag)]
        link = self._connection
        return [
            _Read(
                request,
                Decoder(request, registers),
                _REQUESTS[request.area](dev_id=link.unit_id, address=request.address, count=request.count),
            )
            for request in plan_requests(registers, link.max_gap, link.max_registers)
        ]

    async def _scan(self, group: ScanGroup, reads: list[_Read], deadline_ns: int, collected: Collected) -> None:
        scan = Scan.empty(group)
        failures: list[tuple[Request, CollectError]] = []
        for read in reads:
            try:
                payload = await self._ask(read, deadline_ns)
                read.decoder.decode(payload, scan.values, scan.quality)
            except CollectError as error:
                failures.append((read.request, error))
            except ValueError as error:
                failures.append((read.request, Undecodable(str(error))))
        now_us = self._clock.now_us()
        if failures:
            collected.error = f"{group.group.name}: {failures[0][1]}"
        if len(failures) == len(reads):
            collected.misses += whole_misses([group], failures[0][1].cause, now_us)
            return
        scan.at_us, suspect = self._stamps.stamp(group.digest, now_us, self._clock.monotonic_ns())
        if suspect:
            scan.suspect()
        collected.scans.append(scan)
        for request, error in failures:
            collected.misses += [Miss(group.digest, column, scan.at_us, 1, error.cause) for column in request.columns]

    async def _ask(self, read: _Read, deadline_ns: int) -> bytes:
        """Data of the answer to one request. Raises CollectError."""
        client = self._client
        if client is None or not client.connected:
            raise NotConnected("the connection was lost")
        left_s = (deadline_ns - self._clock.monotonic_ns()) / SECOND_NS
        if left_s <= 0:
            raise TimedOut("no time left in this tick")
        self._asking = True
        try:
            async with asyncio.timeout(min(left_s, self._connection.timeout_s)):
                answer = await client.ctx.execute(False, read.pdu)
        except TimeoutError:
            await self._drop_if_torn(client)
            raise TimedOut(f"no answer in {min(left_s, self._connection.timeout_s):.2g} s") from None
        except ConnectionException:
            raise NotConnected("the device closed the connection") from None
        except ModbusException:  # pymodbus' own deadline, the same as ours
            await self._drop_if_torn(client)
            raise TimedOut(f"no answer in {self._connection.timeout_s:.2g} s") from None
        finally:
            self._asking = False
        try:
            return _payload(answer, read.request)
        except Undecodable:
            await self.close()
            raise

    async def _drop_if_torn(self, client: AsyncModbusTcpClient) -> None:
        """A half-received answer would be taken for the head of the next one."""
        if client.ctx.recv_buffer:
            await self.close()

    def _on_connection(self, up: bool) -> None:
        """Called by pymodbus. A question that is waiting must not wait for its deadline when the line is gone."""
        client = self._client
        if up or client is None or not self._asking:
            return
        waiting = cast("asyncio.Future[ModbusPDU]", client.ctx.response_future)  # pyright: ignore[reportUnknownMemberType]
        if not waiting.done():
            waiting.set_exception(ConnectionException("closed"))


def _payload(answer: ModbusPDU, request: Request) -> bytes:
    """The data bytes, if this is the answer to this request in every respect. Raises Refused or Undecodable."""
    if not isinstance(answer, Answer):
        raise Undecodable("not an answer")
    if answer.fault:
        raise Undecodable(answer.fault)
    code, body = answer.function_code, answer.body
    if code == request.area | 0x80 and len(body) == 1:
        raise Refused(f"{request.area.name} {request.address}: exception {body[0]} ({_EXCEPTIONS.get(body[0], 'unknown')})")
    if code != request.area:
        raise Undecodable(f"function {code} answered, function {int(request.area)} was asked")
    if not body or body[0] != len(body) - 1 or body[0] != request.payload_bytes:
        raise Undecodable(f"{len(body) - 1} bytes of data where {request.payload_bytes} were asked for")
    return body[1:]
