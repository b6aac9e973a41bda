"""What nobody recorded, what was never owed, and how far exemptions reach: small cases counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np

from hazmon.clock import US, as_us
from hazmon.coverage.account import Tally, tallies
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.layout import Duty, Item, Scheme
from hazmon.coverage.settled import Judgement, Settled, settle
from hazmon.coverage.slots import Slot
from hazmon.coverage.targets import on_line, targets
from hazmon.model import CoverageRules

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE = 60 * US
MARCH = as_us(datetime(2026, 3, 1, tzinfo=ZONE)) // MINUTE
RULES = CoverageRules({}, {}, cap=Fraction(1, 100))  # of March's 44,640 slots: 446
DAY = 1440


def duty(units: int = 2, equipped: bool = True) -> Duty:
    """A source with a point and an item for each unit."""
    items = tuple(Item(unit, "level", np.array([unit] if equipped else [], np.int64)) for unit in range(units))
    tags, names = tuple(f"LT-{unit}" for unit in range(units)), tuple(f"V-{unit}" for unit in range(units))
    return Duty("E01-S1", "E01", tags, tuple(range(units)), names, items)


def scheme(since: int, *duties: Duty) -> Scheme:
    return Scheme(since, {each.source: each for each in duties}, f"digest {since}")


def exempt(first: int, end: int, unit: str | None = None, **more: int | None) -> Exemption:
    """Approved, and filed a minute before."""
    begins = first * MINUTE
    made = Exemption(1, "E01", "E01-S1", unit, "检修", "", begins, end * MINUTE, begins - MINUTE, "eng1", begins - MINUTE)
    return replace(made, **more)


def lost(first: int, count: int, units: int = 0b01) -> Judgement:
    """Slots all lost by the units of the mask."""
    return Judgement("E01-S1", "E01", first, np.full(count, Slot.LOST_VALID, np.uint8), np.full(count, units, np.uint32))


def spared(settled: Settled) -> list[int]:
    assert settled.excused is not None
    return (np.flatnonzero(settled.excused) + settled.first).tolist()


def test_what_nobody_recorded_is_lost_by_the_scheme_in_force() -> None:
    judgement = Judgement("E01-S1", "E01", 100, np.array([0, 0, 1, 0, 0, 0], np.uint8))
    schemes = [scheme(101, duty()), scheme(104, duty(equipped=False)), scheme(105)]
    settled = settle(judgement, schemes, [], RULES, ZONE)
    assert settled.slots.tolist() == [0, Slot.LOST_ONLINE, Slot.PROMPT, Slot.LOST_ONLINE, Slot.LOST_CONNECT, 0]
    assert tallies(settled.slots, None, [0, 6]) == [Tally(4, 1, 1, 0, (1, 2, 0, 0))]


def test_what_is_recorded_stays_as_the_record_has_it() -> None:
    slots = np.array([0, Slot.LATE], np.uint8)
    settle(Judgement("E01-S1", "E01", 100, slots), [scheme(0, duty())], [], RULES, ZONE)
    assert slots.tolist() == [0, Slot.LATE]


def test_an_exemption_of_one_unit_excuses_what_no_other_unit_lost() -> None:
    judgement = replace(lost(MARCH, 4), failing=np.array([0b01, 0b11, 0b10, 0b01], np.uint32))
    settled = settle(judgement, [scheme(0, duty())], [exempt(MARCH, MARCH + 3, "V-0")], RULES, ZONE)
    assert spared(settled) == [MARCH]


def test_two_units_exempt_excuse_what_both_lost() -> None:
    filed = [exempt(MARCH, MARCH + 5, "V-0"), exempt(MARCH + 3, MARCH + 8, "V-1")]
    settled = settle(lost(MARCH, 10, 0b11), [scheme(0, duty())], filed, RULES, ZONE)
    assert spared(settled) == [MARCH + 3, MARCH + 4]


def test_a_source_that_is_exempt_is_excused_of_what_nobody_recorded() -> None:
    judgement = Judgement("E01-S1", "E01", MARCH, np.zeros(10, np.uint8), np.zeros(10, np.uint32))
    settled = settle(judgement, [scheme(0, duty())], [exempt(MARCH + 2, MARCH + 4)], RULES, ZONE)
    assert spared(settled) == [MARCH + 2, MARCH + 3]
    assert tallies(settled.slots, settled.excused, [0, 10])[0] == Tally(10, 0, 0, 2, (0, 10, 0, 0))


def test_the_cap_is_used_up_in_the_order_of_time_by_what_lies_before_the_range_too() -> None:
    whole = settle(lost(MARCH, DAY), [scheme(0, duty())], [exempt(MARCH, MARCH + DAY)], RULES, ZONE)
    assert spared(whole) == list(range(MARCH, MARCH + 446))
    asked = whole.part(MARCH + 440, MARCH + 460)
    assert spared(asked) == list(range(MARCH + 440, MARCH + 446))
    assert asked.exempt is not None
    assert np.count_nonzero(asked.exempt) == 6  # what is beyond the cap is exempt no more, for a group and a point neither


def test_every_month_has_a_cap_of_its_own() -> None:
    february = MARCH - 28 * DAY
    count = 40 * DAY
    filed = [exempt(MARCH - 2000, MARCH + 2000)]
    settled = settle(lost(february, count), [scheme(0, duty())], filed, RULES, ZONE)
    of_february = 28 * DAY // 100
    expected = [*range(MARCH - 2000, MARCH - 2000 + of_february), *range(MARCH, MARCH + 446)]
    assert spared(settled) == expected


def test_two_exemptions_far_apart_share_one_cap() -> None:
    filed = [exempt(MARCH, MARCH + 400, "V-0"), exempt(MARCH + 5000, MARCH + 5400, "V-0")]
    settled = settle(lost(MARCH, 6000), [scheme(0, duty())], filed, RULES, ZONE)
    assert spared(settled) == [*range(MARCH, MARCH + 400), *range(MARCH + 5000, MARCH + 5046)]


def test_what_was_covered_uses_up_no_cap() -> None:
    judgement = lost(MARCH, 1000)
    judgement.slots[:500] = Slot.PROMPT
    settled = settle(judgement, [scheme(0, duty())], [exempt(MARCH, MARCH + 1000)], RULES, ZONE)
    assert spared(settled) == list(range(MARCH + 500, MARCH + 946))


def test_another_sources_exemption_excuses_nothing() -> None:
    other = replace(exempt(MARCH, MARCH + 9), source="E01-S2")
    assert settle(lost(MARCH, 9), [scheme(0, duty())], [other], RULES, ZONE).excused is None


def test_an_old_exemption_names_its_unit_alone() -> None:
    old = replace(exempt(MARCH, MARCH + 3, "V-0"), source="")
    assert spared(settle(lost(MARCH, 9), [scheme(0, duty())], [old], RULES, ZONE)) == [MARCH, MARCH + 1, MARCH + 2]
    elsewhere = replace(old, unit="V-7")
    assert settle(lost(MARCH, 9), [scheme(0, duty())], [elsewhere], RULES, ZONE).excused is None


def test_tallies_of_stretches_with_and_without_changes() -> None:
    slots = np.array([1, 1, 2, 6, 6, 6, 0, 3, 4, 5], np.uint8)
    excused = np.array([0, 0, 0, 0, 1, 1, 0, 0, 1, 0], bool)
    assert tallies(slots, excused, [0, 2, 5, 7, 10]) == [
        Tally(2, 2, 2, 0, (0, 0, 0, 0)),
        Tally(3, 1, 0, 1, (0, 0, 0, 2)),
        Tally(1, 0, 0, 1, (0, 0, 0, 1)),
        Tally(3, 0, 0, 1, (1, 1, 1, 0)),
    ]
    assert tallies(slots, None, [3, 4]) == [Tally(1, 0, 0, 0, (0, 0, 0, 1))]
    assert tallies(slots, None, []) == []


def test_the_two_rates_are_exact() -> None:
    least = Fraction(95, 100)
    assert on_line(Tally(100, 95, 0, 0, (0, 5, 0, 0)), least)
    assert not on_line(Tally(1000, 949, 0, 0, (0, 51, 0, 0)), least)
    assert on_line(Tally(1000, 900, 0, 60, (0, 100, 0, 0)), least)  # 900 of 940
    assert not on_line(Tally(), least)
    known = scheme(0, duty(), replace(duty(equipped=False), source="E01-S2"))
    figures = [("E01-S1", Tally(10, 10, 10)), ("E01-S2", Tally(10, 0, 0, 0, (10, 0, 0, 0))), ("E01-S3", Tally())]
    found = targets(figures, known, least, {})
    assert (found.sources, found.online, found.equipped) == (2, 1, 1)
    assert [(each.source, each.unit, each.group) for each in found.lacking] == [
        ("E01-S2", "V-0", "level"),
        ("E01-S2", "V-1", "level"),
    ]
