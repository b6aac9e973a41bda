"""What an exemption excuses, and up to how much."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from unit.coverage.naive import SECOND, SLOT

from hazmon.coverage.exempting import ALL_UNITS, Excuse, Exemption, excused, excuses, exempt_units

GRACE = 7_200
FILED = Exemption(1, "E01", "E01-S1", "V-1", "检修", "r", 100 * SLOT, 200 * SLOT, 90 * SLOT, "who", approved_at=95 * SLOT)
UNITS = ("A-1", "V-1")


def spans(*exemptions: Exemption) -> list[tuple[int, int, int]]:
    return [(each.first, each.end, each.units) for each in excuses(exemptions, UNITS, GRACE)]


def test_only_what_was_approved_counts_and_from_its_beginning() -> None:
    assert spans(FILED) == [(100, 200, 2)]
    assert spans(replace(FILED, unit=None)) == [(100, 200, ALL_UNITS)]
    assert spans(replace(FILED, approved_at=None)) == []
    assert spans(replace(FILED, approved_at=None, refused_at=95 * SLOT)) == []
    assert spans(replace(FILED, approved_at=999 * SLOT)) == [(100, 200, 2)]  # the park may take its time
    assert spans(replace(FILED, unit="V-9")) == []


@pytest.mark.parametrize(
    ("late", "begin"), [(-1, 100), (0, 100), (GRACE * SECOND, 100), (GRACE * SECOND + 1, 221), (GRACE * SECOND + SLOT, 221)]
)
def test_filed_within_the_grace_it_counts_from_its_beginning_and_later_from_its_filing(late: int, begin: int) -> None:
    filed = replace(FILED, filed_at=FILED.begins + late, until=400 * SLOT)
    assert filed.filed_late() == (late > 0)
    assert spans(filed) == [(begin, 400, 2)]


def test_it_ends_as_planned_or_when_it_is_withdrawn_if_that_is_sooner() -> None:
    assert spans(replace(FILED, withdrawn_at=150 * SLOT)) == [(100, 150, 2)]
    assert spans(replace(FILED, withdrawn_at=250 * SLOT)) == [(100, 200, 2)]
    assert spans(replace(FILED, withdrawn_at=100 * SLOT)) == []
    assert spans(replace(FILED, filed_at=300 * SLOT)) == []


def test_it_excuses_whole_slots_alone() -> None:
    assert spans(replace(FILED, begins=100 * SLOT + 1, until=200 * SLOT - 1)) == [(101, 199, 2)]
    assert spans(replace(FILED, begins=100 * SLOT + 1, until=102 * SLOT - 1)) == []


def test_units_of_each_slot() -> None:
    found = [Excuse(3, 6, 1), Excuse(5, 9, 2), Excuse(0, 1, 4), Excuse(20, 30, 4)]
    assert exempt_units(found, 2, 8).tolist() == [0, 1, 1, 3, 2, 2, 2, 0]


LOST = np.array([6, 6, 6, 6, 6, 6], np.uint8)
BOTH = np.full(6, 3, np.uint32)


def of(slots: np.ndarray, failing: np.ndarray, exempt: int, cap: Fraction, *months: tuple[int, int, int]) -> list[int]:
    masks = np.full(slots.size, exempt, np.uint32)
    return np.flatnonzero(excused(slots, failing, masks, months or ((0, 6, 100),), cap)).tolist()


def test_every_unit_that_fails_must_be_exempt() -> None:
    failing = np.array([1, 2, 3, 1, 2, 3], np.uint32)
    assert of(LOST, failing, 3, Fraction(1)) == [0, 1, 2, 3, 4, 5]
    assert of(LOST, failing, 1, Fraction(1)) == [0, 3]
    assert of(LOST, failing, 0, Fraction(1)) == []


def test_what_is_covered_or_never_judged_is_not_excused() -> None:
    slots = np.array([0, 1, 2, 3, 4, 5], np.uint8)
    assert of(slots, np.array([0, 0, 0, 1, 1, 1], np.uint32), 3, Fraction(1)) == [3, 4, 5]


@pytest.mark.parametrize(
    ("cap", "count"), [(Fraction(0), 0), (Fraction(1, 101), 0), (Fraction(1, 100), 1), (Fraction(299, 10_000), 2)]
)
def test_the_cap_is_of_the_whole_month_rounded_down_and_taken_in_time_order(cap: Fraction, count: int) -> None:
    assert of(LOST, BOTH, 3, cap) == list(range(count))


def test_each_month_has_its_own_cap_and_what_is_not_excusable_does_not_use_it_up() -> None:
    failing = np.array([4, 1, 1, 1, 4, 1], np.uint32)
    assert of(LOST, failing, 3, Fraction(1, 100), (0, 3, 100), (3, 6, 200)) == [1, 3, 5]
