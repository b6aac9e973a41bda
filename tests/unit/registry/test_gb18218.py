"""The arithmetic of GB 18218-2018, against numbers worked by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazmon.model import Chemical, Level
from hazmon.registry.enterprise import cas_holds
from hazmon.registry.gb18218 import CLASSES, TABLE_1, UnknownSubstance, alpha, grade, level, lookup

AMMONIA = Chemical("液氨", "7664-41-7", 60.0)


def test_sixty_tonnes_of_ammonia_and_forty_residents() -> None:
    grading = grade([AMMONIA], 40)
    assert (float(grading.s), float(grading.r), grading.level) == (6.0, 14.4, Level.THREE)
    assert grading.is_major


def test_several_chemicals_add_up() -> None:
    # 250/500 methanol (beta 1) + 100/500 toluene (beta 1) + 4/10 propylene by class W2 (beta 1.5); alpha 2 from 100 residents
    chemicals = [
        Chemical("甲醇", "67-56-1", 250.0),
        Chemical("甲苯", "108-88-3", 100.0),
        Chemical("丙烯", "115-07-1", 4.0, "W2"),
    ]
    grading = grade(chemicals, 100)
    assert [term.share for term in grading.terms] == [Fraction(1, 2), Fraction(1, 5), Fraction(2, 5)]
    assert (grading.s, grading.r, grading.level) == (Fraction(11, 10), Fraction(13, 5), Level.FOUR)


def test_just_below_the_critical_quantity_is_no_major_source() -> None:
    assert not grade([Chemical("液氨", "7664-41-7", 9.999)], 0).is_major
    assert grade([Chemical("液氨", "7664-41-7", 10.0)], 0).is_major


@pytest.mark.parametrize(
    ("residents", "factor"),
    [(0, "0.5"), (1, "1"), (29, "1"), (30, "1.2"), (49, "1.2"), (50, "1.5"), (99, "1.5"), (100, "2"), (5000, "2")],
)
def test_alpha(residents: int, factor: str) -> None:
    assert alpha(residents) == Fraction(factor)


@pytest.mark.parametrize(
    ("r", "name"),
    [("0", "四级"), ("9.999", "四级"), ("10", "三级"), ("49.999", "三级"), ("50", "二级"), ("99.999", "二级"), ("100", "一级")],
)
def test_level_bounds_belong_to_the_graver_level(r: str, name: str) -> None:
    assert level(Fraction(r)) is Level(name)


def test_a_bound_is_met_exactly_where_floats_would_miss_it() -> None:
    # 0.1 + 0.2 of phosgene's Q 0.3 t: floats give 1.0000000000000002 or 0.9999999999999999
    grading = grade([Chemical("碳酰氯", "75-44-5", 0.1), Chemical("碳酰氯", "75-44-5", 0.2)], 1)
    assert (grading.s, grading.r) == (1, 20)


@pytest.mark.parametrize(
    ("cas", "hazard_class", "expected"),
    [
        ("115-07-1", None, "a class of tables 2 and 4, because table 1 does not name 115-07-1"),
        ("7664-41-7", "J3", "no class, because table 1 names 7664-41-7"),
        ("6484-52-2", "W1.1", "a substance with one row in table 1 (6484-52-2 has three, by grade)"),
    ],
)
def test_what_the_tables_cannot_tell(cas: str, hazard_class: str | None, expected: str) -> None:
    with pytest.raises(UnknownSubstance) as unknown:
        lookup(cas, hazard_class)
    assert str(unknown.value) == expected


def test_an_unknown_class_is_answered_with_all_classes() -> None:
    with pytest.raises(UnknownSubstance, match=r"one of J1, .*, W11$"):
        lookup("115-07-1", "W2.1")


def test_every_cas_number_of_the_table_has_its_check_digit() -> None:
    assert [cas for cas in TABLE_1 if not cas_holds(cas)] == []


def test_tables_hold_positive_numbers_only() -> None:
    assert all(entry.q_critical > 0 and entry.beta > 0 for entry in (*TABLE_1.values(), *CLASSES.values()))


@given(
    st.lists(st.tuples(st.sampled_from(sorted(TABLE_1)), st.integers(1, 10_000_000)), min_size=1, max_size=6),
    st.integers(0, 10_000),
)
def test_more_tonnes_or_residents_never_make_a_source_safer(held: list[tuple[str, int]], residents: int) -> None:
    chemicals = [Chemical("", cas, kilograms / 1000) for cas, kilograms in held]
    doubled = [Chemical("", cas, 2 * kilograms / 1000) for cas, kilograms in held]
    grading = grade(chemicals, residents)
    assert grade(doubled, residents).r == 2 * grading.r
    assert grade(chemicals, residents + 50).r >= grading.r
    assert list(Level).index(grade(doubled, residents).level) <= list(Level).index(grading.level)
