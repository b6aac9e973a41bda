"""Local days, ISO weeks and calendar months, as slots: the park's time zone decides when each begins."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from hazmon.clock import US, as_datetime, as_us
from hazmon.coverage.facts import SLOT_US


class Step(StrEnum):
    """How a range is cut."""

    ALL = "all"
    DAY = "day"
    WEEK = "week"  # ISO 8601: from Monday
    MONTH = "month"


def slots_of(begin: int, end: int) -> tuple[int, int]:
    """The slots that lie wholly in [begin, end) microseconds."""
    return -(-begin // SLOT_US), end // SLOT_US


def counting_end(now: int, prompt_s: int) -> int:
    """The first slot that does not count yet: `prompt_s` must have passed since a slot's end, for what is on its way."""
    return (now - prompt_s * US) // SLOT_US


def edges(first: int, end: int, step: Step, zone: ZoneInfo) -> list[int]:
    """[first, ..., end]: the range of slots, cut where a local day, week or month begins; [] of an empty range."""
    if first >= end:
        return []
    found = [first]
    if step is not Step.ALL:
        day = begin_of(local_day(first, zone), step)
        while (at := midnight(day, zone)) < end:
            if at > found[-1]:
                found.append(at)
            day = following(day, step)
    return [*found, end]


def months(first: int, end: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """[begin, end) of every calendar month that has a slot of the range, each of them whole."""
    found: list[tuple[int, int]] = []
    day = begin_of(local_day(first, zone), Step.MONTH)
    while (begin := midnight(day, zone)) < end:
        day = following(day, Step.MONTH)
        found.append((begin, midnight(day, zone)))
    return found


def local_day(slot: int, zone: ZoneInfo) -> date:
    """The local date in which a slot begins."""
    return as_datetime(slot * SLOT_US).astimezone(zone).date()


def midnight(day: date, zone: ZoneInfo) -> int:
    """The slot with which a local date begins; where a clock change leaves midnight out, the slot after the change."""
    return as_us(datetime(day.year, day.month, day.day, tzinfo=zone)) // SLOT_US


def begin_of(day: date, step: Step) -> date:
    """The first date of the day, week or month that `day` is in."""
    match step:
        case Step.WEEK:
            return day - timedelta(days=day.weekday())
        case Step.MONTH:
            return day.replace(day=1)
        case _:
            return day


def following(day: date, step: Step) -> date:
    """The first date of the next day, week or month; `day` is the first of its own."""
    match step:
        case Step.WEEK:
            return day + timedelta(days=7)
        case Step.MONTH:
            return (day + timedelta(days=32)).replace(day=1)
        case _:
            return day + timedelta(days=1)
