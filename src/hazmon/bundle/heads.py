"""Checkpoints of a bundle and of a witness: signed, in order, each the beginning of the next, and the witness saw no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hazmon.bundle.finding import Finding, all_bad, bad, good
from hazmon.bundle.manifest import Step
from hazmon.clock import iso
from hazmon.errors import LedgerError
from hazmon.ledger.checkpoint import Checkpoint, open_checkpoint
from hazmon.ledger.note import Verifier
from hazmon.ledger.proofs import verify_consistency


@dataclass(frozen=True, slots=True)
class Trust:
    """What the auditor brings: keys he knows (none: the bundle's own must do), and the notes that a witness kept, by name."""

    keys: tuple[Verifier, ...] = ()
    witness: Mapping[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """The bundle's checkpoints that could be opened, in order of size, the head the last of them."""

    checkpoints: tuple[Checkpoint, ...]
    head: Checkpoint


def told(checkpoint: Checkpoint) -> str:
    """A checkpoint as people refer to it."""
    day = "" if checkpoint.day is None else f", seal of the day {checkpoint.day}"
    return f"{checkpoint.size} leaves at {'?' if checkpoint.time is None else iso(checkpoint.time)}{day}"


def open_head(note: bytes, trusted: Sequence[Verifier], origin: str, size: int) -> Checkpoint:
    """The checkpoint that everything is proved under. Raises LedgerError."""
    head, _ = open_checkpoint(note, trusted, origin)
    if head.size != size:
        raise LedgerError(f"the head is over {head.size} leaves, the manifest says {size}")
    if head.time is None:
        raise LedgerError("the head does not say when it was made")
    return head


def open_all(
    notes: Mapping[str, bytes], known: Sequence[Verifier], head: Checkpoint, findings: list[Finding]
) -> tuple[Checkpoint, ...]:
    """Every checkpoint of the bundle that opens; what does not is a finding."""
    opened: list[Checkpoint] = []
    faults: list[str] = []
    for name, note in sorted(notes.items()):
        try:
            opened.append(open_checkpoint(note, known, head.origin)[0])
        except LedgerError as error:
            faults.append(f"{name}: {error}")
    if faults:
        findings += all_bad("检查点签名不成立", "a checkpoint does not open", faults)
    else:
        findings.append(good(f"{len(opened)} 个检查点签名成立", f"{len(opened)} checkpoints bear the record's signature"))
    return tuple(sorted({*opened, head}, key=lambda each: (each.size, each.time or 0)))


def in_order(checkpoints: Sequence[Checkpoint]) -> Finding:
    """Sizes and times never fall, no day has two seals, no size two roots."""
    days: dict[object, Checkpoint] = {}
    for before, after in pairwise(checkpoints):
        if (after.time or 0) < (before.time or 0):
            return bad("检查点时间倒退", f"time runs back between checkpoints: {told(before)}, then {told(after)}")
        if before.size == after.size:
            return bad("同样大小有两个检查点", f"two different checkpoints are of one size: {told(before)} and {told(after)}")
    for each in checkpoints:
        if each.day is not None and days.setdefault(each.day, each) is not each:
            return bad("同一天有两个日封", f"the day {each.day} has two seals: {told(days[each.day])} and {told(each)}")
    return good("检查点依次增长，每日一封", f"{len(checkpoints)} checkpoints grow one after the other; no day has two seals")


def linked(checkpoints: Sequence[Checkpoint], steps: Sequence[Step]) -> list[Finding]:
    """Each checkpoint is proved to be the beginning of the next."""
    by_sizes = {(step.old, step.new): step for step in steps}
    faults: list[str] = []
    for before, after in pairwise(checkpoints):
        step = by_sizes.get((before.size, after.size))
        try:
            if step is None:
                raise LedgerError("there is no proof of it in the bundle")
            verify_consistency(before.size, after.size, before.root, after.root, step.proof)
        except LedgerError as error:
            faults.append(f"from {told(before)} to {told(after)}: {error}")
    if faults:
        return all_bad("记录在两个检查点之间被改动", "the record does not only grow", faults)
    return [
        good("从最早的检查点到最后一个，记录只增不改", "from the first of these checkpoints to the head the record only grew")
    ]


def witnessed(heads: Heads, notes: Mapping[str, bytes], known: Sequence[Verifier], final: bool) -> Iterator[Finding]:
    """What the witness kept is what the bundle shows; `final`: its head is older than the witness's newest by right."""
    head = heads.head
    ours = {each.size: each for each in heads.checkpoints}
    first = heads.checkpoints[0].size
    agree = beyond = 0
    faults: list[str] = []
    lost: list[Checkpoint] = []
    for name, note in sorted(notes.items()):
        try:
            seen, _ = open_checkpoint(note, known, head.origin)
        except LedgerError as error:
            faults.append(f"{name}: {error}")
            continue
        later = (seen.time or 0) > (head.time or 0)
        if seen.size > head.size and later and final:
            beyond += 1
        elif seen.size > head.size:
            lost.append(seen)
        elif seen.size in ours and ours[seen.size].root != seen.root:
            faults.append(f"the witness saw another history: {told(seen)} with another root than {told(ours[seen.size])}")
        elif seen.size in ours and seen != ours[seen.size]:
            faults.append(f"the witness saw {told(seen)}, which the bundle shows as {told(ours[seen.size])}")
        elif seen.size in ours:
            agree += 1
        elif seen.size >= first or later:
            faults.append(f"the witness saw {told(seen)}, of which the record knows nothing any more")
    if lost:
        newest = max(lost, key=lambda each: each.size)
        faults.insert(
            0,
            f"the witness saw {told(newest)}, the bundle ends with {told(head)}: the record's tail was cut off, an older backup"
            " was restored, or the bundle was made before that; have it made again",
        )
    if faults:
        yield from all_bad("与见证不符", "not what the witness saw", faults)
    elif agree:
        more = f", and {beyond} later ones that this range does not need" if beyond else ""
        yield good(f"见证所存 {agree} 个检查点全部相符", f"{agree} checkpoints that the witness kept are the bundle's own{more}")
    else:
        yield bad("见证没有这段时间的检查点", "the witness kept no checkpoint of this time: it cannot vouch for the bundle")
