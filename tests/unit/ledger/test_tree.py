"""The tree against the RFC's definitions and published vectors; tiles against the words of C2SP tlog-tiles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.ledger.naive import Log, mth

from hazmon.errors import LedgerError
from hazmon.ledger.proofs import root_at
from hazmon.ledger.tree import (
    EMPTY_ROOT,
    HASH,
    TILE,
    TILE_BYTES,
    Frontier,
    Read,
    edge_reads,
    fold,
    leaf_hash,
    node_hash,
    tile_path,
)

# The reference leaves and roots of Certificate Transparency's own tests.
REFERENCE = [bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
REFERENCE.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
REFERENCE_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
CONTENTS = [number.to_bytes(2, "big") for number in range(700)]
LEAVES = [leaf_hash(content) for content in CONTENTS]


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots(size: int) -> None:
    assert Log([leaf_hash(leaf) for leaf in REFERENCE[:size]]).frontier.root().hex() == REFERENCE_ROOTS[size]


def test_a_leaf_is_no_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
    assert Frontier().root() == EMPTY_ROOT != leaf_hash(b"")


def test_every_root_up_to_600_leaves() -> None:
    """As the log grows leaf by leaf, and asked of the grown log afterwards."""
    log, whole = Log(), Log(LEAVES)
    for size in range(601):
        expected = mth(CONTENTS[:size])
        assert log.frontier.root() == expected
        assert root_at(whole.hashes, size) == expected
        assert log.frontier == Log(LEAVES[:size]).frontier
        log.append([LEAVES[size]])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 25_000), min_size=1, max_size=5))
def test_however_it_is_appended_the_tiles_are_the_same(steps: list[int]) -> None:
    """Level L tile k: the roots of 256 subtrees of 256^L leaves, for every level, at whatever step it came full."""
    count = sum(steps)
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(min(count, 600))]
    hashes = [leaves[number * number % len(leaves)] for number in range(count)] if leaves else []
    log = Log(hashes, steps)
    row, level = b"".join(hashes), 0
    expected: dict[tuple[int, int], bytes] = {}
    while row:
        full = [row[at : at + TILE_BYTES] for at in range(0, len(row), TILE_BYTES) if at + TILE_BYTES <= len(row)]
        expected |= {(level, number): tile for number, tile in enumerate(full)}
        row, level = b"".join(fold(tile) for tile in full), level + 1
    assert log.tiles == expected
    assert log.frontier.count == count
    assert log.frontier.root() == (fold(b"".join(hashes)) or EMPTY_ROOT)
    reads = list(edge_reads(count))
    assert Frontier.rebuilt(count, [log.hashes(read.level, read.first, read.count) for read in reads]) == log.frontier


def test_the_example_of_the_tiles_specification() -> None:
    """70,000 leaves: 273 full tiles of level 0 and one of 112; one full of level 1 and one of 17; one of level 2 of 1."""
    log = Log([bytes(HASH)] * 70_000)
    assert sorted(log.tiles) == [*((0, number) for number in range(273)), (1, 0)]
    assert [len(row) // HASH for row in log.frontier.edge] == [112, 17, 1]
    assert {len(tile) for tile in log.tiles.values()} == {TILE_BYTES}


def test_a_frontier_that_was_not_kept_changes_nothing() -> None:
    before = Log(LEAVES[:300]).frontier
    before.append(b"".join(LEAVES[300:]))
    assert before == Log(LEAVES[:300]).frontier
    assert before.append(b"") == (before, [])


@pytest.mark.parametrize(
    ("number", "width", "path"),
    [
        (0, TILE, "tile/0/000"),
        (999, TILE, "tile/0/999"),
        (1000, TILE, "tile/0/x001/000"),
        (1_234_067, TILE, "tile/0/x001/x234/067"),
        (273, 112, "tile/0/273.p/112"),
    ],
)
def test_where_a_tile_is_put(number: int, width: int, path: str) -> None:
    assert tile_path(0, number, width) == path


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (Read(0, 290, 20), "hashes 290 to 309 of level 0 are not in a log of 300 leaves"),
        (Read(0, 512, 1), "hashes 512 to 512 of level 0 are not in a log of 300 leaves"),
        (Read(1, 1, 1), "hashes 1 to 1 of level 1 are not in a log of 300 leaves"),
        (Read(2, 0, 1), "hashes 0 to 0 of level 2 are not in a log of 300 leaves"),
    ],
)
def test_what_the_log_does_not_hold_is_not_read(read: Read, said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        Log(LEAVES[:300]).hashes(read.level, read.first, read.count)


def test_what_is_no_whole_hash_is_refused() -> None:
    with pytest.raises(LedgerError, match="33 bytes are not whole hashes of 32 bytes"):
        Frontier().append(bytes(33))
    with pytest.raises(LedgerError, match="the record has 31 bytes for hashes 0 to 0 of level 0, which are 32"):
        Frontier.rebuilt(1, [bytes(31)])
    with pytest.raises(LedgerError, match="1 reads need as many answers, not 0"):
        Frontier.rebuilt(1, [])
