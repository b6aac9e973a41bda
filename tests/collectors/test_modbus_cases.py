"""Devices' answers, as folders of modbus/, read over a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from collectors.cases import HEADER, cases, check, load, told, toml
from collectors.device import Device, running
from hazmon_edge.clock import SECOND_NS, SystemClock
from hazmon_edge.collectors.modbus import ModbusCollector
from hazmon_edge.scans import Collected, Stamps
from hazmon_edge.settings import Modbus


@pytest.mark.parametrize("case", cases("modbus"), ids=lambda path: path.name)
async def test_case(case: Path, tmp_path: Path) -> None:
    described = toml(case / "device.toml")
    async with running(_device(described)) as device:
        keys = {"name": "plc1", "kind": "modbus_tcp", "host": "127.0.0.1", "port": device.port, "period_s": 0.5, "timeout_s": 0.3}
        tags = HEADER + (case / "tags.csv").read_text()
        config = load(tmp_path / "config", tmp_path, keys | described.get("connection", {}), tags)
        clock = SystemClock()
        wiring = config.wirings[0]
        collector = ModbusCollector(cast("Modbus", wiring.connection), wiring.groups, clock, Stamps())
        await collector.connect()
        collected: list[Collected] = []
        for _ in range(described.get("scans", 1)):
            if not collector.connected:
                await collector.connect()
            collected.append(await collector.collect(clock.monotonic_ns() + SECOND_NS // 2))
        await collector.close()
    expected = toml(case / "expected.toml")
    check(expected, told(wiring.groups, collected, with_time=False))
    assert {function for function, _, _ in device.requests} <= {1, 2, 3, 4}
    if "requests" in expected:
        assert [list(request) for request in device.requests] == expected["requests"]


def _device(described: dict[str, Any]) -> Device:
    """`words` and `bits`: address -> value; `answers`: one line of hex pieces per answer, TTTT standing for the transaction."""
    device = Device(
        {int(address): value for address, value in described.get("words", {}).items()},
        {int(address): value for address, value in described.get("bits", {}).items()},
    )
    scripted = [line.split() for line in described.get("answers", [])]

    def say(right: bytes) -> list[bytes]:
        if not scripted:
            return [right]
        tid = right[:2].hex()
        earlier = ((int(tid, 16) - 1) % 65536).to_bytes(2, "big").hex()
        pieces = [piece.replace("TTTT", tid).replace("EEEE", earlier) for piece in scripted.pop(0)]
        return [right if piece == "RIGHT" else bytes.fromhex(piece) for piece in pieces if piece != "NOTHING"]

    if scripted:
        device.mutate = say
    return device
