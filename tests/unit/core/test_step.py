"""The step: what rings, what is told late, and one alarm for one silence."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from park import START, delivery, group, missed, park, point, scans, told

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.book import AlarmBook
from hazmon.alarms.states import AlarmState, Health
from hazmon.clock import US
from hazmon.delivery import Delivery
from hazmon.model import MissCause
from hazmon.plant import Plant
from hazmon.rebuild import rebuild
from hazmon.rulebook import Kind, Limits, Rule
from hazmon.step import UNTOLD_TURNS, step

PARK = park(point("LT-1"), point("LT-2", Limits(stale_s=10)))
GROUP = group(PARK)


class Run:
    """A plant and the seconds that pass for it."""

    def __init__(self) -> None:
        self.plant = Plant.of(PARK, START)
        self.seq = 0

    def at(self, second: float, *deliveries: Delivery, alive: Sequence[str] = ("E01",)) -> list[AlarmEvent]:
        """The events of a step at that second; the box gives a sign of life unless told otherwise."""
        events, _ = step(self.plant, deliveries, [], START + round(second * US), dict.fromkeys(alive))
        return events

    def live(self, second: float, value: float = 9.0) -> list[AlarmEvent]:
        """One live scan."""
        self.seq += 1
        return self.at(second, delivery(GROUP, self.seq, second, scans(GROUP, second, [value])))

    def missing(self, second: float, cause: MissCause = MissCause.TIMEOUT, count: int = 1) -> list[AlarmEvent]:
        """A batch with nothing but a miss of the whole group."""
        self.seq += 1
        return self.at(second, delivery(GROUP, self.seq, second, misses=[missed(GROUP, second, count, cause)]))


@pytest.fixture
def run() -> Run:
    found = Run()
    assert found.live(0) == []
    return found


def test_the_second_missed_scan_makes_a_connection_alarm_that_stands_for_all_its_points(run: Run) -> None:
    assert run.missing(1) == []
    events = run.missing(2)
    assert told(events) == ["2s plc1.STALE normal -> unacknowledged"]
    assert (events[0].reason, events[0].alarm.subject.source, events[0].alarm.priority) == ("timeout", "E01-S1", 3)
    for second in range(3, 60):
        assert run.missing(second) == []
    back = run.live(60)
    assert told(back) == ["60s plc1.STALE unacknowledged -> returned_unacknowledged"]
    for second in (65, 70):
        assert run.at(second) == []
    assert told(run.at(71)) == ["70s LT-1.STALE normal -> unacknowledged", "70s LT-2.STALE normal -> unacknowledged"]


def test_a_scan_between_two_misses_makes_them_no_row(run: Run) -> None:
    run.missing(1)
    run.live(2)
    assert run.missing(3) == []
    assert told(run.missing(4)) == ["4s plc1.STALE normal -> unacknowledged"]


def test_two_misses_in_one_entry_are_dated_to_the_second(run: Run) -> None:
    assert told(run.missing(1, count=3)) == ["2s plc1.STALE normal -> unacknowledged"]


@pytest.mark.parametrize("cause", [MissCause.BOX_OFF, MissCause.LINK_OFF, MissCause.EXEMPT])
def test_what_a_box_was_not_there_to_read_is_no_fault_of_the_connection(run: Run, cause: MissCause) -> None:
    assert run.missing(9, cause, count=8) == []
    assert run.live(10) == []


def test_missed_columns_make_no_connection_alarm_and_go_stale_alone(run: Run) -> None:
    events: list[AlarmEvent] = []
    for second in range(1, 12):
        run.seq += 1
        block = scans(GROUP, second, [9.0], [[0, 128]])
        entry = delivery(GROUP, run.seq, second, block, misses=[missed(GROUP, second, column=1)])
        events = run.at(second, entry)
    assert told(events) == ["10s LT-2.STALE normal -> unacknowledged"]


def test_process_alarms_stand_through_a_dead_connection(run: Run) -> None:
    assert len(run.live(1, 11.0)) == 1
    run.missing(2)
    run.missing(3)
    assert run.plant.book.standing("E01/LT-1", Kind.HIGH) is not None
    assert told(run.live(30, 9.0))[0] == "30s plc1.STALE unacknowledged -> returned_unacknowledged"


def test_an_old_miss_and_one_that_a_scan_has_overtaken_say_nothing_of_now(run: Run) -> None:
    run.live(100)
    assert run.at(101, delivery(GROUP, 50, 101, misses=[missed(GROUP, 50, 40)])) == []
    assert run.at(102, delivery(GROUP, 51, 102, misses=[missed(GROUP, 10, 40)])) == []
    assert run.missing(103) == []


def test_parts_of_one_connection_share_its_alarm_and_it_is_back_when_all_are() -> None:
    first, second = group(PARK, "plc1", tags=["LT-1"], number=1), group(PARK, "plc1#2", tags=["LT-2"], number=2)
    run = Run()
    run.at(0, delivery(first, 1, 0, scans(first, 0, [9])), delivery(second, 2, 0, scans(second, 0, [9])))
    events: list[AlarmEvent] = []
    for at in (1, 2):
        events += run.at(at, delivery(first, 2 * at + 1, at, misses=[missed(first, at)]))
        events += run.at(at, delivery(second, 2 * at + 2, at, misses=[missed(second, at)]))
    assert told(events) == ["2s plc1.STALE normal -> unacknowledged"]
    assert run.at(3, delivery(first, 7, 3, scans(first, 3, [9]))) == []
    assert told(run.at(4, delivery(second, 8, 4, scans(second, 4, [9])))) == [
        "4s plc1.STALE unacknowledged -> returned_unacknowledged"
    ]


def test_a_tag_moved_to_another_connection_is_excused_no_more(run: Run) -> None:
    run.missing(1)
    run.missing(2)
    moved = group(PARK, "plc2", tags=["LT-2"], number=2)
    assert run.at(3, delivery(moved, 1, 3, scans(moved, 3, [9]), boot=2)) == []
    assert run.at(8) == []
    assert told(run.at(14)) == ["13s LT-2.STALE normal -> unacknowledged"]
    alone = group(PARK, "plc1", tags=["LT-1"], number=3)
    assert "15s plc1.STALE unacknowledged -> returned_unacknowledged" in told(
        run.at(15, delivery(alone, 2, 15, scans(alone, 15, [9]), boot=2))
    )


def test_a_silent_box_makes_one_alarm_and_takes_it_back_with_a_sign_of_life(run: Run) -> None:
    assert run.at(10, alive=()) == []
    assert told(run.at(10.25, alive=())) == ["10s box.STALE normal -> unacknowledged"]
    assert run.at(60, alive=()) == []
    assert told(run.at(61)) == ["61s box.STALE unacknowledged -> returned_unacknowledged"]
    assert run.at(66) == []
    assert run.at(71) == []
    assert [line.split()[1] for line in told(run.at(72))] == ["LT-1.STALE", "LT-2.STALE"]


def test_a_box_that_is_silent_for_a_while_makes_none_of_its_points_stale(run: Run) -> None:
    assert run.live(1) == []
    assert [run.at(second, alive=()) for second in (4, 8, 10.5)] == [[], [], []]
    assert run.at(10.75) == []
    assert run.at(15) == []
    assert [line.split()[1] for line in told(run.at(20.9))] == ["LT-1.STALE", "LT-2.STALE"]


def test_a_park_that_starts_waits_for_its_boxes() -> None:
    run = Run()
    assert run.at(30, alive=()) == []
    assert told(run.at(30.25, alive=())) == ["30s box.STALE normal -> unacknowledged"]


def test_late_scans_never_touch_the_live_state(run: Run) -> None:
    run.at(100, delivery(GROUP, 90, 100, scans(GROUP, 100, [9.0])))
    rules, frame = run.plant.rules.copy(), run.plant.frame.at.copy()
    events = run.at(101, delivery(GROUP, 2, 101, scans(GROUP, 1, [9, 11, 11, 9])))
    assert told(events) == [
        "2s LT-1.H normal -> returned_unacknowledged",
        "4s LT-1.H returned_unacknowledged -> returned_unacknowledged",
    ]
    assert all(event.alarm.late for event in events)
    assert (run.plant.rules.active == rules.active).all()
    assert (run.plant.rules.since == rules.since).all()
    assert (run.plant.frame.at == frame).all()


def test_a_backlog_is_judged_from_where_the_silence_began(run: Run) -> None:
    """H stood when the line was cut, so its going on in the backlog is no new alarm; its second coming is."""
    assert len(run.live(1, 11.0)) == 1
    run.at(100, delivery(GROUP, 90, 100, scans(GROUP, 100, [9.0])))
    events = run.at(101, delivery(GROUP, 3, 101, scans(GROUP, 2, [11, 9, 11])))
    assert told(events) == ["4s LT-1.H normal -> returned_unacknowledged"]


def test_a_lane_that_nothing_feeds_ends_and_says_that_the_end_was_not_seen(run: Run) -> None:
    run.at(100, delivery(GROUP, 90, 100, scans(GROUP, 100, [9.0])))
    run.at(101, delivery(GROUP, 2, 101, scans(GROUP, 1, [11.0])))
    assert [line for line in told(run.at(131)) if ".H " in line] == []
    closed = [event for event in run.at(131.25) if event.alarm.rule is Rule.H]
    assert {event.reason for event in closed} == {"its end is not in the readings"}
    assert {event.at for event in closed} == {START + 131_250_000}


def test_a_new_boot_goes_on_live_and_the_old_one_s_backlog_stays_late(run: Run) -> None:
    for second in range(1, 5):
        run.live(second)
    assert run.at(8, delivery(GROUP, 0, 8, scans(GROUP, 8, [11.0]), boot=2)) != []
    assert run.plant.boxes["E01"].boot == 2
    late = run.at(9, delivery(GROUP, 6, 9, scans(GROUP, 5, [11.0, 9.0])))
    assert all(event.alarm.late for event in late)
    assert run.plant.boxes["E01"].boot == 2
    assert run.at(10, delivery(GROUP, 1, 10, scans(GROUP, 10, [11.0]), boot=2)) == []


def test_deliveries_of_one_step_are_taken_in_the_order_of_their_numbers(run: Run) -> None:
    shuffled = [delivery(GROUP, seq, 6, scans(GROUP, seq, [value])) for seq, value in ((4, 9.0), (2, 11.0), (5, 9.0), (3, 11.0))]
    assert told(run.at(6, *shuffled)) == [
        "2s LT-1.H normal -> unacknowledged",
        "4s LT-1.H unacknowledged -> returned_unacknowledged",
    ]


def test_two_scans_at_one_instant_are_one_live_and_one_late(run: Run) -> None:
    run.live(1)
    again = run.at(2, delivery(GROUP, 9, 2, scans(GROUP, 1, [11.0])))
    assert [(event.alarm.late, event.alarm.state) for event in again] == [(True, AlarmState.RETURNED)]


@pytest.mark.parametrize(("age", "late"), [(32.0, False), (32.000001, True)])  # the live window and two periods
def test_the_live_window_has_an_edge(run: Run, age: float, late: bool) -> None:
    events = run.at(1 + age, delivery(GROUP, 1, 1 + age, scans(GROUP, 1, [11.0])))
    assert [event.alarm.late for event in events if event.alarm.rule is Rule.H] == [late]


def test_each_of_two_holes_is_judged_from_its_own_beginning(run: Run) -> None:
    """H came and went live between the holes; the second hole's backlog comes while the first one's lane is still open."""
    run.at(40, delivery(GROUP, 40, 40, scans(GROUP, 40, [9.0])))
    assert run.at(41, delivery(GROUP, 2, 41, scans(GROUP, 2, [9.0]))) == []
    assert told(run.at(42, delivery(GROUP, 41, 42, scans(GROUP, 41, [11.0])))) == ["41s LT-1.H normal -> unacknowledged"]
    assert run.at(50, delivery(GROUP, 50, 50, scans(GROUP, 50, [11.0]))) == []
    assert run.at(51, delivery(GROUP, 42, 51, scans(GROUP, 42, [11.0] * 8))) == []
    assert told(run.at(52, delivery(GROUP, 3, 52, scans(GROUP, 3, [11.0, 9.0])))) == [
        "3s LT-1.H normal -> returned_unacknowledged",
        "4s LT-1.H returned_unacknowledged -> returned_unacknowledged",
    ]
    assert len(run.plant.boxes["E01"].lanes) == 2
    run.at(81.5)
    assert len(run.plant.boxes["E01"].lanes) == 1
    run.at(100)
    assert run.plant.boxes["E01"].lanes == []


def test_turns_of_floods_that_nobody_asks_for_do_not_pile_up(run: Run) -> None:
    for flood in range(UNTOLD_TURNS):
        for alarm in range(11):
            run.plant.flood.note(START + (flood * 3600 + alarm) * US)
    run.at(1)
    turns = run.plant.flood.turns(START + UNTOLD_TURNS * 3600 * US)
    assert len(turns) <= UNTOLD_TURNS + 1  # the last flood ends as they are asked for
    assert turns[-1].begun_at == START + ((UNTOLD_TURNS - 1) * 3600 + 10) * US


def _restarted(run: Run, second: float) -> Plant:
    """The plant that another service makes of what is left of this one: the record, and no scan that is young enough."""
    book = AlarmBook(run.plant.book.open.values(), run.plant.book.next_event)
    return rebuild(PARK, START + round(second * US), book, [], [], [])


def _dead_in_alarm(run: Run) -> None:
    run.live(1, 11.0)
    run.missing(2)
    run.missing(3)
    assert _health_of(run.plant) is Health.STALE


def _health_of(plant: Plant, point: str = "E01/LT-1") -> Health:
    held = plant.book.of(point, Kind.HIGH)
    assert held is not None
    return held.health


def test_a_restart_does_not_take_the_doubt_from_alarms_of_a_dead_connection(run: Run) -> None:
    _dead_in_alarm(run)
    again = _restarted(run, 300)
    for quarter in range(8):
        events, _ = step(again, [], [], START + 300 * US + quarter * US // 4, {"E01": None})
        assert [event.stimulus for event in events if event.alarm.kind is Kind.HIGH] == []
    assert _health_of(again) is Health.STALE
    events, _ = step(again, [delivery(GROUP, 9, 303, scans(GROUP, 303, [11.0]))], [], START + 303 * US)
    assert [(event.alarm.subject.tag, event.alarm.health) for event in events if event.alarm.kind is Kind.HIGH] == [
        ("LT-1", Health.OK)
    ]


def test_a_connection_that_goes_on_missing_after_a_restart_says_nothing_new(run: Run) -> None:
    _dead_in_alarm(run)
    again = _restarted(run, 300)
    for second in range(300, 360):
        batch = delivery(GROUP, second, second, misses=[missed(GROUP, second)])
        events, _ = step(again, [batch], [], START + second * US)
        assert told(events) == []
    assert _health_of(again) is Health.STALE


def test_an_alarm_is_in_doubt_after_a_restart_until_its_own_point_is_heard(run: Run) -> None:
    two = park(point("LT-1"), point("LT-3"))
    one, other = group(two, tags=["LT-1"]), group(two, name="plc2", tags=["LT-3"], number=2)
    plant = Plant.of(two, START)
    step(plant, [delivery(one, 1, 1, scans(one, 1, [11.0])), delivery(other, 2, 1, scans(other, 1, [11.0]))], [], START + US)
    gone = [delivery(of, 3 + of.id, 3, misses=[missed(of, 2, count=2)]) for of in (one, other)]
    step(plant, gone, [], START + 3 * US)
    book = AlarmBook(plant.book.open.values(), plant.book.next_event)
    again = rebuild(two, START + 300 * US, book, [], [], [])
    step(again, [delivery(one, 9, 301, scans(one, 301, [11.0]))], [], START + 301 * US)
    assert (_health_of(again), _health_of(again, "E01/LT-3")) == (Health.OK, Health.STALE)


def test_an_alarm_that_was_not_in_doubt_is_not_so_after_a_restart(run: Run) -> None:
    run.live(1, 11.0)
    again = _restarted(run, 2)
    events, _ = step(again, [], [], START + 3 * US, {"E01": None})
    assert (told(events), _health_of(again)) == ([], Health.OK)
