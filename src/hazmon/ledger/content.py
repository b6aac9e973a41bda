"""What the leaves of the record say: a header line that can be read by eye, then the body.

    hazmon/1 batch {"arrived":1772359200000000,"boot":3,"edge":"E01-BOX1","offset":-1200,"seq":17}\n<the bytes as received>
    hazmon/1 facts {"hour":492322,"source":"E01-S1","tags":["LT-1101","PT-1101"]}\n<120 bytes>
    hazmon/1 event {"at":1772359200000000}\n{"alarm":"LT-1101.HIGH",...}

The JSON is canonical (keys sorted, no spaces, UTF-8), so a leaf has one spelling: what `parse` reads, `encode` writes again to
the byte, and anything else is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from hazmon.errors import LedgerError
from hazmon.ledger.tree import leaf_hash

VERSION = "hazmon/1"
SLOTS = 60  # a page of facts is an hour of minutes
DEEPEST = 32
StatementKind = Literal["event", "configuration", "exemption", "veto", "scheme", "seal"]
STATEMENTS: tuple[StatementKind, ...] = get_args(StatementKind)

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Header = dict[str, int | str | list[str]]
Said = tuple[StatementKind, dict[str, Json]]
"""What is to become a statement: its kind and its body."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A box's batch, body exactly as received. arrived µs since 1970; offset µs, its clock against ours, None while unknown."""

    edge: str
    boot: int
    seq: int
    arrived: int
    offset: int | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """A coverage page: a byte a point and slot, uint8[len(tags) * 60], point after point; hour counts from 1970 UTC."""

    source: str
    hour: int
    tags: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """Anything said in JSON: an alarm event or command, a configuration, an exemption, a veto, a scheme, a seal. at: µs, when.

    A seal is the last leaf under a checkpoint, and counts the leaves before it by their kind: so nobody who is given some of
    them needs to believe that there are no more.
    """

    kind: StatementKind
    at: int
    body: Mapping[str, Json]


Leaf = Batch | Facts | Statement


def encode(leaf: Leaf) -> bytes:
    """The leaf's content. LedgerError when a field is not of its type, so that nothing is recorded that cannot be read."""
    match leaf:
        case Batch():
            header: Header = {"edge": leaf.edge, "boot": leaf.boot, "seq": leaf.seq, "arrived": leaf.arrived}
            if leaf.offset is not None:
                header["offset"] = leaf.offset
            return _joined("batch", header, bytes(leaf.body))
        case Facts():
            if len(leaf.body) != len(leaf.tags) * SLOTS:
                raise LedgerError(f"a page of {len(leaf.tags)} tags has {len(leaf.tags) * SLOTS} facts, not {len(leaf.body)}")
            if len(set(leaf.tags)) != len(leaf.tags):
                raise LedgerError("a page of facts names a tag twice")
            return _joined("facts", {"source": leaf.source, "hour": leaf.hour, "tags": list(leaf.tags)}, bytes(leaf.body))
        case Statement():
            if leaf.kind not in STATEMENTS:
                raise LedgerError(f"{leaf.kind!r} is no kind of leaf")
            return _joined(leaf.kind, {"at": leaf.at}, canonical(dict(leaf.body)))


def parse(content: bytes) -> Leaf:
    """The leaf of a content; LedgerError unless `encode` would write it just so."""
    line, newline, body = content.partition(b"\n")
    parts = line.split(b" ", 2)
    if not newline or len(parts) != 3 or parts[0] != VERSION.encode():
        raise LedgerError(f"a leaf begins with a line `{VERSION} kind header`, not {content[:60]!r}")
    kind = parts[1].decode("ascii", "replace")
    header = Fields(kind, _object(parts[2], f"the header of a leaf of kind {kind}"))
    leaf: Leaf
    match kind:
        case "batch":
            offset = header.integer("offset") if "offset" in header.values else None
            edge, boot, seq = header.text("edge"), header.integer("boot"), header.integer("seq")
            leaf = Batch(edge, boot, seq, header.integer("arrived"), offset, body)
        case "facts":
            leaf = Facts(header.text("source"), header.integer("hour"), header.texts("tags"), body)
        case "event" | "configuration" | "exemption" | "veto" | "scheme" | "seal":
            leaf = Statement(kind, header.integer("at"), _object(body, f"the body of a leaf of kind {kind}"))
        case _:
            raise LedgerError(f"{kind!r} is no kind of leaf")
    if encode(leaf) != content:
        raise LedgerError(f"a leaf of kind {kind} is not written in the one form that it has")
    return leaf


def content_hash(leaf: Leaf) -> bytes:
    """The leaf's hash in the tree."""
    return leaf_hash(encode(leaf))


def canonical(value: Json) -> bytes:
    """The one spelling of a JSON value: keys in the order of their code points, no spaces, UTF-8, finite numbers."""
    _plain(value, 0)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise LedgerError(f"a text of the record cannot be UTF-8: {error.reason}") from None


@dataclass(frozen=True, slots=True)
class Fields:
    """A header's values, each asked for by its type."""

    kind: str
    values: dict[str, Json]

    def integer(self, key: str) -> int:
        """Of 64 bits."""
        value = self.values.get(key)
        if type(value) is not int or not -(2**63) <= value < 2**63:
            raise self._wrong(key, "an integer of 64 bits")
        return value

    def text(self, key: str) -> str:
        """Any text."""
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of them."""
        value = self.values.get(key)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._wrong(key, "a list of texts")
        return tuple(cast(list[str], value))

    def _wrong(self, key: str, expected: str) -> LedgerError:
        found = repr(self.values[key])[:40] if key in self.values else "nothing"
        return LedgerError(f"a leaf of kind {self.kind} has in its header `{key}`, {expected}; found {found}")


def _joined(kind: str, header: Header, body: bytes) -> bytes:
    fields = Fields(kind, cast(dict[str, Json], header))
    for key, value in header.items():
        if isinstance(value, str):
            fields.text(key)
        elif isinstance(value, list):
            fields.texts(key)
        else:
            fields.integer(key)
    return f"{VERSION} {kind} ".encode() + canonical(fields.values) + b"\n" + body


def _object(text: bytes, what: str) -> dict[str, Json]:
    try:
        value: Json = json.loads(text.decode())
    except (ValueError, RecursionError):  # bad UTF-8 and numbers too long to read are ValueErrors too
        raise LedgerError(f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise LedgerError(f"{what} is no JSON object")
    return value


def _plain(value: object, depth: int) -> None:
    """Refuse what JSON would write as something else: keys that are no texts, tuples, subclasses, numbers that are none."""
    kind = type(value)
    if depth > DEEPEST:
        raise LedgerError(f"a JSON value of the record is nested deeper than {DEEPEST}")
    if kind is dict:
        for key, each in cast(dict[object, object], value).items():
            if type(key) is not str:
                raise LedgerError(f"a JSON object of the record has the key {key!r}, which is no text")
            _plain(each, depth + 1)
    elif kind is list:
        for each in cast(list[object], value):
            _plain(each, depth + 1)
    elif kind not in (type(None), bool, int, float, str) or (kind is float and not math.isfinite(cast(float, value))):
        raise LedgerError(f"{value!r} is nothing that JSON can say")
