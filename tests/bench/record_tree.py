"""What the record's tree costs on one core: leaves a second, and proofs over a log of a million leaves.

Appended ten at a time, as batches that arrive in one turn are; then by leaf, content and hash included, as the park does it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256

from bench.figures import Figure, figure
from hazmon.ledger.content import Batch, content_hash
from hazmon.ledger.proofs import Run, inclusion_proof, range_proof, verify_inclusion, verify_range
from hazmon.ledger.tree import HASH, Frontier

LEAVES, TURN, RUNS, PROOFS = 1_000_000, 10, 5, 400
BODY = bytes(range(250)) * 4
FIGURES = ("record_append", "record_leaf", "record_inclusion_proof", "record_inclusion_verified", "record_range_verified")


def seconds(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def grown(hashes: bytes) -> tuple[Frontier, dict[tuple[int, int], bytes]]:
    """The log of these leaf hashes and its full tiles."""
    frontier, kept = Frontier(), dict[tuple[int, int], bytes]()
    for at in range(0, len(hashes), TURN * HASH):
        frontier, tiles = frontier.append(hashes[at : at + TURN * HASH])
        kept |= {(tile.level, tile.number): tile.hashes for tile in tiles}
    return frontier, kept


def measure() -> list[Figure]:
    """Leaves a second; milliseconds a proof of one leaf; a range proof of all but a few thousand leaves, in leaves a second."""
    hashes = b"".join([sha256(number.to_bytes(8, "big")).digest() for number in range(LEAVES)])
    frontier, tiles = grown(hashes)
    reader, root = frontier.reader(lambda level, number: tiles[level, number]), frontier.root()
    asked = [number * 7_919 % LEAVES for number in range(PROOFS)]
    proofs = [inclusion_proof(reader, index, LEAVES) for index in asked]
    first, end = 1_234, LEAVES - 2_345
    run, border = Run(first, hashes[first * HASH : end * HASH]), range_proof(reader, [(first, end)], LEAVES)

    def leaves() -> None:
        for seq in range(10_000):
            content_hash(Batch("E01-BOX1", 3, seq, 1_772_359_200_000_000, -1200, BODY))

    def proved() -> None:
        for index in asked:
            inclusion_proof(reader, index, LEAVES)

    def verified() -> None:
        for index, proof in zip(asked, proofs, strict=True):
            verify_inclusion(hashes[index * HASH : (index + 1) * HASH], index, LEAVES, proof, root)

    def runs(what: Callable[[], object]) -> list[float]:
        return [seconds(what) for _ in range(RUNS)]

    return [
        figure("record_append", [LEAVES / each for each in runs(lambda: grown(hashes))], "leaves/s", "higher", 100_000),
        figure("record_leaf", [10_000 / each for each in runs(leaves)], "leaves of 1 kB/s", "higher"),
        figure("record_inclusion_proof", [each / PROOFS * 1e3 for each in runs(proved)], "ms", "lower", 5),
        figure("record_inclusion_verified", [each / PROOFS * 1e3 for each in runs(verified)], "ms", "lower"),
        figure(
            "record_range_verified",
            [(end - first) / each for each in runs(lambda: verify_range([run], LEAVES, border, root))],
            "leaves/s",
            "higher",
            100_000,
        ),
    ]
