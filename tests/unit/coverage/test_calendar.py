"""Days, weeks and months by the park's time zone, as slots."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from hazmon.clock import US, as_datetime, as_us
from hazmon.coverage.calendar import Step, counting_end, edges, local_day, midnight, months, slots_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
SLOT_US = 60 * US


def slot(text: str, zone: ZoneInfo) -> int:
    return as_us(datetime.fromisoformat(text).replace(tzinfo=zone)) // SLOT_US


def told(found: list[int], zone: ZoneInfo) -> list[str]:
    return [f"{as_datetime(each * SLOT_US).astimezone(zone):%m-%d %H:%M}" for each in found]


def test_a_range_is_cut_at_local_midnight_and_keeps_its_own_ends() -> None:
    first, end = slot("2026-03-01T22:30", SHANGHAI), slot("2026-03-03T01:00", SHANGHAI)
    assert told(edges(first, end, Step.DAY, SHANGHAI), SHANGHAI) == ["03-01 22:30", "03-02 00:00", "03-03 00:00", "03-03 01:00"]


def test_a_range_that_begins_at_midnight_has_no_empty_day() -> None:
    first, end = slot("2026-03-01T00:00", SHANGHAI), slot("2026-03-03T00:00", SHANGHAI)
    assert told(edges(first, end, Step.DAY, SHANGHAI), SHANGHAI) == ["03-01 00:00", "03-02 00:00", "03-03 00:00"]
    assert edges(first, end, Step.ALL, SHANGHAI) == [first, end]
    assert edges(end, end, Step.DAY, SHANGHAI) == []


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_is_as_long_as_its_clock_change_makes_it(day: str, hours: int) -> None:
    first = slot(f"{day}T00:00", BERLIN)
    begin, end = edges(first, first + 40 * 60, Step.DAY, BERLIN)[:2]
    assert end - begin == hours * 60


def test_a_day_whose_midnight_a_clock_change_leaves_out_begins_with_the_change() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")
    begin, end = midnight(date(2018, 11, 4), sao_paulo), midnight(date(2018, 11, 5), sao_paulo)
    assert told([begin - 1, begin], sao_paulo) == ["11-03 23:59", "11-04 01:00"]
    assert end - begin == 23 * 60


def test_a_date_that_never_was_gives_no_empty_stretch() -> None:
    apia = ZoneInfo("Pacific/Apia")  # went from 29 to 31 December 2011
    found = edges(midnight(date(2011, 12, 29), apia), midnight(date(2012, 1, 1), apia), Step.DAY, apia)
    assert [b - a for a, b in pairwise(found)] == [24 * 60, 24 * 60]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    first, end = slot("2026-02-25T00:00", SHANGHAI), slot("2026-03-11T00:00", SHANGHAI)  # from a Wednesday
    assert told(edges(first, end, Step.WEEK, SHANGHAI), SHANGHAI) == ["02-25 00:00", "03-02 00:00", "03-09 00:00", "03-11 00:00"]
    assert told(edges(first, end, Step.MONTH, SHANGHAI), SHANGHAI) == ["02-25 00:00", "03-01 00:00", "03-11 00:00"]


def test_the_week_of_the_new_year_is_one_week() -> None:
    first, end = slot("2026-12-28T00:00", SHANGHAI), slot("2027-01-04T00:00", SHANGHAI)
    assert edges(first, end, Step.WEEK, SHANGHAI) == [first, end]


def test_months_are_whole_however_little_of_them_is_asked_for() -> None:
    at = slot("2026-02-28T23:59", SHANGHAI)
    spans = months(at, at + 2, SHANGHAI)
    assert [(b - a) // 1440 for a, b in spans] == [28, 31]
    march = months(slot("2026-03-15T00:00", BERLIN), slot("2026-03-16T00:00", BERLIN), BERLIN)
    assert [b - a for a, b in march] == [31 * 1440 - 60]


def test_a_slot_belongs_to_the_day_in_which_it_begins() -> None:
    at = slot("2026-03-01T00:00", SHANGHAI)
    assert local_day(at, SHANGHAI) == date(2026, 3, 1)
    assert local_day(at - 1, SHANGHAI) == date(2026, 2, 28)


def test_only_whole_slots_that_are_over_for_long_enough_count() -> None:
    assert slots_of(61 * US, 181 * US) == (2, 3)
    assert counting_end(1000 * SLOT_US, 60) == 999  # slot 998 ended at 999 minutes, 60 s ago
    assert counting_end(1000 * SLOT_US - 1, 60) == 998
