"""Where a record was changed: a proof says only that it was."""

from __future__ import annotations

from collections.abc import Iterator

from hazmon.errors import LedgerError
from hazmon.ledger.tree import HASH, TILE, TILE_HEIGHT, Hashes, Read, fold, levels


def first_difference(one: Hashes, other: Hashes, size: int) -> int | None:
    """Number of the first leaf in which two logs of `size` leaves differ, such as a restored backup and a witness's copy.

    None when they are the same. From the top down: a tile of each log a level, and at the top and on the edge what is there.
    """
    begin, narrowed = 0, False
    for level in reversed(range(levels(size))):
        end = begin + TILE if narrowed else size >> TILE_HEIGHT * level
        found = _unlike(one, other, level, begin, end)
        if found is not None:
            begin, narrowed = found, True
        elif narrowed:
            place = f"hash {begin // TILE} of level {level + 1}"
            raise LedgerError(f"{place} differs, yet the {TILE} hashes under it are the same: one log's tiles are not its own")
        else:
            begin = end
        begin *= TILE if level else 1
    return begin if narrowed else None


def damaged(hashes: Hashes, size: int) -> Iterator[Read]:
    """The hashes of a log that the tile under them does not give, lower levels first; none when the tiles are whole.

    Reads everything once, 256 hashes at a time. With this, and a root that a checkpoint was signed over, the tiles are proved.
    """
    for level in range(1, levels(size)):
        for first in range(0, size >> TILE_HEIGHT * level, TILE):
            count = min(TILE, (size >> TILE_HEIGHT * level) - first)
            row = hashes(level, first, count)
            for at in range(count):
                if fold(hashes(level - 1, (first + at) * TILE, TILE)) != row[at * HASH : (at + 1) * HASH]:
                    yield Read(level, first + at, 1)


def _unlike(one: Hashes, other: Hashes, level: int, begin: int, end: int) -> int | None:
    while begin < end:
        count = min(TILE - begin % TILE, end - begin)
        mine, theirs = one(level, begin, count), other(level, begin, count)
        if mine != theirs:
            return begin + next(at for at in range(count) if mine[at * HASH :][:HASH] != theirs[at * HASH :][:HASH])
        begin += count
    return None
