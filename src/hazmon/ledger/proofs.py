"""Proofs over the tree: which hashes they need, how to get them in few reads, and whether they hold (RFC 9162 §2.1.3, §2.1.4).

A proof is planned before it is read: a plan's `reads` are all that it needs, at most two a tile level for one leaf, so a store
can fetch them together; `proof` then makes it of the answers. Whoever reads synchronously calls `inclusion_proof`,
`consistency_proof`, `range_proof`, `root_at`.

A range proof holds for any number of runs of leaves at once: the hashes, left to right, of the largest subtrees of the tree in
which no leaf is proved; at most 2 * log2(size) for one run, however many leaves it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hazmon.errors import LedgerError
from hazmon.ledger.tree import EMPTY_ROOT, HASH, LARGEST, TILE_HEIGHT, Hashes, Read, checked, fold, node_hash

Span = tuple[int, int]
"""Leaves from .. to, the last not included."""


@dataclass(frozen=True, slots=True)
class Run:
    """Leaf hashes that stand one after the other in the log, from leaf number `first`; 32 bytes each."""

    first: int
    hashes: bytes

    @property
    def end(self) -> int:
        """Number of the leaf behind the last."""
        return self.first + len(self.hashes) // HASH


@dataclass(frozen=True, slots=True)
class Plan:
    """What a proof needs: spans[i] are the leaves under its hash i; `reads` give all of them."""

    spans: tuple[Span, ...]
    reads: tuple[Read, ...]

    def proof(self, parts: Sequence[bytes]) -> list[bytes]:
        """The proof's hashes, from the answers to `reads` in their order."""
        checked(self.reads, parts)
        found = {(read.level, read.tile): (read.first, part) for read, part in zip(self.reads, parts, strict=True)}
        hashes: list[bytes] = []
        for span in self.spans:
            above = b""
            for read in reversed(list(_complete(span))):
                first, part = found[read.level, read.tile]
                at = (read.first - first) * HASH
                below = fold(part[at : at + read.count * HASH])
                above = node_hash(below, above) if above else below
            hashes.append(above)
        return hashes


def inclusion_plan(index: int, size: int) -> Plan:
    """That leaf `index` is in the log of `size` leaves (RFC 9162 §2.1.3.1)."""
    _known(size)
    if not 0 <= index < size:
        raise LedgerError(f"leaf {index} is not in a log of {size} leaves")
    spans: list[Span] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _left(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return _plan(spans[::-1])


def consistency_plan(old: int, new: int) -> Plan:
    """That the log of `old` leaves is the beginning of the one of `new` (RFC 9162 §2.1.4.1); empty when old is 0 or new."""
    _known(new)
    if not 0 <= old <= new:
        raise LedgerError(f"a log of {new} leaves cannot continue one of {old}")
    spans: list[Span] = []
    low, high = 0, new
    while old and high != old:
        middle = low + _left(high - low)
        if old <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    if low:
        spans.append((low, high))
    return _plan(spans[::-1])


def range_plan(ranges: Sequence[Span], size: int) -> Plan:
    """That all leaves of these ranges, each behind the one before, are in the log of `size` leaves."""
    _known(size)
    _ascending(ranges, size)
    return _plan(list(_outside(ranges, 0, size)))


def root_plan(size: int) -> Plan:
    """The root of the log when it had `size` leaves, which is the only hash of this proof; at least one leaf."""
    _known(size)
    if not size:
        raise LedgerError("a log without leaves has no hash to read; its root is EMPTY_ROOT")
    return _plan([(0, size)])


def inclusion_proof(hashes: Hashes, index: int, size: int) -> list[bytes]:
    """The path of leaf `index` in the log of `size` leaves, from the leaf upwards."""
    return _read(hashes, inclusion_plan(index, size))


def consistency_proof(hashes: Hashes, old: int, new: int) -> list[bytes]:
    """The hashes that lead from the root of `old` leaves to that of `new`."""
    return _read(hashes, consistency_plan(old, new))


def range_proof(hashes: Hashes, ranges: Sequence[Span], size: int) -> list[bytes]:
    """The hashes of what lies around these ranges, left to right."""
    return _read(hashes, range_plan(ranges, size))


def root_at(hashes: Hashes, size: int) -> bytes:
    """The root of the log when it had `size` leaves."""
    return _read(hashes, root_plan(size))[0] if size else EMPTY_ROOT


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """LedgerError unless the leaf hash is number `index` under the root of `size` leaves (RFC 9162 §2.1.3.2)."""
    _known(size)
    _whole(proof, leaf, root)
    if not 0 <= index < size:
        raise LedgerError(f"leaf {index} is not in a log of {size} leaves")
    position, last, found = index, size - 1, leaf
    for sibling in proof:
        if not last:
            raise LedgerError(f"the proof of leaf {index} in a log of {size} leaves has more hashes than the tree is high")
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise LedgerError(f"the proof of leaf {index} in a log of {size} leaves has too few hashes: it does not reach the root")
    if found != root:
        raise LedgerError(f"leaf {index} is not what the root of {size} leaves was made of")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """LedgerError unless the log of `old` leaves is the beginning of the one of `new` (RFC 9162 §2.1.4.2)."""
    _known(new)
    _whole(proof, old_root, new_root)
    if not 0 <= old <= new:
        raise LedgerError(f"a log of {new} leaves cannot continue one of {old}: leaves are missing at its end")
    if (old == 0 and old_root != EMPTY_ROOT) or (new == 0 and new_root != EMPTY_ROOT):
        raise LedgerError("the root of a log without leaves is not the one that such a log has")
    if old in (0, new):
        if proof:
            raise LedgerError(f"from {old} to {new} leaves nothing is to be proved, yet the proof has {len(proof)} hashes")
        if old and old_root != new_root:
            raise LedgerError(f"two different roots are given for the same {new} leaves")
        return
    path = [old_root, *proof] if old & old - 1 == 0 else list(proof)
    if not path or not proof:
        raise LedgerError(f"the proof from {old} to {new} leaves is empty")
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    before = after = path[0]
    for other in path[1:]:
        if not last:
            raise LedgerError(f"the proof from {old} to {new} leaves has more hashes than the tree is high")
        if first & 1 or first == last:
            before, after = node_hash(other, before), node_hash(other, after)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            after = node_hash(after, other)
        first, last = first >> 1, last >> 1
    if last:
        raise LedgerError(f"the proof from {old} to {new} leaves has too few hashes: it does not reach the root")
    if before != old_root:
        raise LedgerError(f"the first {old} of {new} leaves are not those that the older checkpoint was signed over")
    if after != new_root:
        raise LedgerError(f"the log of {new} leaves does not continue the one of {old}")


def verify_range(runs: Sequence[Run], size: int, proof: Sequence[bytes], root: bytes) -> None:
    """LedgerError unless all leaf hashes of the runs are where they say under the root of `size` leaves."""
    _known(size)
    _whole(proof, root)
    for run in runs:
        if len(run.hashes) % HASH:
            raise LedgerError(f"the run from leaf {run.first} has {len(run.hashes)} bytes, which are not whole hashes")
    ranges = [(run.first, run.end) for run in runs]
    _ascending(ranges, size)
    needed = sum(1 for _ in _outside(ranges, 0, size))
    if needed != len(proof):
        raise LedgerError(f"the proof of {_told(ranges)} in a log of {size} leaves has {len(proof)} hashes, not {needed}")
    rest = iter(proof)

    def found(within: Sequence[Run], low: int, high: int) -> bytes:
        if not within:
            return next(rest)
        first, end = within[0].first, within[0].end
        if first <= low and high <= end:
            return fold(within[0].hashes[(low - first) * HASH : (high - first) * HASH])
        middle = low + _left(high - low)
        left = [run for run in within if run.first < middle]
        right = [run for run in within if run.end > middle]
        return node_hash(found(left, low, middle), found(right, middle, high))

    if found(runs, 0, size) != root:
        raise LedgerError(f"{_told(ranges)} are not what the root of {size} leaves was made of")


def _outside(ranges: Sequence[Span], low: int, high: int) -> Iterator[Span]:
    """The largest subtrees of [low, high) without a leaf of the ranges, left to right."""
    if not ranges:
        yield low, high
        return
    first, end = ranges[0]
    if first <= low and high <= end:
        return
    middle = low + _left(high - low)
    yield from _outside([each for each in ranges if each[0] < middle], low, middle)
    yield from _outside([each for each in ranges if each[1] > middle], middle, high)


def _left(size: int) -> int:
    """Leaves in the left of the two subtrees of a tree: the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _complete(span: Span) -> Iterator[Read]:
    """The complete subtrees that make up one of the tree's, left to right, each as those hashes of a tile that it is over."""
    first, end = span
    while first < end:
        height = (end - first).bit_length() - 1
        level, within = divmod(height, TILE_HEIGHT)
        yield Read(level, first >> level * TILE_HEIGHT, 1 << within)
        first += 1 << height


def _plan(spans: Sequence[Span]) -> Plan:
    bounds: dict[tuple[int, int], Span] = {}
    for span in spans:
        for read in _complete(span):
            first, end = bounds.get((read.level, read.tile), (read.first, 0))
            bounds[read.level, read.tile] = min(first, read.first), max(end, read.first + read.count)
    reads = [Read(level, first, end - first) for (level, _), (first, end) in sorted(bounds.items())]
    return Plan(tuple(spans), tuple(reads))


def _read(hashes: Hashes, plan: Plan) -> list[bytes]:
    return plan.proof([hashes(read.level, read.first, read.count) for read in plan.reads])


def _known(size: int) -> None:
    if not 0 <= size <= LARGEST:
        raise LedgerError(f"a log has 0 to {LARGEST} leaves, not {size}")


def _whole(proof: Sequence[bytes], *roots: bytes) -> None:
    for each in (*proof, *roots):
        if len(each) != HASH:
            raise LedgerError(f"a hash has {HASH} bytes, not {len(each)}")


def _ascending(ranges: Sequence[Span], size: int) -> None:
    if not ranges:
        raise LedgerError("there is no leaf to prove")
    behind = 0
    for first, end in ranges:
        if end <= first:
            raise LedgerError(f"the run from leaf {first} is empty")
        if first < behind:
            raise LedgerError(f"the run from leaf {first} begins before leaf {behind}, where the one before it ends")
        behind = end
    if behind > size:
        raise LedgerError(f"leaf {behind - 1} is not in a log of {size} leaves")


def _told(ranges: Sequence[Span]) -> str:
    more = f" and {len(ranges) - 1} more runs" if len(ranges) > 1 else ""
    return f"leaves {ranges[0][0]} to {ranges[0][1] - 1}{more}"
