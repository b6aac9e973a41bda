"""Planning and decoding of registers: the plan covers every value exactly once, decoding gives back what a device wrote."""

from __future__ import annotations

import itertools
import math
import struct

import pytest
from hazmon_edge.registers import MAX_REGISTERS, ORDERS, TYPES, Area, Decoder, Register, Scaling, plan_requests
from hazmon_edge.wire import ABSENT, BAD, GOOD
from hypothesis import given
from hypothesis import strategies as st

WORD_TYPES = st.sampled_from(sorted(TYPES))
REGISTERS = st.builds(
    Register,
    area=st.sampled_from([Area.holding, Area.input]),
    address=st.integers(0, 400),
    type=WORD_TYPES,
    order=st.sampled_from(sorted(ORDERS)),
)
BITS = st.builds(Register, area=st.sampled_from([Area.coil, Area.discrete]), address=st.integers(0, 2500), type=st.just("bool"))
LIMITS = st.integers(4, 125)


@given(st.lists(st.one_of(REGISTERS, BITS), max_size=60), st.integers(0, 124), LIMITS)
def test_every_value_is_in_exactly_one_request_and_whole(registers: list[Register], max_gap: int, limit: int) -> None:
    requests = plan_requests(registers, max_gap, limit)
    assert sorted(column for request in requests for column in request.columns) == list(range(len(registers)))
    for request in requests:
        assert 1 <= request.count <= (limit if request.area.is_bits else min(limit, MAX_REGISTERS))
        for column in request.columns:
            register = registers[column]
            assert register.area is request.area
            assert request.address <= register.address
            assert register.address + register.width <= request.address + request.count


@given(st.lists(REGISTERS, min_size=1, max_size=60), st.integers(0, 124), LIMITS)
def test_no_request_reads_through_a_longer_gap_or_beyond_what_is_wanted(
    registers: list[Register], max_gap: int, limit: int
) -> None:
    for request in plan_requests(registers, max_gap, limit):
        members = [registers[column] for column in request.columns]
        wanted = {at for r in members for at in range(r.address, r.address + r.width)}
        addresses = range(request.address, request.address + request.count)
        assert {addresses[0], addresses[-1]} <= wanted
        gap = 0
        for at in addresses:
            gap = 0 if at in wanted else gap + 1
            assert gap <= max_gap


@given(st.lists(REGISTERS, max_size=40), LIMITS)
def test_neighbours_share_a_request(registers: list[Register], limit: int) -> None:
    """Two requests of an area that follow each other could not have been one."""
    requests = plan_requests(registers, 8, limit)
    for one, two in itertools.pairwise(requests):
        if one.area is two.area:
            first = registers[two.columns[0]]
            gap = first.address - (one.address + one.count)
            assert gap > 8 or first.address + first.width - one.address > limit


def test_fifty_tags_are_one_request_and_a_gap_of_nine_makes_two() -> None:
    side_by_side = [Register(Area.holding, 2 * i, "f32") for i in range(50)]
    (request,) = plan_requests(side_by_side, 8, 120)
    assert (request.address, request.count) == (0, 100)
    apart = [Register(Area.holding, 0), Register(Area.holding, 10)]
    assert len(plan_requests(apart, 8, 120)) == 2
    assert len(plan_requests(apart, 9, 120)) == 1


def written(raw: float, kind: str, order: str) -> bytes:
    """The value as a device of this word order writes it, word by word, without the code under test."""
    letter = TYPES[kind][0]
    plain = struct.pack(f">{letter}", raw)  # A B C D
    words = [plain[i : i + 2] for i in range(0, len(plain), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


RANGES = {"i16": (-(2**15), 2**15 - 1), "u16": (0, 2**16 - 1), "i32": (-(2**31), 2**31 - 1), "u32": (0, 2**32 - 1)}


@st.composite
def device(draw: st.DrawFn) -> tuple[list[Register], list[float], bytes]:
    """A device with values laid side by side in any order, type and word order, and the bytes of its registers."""
    registers: list[Register] = []
    values: list[float] = []
    memory = b""
    for kind in draw(st.lists(WORD_TYPES, min_size=1, max_size=20)):
        order = draw(st.sampled_from(sorted(ORDERS)))
        if kind == "bool":
            raw = float(draw(st.booleans()))
            memory += written(int(raw), "bool", order)
            registers.append(Register(Area.holding, len(memory) // 2 - 1, kind, order))
        elif kind in RANGES:
            raw = float(draw(st.integers(*RANGES[kind])))
            registers.append(Register(Area.holding, len(memory) // 2, kind, order))
            memory += written(int(raw), kind, order)
        else:
            raw = draw(st.floats(width=32 if kind == "f32" else 64))
            registers.append(Register(Area.holding, len(memory) // 2, kind, order))
            memory += written(raw, kind, order)
        values.append(raw)
        memory += bytes(2 * draw(st.integers(0, 3)))
    order = draw(st.permutations(range(len(registers))))
    return [registers[i] for i in order], [values[i] for i in order], memory


@given(device())
def test_what_a_device_wrote_is_what_is_read(case: tuple[list[Register], list[float], bytes]) -> None:
    registers, expected, memory = case
    values, quality = [math.nan] * len(registers), bytearray([ABSENT]) * len(registers)
    for request in plan_requests(registers, 124, 125):
        payload = memory[2 * request.address : 2 * (request.address + request.count)]
        Decoder(request, registers).decode(payload, values, quality)
    for value, code, raw in zip(values, quality, expected, strict=True):
        if math.isfinite(raw):
            assert code == GOOD
            assert value == raw
        else:
            assert code == BAD
            assert math.isnan(value)


def test_values_that_overlap_are_both_read() -> None:
    registers = [Register(Area.holding, 0, "u32"), Register(Area.holding, 1, "u16"), Register(Area.holding, 0, "u16")]
    (request,) = plan_requests(registers, 0, 120)
    values, quality = [0.0] * 3, bytearray(3)
    Decoder(request, registers).decode(bytes([0, 1, 0, 2]), values, quality)
    assert values == [65538.0, 2.0, 1.0]


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_bits_come_lowest_first(bits: list[bool]) -> None:
    registers = [Register(Area.coil, 7 + i, "bool") for i in range(len(bits))]
    (request,) = plan_requests(registers, 0, 120)
    payload = sum(bit << i for i, bit in enumerate(bits)).to_bytes((len(bits) + 7) // 8, "little")
    values, quality = [math.nan] * len(bits), bytearray([ABSENT]) * len(bits)
    Decoder(request, registers).decode(payload, values, quality)
    assert values == [float(bit) for bit in bits]
    assert not any(quality)


@given(st.integers(0, 300).filter(lambda n: n != 8))
def test_a_payload_of_another_length_is_not_read_even_in_part(length: int) -> None:
    registers = [Register(Area.holding, i) for i in range(4)]
    (request,) = plan_requests(registers, 0, 120)
    values, quality = [math.nan] * 4, bytearray([ABSENT]) * 4
    with pytest.raises(ValueError, match=f"{length} bytes of data where 8"):
        Decoder(request, registers).decode(bytes(length), values, quality)
    assert all(math.isnan(value) for value in values)
    assert quality == bytearray([ABSENT]) * 4


@pytest.mark.parametrize(
    ("raw", "scale", "offset", "expected"),
    [(3, 0.1, 0, 0.3), (1234, 0.01, 0, 12.34), (7, 0.001, 0, 0.007), (5, 2.5, -50, -37.5), (1, 0.3, 0, 0.3), (3, -0.1, 0, -0.3)],
)
def test_a_tenth_is_a_tenth(raw: int, scale: float, offset: float, expected: float) -> None:
    values, quality = [math.nan], bytearray([ABSENT])
    Scaling(scale, offset).put(raw, 0, values, quality)
    assert values == [expected]
    assert quality[0] == GOOD


def test_a_result_beyond_a_double_is_bad() -> None:
    values, quality = [0.0, 0.0], bytearray(2)
    Scaling(1e300, 0).put(1e300, 0, values, quality)
    Scaling(1, 0).put(10**400, 1, values, quality)
    assert list(quality) == [BAD, BAD]
    assert all(math.isnan(value) for value in values)
