"""Putting a bundle's files together from what the record gave. Pure; the same things give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from hazmon.bundle.container import digest, pack_leaves, write_zip
from hazmon.bundle.manifest import (
    BATCHES,
    CONSISTENCY,
    FACTS,
    GROUPS,
    HASHES,
    HEAD,
    KEYS,
    KINDS,
    MANIFEST,
    RANGE,
    STATEMENTS,
    Group,
    Manifest,
    RangeProof,
    Step,
    Told,
    written,
)
from hazmon.ledger.note import Verifier

Span = tuple[int, int]


@dataclass(slots=True)
class Parts:
    """What goes into a bundle beside its manifest. Contents by the number of their leaf."""

    keys: Sequence[Verifier]
    head: bytes
    notes: Mapping[int, bytes]  # by size: every other checkpoint of the window
    steps: Sequence[Step]
    range: RangeProof
    hashes: bytes
    kinds: bytes
    statements: dict[int, bytes] = field(default_factory=dict[int, bytes])
    facts: dict[int, bytes] = field(default_factory=dict[int, bytes])
    batches: dict[int, bytes] | None = None
    groups: Sequence[Group] = ()

    def files(self) -> dict[str, bytes]:
        """Every file but the manifest."""
        found = {
            KEYS: "".join(f"{key}\n" for key in self.keys).encode(),
            HEAD: self.head,
            RANGE: written(self.range),
            CONSISTENCY: written(list(self.steps)),
            HASHES: self.hashes,
            KINDS: self.kinds,
            STATEMENTS: pack_leaves(sorted(self.statements.items())),
            FACTS: pack_leaves(sorted(self.facts.items())),
        }
        found |= {f"checkpoint/{size:020}.note": note for size, note in self.notes.items()}
        if self.batches is not None:
            found[BATCHES] = pack_leaves(sorted(self.batches.items()))
            found[GROUPS] = written(list(self.groups))
        return found


def packed(parts: Parts, manifest: Manifest) -> bytes:
    """The bundle; the manifest's `files` are filled in."""
    files = parts.files()
    named = {name: Told(len(data), digest(data)) for name, data in files.items()}
    files[MANIFEST] = written(msgspec.structs.replace(manifest, files=named))
    return write_zip(files)


def runs_of(numbers: Iterable[int], window: Span | None) -> list[Span]:
    """The runs that these leaves stand in, and last of all the window, of which every leaf is listed."""
    found: list[Span] = []
    for n in sorted(set(numbers)):
        if window is not None and n >= window[0]:
            break
        if found and found[-1][1] == n:
            found[-1] = (found[-1][0], n + 1)
        else:
            found.append((n, n + 1))
    return found if window is None else [*found, window]
