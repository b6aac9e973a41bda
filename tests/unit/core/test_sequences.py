"""SeqSet is a set."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hazmon.sequences import SeqSet


@given(st.lists(st.integers(0, 30) | st.integers(2**62, 2**62 + 5)))
def test_it_is_a_set_that_keeps_runs(numbers: list[int]) -> None:
    found = SeqSet()
    for number in numbers:
        found.add(number)
    wanted = set(numbers)
    assert all((n in found) == (n in wanted) for n in [*range(-1, 33), *range(2**62 - 1, 2**62 + 7)])
    assert found.runs == sorted(found.runs)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(found.runs))
    assert sum(last - first + 1 for first, last in found.runs) == len(wanted)


def test_many_in_order_are_one_run() -> None:
    found = SeqSet()
    for number in range(10**5):
        found.add(number)
    assert found.runs == [(0, 10**5 - 1)]
