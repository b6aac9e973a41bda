"""Leaves: every one comes back from its content, has one spelling, and what is not in it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazmon.errors import LedgerError
from hazmon.ledger.content import STATEMENTS, Batch, Facts, Json, Leaf, Statement, canonical, content_hash, encode, parse
from hazmon.ledger.tree import leaf_hash

BATCH = Batch("E01-BOX1", 3, 17, 1_772_359_200_000_000, -1200, b"\x00\n\xffany bytes")
FACTS = Facts("E01-S1", 492_322, ("LT-1101", "储罐/PT"), bytes(range(120)))
EVENT = Statement(
    "event", 1_772_359_200_000_000, {"v": 18.25, "by": None, "名": ["李", {"b": True, "a": 1}], "alarm": "LT-1101.HIGH"}
)

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
LEAVES: st.SearchStrategy[Leaf] = st.one_of(
    st.builds(Batch, TEXTS, INTEGERS, INTEGERS, INTEGERS, st.none() | INTEGERS, st.binary()),
    st.lists(TEXTS, max_size=3, unique=True).flatmap(
        lambda tags: st.builds(
            Facts, TEXTS, INTEGERS, st.just(tuple(tags)), st.binary(min_size=60 * len(tags), max_size=60 * len(tags))
        )
    ),
    st.builds(Statement, st.sampled_from(STATEMENTS), INTEGERS, st.dictionaries(TEXTS, JSONS, max_size=3)),
)


def test_how_a_leaf_is_written() -> None:
    batch = b'hazmon/1 batch {"arrived":1772359200000000,"boot":3,"edge":"E01-BOX1","offset":-1200,"seq":17}\n\x00\n\xffany bytes'
    facts = 'hazmon/1 facts {"hour":492322,"source":"E01-S1","tags":["LT-1101","储罐/PT"]}\n'.encode() + bytes(range(120))
    event = 'hazmon/1 event {"at":1772359200000000}\n{"alarm":"LT-1101.HIGH","by":null,"v":18.25,"名":["李",{"a":1,"b":true}]}'
    assert encode(BATCH) == batch
    assert encode(FACTS) == facts
    assert encode(EVENT) == event.encode()
    assert content_hash(BATCH) == leaf_hash(batch)


@given(LEAVES)
def test_every_leaf_comes_back(leaf: Leaf) -> None:
    assert parse(encode(leaf)) == leaf
    assert encode(parse(encode(leaf))) == encode(leaf)


@given(LEAVES, LEAVES)
def test_two_leaves_have_one_content_only_when_they_are_one(one: Leaf, other: Leaf) -> None:
    assert (encode(one) == encode(other)) == (content_hash(one) == content_hash(other)) == (repr(one) == repr(other)) or (
        isinstance(one, Statement) and one == other  # the order in which keys were given is not said
    )


@given(st.sampled_from([BATCH, FACTS, EVENT]), st.data())
def test_a_changed_leaf_is_refused_or_another_leaf(leaf: Leaf, data: st.DataObject) -> None:
    content = bytearray(encode(leaf))
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    assert leaf_hash(bytes(content)) != content_hash(leaf)
    try:
        other = parse(bytes(content))
    except LedgerError:
        return
    assert other != leaf
    assert encode(other) == content


HEADER = '{"arrived":1,"boot":2,"edge":"a","seq":3}'
WRONG: list[tuple[str, str]] = [
    ("", "a leaf begins with a line"),
    (f"hazmon/1 batch {HEADER}", "a leaf begins with a line"),
    (f"hazmon/2 batch {HEADER}\n", "a leaf begins with a line"),
    (f"hazmon/1  batch {HEADER}\n", "is no kind of leaf|is not JSON"),
    (f"hazmon/1 lot {HEADER}\n", "'lot' is no kind of leaf"),
    ("hazmon/1 batch {\n", "the header of a leaf of kind batch is not JSON"),
    ("hazmon/1 batch [1]\n", "the header of a leaf of kind batch is no JSON object"),
    ('hazmon/1 batch {"arrived":1,"boot":2,"edge":"a"}\n', "has in its header `seq`, an integer of 64 bits; found nothing"),
    ('hazmon/1 batch {"arrived":1,"boot":2,"edge":7,"seq":3}\n', "has in its header `edge`, a text; found 7"),
    ('hazmon/1 batch {"arrived":1.0,"boot":2,"edge":"a","seq":3}\n', "`arrived`, an integer of 64 bits; found 1.0"),
    ('hazmon/1 batch {"arrived":true,"boot":2,"edge":"a","seq":3}\n', "`arrived`, an integer of 64 bits; found True"),
    ('hazmon/1 batch {"arrived":9223372036854775808,"boot":2,"edge":"a","seq":3}\n', "`arrived`, an integer of 64 bits"),
    ('hazmon/1 batch {"arrived":1,"boot":2,"edge":"a","offset":null,"seq":3}\n', "`offset`, an integer of 64 bits; found None"),
    ('hazmon/1 batch {"boot":2,"arrived":1,"edge":"a","seq":3}\n', "not written in the one form"),
    ('hazmon/1 batch {"arrived":1,"boot":2,"edge":"a","seq":3,"seq":3}\n', "not written in the one form"),
    ('hazmon/1 batch {"arrived":1,"boot":2,"edge":"\\u0061","seq":3}\n', "not written in the one form"),
    ('hazmon/1 batch {"arrived":1,"boot":2,"edge":"a","more":0,"seq":3}\n', "not written in the one form"),
    ('hazmon/1 batch {"arrived":1, "boot":2,"edge":"a","seq":3}\n', "not written in the one form"),
    ('hazmon/1 batch {"arrived":1,"boot":2,"edge":"\\ud800","seq":3}\n', "cannot be UTF-8"),
    ('hazmon/1 facts {"hour":1,"source":"a","tags":"T"}\n', "`tags`, a list of texts; found 'T'"),
    ('hazmon/1 facts {"hour":1,"source":"a","tags":[1]}\n', "`tags`, a list of texts"),
    ('hazmon/1 facts {"hour":1,"source":"a","tags":["T"]}\nshort', "a page of 1 tags has 60 facts, not 5"),
    ('hazmon/1 facts {"hour":1,"source":"a","tags":["T","T"]}\n' + "x" * 120, "names a tag twice"),
    ('hazmon/1 event {"at":1}\n', "the body of a leaf of kind event is not JSON"),
    ('hazmon/1 event {"at":1}\n{"a":1}\n', "not written in the one form"),
    ('hazmon/1 event {"at":1}\n{"a":NaN}', "nan is nothing that JSON can say"),
    ('hazmon/1 event {"at":1}\n{"a":1e999}', "inf is nothing that JSON can say"),
    ('hazmon/1 event {"at":1}\n{"a":1e2}', "not written in the one form"),
    ('hazmon/1 event {"at":1}\n{"a":' + "[" * 100 + "]" * 100 + "}", "nested deeper than 32"),
    ('hazmon/1 event {"at":1}\n{"a":' + "[" * 100_000, "is not JSON"),
    ('hazmon/1 event {"at":1}\n{"a":' + "1" * 5000 + "}", "is not JSON"),
]


@pytest.mark.parametrize(("content", "said"), WRONG, ids=[content[:70] for content, _ in WRONG])
def test_what_is_no_leaf_is_said_plainly(content: str, said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        parse(content.encode())


@pytest.mark.parametrize("value", [float("nan"), (1, 2), {1: 2}, b"x", {"a": {2}}])
def test_what_json_would_write_as_something_else_is_not_recorded(value: Json) -> None:
    with pytest.raises(LedgerError):
        canonical(value)


def test_a_leaf_that_could_not_be_read_is_not_written() -> None:
    for leaf in (
        Batch("a", 2**63, 0, 0, None, b""),
        Batch("\ud800", 0, 0, 0, None, b""),
        Facts("a", 1, ("T",), bytes(59)),
        Statement("event", 1, {"a": float("inf")}),
        Statement("batch", 1, {}),  # pyright: ignore[reportArgumentType]
    ):
        with pytest.raises(LedgerError):
            encode(leaf)
