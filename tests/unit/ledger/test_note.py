"""Signed notes against the vectors of the reference implementation (Go's sumdb/note) and of the specification."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazmon.errors import LedgerError
from hazmon.ledger.note import SECRET, Signer, Verifier, cosign, generate, open_note, sign

PETER = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
ENOCH = Verifier.parse("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")
PETER_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCHS = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
NOTE = f"{TEXT}\n{PETERS}".encode()


def test_the_published_note() -> None:
    signer = Signer.parse(PETER_KEY)
    assert signer.text() == PETER_KEY
    assert signer.verifier == PETER
    assert sign(TEXT, [signer]) == NOTE
    assert open_note(NOTE, [PETER]).text == TEXT
    assert str(PETER) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_several_signatures() -> None:
    both = f"{TEXT}\n{PETERS}{ENOCHS}".encode()
    assert open_note(both, [PETER]).signers == (PETER,)
    assert open_note(both, [ENOCH]).signers == (ENOCH,)
    assert open_note(both, [ENOCH, PETER]).signers == (PETER, ENOCH)
    assert open_note(NOTE + PETERS.encode(), [PETER]).signers == (PETER,)
    with pytest.raises(LedgerError, match=r"no known key .* of PeterNeumann\+c74f20a3, EnochRoot\+af0cfe78$"):
        open_note(both, [])


def test_a_key_is_followed_by_the_next_of_its_name() -> None:
    old, new = generate("park.example/record"), generate("park.example/record")
    note = cosign(sign("the key is changed\n", [old]), new)
    assert note == sign("the key is changed\n", [old, new])
    assert open_note(note, [old.verifier]).signers == (old.verifier,)
    assert open_note(note, [new.verifier]).signers == (new.verifier,)


def test_a_text_may_have_blank_lines() -> None:
    for text in ("\n", "a\n\n", "a\n\n— b c\n", "一\n\n二\n"):
        signer = generate("x")
        assert open_note(sign(text, [signer]), [signer.verifier]).text == text


@pytest.mark.parametrize("bit", range(8))
def test_no_bit_of_a_note_can_be_flipped(bit: int) -> None:
    """Every byte: text, blank line, dash, name, id, signature, the spare bits of base64."""
    for at in range(len(NOTE)):
        changed = bytearray(NOTE)
        changed[at] ^= 1 << bit
        with pytest.raises(LedgerError):
            open_note(bytes(changed), [PETER])


def test_no_note_can_be_cut() -> None:
    for end in range(len(NOTE)):
        with pytest.raises(LedgerError):
            open_note(NOTE[:end], [PETER])


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    other = ENOCHS.replace("/5n2t", "/5n2u")
    assert open_note(NOTE + other.encode(), [PETER]).signers == (PETER,)
    with pytest.raises(LedgerError, match=r"EnochRoot\+af0cfe78 is not one of this text"):
        open_note(NOTE + other.encode(), [PETER, ENOCH])


def test_keys_are_refused_when_any_character_is_changed_or_missing() -> None:
    parsers: list[tuple[str, Callable[[str], object]]] = [(str(PETER), Verifier.parse), (PETER_KEY, Signer.parse)]
    for key, parse in parsers:
        for at in range(len(key)):
            for wrong in (key[:at], key[at + 1 :], key[:at] + key[at + 1 :], key[:at] + chr(ord(key[at]) + 1) + key[at + 1 :]):
                with pytest.raises(LedgerError):
                    parse(wrong)


def test_a_secret_is_not_told() -> None:
    signer = Signer.parse(PETER_KEY)
    secret = PETER_KEY.rpartition("+")[2]
    for text in (repr(signer), str(signer), f"{signer}"):
        assert secret not in text
        assert str(signer.seed) not in text
    with pytest.raises(LedgerError) as told:
        Signer.parse(PETER_KEY.replace("c74f20a3", "c74f20a4"))
    assert secret not in str(told.value)
    assert generate("a").seed != generate("a").seed


WRONG: list[tuple[bytes, str]] = [
    (TEXT.encode(), "does not end with a blank line"),
    (TEXT.encode() + b"\n", "the signature line '' is not"),
    (NOTE[:-1], "cut off"),
    (b"\x01" + NOTE, "the control character 0x01 at character 0"),
    (NOTE.replace(b"\n", b"\r\n"), "the control character 0x0d"),
    (b"\xff" + NOTE, "not UTF-8 at byte 0"),
    (NOTE + b"Unexpected line.\n", "the signature line 'Unexpected line.' is not"),
    (NOTE.replace(b"PeterNeumann x", b"Peter Neumann x"), "the signature line"),
    (NOTE.replace("—".encode(), b"--"), "the signature line"),
    (NOTE + PETERS.encode() * 100, "bears 101 signatures, more than 100"),
    (b"a" * (1 << 20) + NOTE, "more than 1048576"),
    (NOTE.replace(b"is not", b"is").replace(b"don't", b"do"), r"the signature of PeterNeumann\+c74f20a3 is not one of this text"),
]


@pytest.mark.parametrize(("note", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_no_note_is_said_plainly(note: bytes, said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        open_note(note, [PETER])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\n", "a\x01", "\ud800"])
def test_names_that_no_key_may_have(name: str) -> None:
    with pytest.raises(LedgerError):
        generate(name)


def test_what_cannot_be_signed() -> None:
    signer = Signer.parse(PETER_KEY)
    for text, said in (("abc", "ends with a newline"), ("a\tb\n", "control character 0x09"), ("\ud800\n", "cannot be UTF-8")):
        with pytest.raises(LedgerError, match=said):
            sign(text, [signer])
    with pytest.raises(LedgerError, match="needs a key"):
        sign(TEXT, [])
    with pytest.raises(LedgerError, match=f"begins with {SECRET.replace('+', '.')}"):
        Signer.parse(str(PETER))
    with pytest.raises(LedgerError, match="an Ed25519 seed has 32 bytes, not 31"):
        Signer("x", bytes(31))
    with pytest.raises(LedgerError, match="public key has 32 bytes, not 33"):
        Verifier("x", bytes(33))


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters=[chr(each) for each in range(32)])), st.binary())
def test_any_text_comes_back_and_no_other_bytes_are_a_note(text: str, other: bytes) -> None:
    signer = Signer("x", bytes(range(32)))
    note = sign(text + "\n", [signer])
    assert open_note(note, [signer.verifier]).text == text + "\n"
    with pytest.raises(LedgerError):
        open_note(other, [signer.verifier])
    if other:
        with pytest.raises(LedgerError):
            open_note(other + note, [signer.verifier])
