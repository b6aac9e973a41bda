"""Ten thousand random histories: every figure is that of a plain count, slot by slot, of what was sent."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.coverage import world
from unit.coverage.ledgered import drawn, run
from unit.coverage.naive import SLOT, Account, account
from unit.coverage.patterns import Pattern, pattern

PATTERNS = 10_000
PARTS = 4  # so that what fails is found in a quarter of the time
EACH = settings(
    max_examples=PATTERNS // PARTS, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def counted(found: Pattern) -> Account:
    return account(
        world.terms(found.cap),
        [world.plan(layout, since) for (layout, _, _), since in zip(found.eras, begins(found), strict=True)],
        found.sent,
        [(veto.point, veto.begin, veto.end) for veto in found.vetoes],
        found.filed,
        found.down,
        found.first,
        found.end,
    )


def begins(found: Pattern) -> list[int]:
    """A configuration is in force from the slot after that in which it was loaded, the first one from that slot itself; never
    from before the last one, whatever the clock says; and one that is loaded again changes nothing."""
    slots = [found.eras[0][1] // SLOT]
    for (before, _, _), (layout, moment, _) in pairwise(found.eras):
        slots.append(slots[-1] if layout == before else max(slots[-1], moment // SLOT + 1))
    return slots


def same(found: Pattern) -> Account:
    expected, answer = counted(found), drawn(run(found), found)
    assert answer.sources == expected.sources
    assert answer.points == expected.points
    for figures in answer.sources.values():
        assert figures.slots == figures.covered + sum(figures.lost)
        assert figures.prompt <= figures.covered
        assert figures.excused <= sum(figures.lost)
    for point in answer.points.values():
        assert point.owed == point.good + point.bad + point.exempt + sum(point.missed.values())
    return answer


@pytest.mark.parametrize("part", range(PARTS))
def test_every_figure_is_that_of_a_plain_count(part: int) -> None:
    @EACH
    @given(st.binary(min_size=128, max_size=384))
    def histories(data: bytes) -> None:
        same(pattern(bytes([part]) + data))

    histories()
