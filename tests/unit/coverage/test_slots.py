"""A source's slot from its points' facts, and what an account of slots adds up to."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np
import pytest

from hazmon.coverage.account import Inferred, PointTally, Tally, point_tally, runs, tallies, total
from hazmon.coverage.layout import Duty, Item
from hazmon.coverage.slots import Slot, flagged, judge, nothing_known

LEVEL, GAS = 0, 1
DUTY = Duty(
    "E01-S1", "E01", ("LT-1", "LT-2", "AT-1", "XV-1"), (0, 0, 1, 1), ("V-1", "A-1"),
    (Item(0, "level", np.array([0, 1])), Item(1, "gas", np.array([2]))),
)  # fmt: skip
LACKING = Duty(
    "E01-S1", "E01", ("LT-1",), (0,), ("V-1", "A-1"), (Item(0, "level", np.array([0])), Item(1, "gas", np.array([], int)))
)


def fate(*facts: int, duty: Duty = DUTY) -> tuple[str, int]:
    found = judge(np.array(facts, np.uint8)[:, None], duty)
    return Slot(int(found.slots[0])).name, int(found.failing[0])


@pytest.mark.parametrize(
    ("facts", "slot", "failing"),
    [
        ((65, 0, 65, 0), "PROMPT", 0),
        ((0, 65, 65, 0), "PROMPT", 0),  # one of the group is enough
        ((64, 0, 65, 0), "LATE", 0),
        ((65, 64, 64, 0), "LATE", 0),
        ((65, 0, 30, 0), "LOST_VALID", 2),
        ((29, 0, 65, 0), "LOST_COMPLETE", 1),  # too late is not there in time, whatever its value
        ((29, 28, 65, 0), "LOST_COMPLETE", 1),
        ((9, 0, 65, 0), "LOST_COMPLETE", 1),
        ((0, 0, 65, 0), "LOST_COMPLETE", 1),  # the source was heard
        ((0, 0, 0, 20), "LOST_COMPLETE", 3),
        ((0, 0, 0, 9), "LOST_ONLINE", 3),  # a hole is no sample
        ((0, 0, 0, 0), "LOST_ONLINE", 3),
        ((2, 0, 26, 0), "LOST_ONLINE", 3),  # the first factor that failed
        ((9, 0, 26, 0), "LOST_COMPLETE", 3),
        ((5, 1, 65, 0), "LOST_VALID", 1),  # the item's best fact
    ],
)
def test_a_slot(facts: tuple[int, ...], slot: str, failing: int) -> None:
    assert fate(*facts) == (slot, failing)


@pytest.mark.parametrize("fact", range(1, 64))
def test_each_fact_has_its_factor(fact: int) -> None:
    wanted = "LOST_ONLINE" if fact in (1, 2, 6, 7) else "LOST_COMPLETE" if fact in (3, 4, 8, 9, 29) else "LOST_VALID"
    assert fate(fact, 0, 65, 0) == (wanted, 1)


def test_what_no_point_can_satisfy_is_lost_to_connection_and_fails_with_what_else_fails() -> None:
    assert fate(65, duty=LACKING) == ("LOST_CONNECT", 2)
    assert fate(0, duty=LACKING) == ("LOST_CONNECT", 3)
    assert [item.group for item in LACKING.lacking] == ["gas"]
    assert not DUTY.lacking
    assert nothing_known(DUTY) == (Slot.LOST_ONLINE, 3)
    assert nothing_known(LACKING) == (Slot.LOST_CONNECT, 3)


def test_a_veto_takes_the_good_alone() -> None:
    facts = np.array([[65, 64, 63, 29, 0]], np.uint8)
    assert flagged(facts, np.ones((1, 5), bool)).tolist() == [[30, 30, 63, 29, 0]]
    assert flagged(facts, np.zeros((1, 5), bool)).tolist() == facts.tolist()
    whole = np.array([[65, 65], [0, 65], [65, 65], [0, 0]], np.uint8)
    mask = np.zeros(whole.shape, bool)
    mask[0] = True
    found = judge(whole, DUTY, mask)
    assert found.slots.tolist() == [Slot.LOST_VALID, Slot.PROMPT]  # its twin holds the group
    assert found.failing.tolist() == [1, 0]


def test_tallies_of_stretches_add_up_and_a_park_is_sum_over_sum() -> None:
    slots = np.array([1, 2, 3, 4, 5, 6, 6, 1], np.uint8)
    spared = np.array([0, 0, 1, 0, 1, 0, 0, 0], bool)
    one, two, none = tallies(slots, spared, [0, 3, 8, 8])
    assert one == Tally(3, 2, 1, 1, (1, 0, 0, 0))
    assert two == Tally(5, 1, 1, 1, (0, 1, 1, 2))
    assert none == Tally()
    whole = total([one, two, none])
    assert whole == Tally(8, 3, 2, 2, (1, 1, 1, 2)) == tallies(slots, spared, [0, 8])[0]
    assert (whole.raw, whole.net, whole.real_time) == ((3, 8), (3, 6), (2, 8))
    assert whole.factors == {"connect": (7, 8), "online": (6, 7), "complete": (5, 6), "valid": (3, 5)}
    assert prod(Fraction(*pair) for pair in whole.factors.values()) == Fraction(*whole.raw)


def test_a_point_owes_each_slot_one_account() -> None:
    facts = np.array([65, 64, 20, 30, 29, 9, 1, 0, 0, 0, 0, 20, 65], np.uint8)
    exempt = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1], bool)
    down = np.array([0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1], bool)
    box = np.array([65, 65, 65, 65, 65, 65, 9, 9, 0, 9, 0, 9, 9], np.uint8)
    found = point_tally(facts, exempt, down, box)
    missed = {9: 1, 1: 1, Inferred.PARK_DOWN: 1, Inferred.BOX_SILENT: 1, Inferred.UNEXPLAINED: 1}
    assert found == PointTally(owed=13, good=3, prompt=2, bad=3, exempt=2, missed=missed)
    assert found.owed == found.good + found.bad + found.exempt + sum(found.missed.values())


def test_runs() -> None:
    assert runs(np.array([], np.int64)) == []
    assert runs(np.array([0, 0, 3, 0])) == [(0, 2, 0), (2, 3, 3), (3, 4, 0)]
    assert runs(np.array([-1])) == [(0, 1, -1)]
