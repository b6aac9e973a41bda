"""The proofs of a bundle, read from the log's tiles; and where they do not hold, which of its hashes is damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from hazmon.bundle.manifest import Step
from hazmon.clock import iso
from hazmon.errors import LedgerError
from hazmon.ledger.checkpoint import Checkpoint, parse_body
from hazmon.ledger.proofs import Run, Span, consistency_plan, range_plan, verify_consistency, verify_range
from hazmon.ledger.tree import HASH, TILE, Read, leaf_hash
from hazmon.store import bundles as record
from hazmon.store.bundles import CheckpointRow, LeafRow
from hazmon.store.ledger import read_hashes
from hazmon.store.pool import Connection


async def hashes_of(connection: Connection, runs: Sequence[Span], size: int, faults: Sequence[str]) -> tuple[bytes, list[bytes]]:
    """The leaf hashes of the runs, and what lies around them. Raises LedgerError, with the faults known so far."""
    try:
        found = await read_hashes(connection, [read for first, end in runs for read in _reads(first, end)])
        plan = range_plan(runs, size)
        return b"".join(found), plan.proof(await read_hashes(connection, plan.reads))
    except LedgerError as error:
        raise LedgerError("; ".join([str(error), *faults])) from None


async def steps_between(connection: Connection, notes: Sequence[CheckpointRow], size: int) -> list[Step]:
    """From each checkpoint to the next, the last of them the head of `size` leaves."""
    steps: list[Step] = []
    for old, new in pairwise(sorted({row.size for row in notes} | {size})):
        plan = consistency_plan(old, new)
        steps.append(Step(old, new, plan.proof(await read_hashes(connection, plan.reads))))
    return steps


def row_faults(rows: Sequence[CheckpointRow]) -> list[str]:
    """Checkpoints whose rows say something else than their notes."""
    found: list[str] = []
    for row in rows:
        try:
            told = _unsigned(row)
        except LedgerError as error:
            found.append(f"checkpoint over {row.size} leaves: {error}")
            continue
        if (told.size, told.time, told.day) != (row.size, row.at, row.day):
            found.append(f"checkpoint over {row.size} leaves of {iso(row.at)}: its note says otherwise ({told.size} leaves)")
    return found


async def damage(
    connection: Connection,
    runs: Sequence[Run],
    proof: Sequence[bytes],
    steps: Sequence[Step],
    rows: Sequence[CheckpointRow],
    size: int,
    contents: Mapping[int, LeafRow],
) -> list[str]:
    """Where the proofs under the head of `size` leaves do not hold: what is wrong in the log. Reads all of it, then."""
    try:
        roots = {row.size: _unsigned(row).root for row in rows}
        verify_range(runs, size, proof, roots[size])
        for step in steps:
            verify_consistency(step.old, step.new, roots[step.old], roots[step.new], step.proof)
    except (LedgerError, KeyError):
        found = await record.damaged(connection, size)
        if size % TILE:
            found += await _unlike_hashes(connection, size - size % TILE, size, contents)
        return found
    return []


def as_runs(runs: Sequence[Span], hashes: bytes) -> list[Run]:
    """The runs with their hashes, which follow each other."""
    found: list[Run] = []
    at = 0
    for first, end in runs:
        found.append(Run(first, hashes[at : at + HASH * (end - first)]))
        at += HASH * (end - first)
    return found


async def _unlike_hashes(connection: Connection, first: int, end: int, contents: Mapping[int, LeafRow]) -> list[str]:
    """Leaves that no full tile covers, and whose hash is not that of their content."""
    hashes = b"".join(await read_hashes(connection, _reads(first, end)))
    return [
        f"the hash of leaf {n} is not that of its content"
        for n in range(first, end)
        if n in contents and leaf_hash(contents[n].content) != hashes[(n - first) * HASH : (n - first + 1) * HASH]
    ]


def _unsigned(row: CheckpointRow) -> Checkpoint:
    """What a note says, whoever signed it."""
    return parse_body(row.note.decode("utf-8", "replace").rpartition("\n\n")[0] + "\n")


def _reads(first: int, end: int) -> list[Read]:
    """The leaf hashes [first, end), tile by tile."""
    found: list[Read] = []
    while first < end:
        count = min(TILE - first % TILE, end - first)
        found.append(Read(0, first, count))
        first += count
    return found
