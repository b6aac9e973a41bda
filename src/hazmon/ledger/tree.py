"""The tree of the record: SHA-256 as in RFC 9162 §2.1, kept in tiles of 256 hashes as in C2SP tlog-tiles.

Level L of the tiles holds the roots of complete subtrees of 256^L leaves; tile k of a level, when full, the hashes k * 256 to
k * 256 + 255 of it. What is not yet a full tile is the edge: fewer than 256 hashes a level, so a log of 2^40 leaves goes on
from 40 KiB.

Hashes travel as bytes, 32 for each, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from hazmon.errors import LedgerError

HASH = 32
TILE = 256
TILE_BYTES = TILE * HASH
TILE_HEIGHT = 8  # a tile spans so many levels of the tree
LARGEST = 2**63 - 1  # leaves; the index is a bigint in the table
EMPTY_ROOT = sha256(b"").digest()

Hashes = Callable[[int, int, int], bytes]
"""`hashes(level, first, count)`: the hashes `first` to `first + count - 1` of a tile level, 32 * count bytes."""


def leaf_hash(content: bytes) -> bytes:
    """Hash of a leaf: SHA-256 of 0x00 and its content."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees: SHA-256 of 0x01 and theirs."""
    return sha256(b"\x01" + left + right).digest()


def parents(hashes: bytes) -> bytes:
    """The row above an even number of hashes, half as long."""
    pairs = range(0, len(hashes), 2 * HASH)
    return b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH]).digest() for at in pairs])


def fold(hashes: bytes) -> bytes:
    """Root over a row of one or more hashes that stand for subtrees of one size, of which the last may be smaller.

    A hash without a neighbour rises as it is, which gives the same tree as splitting at the largest power of two.
    """
    while len(hashes) > HASH:
        alone = len(hashes) % (2 * HASH)
        hashes = parents(hashes[:-HASH]) + hashes[-HASH:] if alone else parents(hashes)
    return hashes


@dataclass(frozen=True, slots=True)
class Read:
    """`count` hashes of a tile level from `first`, all of one tile."""

    level: int
    first: int
    count: int

    @property
    def tile(self) -> int:
        """Number of the tile in its level."""
        return self.first // TILE

    def of(self, tile: bytes) -> bytes:
        """These hashes out of that tile's bytes (full, or partial and long enough)."""
        at = self.first % TILE * HASH
        return tile[at : at + self.count * HASH]


@dataclass(frozen=True, slots=True)
class Tile:
    """A full tile: 8,192 bytes that never change."""

    level: int
    number: int
    hashes: bytes


def tile_path(level: int, number: int, width: int = TILE) -> str:
    """Where C2SP tlog-tiles puts a tile: `tile/0/x001/x234/067`, and `.p/112` behind it when it holds only so many hashes."""
    text = f"{number:03}"
    text = text.zfill(-(-len(text) // 3) * 3)
    groups = [text[at : at + 3] for at in range(0, len(text), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{path}" + ("" if width == TILE else f".p/{width}")


@dataclass(frozen=True, slots=True)
class Frontier:
    """A log of `count` leaves, ready to go on: edge[L] is the partial tile of level L, (count >> 8 * L) % 256 hashes.

    A value: `append` gives the next one, and whoever could not write it down keeps the old.
    """

    count: int = 0
    edge: tuple[bytes, ...] = ()

    def append(self, hashes: bytes) -> tuple[Frontier, list[Tile]]:
        """The log with these leaf hashes behind it, and the tiles that came full, lower levels first."""
        if len(hashes) % HASH:
            raise LedgerError(f"{len(hashes)} bytes are not whole hashes of {HASH} bytes")
        count = self.count + len(hashes) // HASH
        if count > LARGEST:
            raise LedgerError(f"a log holds at most {LARGEST} leaves, not {count}")
        edge = list(self.edge)
        tiles: list[Tile] = []
        level = 0
        while hashes:
            if level == len(edge):
                edge.append(b"")
            row = edge[level] + hashes
            full = len(row) - len(row) % TILE_BYTES
            number = self.count >> TILE_HEIGHT * (level + 1)
            tiles += [Tile(level, number + at // TILE_BYTES, row[at : at + TILE_BYTES]) for at in range(0, full, TILE_BYTES)]
            edge[level] = row[full:]
            hashes = row[:full]
            for _ in range(TILE_HEIGHT if hashes else 0):
                hashes = parents(hashes)
            level += 1
        return Frontier(count, tuple(edge)), tiles

    def root(self) -> bytes:
        """Root of the whole log; at most 255 hashes a level."""
        carried = b""
        for row in self.edge:
            carried = fold(row + carried)
        return carried or EMPTY_ROOT

    def at(self, read: Read) -> bytes | None:
        """The hashes of a read that lies on the edge; None when it asks of a full tile."""
        if read.tile < self.count >> TILE_HEIGHT * (read.level + 1):
            return None
        there = (self.count >> TILE_HEIGHT * read.level) % TILE if read.level < len(self.edge) else 0
        if read.tile > self.count >> TILE_HEIGHT * (read.level + 1) or read.first % TILE + read.count > there:
            end = read.first + read.count
            raise LedgerError(f"hashes {read.first} to {end - 1} of level {read.level} are not in a log of {self.count} leaves")
        return read.of(self.edge[read.level])

    def reader(self, tile: Callable[[int, int], bytes]) -> Hashes:
        """Reads over full tiles, `tile(level, number)` giving 8,192 bytes, and over the edge."""

        def hashes(level: int, first: int, count: int) -> bytes:
            read = Read(level, first, count)
            found = self.at(read)
            return read.of(tile(level, read.tile)) if found is None else found

        return hashes

    @classmethod
    def rebuilt(cls, count: int, parts: Sequence[bytes]) -> Frontier:
        """The log of that size from the answers to `edge_reads(count)`, in their order.

        Whoever does not trust them compares `root()` with a checkpoint.
        """
        reads = list(edge_reads(count))
        checked(reads, parts)
        edge = [b""] * levels(count)
        for read, part in zip(reads, parts, strict=True):
            edge[read.level] = part
        return cls(count, tuple(edge))


def levels(count: int) -> int:
    """Tile levels that a log of that size has hashes in."""
    return -(-count.bit_length() // TILE_HEIGHT)


def edge_reads(count: int) -> Iterator[Read]:
    """What to read, at most once a level, to go on with a log of that size."""
    for level in range(levels(count)):
        end = count >> TILE_HEIGHT * level
        if end % TILE:
            yield Read(level, end - end % TILE, end % TILE)


def checked(reads: Sequence[Read], parts: Sequence[bytes]) -> None:
    """Refuse answers that are not as long as what was asked."""
    if len(reads) != len(parts):
        raise LedgerError(f"{len(reads)} reads need as many answers, not {len(parts)}")
    for read, part in zip(reads, parts, strict=True):
        if len(part) != read.count * HASH:
            asked = f"hashes {read.first} to {read.first + read.count - 1} of level {read.level}"
            raise LedgerError(f"the record has {len(part)} bytes for {asked}, which are {read.count * HASH}")
