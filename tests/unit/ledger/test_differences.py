"""A changed leaf and a changed tile are found where they are, in logs of three levels of tiles."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.ledger.naive import Log

from hazmon.errors import LedgerError
from hazmon.ledger.differences import damaged, first_difference
from hazmon.ledger.tree import HASH, Read, leaf_hash

SIZE = 66_000
LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(SIZE)]
WHOLE = Log(LEAVES)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=4))
@example([0])
@example([SIZE - 1])
@example([65_535])
@example([65_536, 65_792])
def test_the_first_changed_leaf_is_found_in_few_reads(changed: list[int]) -> None:
    leaves = list(LEAVES)
    for each in changed:
        leaves[each] = bytes(HASH)
    other = Log(leaves)
    other.reads = 0
    assert first_difference(WHOLE.hashes, other.hashes, SIZE) == min(changed)
    assert other.reads <= 6
    assert list(damaged(other.hashes, SIZE)) == []


def test_logs_that_are_the_same_up_to_a_size() -> None:
    longer = Log([*LEAVES[:700], bytes(HASH)])
    for size in (0, 1, 255, 256, 257, 700):
        assert first_difference(WHOLE.hashes, longer.hashes, size) is None
    assert first_difference(WHOLE.hashes, longer.hashes, 701) == 700


def test_every_leaf_of_a_small_log() -> None:
    for at in range(0, 515, 3):
        assert first_difference(WHOLE.hashes, Log([*LEAVES[:at], bytes(HASH), *LEAVES[at + 1 : 515]]).hashes, 515) == at


@pytest.mark.parametrize(("level", "number", "found"), [(0, 5, [Read(1, 5, 1)]), (0, 256, [Read(1, 256, 1)])])
def test_a_changed_tile_of_leaves_is_found(level: int, number: int, found: list[Read]) -> None:
    log = Log(LEAVES)
    log.tiles[level, number] = bytes(HASH) + log.tiles[level, number][HASH:]
    assert list(damaged(log.hashes, SIZE)) == found


def test_a_changed_tile_above_is_found() -> None:
    log = Log(LEAVES)
    tile = bytearray(log.tiles[1, 0])
    tile[7 * HASH] ^= 1
    log.tiles[1, 0] = bytes(tile)
    assert list(damaged(log.hashes, SIZE)) == [Read(1, 7, 1), Read(2, 0, 1)]


def test_tiles_that_are_not_their_own_are_said_plainly() -> None:
    log = Log(LEAVES[:600])
    row = bytearray(log.frontier.edge[1])
    row[HASH] ^= 1

    def hashes(level: int, first: int, count: int) -> bytes:
        return Read(level, first, count).of(bytes(row)) if level else log.hashes(level, first, count)

    with pytest.raises(LedgerError, match="hash 1 of level 1 differs, yet the 256 hashes under it are the same"):
        first_difference(WHOLE.hashes, hashes, 600)
    assert [read.first for read in damaged(hashes, 600)] == [1]
