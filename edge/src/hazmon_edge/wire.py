"""The wire between box and park, version 1. The only module of the box that the park imports; standard library alone.

A *batch* is what a box committed to disk at one instant: scans of groups, and misses. Its canonical bytes are what the box
keeps, what the digest chain runs over and what the park records. All numbers are little-endian:

    batch  = "HZ" u8:version u8:0  text8:edge  u64:boot u64:seq  8s:previous  i64:made_us
             u16:groups u16:blocks u32:misses  group* block* miss*
    group  = text16:name i64:period_us u16:points text32:tags joined by U+001F
    block  = 8s:group digest  u32:T u16:N u8:flags(1 quality, 2 offsets)
             i64[T] times (the first less made_us, then differences; modulo 2^64)
             u4[N] column kinds, the first in the low half of its byte, the last half 0 if N is odd:
                   0-6 decimal double and 7-13 decimal single with so many decimals, 14 single, 15 double
             planes of i32[T, D] decimal columns, differences down the column
             f32[T, S] single columns   f64[T, F] double columns
             u8[T, N] quality if flagged   planes of i32[T, N] offsets in ms if flagged
    miss   = 8s:group digest u16:column i64:at_us u32:count u8:cause

`previous` is the beginning of the digest of the batch before: the park holds that digest whole, so the link has only to be
found wrong.

Columns are sorted into kinds only inside a block; the matrix they unpack to is in the group's order. A decimal column holds
n = value * 10^decimals wherever n / 10^decimals gives back the very same double (kind 2) or single (kind 3): instruments speak
in tenths and hundredths, so most readings take one or two bytes after zstd, and every value comes back bit for bit (a column
with a negative zero, which no integer can say, goes as singles or doubles).
*Planes* means all first bytes, then all second bytes, and so on: what differs little compresses well.

    body   = zstd( (u32:length batch)* )          the body of POST /api/v1/batches
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from hazmon_edge.block import COLUMN_KINDS, NO_VALUE, Block, PackedBlock, WireError, pack_block, unpack_block, widths

__all__ = [
    "ABSENT",
    "BAD",
    "GOOD",
    "MAX_BATCHES",
    "MAX_BODY",
    "MAX_UNPACKED",
    "NO_VALUE",
    "WHOLE_GROUP",
    "WIRE",
    "Batch",
    "Block",
    "Group",
    "Miss",
    "PackedBlock",
    "Receipt",
    "WireError",
    "decode",
    "digest",
    "encode",
    "link",
    "pack",
    "pack_block",
    "unpack",
    "unpack_block",
]

WIRE = 1
GOOD = 0
ABSENT = 128
BAD = 129
WHOLE_GROUP = 0xFFFF
MAX_BODY = 8 * 1024 * 1024
MAX_UNPACKED = 64 * 1024 * 1024
MAX_BATCHES = 4096  # in one body

_HEAD = struct.Struct("<QQ8sqHHI")
_BLOCK = struct.Struct("<8sIHB")
_MISS = struct.Struct("<8sHqIB")
LINK_BYTES = 8
_KIND = COLUMN_KINDS
_CODE = {kind: code for code, kind in enumerate(COLUMN_KINDS)}
_SMALL = 8192  # bytes of a body that are worth the packer's best effort: a live one


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
class Miss:
    """`count` readings owed from `at_us` on, a period apart, that are not there; column WHOLE_GROUP means every point."""

    group: bytes
    column: int
    at_us: int
    count: int
    cause: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What a box put on disk at one instant. `previous` is the `link` to the batch before it, across boots."""

    edge: str
    boot: int
    seq: int
    previous: bytes = bytes(LINK_BYTES)
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


def link(digest: bytes) -> bytes:
    """What the next batch says of this one."""
    return digest[:LINK_BYTES]


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
            _moved(block.times, -batch.made_us),
            _nibbles(block.kinds),
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
    blocks = tuple(_read_block(reader, made_us) for _ in range(n_blocks))
    misses = tuple(Miss(*_MISS.unpack(reader.take(_MISS.size))) for _ in range(n_misses))
    if reader.at != len(canonical):
        raise WireError(f"{len(canonical) - reader.at} bytes behind the end of the batch")
    return Batch(edge, boot, seq, previous, made_us, groups, blocks, misses)


def pack(batches: Iterable[bytes]) -> bytes:
    """One HTTP body of many canonical batches."""
    import zstandard

    frames = b"".join(struct.pack("<I", len(batch)) + batch for batch in batches)
    return zstandard.ZstdCompressor(level=15 if len(frames) < _SMALL else 3).compress(frames)


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


def _read_block(reader: _Reader, made_us: int) -> PackedBlock:
    group, t, n, flags = _BLOCK.unpack(reader.take(_BLOCK.size))
    if flags & ~3:
        raise WireError(f"unknown block flags {flags}")
    times = _moved(reader.take(8 * t), made_us)
    kinds = _kinds(reader.take((n + 1) // 2), n)
    decimals, singles, doubles = widths(kinds)
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


def _moved(times: bytes, by: int) -> bytes:
    """A block's times with its first one moved: beside the batch's own time it is a small number."""
    if not times:
        return times
    return ((int.from_bytes(times[:8], "little") + by) % 2**64).to_bytes(8, "little") + times[8:]


def _nibbles(kinds: bytes) -> bytes:
    """Column kinds as they travel, two to a byte."""
    codes = bytes(_CODE[kind] for kind in kinds) + b"\0"
    return bytes(low | high << 4 for low, high in zip(codes[0:-1:2], codes[1::2], strict=True))


def _kinds(nibbles: bytes, n: int) -> bytes:
    kinds = bytes(_KIND[half] for byte in nibbles for half in (byte & 15, byte >> 4))
    if n % 2 and nibbles[-1] >> 4:
        raise WireError("half a byte behind the last column's kind")
    return kinds[:n]


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
