"""Numbers as PLC registers, in the words of PLC manuals."""

from __future__ import annotations

import math
import struct

WIDTH = {"REAL": 2, "DINT": 2, "INT": 1, "WORD": 1}
_CODE = {"REAL": ">f", "DINT": ">i", "INT": ">h", "WORD": ">H"}
_RANGE = {"DINT": (-(2**31), 2**31 - 1), "INT": (-32768, 32767), "WORD": (0, 65535)}
BYTE_ORDERS = ("big-endian", "word-swapped", "byte-swapped", "little-endian")


def encode(value: float, kind: str, order: str, gain: float, zero: float) -> bytes:
    """Registers as they go over the wire; value = raw * gain + zero.

    A value that the type cannot hold goes to its end; NaN is NaN in a REAL and the largest raw number elsewhere, which is how
    an analogue module reports a broken loop.
    """
    raw = (value - zero) / gain
    if kind == "REAL":
        return _arrange(struct.pack(">f", raw), order)
    low, high = _RANGE[kind]
    number = high if math.isnan(raw) else round(min(max(raw, low), high))
    return _arrange(struct.pack(_CODE[kind], number), order)


def decode(data: bytes, kind: str, order: str, gain: float, zero: float) -> float:
    """The number that `encode` wrote, within the resolution of its type."""
    raw: float = struct.unpack(_CODE[kind], _arrange(data, order))[0]
    return raw * gain + zero


def _arrange(data: bytes, order: str) -> bytes:
    """Big-endian to `order` and back: each of the four arrangements is its own inverse. One register has one order only."""
    if len(data) == 2 or order == "big-endian":
        return data
    if order == "word-swapped":
        return data[2:] + data[:2]
    if order == "byte-swapped":
        return bytes((data[1], data[0], data[3], data[2]))
    return data[::-1]
