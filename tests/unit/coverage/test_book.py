"""The book of coverage: configurations that change, tags that come and go, vetoes that open, close and are found late."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from unit.coverage import world
from unit.coverage.ledgered import Kept
from unit.coverage.naive import SECOND, SLOT

from hazmon.coverage.book import KEPT_HOURS, CoverageBook, Ranges, Veto, in_force
from hazmon.coverage.layout import Scheme
from hazmon.coverage.slots import Slot
from hazmon.delivery import Delivery
from hazmon.rules.frame import ScanBlock

HOUR = 492_312
NOON = HOUR * 60 * SLOT  # the beginning of that hour
L, G = Slot.LOST_ONLINE, Slot.PROMPT


def sent(layout: int, minutes: Sequence[float], edge: str = "E01", only: str | None = None) -> Delivery:
    """Good scans so many minutes after NOON, each at once; `only` of one tag."""
    of = world.group(world.park(layout), edge, 60 * SECOND, 1)
    times = NOON + np.array([round(minute * SLOT) for minute in minutes], np.int64)
    quality = np.zeros((len(minutes), len(of.tags)), np.uint8)
    quality[:, [tag != only if only else index < 0 for tag, index in zip(of.tags, of.points, strict=True)]] = 128
    block = ScanBlock(1, times, np.where(quality == 0, 10.0, np.nan), quality, None, of.points)
    return Delivery(edge, 1, 1, bytes(8), bytes(8), int(times[0]), int(times[-1]), {1: of}, [block])


@pytest.fixture
def kept() -> Kept:
    found = Kept(world.rules())
    found.follow(world.park(0), NOON)
    return found


def slots(kept: Kept, source: str = world.S2, first: int = 0, end: int = 10) -> list[int]:
    return kept.slots(source, NOON // SLOT + first, NOON // SLOT + end).slots.tolist()


def since(*slots_of: int) -> list[Scheme]:
    return [Scheme(slot, {}, str(slot)) for slot in slots_of]


@pytest.mark.parametrize(
    ("schemes", "first", "end", "wanted"),
    [
        ([], 0, 10, []),
        ([5], 0, 10, [(5, 5, 10)]),
        ([5], 0, 5, []),
        ([5], 7, 10, [(5, 7, 10)]),
        ([5, 8], 0, 10, [(5, 5, 8), (8, 8, 10)]),
        ([5, 8], 8, 10, [(8, 8, 10)]),
        ([5, 8], 0, 8, [(5, 5, 8)]),
        ([5, 8, 8, 9], 0, 10, [(5, 5, 8), (8, 8, 9), (9, 9, 10)]),
    ],
)
def test_schemes_in_force(schemes: list[int], first: int, end: int, wanted: list[tuple[int, int, int]]) -> None:
    assert [(scheme.since, begin, stop) for scheme, begin, stop in in_force(since(*schemes), first, end)] == wanted


def test_a_scheme_begins_with_the_next_slot_the_first_with_its_own_and_none_before_another() -> None:
    book = CoverageBook(world.rules(), Ranges(np.zeros(0), np.zeros(0)), [])
    found = [book.follow(world.park(layout), world.rules(), NOON + at) for layout, at in
             [(0, 59 * SECOND), (0, SLOT), (1, SLOT), (2, 5 * SLOT - 1), (0, 2 * SLOT)]]  # fmt: skip
    assert [None if scheme is None else scheme.since - NOON // SLOT for scheme in found] == [0, None, 2, 5, 5]


def test_a_configuration_that_comes_in_the_middle_of_an_hour_judges_what_is_judged_already_from_there_on(kept: Kept) -> None:
    kept.keep([sent(0, [0, 1]), sent(0, [2])], [])
    assert slots(kept) == [G, G, G, L, L, L, L, L, L, L]
    assert slots(kept, world.S1)[:4] == [G, G, G, L]
    kept.follow(world.park(1), NOON + 4 * SLOT + 1)  # V-1 has no gas detector any more; nothing is sent after that
    assert slots(kept, world.S1) == [G, G, G, L, L, *[Slot.LOST_CONNECT] * 5]
    assert slots(kept) == [G, G, G, L, L, L, L, L, L, L]
    kept.follow(world.park(3), NOON + 6 * SLOT)  # S2 is gone
    assert slots(kept) == [G, G, G, L, L, L, L, 0, 0, 0]


def test_a_tag_that_goes_and_comes_again_keeps_its_facts(kept: Kept) -> None:
    kept.keep([sent(0, [0, 1])], [])
    kept.follow(world.park(1), NOON + 2 * SLOT)
    kept.keep([sent(1, [3, 4])], [])
    kept.restart()
    kept.follow(world.park(0), NOON + 5 * SLOT)
    kept.keep([sent(0, [6])], [])
    first = NOON // SLOT
    assert kept.row(world.S1, "AT-1", first, first + 8).tolist() == [65, 65, 0, 0, 0, 0, 65, 0]
    connect = Slot.LOST_CONNECT
    assert slots(kept, world.S1, 0, 8) == [G, G, L, connect, connect, connect, G, L]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_tag_that_moves_to_another_source_counts_there(kept: Kept, restarted: bool) -> None:
    kept.keep([sent(0, [0])], [])
    kept.follow(world.park(2), NOON + SLOT)  # LT-2, of S1 before, is now of S2
    if restarted:
        kept.restart()
    kept.keep([sent(2, [3], only="LT-2")], [])
    assert slots(kept, end=5) == [G, L, L, G, L]
    assert kept.row(world.S2, "LT-2", NOON // SLOT, NOON // SLOT + 5).tolist() == [65, 0, 0, 65, 0]
    kept.keep([], [Veto("a", world.LT2, "frozen", NOON + 3 * SLOT, None)])
    assert slots(kept, end=5) == [G, L, L, Slot.LOST_VALID, L]


def test_pages_of_a_box_that_is_no_longer_configured_are_read(kept: Kept) -> None:
    kept.keep([sent(0, [0])], [])
    kept.pages["E09", HOUR] = ("",), np.full((1, 60), 65, np.uint8)
    kept.restart()
    kept.keep([sent(0, [1])], [])
    assert kept.row("E01", "", NOON // SLOT, NOON // SLOT + 3).tolist() == [65, 65, 0]


def test_a_box_is_heard_by_whatever_it_sends(kept: Kept) -> None:
    kept.keep([sent(0, [0], only="XX-0")], [])
    assert kept.row("E01", "", NOON // SLOT, NOON // SLOT + 2).tolist() == [65, 0]


@pytest.mark.parametrize(
    ("begin", "end", "vetoed"),
    [
        (2, 5, {2, 3, 4}),
        (2 + 1 / SLOT, 5 - 1 / SLOT, {3}),
        (2, 2, set[int]()),
        (2 + 1 / SLOT, 4 - 1 / SLOT, set[int]()),
        (2, 3, {2}),
        (-500, 3, {0, 1, 2}),
        (7, None, {7, 8, 9}),
        (70, None, set[int]()),
    ],
)
def test_a_veto_takes_the_slots_that_lie_wholly_in_it(kept: Kept, begin: float, end: float | None, vetoed: set[int]) -> None:
    kept.keep([sent(0, [minute]) for minute in range(10)], [])
    veto = Veto("a", world.LT9, "frozen", NOON + round(begin * SLOT), None if end is None else NOON + round(end * SLOT))
    kept.keep([], [veto])
    assert slots(kept) == [Slot.LOST_VALID if minute in vetoed else G for minute in range(10)]
    assert slots(kept, world.S1) == [G] * 10


@pytest.mark.parametrize("restarted", [False, True])
def test_a_veto_that_closes_sets_free_what_lies_after_it_hours_later_too(kept: Kept, restarted: bool) -> None:
    minutes = [5.0, 65.0, 125.0, 185.0]
    kept.keep([sent(0, [minute]) for minute in minutes], [])

    def covered() -> list[int]:
        return [slots(kept, first=int(minute), end=int(minute) + 1)[0] for minute in minutes]

    bad = Slot.LOST_VALID
    assert covered() == [G, G, G, G]
    for veto, wanted in (
        (Veto("a", world.LT9, "frozen", NOON, None), [bad, bad, bad, bad]),
        (Veto("a", world.LT9, "frozen", NOON, NOON + 70 * SLOT), [bad, bad, G, G]),
        (Veto("a", world.LT9, "frozen", NOON, NOON + 130 * SLOT), [bad, bad, bad, G]),  # it went on longer, as is found late
        (Veto("b", world.LT9, "replay", NOON + 185 * SLOT, NOON + 186 * SLOT), [bad, bad, bad, bad]),
        (Veto("a", world.LT9, "frozen", NOON, NOON + 10 * SLOT), [bad, G, G, bad]),
        (Veto("a", world.LT9, "frozen", NOON + 60 * SLOT, NOON + 70 * SLOT), [G, bad, G, bad]),
    ):
        if restarted:
            kept.restart()
        kept.keep([], [veto])
        assert covered() == wanted


def test_a_veto_is_there_for_readings_that_come_after_it(kept: Kept) -> None:
    kept.keep([], [Veto("a", world.LT9, "frozen", NOON + SLOT, NOON + 62 * SLOT)])
    kept.restart()
    kept.keep([sent(0, [0]), sent(0, [1]), sent(0, [61]), sent(0, [62])], [])
    assert slots(kept, end=2) + slots(kept, first=61, end=63) == [G, Slot.LOST_VALID, Slot.LOST_VALID, G]


def test_only_what_changed_is_told() -> None:
    book = CoverageBook(world.rules(), Ranges(np.zeros(0), np.zeros(0)), [])
    book.follow(world.park(0), world.rules(), NOON)
    cells = book.cells([sent(0, [59, 60])], 0)
    assert book.missing(cells) == [HOUR, HOUR + 1]
    for hour in book.missing(cells):
        book.open_hour(hour)
    assert book.missing(cells) == []
    assert book.merge(cells) == {(name, hour) for name in ("E01", world.S1, world.S2) for hour in (HOUR, HOUR + 1)}
    assert book.merge(cells) == set()
    assert book.judged((world.S1, HOUR)) is not None
    assert book.judged((world.S1, HOUR)) is None
    assert book.merge(book.cells([sent(0, [58], only="LT-9")], 0)) >= {(world.S2, HOUR)}
    assert book.cells([sent(0, [59, 60])], NOON // SLOT + 61) == []


def test_an_hour_of_which_nothing_is_known_is_not_judged_before_it_is_asked_for(kept: Kept) -> None:
    kept.keep([], [Veto("a", world.LT9, "frozen", NOON, NOON + 3 * SLOT), Veto("b", world.AT1, "frozen", NOON, NOON + SLOT)])
    assert kept.judged == {}
    kept.follow(world.park(1), NOON + 4 * SLOT)
    assert slots(kept, world.S1) == [L] * 5 + [Slot.LOST_CONNECT] * 5


def test_old_pages_are_let_go_of_and_the_newest_kept() -> None:
    book = CoverageBook(world.rules(), Ranges(np.zeros(0), np.zeros(0)), [])
    book.follow(world.park(0), world.rules(), NOON)
    for hour in range(HOUR, HOUR + KEPT_HOURS + 2):
        book.open_hour(hour)
        book.put(hour, world.S2, ["LT-9"], np.full((1, 60), 65, np.uint8))
        assert book.judged((world.S2, hour)) is not None
    book.thin()
    assert sorted(book.hours) == list(range(HOUR + 2, HOUR + KEPT_HOURS + 2))
    assert book.judged((world.S2, HOUR + 2)) is None
    book.open_hour(HOUR)
    book.put(HOUR, world.S2, ["LT-9"], np.full((1, 60), 65, np.uint8))
    assert book.judged((world.S2, HOUR)) is not None
