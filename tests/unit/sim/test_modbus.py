"""The PLCs: as a device without a network, and against pymodbus over TCP."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hazmon_sim.ledger import Ledger, ModbusAnswer, expand, read, registers_by_plc
from hazmon_sim.modbus import Device, PlcServer, Refused
from hazmon_sim.plant import Plant, Plc
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

T = 1_790_000_000.5
PUT_RIGHT = {
    "big-endian": (0, 1, 2, 3),
    "word-swapped": (2, 3, 0, 1),
    "byte-swapped": (1, 0, 3, 2),
    "little-endian": (3, 2, 1, 0),
}


def plc_of(plants: list[Plant], order: str, kind: str) -> Plc:
    return next(
        plc for plant in plants for plc in plant.plcs if any((r.byte_order, r.type) == (order, kind) for r in plc.registers)
    )


@pytest.mark.parametrize(
    ("function", "address", "count", "code"), [(3, 0, 126, 3), (3, 0, 0, 3), (3, 65000, 1, 2), (4, 0, 1, 2), (6, 0, 1, 1)]
)
def test_a_wrong_question_is_refused(plants: list[Plant], function: int, address: int, count: int, code: int):
    device = Device(plc_of(plants, "big-endian", "REAL"))
    with pytest.raises(Refused) as refusal:
        device.read(function, address, count, T)
    assert refusal.value.code == code


def test_the_last_register_is_there_and_the_next_is_not(plants: list[Plant]):
    plc = plc_of(plants, "big-endian", "REAL")
    size = plc.size[3]
    assert len(Device(plc).read(3, size - 1, 1, T)) == 2
    with pytest.raises(Refused):
        Device(plc).read(3, size - 1, 2, T)


def test_half_a_number_is_the_half_of_the_whole(plants: list[Plant]):
    device = Device(plc_of(plants, "big-endian", "REAL"))
    whole = device.read(3, 0, 10, T)
    assert b"".join(device.read(3, address, 1, T) for address in range(10)) == whole
    assert device.read(3, 1, 5, T) == whole[2:12]


def test_spare_registers_read_zero(plants: list[Plant]):
    plc = plc_of(plants, "big-endian", "REAL")
    used = {r.address + k for r in plc.registers if r.function == 3 for k in range(r.width)}
    spare = next(address for address in range(plc.size[3]) if address not in used)
    assert Device(plc).read(3, spare, 1, T) == b"\0\0"


@pytest.fixture
async def served(plants: list[Plant], tmp_path: Path) -> AsyncIterator[tuple[list[PlcServer], Path]]:
    """One PLC for each byte order and one of scaled integers, on free ports, at the fixed time T."""
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    plcs = [plc_of(plants, order, "REAL") for order in PUT_RIGHT]
    plcs += [plc_of(plants, "big-endian", "WORD"), plc_of(plants, "word-swapped", "DINT")]
    servers = [PlcServer(plc, lambda: T, ledger, "127.0.0.1", 0) for plc in plcs]
    for server in servers:
        await server.open()
    yield servers, path
    for server in servers:
        server.close()
    ledger.close()


async def client(server: PlcServer) -> AsyncModbusTcpClient:
    found = AsyncModbusTcpClient("127.0.0.1", port=server.port, timeout=2, retries=0)
    assert await found.connect()
    return found


async def test_pymodbus_reads_every_value_of_every_order(served: tuple[list[PlcServer], Path]):
    servers, _ = served
    for server in servers:
        box = await client(server)
        ask = {1: box.read_coils, 2: box.read_discrete_inputs, 3: box.read_holding_registers, 4: box.read_input_registers}
        for register in server.plc.registers:
            answer = await ask[register.function](register.address, count=register.width, device_id=server.plc.unit)
            want = register.instrument.read(T)
            if register.type == "BOOL":
                assert float(answer.bits[0]) == want
                continue
            wire = struct.pack(f">{register.width}H", *answer.registers)
            if register.width == 2:
                wire = bytes(wire[k] for k in PUT_RIGHT[register.byte_order])
            raw = struct.unpack({"REAL": ">f", "DINT": ">i", "INT": ">h", "WORD": ">H"}[register.type], wire)[0]
            assert raw * register.gain + register.zero == pytest.approx(want, rel=1e-6, abs=1e-6), register.instrument.id
        box.close()


async def test_the_ledger_holds_what_was_answered(served: tuple[list[PlcServer], Path], plants: list[Plant]):
    servers, path = served
    box = await client(servers[1])
    answer = await box.read_input_registers(0, count=20, device_id=servers[1].plc.unit)
    box.close()
    record = next(read(path))
    assert isinstance(record, ModbusAnswer)
    assert (record.t, record.plc, record.fc, record.address, record.count) == (int(T * 1e6), servers[1].plc.id, 4, 0, 20)
    assert record.words == struct.pack(">20H", *answer.registers).hex()
    values = dict(expand(record, registers_by_plc(plants)))
    whole = {r.instrument.tag: r.instrument.read(T) for r in servers[1].plc.registers if r.function == 4 and r.address <= 18}
    assert values == pytest.approx(whole, rel=1e-6)


async def test_another_unit_is_not_served(served: tuple[list[PlcServer], Path]):
    servers, path = served
    box = await client(servers[0])
    answer = await box.read_holding_registers(0, count=2, device_id=99)
    box.close()
    assert answer.isError()
    assert answer.exception_code == 11
    assert list(read(path)) == []


async def test_a_silent_plc_accepts_and_never_answers(served: tuple[list[PlcServer], Path]):
    servers, _ = served
    servers[0].silent = True
    box = AsyncModbusTcpClient("127.0.0.1", port=servers[0].port, timeout=0.2, retries=0)
    assert await box.connect()
    with pytest.raises(ModbusIOException):
        await box.read_holding_registers(0, count=2, device_id=servers[0].plc.unit)
    box.close()


async def test_a_plc_that_is_down_refuses_until_it_is_back(served: tuple[list[PlcServer], Path]):
    server = served[0][0]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    server.close()
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)
    await server.open()
    box = await client(server)
    box.close()


async def test_two_requests_in_one_packet_are_two_answers(served: tuple[list[PlcServer], Path]):
    server = served[0][0]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    ask = struct.pack(">HHHBBHH", 1, 0, 6, server.plc.unit, 3, 0, 2)
    writer.write(ask + b"\0\2" + ask[2:7])
    writer.write(ask[7:])
    first, second = await reader.readexactly(13), await reader.readexactly(13)
    assert (first[:2], second[:2]) == (b"\0\1", b"\0\2")
    assert first[2:] == second[2:]
    writer.close()
