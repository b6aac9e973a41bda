"""Answers bent in every way: a right value, or a miss; never a wrong value, never a crash, never a hang."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any, cast

import pytest
from collectors.cases import HEADER, load
from collectors.device import Device, running
from hazmon_edge.clock import SECOND_NS, SystemClock
from hazmon_edge.collectors.modbus import BUFFER, Answer, ModbusCollector, StrictFramer, _payload
from hazmon_edge.errors import Refused, Undecodable
from hazmon_edge.registers import Area, Request
from hazmon_edge.scans import Collected, Stamps
from hazmon_edge.settings import Modbus
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU

WORDS = [100 + n for n in range(20)]
RIGHT = b"".join(struct.pack(">H", word) for word in WORDS)
REQUEST = Request(Area.holding, 0, 20, tuple(range(20)))
FRAME = struct.pack(">HHHBBB", 7, 0, 3 + len(RIGHT), 1, 3, len(RIGHT)) + RIGHT


def accepted(stream: bytes) -> bytes | None:
    """What the collector would take from these bytes as the answer to transaction 7 of unit 1; None for a miss."""
    used, answer = StrictFramer(DecodePDU(False)).handleFrame(stream, 1, 7)
    assert 0 <= used <= len(stream)
    if answer is None:
        return None
    try:
        return _payload(answer, REQUEST)
    except (Refused, Undecodable):
        return None


def test_the_right_answer_is_taken() -> None:
    assert accepted(FRAME) == RIGHT


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_no_answer_unless_they_are_one(stream: bytes) -> None:
    payload = accepted(stream)
    assert payload is None or len(payload) == len(RIGHT)


@given(st.integers(0, 8), st.integers(0, 255))
def test_one_changed_byte_of_the_head_makes_a_miss(at: int, value: int) -> None:
    bent = bytearray(FRAME)
    bent[at] = value
    assert accepted(bytes(bent)) == (RIGHT if bytes(bent) == FRAME else None)


@given(st.integers(0, len(FRAME) - 1))
def test_a_part_of_the_answer_is_none(length: int) -> None:
    assert accepted(FRAME[:length]) is None


@given(st.lists(st.integers(0, 65535).filter(lambda tid: tid != 7), max_size=3))
def test_answers_to_other_questions_are_passed_over(tids: list[int]) -> None:
    others = b"".join(struct.pack(">H", tid) + FRAME[2:9] + bytes(len(RIGHT)) for tid in tids)
    assert accepted(others + FRAME) == RIGHT
    assert accepted(others) is None


@given(st.binary(min_size=1, max_size=252), st.integers(0, 255))
def test_another_function_or_length_is_refused(body: bytes, function: int) -> None:
    try:
        payload = _payload(Answer(1, 7, function, body), REQUEST)
    except (Refused, Undecodable):
        assert not (function == 3 and body[0] == len(RIGHT) == len(body) - 1)
    else:
        assert (function, len(payload)) == (3, len(RIGHT))


class Bender:
    """Bends one answer after another, seeded."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.bent = 0

    def __call__(self, right: bytes) -> list[bytes]:
        chance = self.chance
        self.bent += 1
        data = bytearray(right)
        match chance.randrange(9):
            case 0:
                data[chance.randrange(9)] ^= 1 << chance.randrange(8)
            case 1:
                del data[chance.randrange(len(data)) :]
            case 2:
                data += chance.randbytes(chance.randrange(1, 40))
            case 3:
                data = bytearray(chance.randbytes(chance.randrange(1, 300)))
            case 4:
                data[4:6] = struct.pack(">H", chance.choice([0, 1, 2, 3, 255, 65535]))
            case 5:
                data = bytearray(data[:7] + bytes((0x83, chance.randrange(256))))
                data[4:6] = b"\0\3"
            case 6:
                return [bytes(data[i : i + 1]) for i in range(len(data))]
            case 7:
                data = data * 2
            case _:
                data = bytearray(chance.randbytes(5000))
        return [bytes(data)]


@pytest.mark.parametrize("seed", range(3))
async def test_a_device_gone_mad_yields_right_values_or_misses_and_is_read_again_at_once(tmp_path: Path, seed: int) -> None:
    device = Device(dict(enumerate(WORDS)))
    clock = SystemClock()
    async with running(device):
        keys: dict[str, Any] = {"name": "plc1", "kind": "modbus_tcp", "host": "127.0.0.1", "port": device.port}
        tags = HEADER + "".join(f"T-{n},plc1,holding:{n},u16,,,,,,\n" for n in range(20))
        config = load(tmp_path / "config", tmp_path, keys | {"period_s": 0.1, "timeout_s": 0.02}, tags)
        collector = ModbusCollector(cast("Modbus", config.wirings[0].connection), config.wirings[0].groups, clock, Stamps())

        async def scan() -> Collected:
            if not collector.connected:
                await collector.connect()
            begun = clock.monotonic_ns()
            found = await collector.collect(begun + SECOND_NS // 10)
            assert clock.monotonic_ns() - begun < SECOND_NS // 5
            return found

        bender = Bender(seed)
        right = missed = 0
        while bender.bent < 150:
            device.mutate = bender
            found = await scan()
            for each in found.scans:
                assert each.values == WORDS
            right += len(found.scans)
            missed += len(found.misses)
            assert len(found.scans) + len(found.misses) == 1
            client = collector._client
            assert client is None or len(client.ctx.recv_buffer) <= BUFFER
        assert right > 20
        assert missed > 40
        device.mutate = None
        good = [await scan() for _ in range(3)]
        assert [len(each.scans) for each in good[1:]] == [1, 1]
        await collector.close()
    assert {function for function, _, _ in device.requests} == {3}
