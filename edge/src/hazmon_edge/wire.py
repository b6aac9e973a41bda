"""The wire between box and park, version 1. The only module of the box that the park imports; standard library alone.

A *batch* is what a box committed to disk at one instant: scans of groups, and misses. Its canonical bytes are what the box
keeps, what the digest chain runs over and what the park records. All numbers are little-endian:

    batch  = "HZ" u8:version u8:0  text8:edge  u64:boot u64:seq  16s:previous  i64:made_us
             u16:groups u16:blocks u32:misses  group* block* miss*
    group  = text16:name i64:period_us u16:points text32:tags joined by U+001F
    block  = 8s:group digest  u32:T u16:N u8:flags(1 quality, 2 offsets)
             i64[T] times (the first absolute, then differences)
             u8[N] column kinds (kind << 4 | decimals)
             planes of i32[T, D] decimal columns, differences down the column
             f32[T, S] single columns   f64[T, F] double columns
             u8[T, N] quality if flagged   planes of i32[T, N] offsets in ms if flagged
    miss   = 8s:group digest u16:column i64:at_us u32:count u8:cause

Columns are sorted into kinds only inside a block; the matrix they unpack to is in the group's order. A decimal column holds
n = value * 10^decimals wherever n / 10^decimals gives back the very same double (kind 2) or single (kind 3): instruments speak
in tenths and hundredths, so most readings take one or two bytes after zstd, and every value comes back bit for bit (a column
with a negative zero, which no integer can say, goes as singles or doubles).
*Planes* means all first bytes, then all second bytes, and so on: what differs little compresses well.

    body   = zstd( (u32:length batch)* )          the body of POST /api/v1/batches
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

WIRE = 1
GOOD = 0
NO_VALUE = 128  # quality codes from here on carry no number
ABSENT = 128
BAD = 129
WHOLE_GROUP = 0xFFFF
MAX_BODY = 8 * 1024 * 1024
MAX_UNPACKED = 64 * 1024 * 1024
MAX_BATCHES = 4096  # in one body

_DOUBLE, _SINGLE, _DECIMAL_DOUBLE, _DECIMAL_SINGLE = range(4)
_MAX_DECIMALS = 6
_MAX_INT = 2**30  # a difference of two such numbers still fits i32
_HEAD = struct.Struct("<QQ16sqHHI")
_BLOCK = struct.Struct("<8sIHB")
_MISS = struct.Struct("<8sHqIB")
_NO_DIGEST = bytes(16)
_N = TypeVar("_N", int, float)


class WireError(ValueError):
    """Bytes that are not a batch of this version."""


@dataclass(frozen=True, slots=True)
class Group:
    """The points that are read together: tags without the enterprise, and how often a scan is owed."""

    name: str
    period_us: int
    points: tuple[str, ...]

    @property
    def digest(self) -> bytes:
        """Content address, 8 bytes: equal groups have equal digests in every boot of every box."""
        return blake2b(_encode_group(self), digest_size=8).digest()


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
    kinds: bytes  # u8[N]
    decimals: bytes  # planes of i32[T, D], differences
    singles: bytes  # f32[T, S]
    doubles: bytes  # f64[T, F]
    quality: bytes | None  # u8[T, N]
    offsets: bytes | None  # planes of i32[T, N]

    @property
    def scans(self) -> int:
        """T."""
        return len(self.times) // 8


@dataclass(frozen=True, slots=True)
class Miss:
    """`count` readings owed from `at_us` on, a period apart, that are not there; column WHOLE_GROUP means every point."""

    group: bytes
    column: int
    at_us: int
    count: int
    cause: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What a box put on disk at one instant. `previous` is the digest of the batch before it, across boots."""

    edge: str
    boot: int
    seq: int
    previous: bytes = _NO_DIGEST
    made_us: int = 0
    groups: tuple[Group, ...] = ()
    blocks: tuple[PackedBlock, ...] = ()
    misses: tuple[Miss, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The park's answer for one batch. Accepted and duplicate mean: committed, forget it. Refused readings are named."""

    boot: int
    seq: int
    outcome: str  # accepted | duplicate | rejected
    retry: bool = False
    reason: str | None = None
    refused: list[dict[str, object]] = field(default_factory=list[dict[str, object]])


def digest(canonical: bytes) -> bytes:
    """Name of a batch: 16 bytes of BLAKE2b over its canonical bytes."""
    return blake2b(canonical, digest_size=16).digest()


def encode(batch: Batch) -> bytes:
    """Canonical bytes of a batch."""
    parts = [
        b"HZ",
        bytes((WIRE, 0)),
        _text(batch.edge, "<B"),
        _HEAD.pack(
            batch.boot,
            batch.seq,
            batch.previous,
            batch.made_us,
            len(batch.groups),
            len(batch.blocks),
            len(batch.misses),
        ),
    ]
    parts += [_encode_group(group) for group in batch.groups]
    for block in batch.blocks:
        flags = (block.quality is not None) | (block.offsets is not None) << 1
        parts += [
            _BLOCK.pack(block.group, block.scans, block.points, flags),
            block.times,
            block.kinds,
            block.decimals,
            block.singles,
            block.doubles,
            block.quality or b"",
            block.offsets or b"",
        ]
    parts += [_MISS.pack(m.group, m.column, m.at_us, m.count, m.cause) for m in batch.misses]
    return b"".join(parts)


def decode(canonical: bytes) -> Batch:
    """Batch of canonical bytes. Raises WireError on anything else, also on a single byte too many."""
    reader = _Reader(canonical)
    if reader.take(2) != b"HZ":
        raise WireError("not a batch: the first two bytes are not HZ")
    version, reserved = reader.take(2)
    if version != WIRE:
        raise WireError(f"wire version {version}; this side speaks {WIRE}")
    if reserved:
        raise WireError(f"the fourth byte is {reserved}, not 0")
    edge = reader.text("<B")
    boot, seq, previous, made_us, n_groups, n_blocks, n_misses = _HEAD.unpack(reader.take(_HEAD.size))
    groups = tuple(_read_group(reader) for _ in range(n_groups))
    blocks = tuple(_read_block(reader) for _ in range(n_blocks))
    misses = tuple(Miss(*_MISS.unpack(reader.take(_MISS.size))) for _ in range(n_misses))
    if reader.at != len(canonical):
        raise WireError(f"{len(canonical) - reader.at} bytes behind the end of the batch")
    return Batch(edge, boot, seq, previous, made_us, groups, blocks, misses)


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
    widths = _widths(packed.kinds)
    at = [0, 0, 0]
    for column, code in enumerate(packed.kinds):
        kind, scale = code >> 4, 10.0 ** (code & 15)
        lane = 0 if kind >= _DECIMAL_DOUBLE else 1 if kind == _SINGLE else 2
        total = 0
        for row in range(t):
            spot = row * widths[lane] + at[lane]
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


def pack(batches: Iterable[bytes], level: int = 3) -> bytes:
    """One HTTP body of many canonical batches."""
    import zstandard

    frames = b"".join(struct.pack("<I", len(batch)) + batch for batch in batches)
    return zstandard.ZstdCompressor(level=level).compress(frames)


def unpack(body: bytes) -> list[bytes]:
    """Canonical batches of an HTTP body. Raises WireError on anything else or beyond MAX_UNPACKED bytes or MAX_BATCHES."""
    import zstandard

    try:
        size = zstandard.frame_content_size(body)
        if not 0 <= size <= MAX_UNPACKED:
            raise WireError(f"the body does not say a size up to {MAX_UNPACKED} bytes")
        frames = zstandard.ZstdDecompressor().decompress(body, max_output_size=MAX_UNPACKED, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise WireError(f"the body is not zstd: {error}") from error
    reader = _Reader(frames)
    batches: list[bytes] = []
    while reader.at < len(frames):
        if len(batches) == MAX_BATCHES:
            raise WireError(f"more than {MAX_BATCHES} batches in one body")
        (length,) = struct.unpack("<I", reader.take(4))
        batches.append(reader.take(length))
    return batches


class _Reader:
    """Takes bytes in order and refuses to read past the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise WireError(f"truncated: {count} bytes wanted at {self.at}, {len(self.data) - self.at} there")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def text(self, length: str) -> str:
        (size,) = struct.unpack(length, self.take(struct.calcsize(length)))
        try:
            return self.take(size).decode()
        except UnicodeDecodeError as error:
            raise WireError(f"text at {self.at} is not UTF-8") from error


def _read_group(reader: _Reader) -> Group:
    name = reader.text("<H")
    period_us, count = struct.unpack("<qH", reader.take(10))
    points = tuple(reader.text("<I").split("\x1f"))
    if len(points) != count:
        raise WireError(f"group {name}: {count} points announced, {len(points)} there")
    return Group(name, period_us, points)


def _read_block(reader: _Reader) -> PackedBlock:
    group, t, n, flags = _BLOCK.unpack(reader.take(_BLOCK.size))
    if flags & ~3:
        raise WireError(f"unknown block flags {flags}")
    times = reader.take(8 * t)
    kinds = reader.take(n)
    if any(code >> 4 > _DECIMAL_SINGLE or code & 15 > _MAX_DECIMALS for code in kinds):
        raise WireError("unknown column kind")
    decimals, singles, doubles = _widths(kinds)
    return PackedBlock(
        group=group,
        points=n,
        times=times,
        kinds=kinds,
        decimals=reader.take(4 * t * decimals),
        singles=reader.take(4 * t * singles),
        doubles=reader.take(8 * t * doubles),
        quality=reader.take(t * n) if flags & 1 else None,
        offsets=reader.take(4 * t * n) if flags & 2 else None,
    )


def _encode_group(group: Group) -> bytes:
    return b"".join(
        (
            _text(group.name, "<H"),
            struct.pack("<qH", group.period_us, len(group.points)),
            _text("\x1f".join(group.points), "<I"),
        )
    )


def _text(text: str, length: str) -> bytes:
    data = text.encode()
    return struct.pack(length, len(data)) + data


def _widths(kinds: bytes) -> tuple[int, int, int]:
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
        for places in range(_MAX_DECIMALS + 1):
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
