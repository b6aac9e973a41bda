"""An encoder of the boxes' wire, version 1, written from its published description and sharing nothing with the boxes' own.

All columns go as decimal doubles (kinds 0 to 6): an instrument here shows so many decimals, so a value is an integer over a
power of ten. Values travel as that integer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
import zstandard
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]

CONTENT_TYPE = "application/vnd.hazmon.batches"
WHOLE_GROUP = 0xFFFF
NO_VALUE = 128  # quality codes from here on carry no number
FIRST_LINK = bytes(8)  # what the very first batch of a box says of the one before

_HEAD = struct.Struct("<QQ8sqHHI")
_BLOCK = struct.Struct("<8sIHB")
_MISS = struct.Struct("<8sHqIB")
_LENGTH = struct.Struct("<I")
_packer = zstandard.ZstdCompressor(level=3)


def group(name: str, period_us: int, tags: Sequence[str]) -> bytes:
    """The declaration of a scan group."""
    title, list_ = name.encode(), "\x1f".join(tags).encode()
    return b"".join(
        (struct.pack("<H", len(title)), title, struct.pack("<qHI", period_us, len(tags), len(list_)), list_),
    )


def group_digest(declaration: bytes) -> bytes:
    """The 8 bytes by which blocks and misses name a group."""
    return blake2b(declaration, digest_size=8).digest()


def kinds(decimals: Sequence[int]) -> bytes:
    """Half a byte a column, the first in the low half."""
    halves = [*decimals, 0]
    return bytes(halves[at] | halves[at + 1] << 4 for at in range(0, len(decimals), 2))


def ordinary_blocks(digest: bytes, offsets_us: Sequence[int], decimals: Sequence[int], numbers: Ints) -> Bytes:
    """One block of good scans for each of many batches: numbers int32[batch, scan, column] -> uint8[batch, bytes].

    `offsets_us` are the scans' times less their batch's made_us, the same in every batch.
    """
    batches, t, n = numbers.shape
    head = _BLOCK.pack(digest, t, n, 0) + np.diff(np.array(offsets_us, "<i8"), prepend=0).astype("<i8").tobytes()
    head += kinds(decimals)
    block = np.empty((batches, len(head) + 4 * t * n), np.uint8)
    block[:, : len(head)] = np.frombuffer(head, np.uint8)
    differences = np.diff(numbers, axis=1, prepend=np.int32(0)).astype("<i4").reshape(batches, t * n)
    planes = np.ascontiguousarray(differences).view(np.uint8).reshape(batches, t * n, 4).transpose(0, 2, 1)
    block[:, len(head) :] = planes.reshape(batches, 4 * t * n)
    return block


def block(digest: bytes, offsets_us: Sequence[int], decimals: Sequence[int], numbers: Ints, quality: Bytes | None) -> bytes:
    """One block of int32[scan, column] with its quality codes uint8[scan, column], None when all are good."""
    whole = ordinary_blocks(digest, offsets_us, decimals, numbers[None])[0].tobytes()
    return whole if quality is None or not quality.any() else with_quality(whole, quality)


def with_quality(ordinary: bytes, quality: Bytes) -> bytes:
    """An ordinary block with quality codes uint8[scan, column]."""
    flags = _BLOCK.size - 1
    return b"%s\x01%s%s" % (ordinary[:flags], ordinary[flags + 1 :], quality.tobytes())


def miss(digest: bytes, column: int, at_us: int, count: int, cause: int) -> bytes:
    """`count` readings owed from `at_us` on, a period apart, that are not there; column WHOLE_GROUP: of every point."""
    return _MISS.pack(digest, column, at_us, count, cause)


def batch(
    edge: bytes,
    boot: int,
    seq: int,
    previous: bytes,
    made_us: int,
    groups: Sequence[bytes] = (),
    blocks: tuple[int, bytes] = (0, b""),
    misses: Sequence[bytes] = (),
) -> bytes:
    """Canonical bytes. `blocks` is how many blocks and their bytes in a row."""
    head = _HEAD.pack(boot, seq, previous, made_us, len(groups), blocks[0], len(misses))
    return b"".join((b"HZ\x01\x00", bytes((len(edge),)), edge, head, *groups, blocks[1], *misses))


def link(canonical: bytes) -> bytes:
    """What the next batch says of this one: the beginning of its digest."""
    return blake2b(canonical, digest_size=16).digest()[:8]


def body(batches: Iterable[bytes]) -> bytes:
    """The HTTP body of canonical batches."""
    return _packer.compress(b"".join(part for each in batches for part in (_LENGTH.pack(len(each)), each)))
