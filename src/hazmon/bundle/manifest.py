"""What a bundle claims: whose figures, over which time, and which files it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from hazmon.coverage.account import Tally
from hazmon.errors import LedgerError

T = TypeVar("T")

FORMAT = "hazmon-bundle/1"
MANIFEST, KEYS = "manifest.json", "keys.txt"
HASHES, KINDS = "leaves/hashes.bin", "leaves/kinds.bin"
RANGE, CONSISTENCY = "proofs/range.json", "proofs/consistency.json"
FACTS, STATEMENTS, BATCHES = "evidence/facts.zst", "evidence/statements.zst", "evidence/batches.zst"
GROUPS = "evidence/groups.json"
HEAD = "checkpoint/head.note"

GIVEN, OTHER_BATCH, OTHER_PAGE, GONE = b"Gbf-"  # what leaves/kinds.bin says of each leaf of leaves/hashes.bin

Figures = tuple[int, int, int, int, int, int, int, int]
"""slots, covered, prompt, excused, lost to connect, online, complete, valid."""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file: how long it is, and its SHA-256."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """manifest.json. Times in microseconds since 1970, slots in minutes since then."""

    format: str
    origin: str
    asked_from: int
    asked_to: int
    asked_sources: list[str] | None
    first: int  # slots that the figures are of, [first, end)
    end: int
    evidence_from: int  # the slot from which on facts are in the bundle: earlier where a month's cap needs it
    batches: bool
    timezone: str
    simulated: bool
    head: int  # leaves under the checkpoint that everything is proved under
    sources: dict[str, str]  # the enterprise of each
    figures: dict[str, dict[str, Figures]]  # by source and local day
    contradictions: list[str]  # where the park's own tables were not what its ledger says, when the bundle was made
    files: dict[str, Told]


class RangeProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """proofs/range.json: the runs of leaves [first, end) whose hashes are in leaves/hashes.bin, and what lies around them."""

    runs: list[tuple[int, int]]
    proof: list[bytes]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of proofs/consistency.json: the log of `old` leaves is the beginning of the one of `new`."""

    old: int
    new: int
    proof: list[bytes]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of evidence/groups.json: a scan group that batches name by its digest."""

    edge: str
    name: str
    period_us: int
    tags: list[str]


def figures_of(tally: Tally) -> Figures:
    """A tally as the manifest has it."""
    return (tally.slots, tally.covered, tally.prompt, tally.excused, *tally.lost)


def written(value: object) -> bytes:
    """JSON that people can read too, in one form."""
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n"


def read_manifest(files: Mapping[str, bytes]) -> Manifest:
    """The manifest. Raises LedgerError."""
    if MANIFEST not in files:
        raise LedgerError("there is no manifest.json in it: this is no bundle")
    manifest = read_json(files, MANIFEST, Manifest)
    if manifest.format != FORMAT:
        raise LedgerError(f"the bundle is of the format {manifest.format!r}; this program reads {FORMAT}")
    return manifest


def read_json(files: Mapping[str, bytes], name: str, kind: type[T]) -> T:
    """A file of the bundle as that type. Raises LedgerError, naming the file."""
    try:
        return msgspec.json.decode(files[name], type=kind)
    except KeyError:
        raise LedgerError(f"{name} is not in the bundle") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise LedgerError(f"{name}: {error}") from None


def misfits(manifest: Manifest, files: Mapping[str, bytes], sha256: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Files that are not as the manifest says, each with what is wrong; `sha256` are the names and digests of what is there."""
    found: list[tuple[str, str]] = []
    there = dict(sha256)
    for name, told in sorted(manifest.files.items()):
        if name not in there:
            found.append((name, "missing"))
        elif there[name] != told.sha256 or len(files[name]) != told.bytes:
            found.append((name, "changed"))
    found += [(name, "not named by the manifest") for name in sorted(there) if name not in manifest.files and name != MANIFEST]
    return found
