"""Named rules in late lanes, by the step: two connections whose backlogs come apart, misses, a restart, a reload."""

from __future__ import annotations

from dataclasses import replace

from park import START, delivery, group, missed, park, point, scans, told

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.book import AlarmBook
from hazmon.clock import US
from hazmon.delivery import Delivery
from hazmon.plant import Plant
from hazmon.rebuild import rebuild
from hazmon.reload import reloaded
from hazmon.rulebook import All, Limits, NamedRule, Rule, Term, Vote
from hazmon.step import step


def _rule(tag: str, rule: Rule, test: All | Vote, on_delay_s: float = 0) -> NamedRule:
    return NamedRule("E01", tag, "E01-S1", "V-1", "名", "name", rule, 2, test, on_delay_s)


A, B = Term("E01/LT-1", ">", 10), Term("E01/LT-2", ">", 10)
BOTH = _rule("BOTH", Rule.CONDITION, All((A, B)), 2)
VOTE = _rule("VOTE", Rule.VOTE, Vote((A, B), 2))
PARK = replace(park(point("LT-1", Limits()), point("LT-2", Limits())), named=(BOTH, VOTE), by_id={}, rows={})
ONE, TWO = group(PARK, "plc1", tags=["LT-1"], number=1), group(PARK, "plc2", tags=["LT-2"], number=2)


class Run:
    """A plant whose box was read live at 0 s and then was cut off; it is back at 100 s, and 40 s of backlog are to come."""

    def __init__(self) -> None:
        self.plant = Plant.of(PARK, START)
        self.alarms: list[AlarmEvent] = []
        self.at(0, self.scan(ONE, 0, 0), self.scan(TWO, 0, 0))
        self.at(100, self.scan(ONE, 100, 0), self.scan(TWO, 100, 0))
        self.alarms.clear()

    def at(self, second: float, *deliveries: Delivery) -> list[str]:
        events, _ = step(self.plant, deliveries, [], START + round(second * US), {"E01": None})
        self.alarms += events
        return told(events)

    def scan(self, of: object, second: int, *values: float) -> Delivery:
        which = ONE if of is ONE else TWO
        block = scans(which, second, list(values))
        return delivery(which, 2 * second + which.id, max(second, 100 if second else 0), block)


def test_the_last_of_two_backlogs_says_it_all_and_it_never_rings() -> None:
    run = Run()
    assert run.at(101, run.scan(TWO, 1, *[11] * 20, *[9] * 20)) == []
    assert run.at(102, run.scan(ONE, 1, *[9] * 9, *[11] * 31)) == [
        "10s VOTE.VOTE normal -> returned_unacknowledged",
        "12s BOTH.CONDITION normal -> returned_unacknowledged",
        "21s BOTH.CONDITION returned_unacknowledged -> returned_unacknowledged",
        "21s VOTE.VOTE returned_unacknowledged -> returned_unacknowledged",
    ]
    assert all(event.alarm.late and not event.rings for event in run.alarms)
    assert run.at(103, run.scan(ONE, 1, *[11] * 20), run.scan(TWO, 1, *[11] * 20)) == []


def test_misses_of_a_backlog_make_a_detector_unknown_and_are_no_alarm_of_now() -> None:
    run = Run()
    assert run.at(101, run.scan(ONE, 1, *[9] * 4, *[11] * 36)) == []
    lost = delivery(TWO, 50, 102, misses=[missed(TWO, 2, 10)])
    assert run.at(102, run.scan(TWO, 1, 9), lost) == ["5s VOTE.VOTE normal -> returned_unacknowledged"]
    assert run.at(103, run.scan(TWO, 12, *[9] * 29)) == ["12s VOTE.VOTE returned_unacknowledged -> returned_unacknowledged"]
    assert run.plant.excused == {}


def test_after_a_restart_amid_a_backlog_what_was_told_is_not_told_again() -> None:
    run = Run()
    run.at(101, run.scan(ONE, 1, *[9] * 4, *[11] * 6, *[9] * 10), run.scan(TWO, 1, *[11] * 20))
    assert [line for line in told(run.alarms) if "normal ->" in line] == [
        "5s VOTE.VOTE normal -> returned_unacknowledged",
        "7s BOTH.CONDITION normal -> returned_unacknowledged",
    ]
    book = AlarmBook(run.plant.book.open.values(), run.plant.book.next_event)
    seen = [(which, scans(which, 100, [0])) for which in (ONE, TWO)]
    run.plant = rebuild(PARK, START + 102 * US, book, [], seen, [])
    run.at(102.5, delivery(ONE, 209, 102.5, scans(ONE, 102, [0])), delivery(TWO, 210, 102.5, scans(TWO, 102, [0])))
    assert run.at(103, run.scan(ONE, 21, *[11] * 5, 9)) == []
    assert run.at(104, run.scan(TWO, 21, *[9] * 3, *[11] * 3)) == [
        "24s VOTE.VOTE normal -> returned_unacknowledged",
        "26s VOTE.VOTE returned_unacknowledged -> returned_unacknowledged",
    ]


def test_a_lane_goes_on_under_another_configuration_and_ends_what_is_gone() -> None:
    run = Run()
    run.at(101, run.scan(ONE, 1, *[11] * 10), run.scan(TWO, 1, *[11] * 10))
    third = _rule("THIRD", Rule.CONDITION, All((A,)))
    run.plant, events = reloaded(run.plant, replace(PARK, named=(third, VOTE), by_id={}, rows={}), START + 102 * US)
    assert [(told([event])[0], event.reason) for event in events] == [
        ("102s BOTH.CONDITION returned_unacknowledged -> returned_unacknowledged", "no longer in the configuration")
    ]
    assert run.at(103, run.scan(ONE, 11, 11, 9), run.scan(TWO, 11, 11, 11)) == [
        "11s THIRD.CONDITION normal -> returned_unacknowledged",
        "12s THIRD.CONDITION returned_unacknowledged -> returned_unacknowledged",
        "12s VOTE.VOTE returned_unacknowledged -> returned_unacknowledged",
    ]
