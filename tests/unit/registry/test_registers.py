"""Modbus addresses and the registers that two tags share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazmon.registry.registers import Claim, conflicts, parse_address


@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("holding:0", ("holding", 0)),
        ("input:65535", ("input", 65535)),
        ("coil:3", ("coil", 3)),
        ("discrete:10", ("discrete", 10)),
        ("input:65536", None),
        ("holding:007", None),
        ("holding:-1", None),
        ("holding:１", None),
        ("Holding:1", None),
        ("40001", None),
        ("holding: 1", None),
        ("", None),
    ],
)
def test_parse_address(address: str, parsed: tuple[str, int] | None) -> None:
    assert parse_address(address) == parsed


def claim(row: int, first: int, words: int, space: str = "holding") -> Claim:
    return Claim(row, f"T{row}", space, first, first + words - 1, "f32", ("ABCD", 1.0, 0.0))


def test_a_long_claim_is_met_behind_a_short_one() -> None:
    far, near, inside = claim(2, 0, 4), claim(3, 1, 1), claim(4, 3, 1)
    assert conflicts([far, near, inside]) == [(near, far), (inside, far)]


def test_the_later_row_is_the_one_to_blame() -> None:
    assert conflicts([claim(9, 0, 2), claim(2, 1, 2)]) == [(claim(9, 0, 2), claim(2, 1, 2))]


def test_spaces_do_not_meet() -> None:
    assert conflicts([claim(2, 0, 2, "holding"), claim(3, 0, 2, "input")]) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([1, 2, 4])), max_size=12))
def test_rows_to_blame_are_those_that_share_a_register_with_an_earlier_row(spans: list[tuple[int, int]]) -> None:
    claims = [claim(row, first, words) for row, (first, words) in enumerate(spans, start=2)]
    blamed = {
        later.row
        for later in claims
        for earlier in claims
        if earlier.row < later.row and earlier.first <= later.last and later.first <= earlier.last
    }
    assert {later.row for later, _ in conflicts(claims)} == blamed
