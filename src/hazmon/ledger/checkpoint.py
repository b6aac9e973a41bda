"""Checkpoints (C2SP tlog-checkpoint): what the record was at an instant, in a few lines that the service's key signs.

park.example/record          origin: which record
20852163                     its leaves
CsUYapGGPo4dkMgIAUqom/...    its root, base64
time 2026-03-02T00:00:00.000000Z    when it was so, by the park's clock
day 2026-03-01               only on a day's seal: the day in the park's time zone that ended with it
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from hazmon.clock import as_us, iso
from hazmon.errors import LedgerError
from hazmon.ledger.note import Signer, Verifier, open_note, sign
from hazmon.ledger.tree import EMPTY_ROOT, HASH, LARGEST

SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """size in leaves, root 32 bytes, time in µs since 1970 UTC (None in a foreign log's), day only on a day's seal."""

    origin: str
    size: int
    root: bytes
    time: int | None = None
    day: date | None = None

    def __post_init__(self) -> None:
        if not self.origin or CONTROL.search(self.origin):
            raise LedgerError(f"a checkpoint's origin is a line of text, not {self.origin!r}")
        if not 0 <= self.size <= LARGEST:
            raise LedgerError(f"a checkpoint's size is 0 to {LARGEST}, not {self.size}")
        if len(self.root) != HASH:
            raise LedgerError(f"a checkpoint's root has {HASH} bytes, not {len(self.root)}")
        if not self.size and self.root != EMPTY_ROOT:
            raise LedgerError("a checkpoint of a log without leaves has the root of such a log")
        if self.day is not None and self.time is None:
            raise LedgerError(f"the seal of the day {self.day} says no time")

    def body(self) -> str:
        """The text that is signed."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode()]
        if self.time is not None:
            lines.append(f"time {iso(self.time)}")
        if self.day is not None:
            lines.append(f"day {self.day.isoformat()}")
        return "".join(f"{line}\n" for line in lines)


def parse_body(text: str) -> Checkpoint:
    """The checkpoint of its text, which has no other spelling; LedgerError names the line that is not as it must be."""
    lines = text.split("\n")
    if lines.pop() or len(lines) < 3:
        raise LedgerError("a checkpoint has at least three lines: origin, size and root")
    origin, size, root, *more = lines
    if not SIZE.fullmatch(size):
        raise LedgerError(f"the second line of a checkpoint is its size, a plain number, not {size[:80]!r}")
    time = _time(more.pop(0)[5:]) if more and more[0].startswith("time ") else None
    day = _day(more.pop(0)[4:]) if more and more[0].startswith("day ") else None
    if more:
        raise LedgerError(f"the checkpoint's line {more[0][:80]!r} is unknown; there may be `time` and then `day`, each once")
    checkpoint = Checkpoint(origin, int(size), _root(root), time, day)
    if checkpoint.body() != text:
        raise LedgerError("the checkpoint's text is not written as it must be")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> bytes:
    """The signed note. Every key bears the origin as its name, since readers look for that."""
    for signer in signers:
        if signer.name != checkpoint.origin:
            raise LedgerError(f"the key {signer.name} does not sign for {checkpoint.origin}")
    return sign(checkpoint.body(), signers)


def open_checkpoint(note: bytes, verifiers: Iterable[Verifier], origin: str) -> tuple[Checkpoint, tuple[Verifier, ...]]:
    """The checkpoint of a signed note of that record, and whose signatures hold: the record's own among them, then witnesses'."""
    opened = open_note(note, verifiers)
    checkpoint = parse_body(opened.text)
    if checkpoint.origin != origin:
        raise LedgerError(f"this is a checkpoint of {checkpoint.origin}, not of {origin}")
    if all(each.name != origin for each in opened.signers):
        who = ", ".join(each.label for each in opened.signers)
        raise LedgerError(f"the record {origin} itself did not sign this checkpoint; only {who} did")
    return checkpoint, opened.signers


def _time(text: str) -> int:
    try:
        return as_us(datetime.fromisoformat(text))
    except ValueError:
        raise LedgerError(f"the checkpoint's time {text[:40]!r} is no instant as 2026-03-02T00:00:00.000000Z") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise LedgerError(f"the checkpoint's day {text[:40]!r} is no date as 2026-03-01") from None


def _root(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise LedgerError(f"the third line of a checkpoint is its root in base64, not {text[:80]!r}") from None
