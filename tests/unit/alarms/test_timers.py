"""What only time does: each step once, dated to when it was due, however often or seldom the clock is looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazmon.alarms.alarm import Alarm, AlarmEvent, Shelf, Statement, Subject, Verified
from hazmon.alarms.book import AlarmBook, Turn
from hazmon.alarms.states import Stimulus, Verdict
from hazmon.alarms.timers import FOREVER, STEPS, due, tick
from hazmon.clock import MINUTE_US
from hazmon.rulebook import Escalation, Rule

TANK = Subject("E01", "LT-1", "E01-S1", "液位", "m")
ESCALATION = Escalation()
START = 1000 * MINUTE_US


def raised(book: AlarmBook, rule: Rule = Rule.HH, priority: int = 2, subject: Subject = TANK) -> Alarm:
    event = book.turn_on(Turn(subject, rule, START, 12.5, 12.0, priority))
    assert event is not None
    return event.alarm


def acknowledged(book: AlarmBook, alarm: Alarm, at: int) -> Alarm:
    return book.move(replace(alarm, acknowledged_at=at, acknowledged_by="op1"), Stimulus.ACKNOWLEDGE, at, by="op1").alarm


def passed(book: AlarmBook, minutes: float, realarm: float | None = None) -> list[AlarmEvent]:
    return tick(book, START + round(minutes * MINUTE_US), ESCALATION, lambda _: realarm)


def told(events: list[AlarmEvent]) -> list[tuple[float, str]]:
    return [((event.at - START) / MINUTE_US, event.reason) for event in events]


URGENT = [
    (5.0, f"5 min unacknowledged: {STEPS[0]}"),
    (15.0, f"15 min unacknowledged: {STEPS[1]}"),
    (30.0, f"30 min unacknowledged: {STEPS[2]}"),
    (30.0, "30 min unverified"),
]


def test_an_urgent_alarm_goes_up_three_steps_and_is_missed_to_be_verified() -> None:
    book = AlarmBook()
    raised(book)
    assert told(passed(book, 1000)) == URGENT
    assert passed(book, 2000) == []


@given(st.lists(st.floats(0, 60), max_size=30))
def test_it_does_not_matter_when_the_clock_is_looked_at(looks: list[float]) -> None:
    book = AlarmBook()
    raised(book)
    events = [event for minute in [*sorted(looks), 60] for event in passed(book, minute)]
    assert told(events) == URGENT


@pytest.mark.parametrize(("rule", "priority", "urgent"), [(Rule.LL, 2, True), (Rule.H, 3, False), (Rule.VOTE, 1, True)])
def test_urgent_is_hh_ll_and_the_first_priority(rule: Rule, priority: int, urgent: bool) -> None:
    book = AlarmBook()
    raised(book, rule, priority)
    assert told(passed(book, 60)) == (URGENT if urgent else [(15.0, f"15 min unacknowledged: {STEPS[0]}")])


def test_an_alarm_that_gets_worse_is_waited_for_anew() -> None:
    book = AlarmBook()
    raised(book, Rule.H, 3)
    assert passed(book, 14) == []
    book.turn_on(Turn(TANK, Rule.HH, START + 14 * MINUTE_US, 12.5, 12.0, 2))
    assert [minute for minute, _ in told(passed(book, 29.5))] == [19.0, 29.0]


def test_acknowledging_stops_the_escalation_and_verifying_the_other_clock() -> None:
    book = AlarmBook()
    alarm = acknowledged(book, raised(book), START + MINUTE_US)
    assert told(passed(book, 60)) == [(30.0, "30 min unverified")]
    book = AlarmBook()
    alarm = acknowledged(book, raised(book), START + MINUTE_US)
    verified = Verified(START + MINUTE_US, "ent1", Verdict.REAL, "")
    book.move(replace(alarm, verified=verified), Stimulus.VERIFY, START + MINUTE_US, by="ent1")
    assert passed(book, 60) == []


def test_what_was_found_of_h_is_not_found_of_hh_and_its_clock_begins_with_hh() -> None:
    book = AlarmBook()
    raised(book, Rule.H, 3)
    alarm = acknowledged(book, next(iter(book.open.values())), START + MINUTE_US)
    verified = Verified(START + 2 * MINUTE_US, "ent1", Verdict.REAL, "")
    book.move(replace(alarm, verified=verified), Stimulus.VERIFY, START + 2 * MINUTE_US, by="ent1")
    event = book.turn_on(Turn(TANK, Rule.HH, START + 120 * MINUTE_US, 12.5, 12.0, 2))
    assert event is not None
    acknowledged(book, event.alarm, START + 121 * MINUTE_US)
    assert told(passed(book, 149)) == []
    assert told(passed(book, 1000)) == [(150.0, "30 min unverified")]


def test_hh_that_comes_again_in_the_same_record_is_to_be_verified_again() -> None:
    book = AlarmBook()
    raised(book)
    assert len(passed(book, 40)) == len(URGENT)
    book.turn_off(Turn(TANK, Rule.HH, START + 50 * MINUTE_US, 9.0, 12.0, 2))
    book.turn_on(Turn(TANK, Rule.HH, START + 60 * MINUTE_US, 12.5, 12.0, 2))
    assert told(passed(book, 1000)) == [(minute + 60, reason) for minute, reason in URGENT]


def test_nobody_is_waited_for_over_what_cannot_be_heard() -> None:
    book = AlarmBook()
    alarm = raised(book)
    away = replace(alarm, out_of_service=Statement(START, "lead1", ""))
    assert due(away, ESCALATION, 1.0) is None
    assert due(replace(alarm, by_design="检修"), ESCALATION, 1.0) is None
    assert due(replace(alarm, late=True), ESCALATION, 1.0) is None


def test_a_shelf_ends_at_its_time_even_when_it_is_noticed_late_and_the_waiting_begins_there() -> None:
    book = AlarmBook()
    alarm = raised(book, Rule.H, 3)
    shelf = Shelf(START + 20 * MINUTE_US, "op1", "")
    book.move(replace(alarm, shelf=shelf), Stimulus.SHELVE, START, by="op1")
    events = passed(book, 50)
    assert told(events) == [(20.0, "the shelf's time is over"), (35.0, f"15 min unacknowledged: {STEPS[0]}")]
    assert [event.rings for event in events] == [True, False]
    assert events[0].alarm.shelf is None


def test_a_shelf_ends_also_under_another_suppression_and_is_not_heard() -> None:
    book = AlarmBook()
    alarm = raised(book)
    both = replace(alarm, shelf=Shelf(START + MINUTE_US, "op1", ""), by_design="检修")
    book.move(both, Stimulus.SUPPRESS, START)
    assert [(event.stimulus, event.rings) for event in passed(book, 60)] == [(Stimulus.EXPIRE, False)]


def test_an_acknowledged_alarm_rings_again_after_its_time_and_only_then() -> None:
    book = AlarmBook()
    acknowledged(book, raised(book, Rule.H, 3), START + 2 * MINUTE_US)
    assert passed(book, 31.9, 30) == []
    (event,) = passed(book, 32, 30)
    assert (event.stimulus, event.at, event.rings) == (Stimulus.REALARM, START + 32 * MINUTE_US, True)
    assert [event.stimulus for event in passed(book, 100, 30)] == [Stimulus.OVERDUE]


def test_alarms_are_told_in_the_order_in_which_they_were_due() -> None:
    book = AlarmBook()
    for number in range(20):
        subject = replace(TANK, tag=f"LT-{number}")
        book.turn_on(Turn(subject, Rule.HH, START + (number * 7 % 20) * MINUTE_US, 12.5, 12.0, 2))
    times = [event.at for event in passed(book, 100)]
    assert len(times) == 80
    assert times == sorted(times)


def test_nothing_is_looked_at_before_something_is_due_and_any_change_makes_it_look_again() -> None:
    book = AlarmBook()
    assert passed(book, 0) == []
    assert book.quiet_until == FOREVER
    raised(book)
    assert passed(book, 1) == []
    assert book.quiet_until == START + 5 * MINUTE_US
