"""Registers against pymodbus, which knows nothing of ours."""

from __future__ import annotations

import math
import struct

import pytest
from hazmon_sim.words import BYTE_ORDERS, decode, encode
from pymodbus.client.mixin import ModbusClientMixin

ONE = struct.pack(">f", 1.5)  # 3f c0 00 00


@pytest.mark.parametrize(
    ("order", "wire"),
    [("big-endian", "3fc00000"), ("word-swapped", "00003fc0"), ("byte-swapped", "c03f0000"), ("little-endian", "0000c03f")],
)
def test_a_real_in_every_order(order: str, wire: str):
    assert encode(1.5, "REAL", order, 1.0, 0.0).hex() == wire


@pytest.mark.parametrize(("order", "word_order"), [("big-endian", "big"), ("word-swapped", "little")])
def test_pymodbus_reads_the_same_number(order: str, word_order: str):
    registers = list(struct.unpack(">HH", encode(-17.25, "REAL", order, 1.0, 0.0)))
    value = ModbusClientMixin.convert_from_registers(registers, ModbusClientMixin.DATATYPE.FLOAT32, word_order=word_order)  # pyright: ignore[reportArgumentType]
    assert value == -17.25


@pytest.mark.parametrize("order", BYTE_ORDERS)
@pytest.mark.parametrize(
    ("kind", "gain", "zero"), [("REAL", 1.0, 0.0), ("DINT", 0.001, 0.0), ("INT", 0.1, 0.0), ("WORD", 0.1, -100.0)]
)
def test_what_is_written_is_read(order: str, kind: str, gain: float, zero: float):
    for value in (-12.3, 0.0, 21.7, 830.4):
        assert decode(encode(value, kind, order, gain, zero), kind, order, gain, zero) == pytest.approx(
            value, abs=0.51 * gain * 1e-3 + 5e-5
        )


def test_scaled_numbers():
    assert encode(21.7, "WORD", "big-endian", 0.1, -100.0).hex() == f"{1217:04x}"
    assert encode(-12.0, "INT", "big-endian", 0.1, 0.0).hex() == f"{0x10000 - 120:04x}"


def test_a_number_too_large_goes_to_the_end():
    assert encode(1e9, "INT", "big-endian", 0.1, 0.0).hex() == "7fff"
    assert encode(-5.0, "WORD", "big-endian", 0.1, 0.0).hex() == "0000"
    assert encode(math.inf, "WORD", "big-endian", 0.1, 0.0).hex() == "ffff"


def test_a_broken_loop():
    assert math.isnan(decode(encode(math.nan, "REAL", "little-endian", 1.0, 0.0), "REAL", "little-endian", 1.0, 0.0))
    assert encode(math.nan, "INT", "big-endian", 0.1, 0.0).hex() == "7fff"
    assert encode(math.nan, "WORD", "big-endian", 0.1, 0.0).hex() == "ffff"
