"""Blocks of scans and how their columns are laid out for the wire; `wire` describes the layout and hands these names on."""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

NO_VALUE = 128  # quality codes from here on carry no number
MAX_DECIMALS = 6

_DOUBLE, _SINGLE, _DECIMAL_DOUBLE, _DECIMAL_SINGLE = range(4)
COLUMN_KINDS = bytes(  # kind << 4 | decimals, in the order of their codes on the wire
    [kind << 4 | places for kind in (_DECIMAL_DOUBLE, _DECIMAL_SINGLE) for places in range(MAX_DECIMALS + 1)]
    + [_SINGLE << 4, _DOUBLE << 4]
)
_MAX_INT = 2**30  # a difference of two such numbers still fits i32
_N = TypeVar("_N", int, float)


class WireError(ValueError):
    """Bytes that are not a batch of this version."""


@dataclass(frozen=True, slots=True)
class Block:
    """Scans of one group: T instants by N points, row-major. Values are NaN where the quality says there is none."""

    group: bytes  # Group.digest
    times_us: Sequence[int]  # T, strictly increasing is not required
    values: Sequence[float]  # T * N
    points: int  # N
    quality: bytes | None = None  # T * N, None when all good
    offsets_ms: Sequence[int] | None = None  # T * N, None when every reading is at its scan's time


@dataclass(frozen=True, slots=True)
class PackedBlock:
    """A block as it lies on the wire; the park turns the sections into matrices without touching single readings."""

    group: bytes
    points: int  # N
    times: bytes  # i64[T], differences
    kinds: bytes  # u8[N], kind << 4 | decimals
    decimals: bytes  # planes of i32[T, D], differences
    singles: bytes  # f32[T, S]
    doubles: bytes  # f64[T, F]
    quality: bytes | None  # u8[T, N]
    offsets: bytes | None  # planes of i32[T, N]

    @property
    def scans(self) -> int:
        """T."""
        return len(self.times) // 8


def pack_block(block: Block) -> PackedBlock:
    """Choose each column's kind and lay the block out. Raises ValueError when the lengths do not agree."""
    t, n = len(block.times_us), block.points
    if len(block.values) != t * n or (block.quality is not None and len(block.quality) != t * n):
        raise ValueError(f"{t} scans of {n} points need {t * n} values and qualities")
    kinds = bytearray(n)
    decimals: list[list[int]] = []
    singles: list[list[float]] = []
    doubles: list[list[float]] = []
    for column in range(n):
        values = _column(block, column, t, n)
        kind, places, numbers = _choose(values)
        kinds[column] = kind << 4 | places
        if numbers is not None:
            decimals.append(numbers)
        else:
            (singles if kind == _SINGLE else doubles).append(values)
    return PackedBlock(
        group=block.group,
        points=n,
        times=_little("q", _differences(block.times_us)),
        kinds=bytes(kinds),
        decimals=_planes(_rows([_differences(column) for column in decimals], t)),
        singles=_little("f", _rows(singles, t)),
        doubles=_little("d", _rows(doubles, t)),
        quality=block.quality if block.quality is not None and any(block.quality) else None,
        offsets=_planes(block.offsets_ms) if block.offsets_ms is not None and any(block.offsets_ms) else None,
    )


def unpack_block(packed: PackedBlock) -> Block:
    """The block again, value by value: for the box and for tests; the park has its own vectorised way. Raises WireError."""
    t, n = packed.scans, packed.points
    values = array("d", bytes(8 * t * n))
    integers, singles, doubles = (
        _unplanes(packed.decimals),
        _from_little("f", packed.singles),
        _from_little("d", packed.doubles),
    )
    lanes = widths(packed.kinds)
    at = [0, 0, 0]
    for column, code in enumerate(packed.kinds):
        kind, scale = code >> 4, 10.0 ** (code & 15)
        lane = 0 if kind >= _DECIMAL_DOUBLE else 1 if kind == _SINGLE else 2
        total = 0
        for row in range(t):
            spot = row * lanes[lane] + at[lane]
            if lane == 0:
                total += integers[spot]
                value = total / scale
                values[row * n + column] = _single(value) if kind == _DECIMAL_SINGLE else value
            else:
                values[row * n + column] = (singles if lane == 1 else doubles)[spot]
        at[lane] += 1
    if packed.quality is not None:
        for spot, code in enumerate(packed.quality):
            if code >= NO_VALUE:
                values[spot] = math.nan
    times = array("q")
    total = 0
    for difference in _from_little("q", packed.times):
        total += int(difference)
        if not -(2**63) <= total < 2**63:
            raise WireError("a time beyond 64 bits")
        times.append(total)
    offsets = None if packed.offsets is None else _unplanes(packed.offsets)
    return Block(packed.group, times, values, n, packed.quality, offsets)


def widths(kinds: bytes) -> tuple[int, int, int]:
    """How many columns of decimals, singles and doubles."""
    singles = sum(code >> 4 == _SINGLE for code in kinds)
    doubles = sum(code >> 4 == _DOUBLE for code in kinds)
    return len(kinds) - singles - doubles, singles, doubles


def _column(block: Block, column: int, t: int, n: int) -> list[float]:
    """One column; where there is no value, the value before it, so that nothing is spent on the hole."""
    values: list[float] = []
    last = 0.0
    for row in range(t):
        spot = row * n + column
        if block.quality is None or block.quality[spot] < NO_VALUE:
            last = block.values[spot]
        values.append(last)
    return values


def _choose(values: list[float]) -> tuple[int, int, list[int] | None]:
    """Kind, decimals and, for a decimal column, its integers: the first that gives back every value exactly."""
    negative_zero = 0.0 in values and any(value == 0 and math.copysign(1.0, value) < 0 for value in values)
    if not negative_zero and all(abs(value) < _MAX_INT for value in values):
        for places in range(MAX_DECIMALS + 1):
            scale = 10.0**places
            numbers = [round(value * scale) for value in values]
            if any(abs(number) >= _MAX_INT for number in numbers):
                break
            if all(number / scale == value for number, value in zip(numbers, values, strict=True)):
                return _DECIMAL_DOUBLE, places, numbers
            if all(_single(number / scale) == value for number, value in zip(numbers, values, strict=True)):
                return _DECIMAL_SINGLE, places, numbers
    if all(abs(value) < 3.4e38 and _single(value) == value for value in values):
        return _SINGLE, 0, None
    return _DOUBLE, 0, None


def _single(value: float) -> float:
    """The value as a 4-byte float holds it."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def _differences(numbers: Sequence[int]) -> list[int]:
    return [number - before for number, before in zip(numbers, [0, *numbers], strict=False)]


def _rows(columns: Sequence[Sequence[_N]], t: int) -> list[_N]:
    return [column[row] for row in range(t) for column in columns]


def _little(code: str, numbers: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}{code}", *numbers)


def _from_little(code: str, data: bytes) -> array[float]:
    numbers: array[float] = array(code)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _planes(numbers: Sequence[int]) -> bytes:
    data = struct.pack(f"<{len(numbers)}i", *numbers)
    return b"".join(data[plane::4] for plane in range(4))


def _unplanes(data: bytes) -> array[int]:
    count = len(data) // 4
    whole = bytearray(len(data))
    for plane in range(4):
        whole[plane::4] = data[plane * count : (plane + 1) * count]
    return array("i", struct.unpack(f"<{count}i", bytes(whole)))
