"""The ledger half of verifying: leaves against their hashes, hashes against the head, and nothing left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hazmon.bundle.evidence import KEPT_WHOLE, Evidence, SealLeaf
from hazmon.bundle.finding import Finding, all_bad, bad, good
from hazmon.bundle.heads import told
from hazmon.bundle.manifest import GIVEN, GONE, OTHER_BATCH, OTHER_PAGE, RangeProof
from hazmon.clock import MINUTE_US, iso
from hazmon.errors import LedgerError
from hazmon.ledger.checkpoint import Checkpoint
from hazmon.ledger.content import Batch, Facts, Leaf, Statement, parse
from hazmon.ledger.proofs import Run, verify_range
from hazmon.ledger.tree import HASH, leaf_hash

WAIT_US = 10 * MINUTE_US  # between a batch's arrival and its transaction


@dataclass(frozen=True, slots=True)
class Leaves:
    """The runs of leaves that a bundle is about: their hashes and kinds, and the contents that are given, by number."""

    runs: Sequence[tuple[int, int]]
    hashes: bytes
    kinds: bytes
    contents: Mapping[int, bytes]

    def __post_init__(self) -> None:
        count = sum(end - first for first, end in self.runs)
        if len(self.hashes) != count * HASH or len(self.kinds) != count:
            raise LedgerError(f"the runs of leaves have {count} leaves, the hashes {len(self.hashes) / HASH:g}")

    def numbered(self) -> list[tuple[int, int, bytes]]:
        """Number, kind and hash of every leaf."""
        numbers = [n for first, end in self.runs for n in range(first, end)]
        return [(n, self.kinds[at], self.hashes[at * HASH : (at + 1) * HASH]) for at, n in enumerate(numbers)]

    def as_runs(self, patched: Mapping[int, bytes]) -> list[Run]:
        """The runs for a proof, some hashes replaced."""
        found: list[Run] = []
        at = 0
        for first, end in self.runs:
            row = bytearray(self.hashes[at * HASH : (at + end - first) * HASH])
            for n in patched:
                if first <= n < end:
                    row[(n - first) * HASH : (n - first + 1) * HASH] = patched[n]
            found.append(Run(first, bytes(row)))
            at += end - first
        return found


def named(n: int, content: bytes | None) -> str:
    """A leaf as people can find it."""
    try:
        leaf: Leaf | None = None if content is None else parse(content)
    except LedgerError:
        return f"leaf {n}, which cannot be read"
    match leaf:
        case Batch():
            return f"leaf {n}, batch {leaf.edge}/{leaf.boot}/{leaf.seq} of {iso(leaf.arrived)}"
        case Facts():
            return f"leaf {n}, page of {leaf.source}, hour of {iso(leaf.hour * 60 * MINUTE_US)}"
        case Statement():
            return f"leaf {n}, {leaf.kind} of {iso(leaf.at)}"
        case None:
            return f"leaf {n}"


def proved(leaves: Leaves, proof: RangeProof, head: Checkpoint) -> list[Finding]:
    """The hashes are those under the head, and every content given is what its hash was made of; located."""
    wrong: dict[int, bytes] = {}
    missing: list[int] = []
    stray = set(leaves.contents)
    for n, kind, hash in leaves.numbered():
        stray.discard(n)
        if kind == GIVEN and n not in leaves.contents:
            missing.append(n)
        elif n in leaves.contents and leaf_hash(leaves.contents[n]) != hash:
            wrong[n] = leaf_hash(leaves.contents[n])
    faults = [f"leaf {n} is to be in the bundle and is not" for n in missing]
    faults += [f"{named(n, leaves.contents[n])}, stands in no run of leaves that is proved" for n in sorted(stray)]
    holds = _holds(leaves, {}, proof, head)
    if holds is None:
        faults += [f"{named(n, leaves.contents[n])}, is not what was recorded: its content was changed" for n in wrong]
        if not faults:
            count = len(leaves.contents)
            return [
                good(
                    f"{count} 条记录的内容与哈希均在检查点之下",
                    f"{count} leaves are what was recorded, under the head of {told(head)}",
                )
            ]
        return all_bad("记录内容被改动", "a leaf was changed", faults)
    if wrong and _holds(leaves, wrong, proof, head) is None:
        faults += [f"the hash of {named(n, leaves.contents[n])}, was changed; its content is what was recorded" for n in wrong]
        return all_bad("哈希被改动", "a hash was changed", faults)
    faults += [f"{named(n, leaves.contents[n])}, has another hash than the record" for n in wrong]
    return [*all_bad("记录内容被改动", "a leaf was changed", faults), bad("记录不在检查点之下", f"not under the head: {holds}")]


def _holds(leaves: Leaves, patched: Mapping[int, bytes], proof: RangeProof, head: Checkpoint) -> str | None:
    try:
        verify_range(leaves.as_runs(patched), head.size, proof.proof, head.root)
    except LedgerError as error:
        return str(error)
    return None


def complete(leaves: Leaves, evidence: Evidence, head: Checkpoint, window: int | None) -> list[Finding]:
    """Nothing is left out: the head's seal leaf counts what there is. `window`: from this leaf on every leaf is listed."""
    last = evidence.seals[-1] if evidence.seals else None
    if last is None or last.n != head.size - 1:
        return [bad("检查点前没有封印记录", f"the last leaf under the head, leaf {head.size - 1}, is no seal leaf")]
    faults: list[str] = [
        f"the seal leaf {seal.n} counts {sum(seal.counts.values())} leaves before it"
        for seal in evidence.seals
        if sum(seal.counts.values()) != seal.n
    ]
    there = Counter(leaf.kind for _, leaf in evidence.said)
    for kind in KEPT_WHOLE:
        if there[kind] != last.counts.get(kind, 0):
            faults.append(f"the record has {last.counts.get(kind, 0)} statements of kind {kind}, the bundle {there[kind]}")
    if window is not None:
        faults += _window(leaves, evidence, window, last)
    if faults:
        return all_bad("有记录缺失", "something is left out, or was deleted", faults)
    kinds = ", ".join(f"{there[kind]} {kind}" for kind in KEPT_WHOLE)
    return [good("方案、报备、否决与配置声明无一缺漏", f"no statement is left out: {kinds}")]


def _window(leaves: Leaves, evidence: Evidence, window: int, last: SealLeaf) -> list[str]:
    faults: list[str] = []
    before = next((seal for seal in evidence.seals if seal.n == window), None)
    if before is None and window:
        return [f"the window of leaves begins with leaf {window}, which is no seal leaf"]
    listed = [(n, kind) for n, kind, _ in leaves.numbered() if window <= n < last.n]
    if len(listed) != last.n - window:
        return [f"of the leaves {window} to {last.n - 1} only {len(listed)} are listed"]
    there = Counter[str]()
    there["batch"] = sum(1 for n, _ in evidence.batches if n >= window)
    there["facts"] = sum(1 for n, _ in evidence.pages if window <= n)
    there.update(leaf.kind for n, leaf in evidence.said if window <= n < last.n)
    there["batch"] += sum(kind == OTHER_BATCH for _, kind in listed)
    there["facts"] += sum(kind == OTHER_PAGE for _, kind in listed)
    gone = [n for n, kind in listed if kind == GONE]
    wanted = Counter(dict(last.counts))
    wanted.subtract(before.counts if before else {})
    for kind in sorted({*wanted, *there}):
        lost = wanted[kind] - there[kind]
        if lost and not (kind == "batch" and lost == len(gone)):
            faults.append(
                f"between leaf {window} and {last.n} there are {wanted[kind]} of kind {kind}, and {there[kind]} are shown"
            )
    present = [n for n, kind in listed if kind == OTHER_BATCH] + [n for n, _ in evidence.batches if n >= window]
    first = min(present, default=last.n)
    faults += [
        f"the content of leaf {n} was deleted, though older batches are still kept"
        for n in gone
        if n > first and not _at_midnight(n, evidence)
    ]
    return faults


def _at_midnight(n: int, evidence: Evidence) -> bool:
    """Retention takes whole days of arrival: only near midnight may an older leaf still be there."""
    older = [batch.arrived for number, batch in evidence.batches if number < n]
    day = 1440 * MINUTE_US
    return bool(older) and all(arrived % day < WAIT_US for arrived in older) and max(older) - min(older) < WAIT_US


def removed(leaves: Leaves) -> int:
    """How many contents retention has let go of."""
    return leaves.kinds.count(GONE)


def batches_in_order(evidence: Evidence) -> list[Finding]:
    """No batch stands twice, and each arrived when its place in the log says."""
    faults: list[str] = []
    seen: dict[tuple[str, int, int], int] = {}
    for n, batch in evidence.batches:
        key = (batch.edge, batch.boot, batch.seq)
        if seen.setdefault(key, n) != n:
            faults.append(f"batch {batch.edge}/{batch.boot}/{batch.seq} stands twice: leaf {seen[key]} and leaf {n}")
        after, before = evidence.sealed_by(n), evidence.seal_before(n)
        if after is not None and batch.arrived > after.at:
            faults.append(f"{named_batch(n, batch)} arrived after the seal of {iso(after.at)} that is over it")
        if before is not None and batch.arrived < before.at - WAIT_US:
            faults.append(f"{named_batch(n, batch)} arrived before the seal of {iso(before.at)} that it stands behind")
    if faults:
        return all_bad("批次次序不对", "a batch is not where it belongs", faults)
    return [
        good(
            f"{len(seen)} 个批次各一次，到达时间与封印一致",
            f"{len(seen)} batches stand once each, between the seals of their time",
        )
    ]


def named_batch(n: int, batch: Batch) -> str:
    """A batch's leaf."""
    return f"leaf {n}, batch {batch.edge}/{batch.boot}/{batch.seq} of {iso(batch.arrived)},"


def seals_match(evidence: Evidence, checkpoints: Sequence[Checkpoint], from_leaf: int) -> list[Finding]:
    """Each checkpoint has its seal leaf, and each seal leaf its checkpoint: none was taken out or made up afterwards."""
    by_size = {each.size: each for each in checkpoints}
    faults: list[str] = []
    for seal in evidence.seals:
        found = by_size.pop(seal.n + 1, None)
        if found is None:
            if seal.n >= from_leaf:
                faults.append(f"the checkpoint of {iso(seal.at)} over {seal.n + 1} leaves is missing")
        elif (found.time, found.day) != (seal.at, seal.day):
            faults.append(f"the checkpoint of {told(found)} has a seal leaf of {iso(seal.at)}, day {seal.day}")
    faults += [f"the checkpoint of {told(each)} has no seal leaf" for each in by_size.values()]
    if faults:
        return all_bad("检查点与封印不符", "a checkpoint is missing or made up", faults)
    return [good("每个封印都有其检查点", "every seal in the record has its checkpoint, and none was made up")]
