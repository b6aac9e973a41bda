"""The definitions of RFC 9162 §2.1, word for word and slow: what the record's tree is held against."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from hazmon.ledger.tree import Frontier


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(contents: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash of a list of leaf contents."""
    if not contents:
        return sha256(b"").digest()
    if len(contents) == 1:
        return sha256(b"\x00" + contents[0]).digest()
    k = split(len(contents))
    return sha256(b"\x01" + mth(contents[:k]) + mth(contents[k:])).digest()


def path(m: int, contents: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]): the inclusion proof."""
    if len(contents) == 1:
        return []
    k = split(len(contents))
    if m < k:
        return [*path(m, contents[:k]), mth(contents[k:])]
    return [*path(m - k, contents[k:]), mth(contents[:k])]


def subproof(m: int, contents: Sequence[bytes], known: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b): the consistency proof."""
    if m == len(contents):
        return [] if known else [mth(contents)]
    k = split(len(contents))
    if m <= k:
        return [*subproof(m, contents[:k], known), mth(contents[k:])]
    return [*subproof(m - k, contents[k:], False), mth(contents[:k])]


def around(wanted: set[int], contents: Sequence[bytes], offset: int = 0) -> list[bytes]:
    """The range proof: roots of the largest subtrees without a wanted leaf, left to right."""
    here = range(offset, offset + len(contents))
    if not wanted.intersection(here):
        return [mth(contents)]
    if wanted.issuperset(here):
        return []
    k = split(len(contents))
    return [*around(wanted, contents[:k], offset), *around(wanted, contents[k:], offset + k)]


class Log:
    """A log with its full tiles kept as the frontier gave them, which counts the reads made of it."""

    def __init__(self, hashes: Sequence[bytes] = (), steps: Sequence[int] = ()) -> None:
        self.frontier = Frontier()
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.reads = 0
        at = 0
        for step in [*steps, len(hashes)]:
            self.append(hashes[at : at + step])
            at += step

    def append(self, hashes: Sequence[bytes]) -> None:
        self.frontier, tiles = self.frontier.append(b"".join(hashes))
        for tile in tiles:
            assert (tile.level, tile.number) not in self.tiles
            self.tiles[tile.level, tile.number] = tile.hashes

    def hashes(self, level: int, first: int, count: int) -> bytes:
        self.reads += 1
        return self.frontier.reader(lambda level, number: self.tiles[level, number])(level, first, count)
