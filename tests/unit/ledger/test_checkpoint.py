"""Checkpoints: one spelling, every other one refused, and signed by the record itself."""

from __future__ import annotations

import base64
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazmon.errors import LedgerError
from hazmon.ledger.checkpoint import Checkpoint, open_checkpoint, parse_body, sign_checkpoint
from hazmon.ledger.note import Signer, cosign, generate, sign
from hazmon.ledger.tree import EMPTY_ROOT

ORIGIN = "park.example/record"
KEY = Signer(ORIGIN, bytes(range(32)))
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
SEAL = Checkpoint(ORIGIN, 20_852_163, base64.b64decode(ROOT), 1_772_380_800_000_000, date(2026, 3, 1))
BODY = f"{ORIGIN}\n20852163\n{ROOT}\ntime 2026-03-01T16:00:00.000000Z\nday 2026-03-01\n"


def test_the_example_of_the_specification() -> None:
    """It has no extension lines: an instant and a day are ours."""
    body = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"
    checkpoint = parse_body(body)
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20_852_163, base64.b64decode(ROOT))
    assert checkpoint.body() == body


def test_a_days_seal() -> None:
    assert SEAL.body() == BODY
    assert parse_body(BODY) == SEAL
    note = sign_checkpoint(SEAL, [KEY])
    assert note.decode().startswith(f"{BODY}\n— {ORIGIN} ")
    assert open_checkpoint(note, [KEY.verifier], ORIGIN) == (SEAL, (KEY.verifier,))


def test_a_witness_signs_too_but_not_alone() -> None:
    witness = generate("witness.example/county")
    note = cosign(sign_checkpoint(SEAL, [KEY]), witness)
    known = [KEY.verifier, witness.verifier]
    assert open_checkpoint(note, known, ORIGIN)[1] == (KEY.verifier, witness.verifier)
    with pytest.raises(LedgerError, match=r"the record park.example/record itself did not sign this checkpoint; only witness"):
        open_checkpoint(note, [witness.verifier], ORIGIN)


def test_the_origin_is_the_one_that_was_asked_for() -> None:
    note = sign_checkpoint(SEAL, [KEY])
    with pytest.raises(LedgerError, match=r"a checkpoint of park.example/record, not of other.example/record"):
        open_checkpoint(note, [KEY.verifier], "other.example/record")
    with pytest.raises(LedgerError, match=r"the key other does not sign for park.example/record"):
        sign_checkpoint(SEAL, [generate("other")])


@pytest.mark.parametrize("bit", range(8))
def test_no_bit_of_a_seal_can_be_flipped(bit: int) -> None:
    note = sign_checkpoint(SEAL, [KEY])
    for at in range(len(note)):
        changed = bytearray(note)
        changed[at] ^= 1 << bit
        with pytest.raises(LedgerError):
            open_checkpoint(bytes(changed), [KEY.verifier], ORIGIN)


WRONG: list[tuple[str, str, str]] = [
    (BODY, BODY[:-1], "at least three lines"),
    (BODY, f"{ORIGIN}\n5\n", "at least three lines"),
    ("20852163", "020852163", "a plain number, not '020852163'"),
    ("20852163", "-1", "a plain number"),
    ("20852163", "２", "a plain number"),
    ("20852163", "9223372036854775808", "size is 0 to 9223372036854775807"),
    ("20852163", "0", "a log without leaves has the root of such a log"),
    (ORIGIN, "", "origin is a line of text"),
    (ROOT, ROOT[:-4], "base64|root has 32 bytes"),
    (ROOT, "AAAA", "root has 32 bytes, not 3"),
    (ROOT, "-" + ROOT[1:], "its root in base64"),
    (ROOT, ROOT.replace("2I=", "2J="), "not written as it must be"),
    ("time 2026-03-01T16:00:00.000000Z", "time 2026-03-01T16:00:00Z", "not written as it must be"),
    ("time 2026-03-01T16:00:00.000000Z", "time 2026-03-02T00:00:00.000000+08:00", "not written as it must be"),
    ("time 2026-03-01T16:00:00.000000Z", "time 2026-03-01T16:00:00.000000", "is no instant as"),
    ("time 2026-03-01T16:00:00.000000Z", "time now", "is no instant as"),
    ("time 2026-03-01T16:00:00.000000Z\n", "", "the seal of the day 2026-03-01 says no time"),
    ("day 2026-03-01", "day 20260301", "not written as it must be"),
    ("day 2026-03-01", "day 2026-02-30", "is no date as"),
    ("day 2026-03-01", "night", "line 'night' is unknown"),
    ("day 2026-03-01\n", "day 2026-03-01\nday 2026-03-01\n", "is unknown; there may be"),
    ("day 2026-03-01\n", "day 2026-03-01\n\n", "line '' is unknown"),
]


@pytest.mark.parametrize(("part", "instead", "said"), WRONG, ids=[f"{instead!r}" for _, instead, _ in WRONG])
def test_another_spelling_is_refused_even_when_it_is_signed(part: str, instead: str, said: str) -> None:
    body = BODY.replace(part, instead)
    assert body != BODY
    with pytest.raises(LedgerError, match=said):
        parse_body(body)
    if body.endswith("\n"):
        with pytest.raises(LedgerError, match=said):
            open_checkpoint(sign(body, [KEY]), [KEY.verifier], ORIGIN)


def test_an_empty_log_has_its_checkpoint() -> None:
    assert parse_body(Checkpoint("a", 0, EMPTY_ROOT).body()).size == 0


@given(
    st.text(st.characters(min_codepoint=32, blacklist_categories=["Cs"]), min_size=1),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.none() | st.integers(0, 10**17),
    st.none() | st.dates(date(1970, 1, 1)),
)
def test_every_checkpoint_comes_back(origin: str, size: int, root: bytes, time: int | None, day: date | None) -> None:
    checkpoint = Checkpoint(origin, size, root, time, None if time is None else day)
    assert parse_body(checkpoint.body()) == checkpoint
