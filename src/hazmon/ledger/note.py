"""Signed notes (C2SP signed-note) with Ed25519: text, a blank line, and a line `— name base64(key id, signature)` a signature.

A verifier key is public: `name+c74f20a3+base64(1, public key)`. A signer key is secret: `PRIVATE+KEY+` and the same with the
seed instead. The eight hexadecimal digits are the key's id, SHA-256(name, newline, 1, public key)[:4], so that keys of one name
can follow each other: a note may bear the old one's signature and the new one's.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hazmon.errors import LedgerError

ED25519 = b"\x01"
KEY_BYTES, SIGNATURE_BYTES, ID_BYTES = 32, 64, 4
MOST_SIGNATURES = 100
LARGEST_NOTE = 1 << 20
SECRET = "PRIVATE+KEY+"  # noqa: S105 the word that every signer key begins with
DASH = "— "
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
NAMELESS = re.compile(r"[\s+\x00-\x1f]|^$")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key that notes are checked with."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _named(self.name)
        if len(self.public) != KEY_BYTES:
            raise LedgerError(f"an Ed25519 public key has {KEY_BYTES} bytes, not {len(self.public)}")

    @property
    def id(self) -> bytes:
        """The four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:ID_BYTES]

    @property
    def label(self) -> str:
        """Name and id, as people refer to it: `park.example/record+c74f20a3`."""
        return f"{self.name}+{self.id.hex()}"

    def __str__(self) -> str:
        return f"{self.label}+{_coded(ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """The key of its text form; LedgerError if the id in it is not the key's own."""
        name, key_id, key = _key_parts(text, "verifier")
        verifier = cls(name, key)
        _matching(verifier, key_id)
        return verifier

    def holds(self, text: bytes, signature: bytes) -> bool:
        """Whether this is the key's signature of the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A secret key. Its `text()` goes into the key file and nowhere else; it is never part of what is printed."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _named(self.name)
        if len(self.seed) != KEY_BYTES:
            raise LedgerError(f"an Ed25519 seed has {KEY_BYTES} bytes, not {len(self.seed)}")

    @property
    def verifier(self) -> Verifier:
        """Its public half."""
        return Verifier(self.name, self._key().public_key().public_bytes_raw())

    def text(self) -> str:
        """The signer key as text; secret."""
        return f"{SECRET}{self.verifier.label}+{_coded(ED25519 + self.seed)}"

    @classmethod
    def parse(cls, text: str) -> Signer:
        """The key of its text form. No error repeats any of it."""
        if not text.startswith(SECRET):
            raise LedgerError(f"a signer key begins with {SECRET}")
        name, key_id, seed = _key_parts(text[len(SECRET) :], "signer")
        signer = cls(name, seed)
        _matching(signer.verifier, key_id)
        return signer

    def sign(self, text: bytes) -> bytes:
        """64 bytes, the same every time (RFC 8032)."""
        return self._key().sign(text)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class Note:
    """An opened note: its text, ending in a newline, and the keys whose signatures of it hold, each once."""

    text: str
    signers: tuple[Verifier, ...]


def generate(name: str) -> Signer:
    """A new key from the system's source of randomness."""
    return Signer(name, Ed25519PrivateKey.generate().private_bytes_raw())


def sign(text: str, signers: Sequence[Signer]) -> bytes:
    """A note of this text, one signature line a key, in their order."""
    if not signers:
        raise LedgerError("a note needs a key that signs it")
    if not text.endswith("\n"):
        raise LedgerError("the text of a note ends with a newline")
    signed = _bytes(text)
    lines = [f"{DASH}{each.name} {_coded(each.verifier.id + each.sign(signed))}\n" for each in signers]
    note = signed + b"\n" + "".join(lines).encode()
    _parse(note)
    return note


def cosign(note: bytes, signer: Signer) -> bytes:
    """The note with one more signature behind those that it bears; those are not checked."""
    text, _ = _parse(note)
    more = note + f"{DASH}{signer.name} {_coded(signer.verifier.id + signer.sign(_bytes(text)))}\n".encode()
    _parse(more)
    return more


def open_note(note: bytes, verifiers: Iterable[Verifier]) -> Note:
    """The text, if a known key signed it and no known key's signature fails; signatures of unknown keys are ignored."""
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.id), verifier) != verifier:
            raise LedgerError(f"two different keys are both called {verifier.label}")
    text, signatures = _parse(note)
    signed = _bytes(text)
    signers: dict[Verifier, None] = {}
    for name, key_id, signature in signatures:
        verifier = known.get((name, key_id))
        if verifier is None:
            continue
        if not verifier.holds(signed, signature):
            raise LedgerError(f"the signature of {verifier.label} is not one of this text: text or signature was changed")
        signers[verifier] = None
    if not signers:
        bears = ", ".join(f"{name}+{key_id.hex()}" for name, key_id, _ in signatures)
        raise LedgerError(f"no known key signed this note; it bears the signatures of {bears}")
    return Note(text, tuple(signers))


def _parse(note: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Text, and (name, key id, signature) of each line; none of them checked."""
    if len(note) > LARGEST_NOTE:
        raise LedgerError(f"the note has {len(note)} bytes, more than {LARGEST_NOTE}")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise LedgerError(f"the note is not UTF-8 at byte {error.start}") from None
    if found := CONTROL.search(whole):
        raise LedgerError(f"the note has the control character {ord(found[0]):#04x} at character {found.start()}")
    at = whole.rfind("\n\n")
    if at < 0 or not whole.endswith("\n"):
        raise LedgerError("the note does not end with a blank line and whole signature lines: it is cut off, or no signed note")
    lines = whole[at + 2 : -1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise LedgerError(f"the note bears {len(lines)} signatures, more than {MOST_SIGNATURES}")
    return whole[: at + 1], [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, space, coded = line.removeprefix(DASH).partition(" ")
    data = _decoded(coded)
    if not line.startswith(DASH) or not space or NAMELESS.search(name) or data is None or len(data) <= ID_BYTES:
        raise LedgerError(f"the signature line {line[:80]!r} is not `— name base64`")
    return name, data[:ID_BYTES], data[ID_BYTES:]


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise LedgerError(f"the text cannot be UTF-8 at character {error.start}") from None


def _named(name: str) -> None:
    _bytes(name)
    if NAMELESS.search(name):
        raise LedgerError(f"a key's name has at least one character, no space and no plus, unlike {name!r}")


def _matching(verifier: Verifier, key_id: str) -> None:
    if verifier.id.hex() != key_id:
        raise LedgerError(f"the key of {verifier.name} has the id {verifier.id.hex()}, not {key_id}")


def _key_parts(text: str, kind: str) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise LedgerError(f"a {kind} key is name+id+base64")
    data = _decoded(parts[2])
    if data is None or data[:1] != ED25519:
        raise LedgerError(f"the {kind} key of {parts[0]} is not the base64 of an Ed25519 key")
    return parts[0], parts[1], data[1:]


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes | None:
    """Only what encodes to the same text again: base64 has spare bits, and a changed one must not pass."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _coded(data) == text else None
