"""Every proof against the RFC's definitions, and no altered proof, leaf, root, place or size accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.ledger.naive import Log, around, mth, path, subproof
from unit.ledger.test_tree import CONTENTS, LEAVES, REFERENCE, REFERENCE_ROOTS

from hazmon.errors import LedgerError
from hazmon.ledger.proofs import (
    Run,
    consistency_plan,
    consistency_proof,
    inclusion_plan,
    inclusion_proof,
    range_plan,
    range_proof,
    root_plan,
    verify_consistency,
    verify_inclusion,
    verify_range,
)
from hazmon.ledger.tree import EMPTY_ROOT, leaf_hash

WHOLE = Log(LEAVES)
ROOTS = [mth(CONTENTS[:size]) for size in range(len(CONTENTS) + 1)]
SIZES = st.integers(1, 600)

# Of the same published tests: (leaf, size, proof) and (old, new, proof).
INCLUSION = (
    (0, 8, "96a296d2 5f083f0a 6b47aaf2"),
    (5, 8, "bc1a0643 ca854ea1 d37ee418"),
    (2, 3, "fac54203"),
    (1, 5, "6e340b9c 5f083f0a bc1a0643"),
)
CONSISTENCY = (
    (1, 8, "96a296d2 5f083f0a 6b47aaf2"),
    (6, 8, "0ebc5d34 ca854ea1 d37ee418"),
    (2, 5, "5f083f0a bc1a0643"),
    (6, 7, "0ebc5d34 b08693ec d37ee418"),
)


def beginnings(proof: Sequence[bytes]) -> str:
    return " ".join(each.hex()[:8] for each in proof)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


def refused(check: Callable[[], None]) -> None:
    with pytest.raises(LedgerError):
        check()


def altered(proof: list[bytes], bit: int) -> list[list[bytes]]:
    """The proof with any one hash changed, left out, doubled or exchanged with the next."""
    changed = [[*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]] for at in range(len(proof))]
    shorter = [proof[:at] + proof[at + 1 :] for at in range(len(proof))]
    longer = [[*proof[:at], each, *proof[at:]] for at, each in enumerate([*proof, bytes(32)])]
    swapped = [[*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :]] for at in range(len(proof) - 1)]
    return [*changed, *shorter, *longer, *swapped, [*proof[:-1], b""]]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_the_published_inclusion_proofs(index: int, size: int, proof: str) -> None:
    leaves = [leaf_hash(leaf) for leaf in REFERENCE]
    found = inclusion_proof(Log(leaves).hashes, index, size)
    assert beginnings(found) == proof
    verify_inclusion(leaves[index], index, size, found, bytes.fromhex(REFERENCE_ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_the_published_consistency_proofs(old: int, new: int, proof: str) -> None:
    found = consistency_proof(Log([leaf_hash(leaf) for leaf in REFERENCE]).hashes, old, new)
    assert beginnings(found) == proof
    verify_consistency(old, new, bytes.fromhex(REFERENCE_ROOTS[old]), bytes.fromhex(REFERENCE_ROOTS[new]), found)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 255, 256, 257, 300, 511, 512, 513, 600])
def test_every_leaf_is_proved(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(WHOLE.hashes, index, size)
        verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
        if index % 7 == 0:
            assert proof == path(index, CONTENTS[:size])


def test_every_size_is_proved_to_be_the_beginning_of_every_later_one() -> None:
    """All pairs up to 150 leaves, and every size against those around the edges of tiles."""
    pairs = [(old, new) for new in range(151) for old in range(new + 1)]
    pairs += [(old, new) for new in (255, 256, 257, 511, 512, 513, 600) for old in range(new + 1)]
    for old, new in pairs:
        proof = consistency_proof(WHOLE.hashes, old, new)
        verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)
        if (old + new) % 97 == 0 and old:
            assert proof == subproof(old, CONTENTS[:new])


@given(st.data(), SIZES)
@settings(deadline=None)
def test_an_altered_inclusion_proof_is_refused(data: st.DataObject, size: int) -> None:
    index, bit = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 255))
    leaf, root = LEAVES[index], ROOTS[size]
    proof = inclusion_proof(WHOLE.hashes, index, size)
    verify_inclusion(leaf, index, size, proof, root)
    refused(lambda: verify_inclusion(flipped(leaf, bit), index, size, proof, root))
    refused(lambda: verify_inclusion(leaf, index, size, proof, flipped(root, bit)))
    for other in range(-1, size + 2):
        if other != index:
            refused(lambda other=other: verify_inclusion(leaf, other, size, proof, root))
    for wrong in altered(proof, bit):
        refused(lambda wrong=wrong: verify_inclusion(leaf, index, size, wrong, root))


@given(st.data(), SIZES)
@settings(deadline=None)
def test_an_altered_consistency_proof_is_refused(data: st.DataObject, new: int) -> None:
    old, bit = data.draw(st.integers(0, new)), data.draw(st.integers(0, 255))
    before, after = ROOTS[old], ROOTS[new]
    proof = consistency_proof(WHOLE.hashes, old, new)
    verify_consistency(old, new, before, after, proof)
    refused(lambda: verify_consistency(old, new, flipped(before, bit), after, proof))
    if old:
        refused(lambda: verify_consistency(old, new, before, flipped(after, bit), proof))
    if old != new:
        refused(lambda: verify_consistency(new, old, after, before, proof))
    for wrong in altered(proof, bit):
        refused(lambda wrong=wrong: verify_consistency(old, new, before, after, wrong))


def test_a_proof_of_a_higher_or_lower_tree_is_refused() -> None:
    """The roots are right and every hash fits, but the sizes said are not those of the trees."""
    with pytest.raises(LedgerError, match="more hashes than the tree is high"):
        verify_inclusion(LEAVES[7], 0, 1, path(7, CONTENTS[:8]), ROOTS[8])
    with pytest.raises(LedgerError, match="too few hashes: it does not reach the root"):
        verify_inclusion(LEAVES[3], 7, 8, path(3, CONTENTS[:4]), ROOTS[4])
    with pytest.raises(LedgerError, match="more hashes than the tree is high"):
        verify_consistency(3, 4, ROOTS[7], ROOTS[8], subproof(7, CONTENTS[:8]))
    with pytest.raises(LedgerError, match="too few hashes: it does not reach the root"):
        verify_consistency(7, 8, ROOTS[3], ROOTS[4], subproof(3, CONTENTS[:4]))


@given(st.data(), SIZES)
@settings(deadline=None)
def test_any_runs_of_leaves_are_proved_at_once(data: st.DataObject, size: int) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, size), min_size=2, max_size=12)))
    ranges = list(zip(edges[::2], edges[1::2], strict=False))
    proof = range_proof(WHOLE.hashes, ranges, size)
    runs = [Run(first, b"".join(LEAVES[first:end])) for first, end in ranges]
    verify_range(runs, size, proof, ROOTS[size])
    assert proof == around({index for first, end in ranges for index in range(first, end)}, CONTENTS[:size])
    bit = data.draw(st.integers(0, 8 * len(runs[-1].hashes) - 1))
    refused(lambda: verify_range([*runs[:-1], replace(runs[-1], hashes=flipped(runs[-1].hashes, bit))], size, proof, ROOTS[size]))
    refused(lambda: verify_range(runs, size, proof, flipped(ROOTS[size], bit)))
    refused(lambda: verify_range([*runs[:-1], replace(runs[-1], hashes=runs[-1].hashes[:-32])], size, proof, ROOTS[size]))
    refused(lambda: verify_range([*runs[:-1], replace(runs[-1], first=runs[-1].first + 1)], size, proof, ROOTS[size]))
    for wrong in altered(proof, bit):
        refused(lambda wrong=wrong: verify_range(runs, size, wrong, ROOTS[size]))


def test_every_single_run_of_a_log() -> None:
    for size in (1, 2, 5, 13, 16, 21):
        for first in range(size):
            for end in range(first + 1, size + 1):
                proof = range_proof(WHOLE.hashes, [(first, end)], size)
                verify_range([Run(first, b"".join(LEAVES[first:end]))], size, proof, ROOTS[size])
    assert range_proof(WHOLE.hashes, [(0, 600)], 600) == []


def test_runs_that_touch_are_the_run_of_both() -> None:
    proof = range_proof(WHOLE.hashes, [(3, 9)], 50)
    verify_range([Run(3, b"".join(LEAVES[3:5])), Run(5, b"".join(LEAVES[5:9]))], 50, proof, ROOTS[50])


@given(st.integers(1, 2**40), st.data())
def test_a_proof_takes_few_reads(size: int, data: st.DataObject) -> None:
    """Two tiles a level: the one on the way up, and the one on the right edge; a run has two ways up."""
    first = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(first + 1, size))
    tall = -(-size.bit_length() // 8)
    assert len(inclusion_plan(first, size).reads) <= 2 * tall
    assert len(consistency_plan(first, size).reads) <= 2 * tall
    assert len(range_plan([(first, end)], size).reads) <= 3 * tall
    assert len(root_plan(size).reads) <= tall
    assert len(range_plan([(first, end)], size).spans) <= 2 * size.bit_length()


SAID: list[tuple[Callable[[], object], str]] = [
    (lambda: inclusion_plan(5, 5), "leaf 5 is not in a log of 5 leaves"),
    (lambda: consistency_plan(6, 5), "a log of 5 leaves cannot continue one of 6"),
    (lambda: range_plan([], 5), "there is no leaf to prove"),
    (lambda: range_plan([(2, 2)], 5), "the run from leaf 2 is empty"),
    (lambda: range_plan([(2, 4), (3, 5)], 5), "the run from leaf 3 begins before leaf 4, where the one before it ends"),
    (lambda: range_plan([(-1, 2)], 5), "the run from leaf -1 begins before leaf 0"),
    (lambda: range_plan([(2, 6)], 5), "leaf 5 is not in a log of 5 leaves"),
    (lambda: root_plan(0), "a log without leaves has no hash to read"),
    (lambda: inclusion_plan(0, 2**63), "a log has 0 to 9223372036854775807 leaves"),
    (lambda: inclusion_plan(0, 5).proof([]), "reads need as many answers, not 0"),
    (lambda: verify_inclusion(LEAVES[1], 0, 5, path(0, CONTENTS[:5]), ROOTS[5]), "leaf 0 is not what the root of 5 leaves"),
    (lambda: verify_consistency(5, 4, ROOTS[5], ROOTS[4], []), "a log of 4 leaves cannot continue one of 5: leaves are missing"),
    (lambda: verify_consistency(5, 5, ROOTS[5], ROOTS[4], []), "two different roots are given for the same 5 leaves"),
    (lambda: verify_consistency(0, 5, ROOTS[1], ROOTS[5], []), "the root of a log without leaves is not"),
    (lambda: verify_consistency(4, 5, ROOTS[4], ROOTS[5], []), "the proof from 4 to 5 leaves is empty"),
    (lambda: verify_consistency(3, 7, ROOTS[4], ROOTS[7], subproof(3, CONTENTS[:7])), "the first 3 of 7 leaves are not those"),
    (lambda: verify_consistency(3, 7, ROOTS[3], ROOTS[6], subproof(3, CONTENTS[:7])), "the log of 7 leaves does not continue"),
    (lambda: verify_range([Run(0, bytes(31))], 5, [], EMPTY_ROOT), "the run from leaf 0 has 31 bytes"),
    (lambda: verify_range([Run(0, LEAVES[1])], 2, [LEAVES[1]], ROOTS[2]), "leaves 0 to 0 are not what the root of 2 leaves"),
    (lambda: verify_range([Run(0, LEAVES[0])], 2, [], ROOTS[2]), "leaves 0 to 0 in a log of 2 leaves has 0 hashes, not 1"),
]


@pytest.mark.parametrize(("call", "said"), SAID, ids=[said for _, said in SAID])
def test_what_does_not_hold_is_said_plainly(call: Callable[[], object], said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        call()
