"""PURE: which registers to ask a Modbus device for, and what its words mean.

`plan_requests` merges neighbours into block reads; `Decoder` turns the payload of one answer into values. No sockets, no time.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from hazmon_edge.wire import BAD, GOOD

MAX_BITS = 2000  # a Modbus answer carries no more
MAX_REGISTERS = 125


class Area(IntEnum):
    """The four tables of a Modbus device. The value is the function code that reads it; there is no other function code."""

    coil = 1
    discrete = 2
    holding = 3
    input = 4

    @property
    def is_bits(self) -> bool:
        """One bit an address, not one 16-bit word."""
        return self <= Area.discrete


# type -> struct code, registers
TYPES = {"bool": ("H", 1), "i16": ("h", 1), "u16": ("H", 1), "i32": ("i", 2), "u32": ("I", 2), "f32": ("f", 2), "f64": ("d", 4)}
# word order -> (struct byte order, words reversed before): ABCD is how Modbus itself sends a number
ORDERS = {"ABCD": (">", False), "CDAB": (">", True), "BADC": ("<", True), "DCBA": ("<", False)}


@dataclass(frozen=True, slots=True)
class Register:
    """Where a value lies in a device and how it is written there. value = raw * scale + offset."""

    area: Area
    address: int  # 0-based
    type: str = "u16"  # key of TYPES; always "bool" in a bit area
    order: str = "ABCD"  # key of ORDERS
    scale: float = 1.0
    offset: float = 0.0

    @property
    def width(self) -> int:
        """Addresses it takes."""
        return 1 if self.area.is_bits else TYPES[self.type][1]


@dataclass(frozen=True, slots=True)
class Request:
    """One block read. `columns` are the indices of the registers it brings, in order of address."""

    area: Area
    address: int
    count: int
    columns: tuple[int, ...]

    @property
    def payload_bytes(self) -> int:
        """Length of the data in a right answer."""
        return (self.count + 7) // 8 if self.area.is_bits else self.count * 2


def plan_requests(registers: Sequence[Register], max_gap: int, max_registers: int) -> tuple[Request, ...]:
    """Fewest block reads in one pass over the addresses: a gap of at most `max_gap` is read through, nothing longer than
    `max_registers` (or the protocol's own limit) is asked for, areas are never mixed, a value is never split."""
    requests: list[Request] = []
    for area in Area:
        limit = min(max_registers, MAX_BITS if area.is_bits else MAX_REGISTERS)
        columns = sorted((r.address, r.width, column) for column, r in enumerate(registers) if r.area is area)
        start = end = -1
        members: list[int] = []
        for address, width, column in columns:
            new_end = max(end, address + width)
            if members and (address - end > max_gap or new_end - start > limit):
                requests.append(Request(area, start, end - start, tuple(members)))
                members = []
            if not members:
                start, new_end = address, address + width
            members.append(column)
            end = new_end
        if members:
            requests.append(Request(area, start, end - start, tuple(members)))
    return tuple(requests)


class Decoder:
    """Turns the payload of one request's answer into values.

    Registers that share a byte order are read by one struct call over the whole payload.
    """

    def __init__(self, request: Request, registers: Sequence[Register]) -> None:
        self.request = request
        self._bits: list[tuple[int, int, Scaling]] = []
        self._passes: list[_Pass] = []
        places = [(column, registers[column]) for column in request.columns]
        if request.area.is_bits:
            self._bits = [(c, r.address - request.address, Scaling(r.scale, r.offset)) for c, r in places]
            return
        for order in ORDERS:
            rest = sorted((p for p in places if p[1].order == order), key=lambda p: p[1].address)
            while rest:  # values that overlap cannot share a struct
                taken: list[tuple[int, Register]] = []
                left: list[tuple[int, Register]] = []
                end = -1
                for column, register in rest:
                    if register.address >= end:
                        taken.append((column, register))
                        end = register.address + register.width
                    else:
                        left.append((column, register))
                self._passes.append(_Pass(request, order, taken))
                rest = left

    def decode(self, payload: bytes, values: list[float], quality: bytearray) -> None:
        """Fill in `values` and `quality` at this request's columns.

        A number that is not finite becomes quality BAD without a value. Raises ValueError when the payload is not as long as
        the request says: such an answer is never read, not even in part.
        """
        if len(payload) != self.request.payload_bytes:
            raise ValueError(f"{len(payload)} bytes of data where {self.request.payload_bytes} were asked for")
        for column, bit, scaling in self._bits:
            scaling.put((payload[bit >> 3] >> (bit & 7)) & 1, column, values, quality)
        for each in self._passes:
            each.read(payload, values, quality)


class _Pass:
    """One struct over the payload: the values of one byte order that do not overlap."""

    def __init__(self, request: Request, order: str, places: Sequence[tuple[int, Register]]) -> None:
        endian, self._reversed = ORDERS[order]
        spots = [(r.address - request.address, column, r) for column, r in places]
        if self._reversed:  # the words of the whole payload are turned round, so every value begins where it ended
            spots = sorted((request.count - word - r.width, column, r) for word, column, r in spots)
        code, at = endian, 0
        for word, _, register in spots:
            letter, width = TYPES[register.type]
            code += f"{(word - at) * 2}x{letter}"
            at = word + width
        self._struct = struct.Struct(code)
        self._targets = [(column, r.type == "bool", Scaling(r.scale, r.offset)) for _, column, r in spots]

    def read(self, payload: bytes, values: list[float], quality: bytearray) -> None:
        data = _turn_words(payload) if self._reversed else payload
        for raw, (column, is_bool, scaling) in zip(self._struct.unpack_from(data), self._targets, strict=True):
            scaling.put(bool(raw) if is_bool else raw, column, values, quality)


class Scaling:
    """value = raw * scale + offset. A scale of 1/10, 1/100 ... divides, so that 3 * 0.1 is 0.3 and not its neighbour.

    An offset of whole steps goes in before the division: 571 / 10 - 40 is 17.1.
    """

    __slots__ = ("_divisor", "_offset", "_scale", "_steps")

    def __init__(self, scale: float, offset: float) -> None:
        whole = round(1 / scale) if abs(scale) < 1 else 0
        self._divisor = whole if whole and 1 / whole == scale else 0
        self._scale = scale
        steps = offset * self._divisor
        self._steps = steps if self._divisor and steps == round(steps) else 0.0
        self._offset = 0.0 if self._steps else offset

    def put(self, raw: float, column: int, values: list[float], quality: bytearray) -> None:
        """Write the value of `raw` at `column`; what is not finite becomes quality BAD without a value."""
        try:
            value = float(((raw + self._steps) / self._divisor if self._divisor else raw * self._scale) + self._offset)
        except OverflowError:  # an integer beyond what a double holds
            value = math.inf
        if math.isfinite(value):
            values[column] = value
            quality[column] = GOOD
        else:
            values[column] = math.nan
            quality[column] = BAD


def _turn_words(payload: bytes) -> bytes:
    """The 16-bit words in reverse order, each as it was."""
    turned = bytearray(len(payload))
    turned[0::2] = payload[0::2][::-1]
    turned[1::2] = payload[1::2][::-1]
    return bytes(turned)
