"""The book of alarms: the table's answers, ids that follow from the readings, and what is kept open."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hazmon.alarms.book import Alarm, AlarmBook, AlarmEvent, Subject, alarm_id
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.alarms.transitions import TABLE, Ignored, Move, table_text
from hazmon.errors import CommandRefused, NotFound
from hazmon.rulebook import Rule

TANK = Subject("E01", "LT-1", "E01-S1", "液位", "m")


def raised(book: AlarmBook, at: int = 1) -> AlarmEvent:
    event = book.raise_alarm(TANK, Rule.H, 3, at, 10.6, 10.5, "")
    assert event is not None
    return event


def test_the_table_is_total_and_says_why_it_refuses() -> None:
    assert set(TABLE) == {(state, stimulus) for state in AlarmState for stimulus in Stimulus}
    for cell in TABLE.values():
        assert isinstance(cell, Move) or cell.why


@pytest.mark.parametrize(
    ("state", "stimulus", "why"),
    [
        (AlarmState.NORMAL, Stimulus.CLEAR, "the alarm is over"),
        (AlarmState.NORMAL, Stimulus.ACKNOWLEDGE, "the alarm is over: there is nothing to acknowledge"),
        (AlarmState.UNACKNOWLEDGED, Stimulus.RAISE, "the alarm stands already"),
        (AlarmState.ACKNOWLEDGED, Stimulus.RAISE, "the alarm stands already"),
    ],
)
def test_cells_that_the_step_never_asks(state: AlarmState, stimulus: Stimulus, why: str) -> None:
    assert TABLE[state, stimulus] == Ignored(why)


def test_the_printed_table_has_a_row_a_state_and_a_cell_a_stimulus() -> None:
    lines = table_text().splitlines()
    assert len(lines) == 2 + len(AlarmState)
    assert {line.count("|") for line in lines} == {len(Stimulus) + 2}


def test_an_id_follows_from_subject_rule_and_instant() -> None:
    assert raised(AlarmBook()).alarm.id == alarm_id(TANK, Rule.H, 1) == raised(AlarmBook()).alarm.id
    assert len({alarm_id(TANK, rule, at) for rule in Rule for at in (1, 2)}) == 2 * len(Rule)
    assert len(alarm_id(TANK, Rule.H, 1)) == 16


def test_a_returned_alarm_comes_back_as_itself_without_its_acknowledgement() -> None:
    book = AlarmBook()
    first = raised(book).alarm
    book.acknowledge(first.id, 2, "op1", "")
    assert book.clear(TANK.id, Rule.H, 3, 9.0, "") is not None
    assert book.open == {}
    second = raised(book, 4).alarm
    assert (second.id, second.acknowledged_at) == (alarm_id(TANK, Rule.H, 4), None)
    book.clear(TANK.id, Rule.H, 5, 9.0, "")
    back = raised(book, 6).alarm
    assert (back.id, back.raised_at, back.cleared_at, back.state) == (second.id, 6, None, AlarmState.UNACKNOWLEDGED)


def test_a_late_alarm_is_told_once_and_is_never_the_live_one() -> None:
    book = AlarmBook()
    late = book.raise_late(TANK, Rule.H, 3, 1, 10.6, 10.5)
    assert late is not None
    assert late.alarm.late
    assert late.alarm.state is AlarmState.RETURNED
    assert book.raise_late(TANK, Rule.H, 3, 1, 10.6, 10.5) is None
    assert book.standing(TANK.id, Rule.H) is None
    live = raised(book, 9).alarm
    assert live.id != late.alarm.id
    assert book.clear_late(late.alarm.id, 5, 9.0, "") is not None
    assert book.clear_late(late.alarm.id, 6, 9.0, "") is None
    assert book.standing(TANK.id, Rule.H) == live


def test_what_readings_showed_live_is_not_told_late() -> None:
    book = AlarmBook()
    raised(book)
    assert book.raise_late(TANK, Rule.H, 3, 1, 10.6, 10.5) is None


def test_acknowledging_what_is_not_open() -> None:
    book = AlarmBook()
    with pytest.raises(NotFound, match="no open alarm 00"):
        book.acknowledge("00", 1, "op1", "")
    identity = raised(book).alarm.id
    book.acknowledge(identity, 2, "op1", "")
    with pytest.raises(CommandRefused, match="acknowledged already"):
        book.acknowledge(identity, 3, "op2", "")
    assert book.open[identity].acknowledged_by == "op1"


class Life(RuleBasedStateMachine):
    """A book against a plain account of one point's H, in any order of what can happen."""

    def __init__(self) -> None:
        super().__init__()
        self.book = AlarmBook()
        self.events: list[AlarmEvent] = []
        self.now = 0
        self.hot = False
        self.asking = False

    def note(self, event: AlarmEvent | None) -> None:
        if event is not None:
            self.events.append(event)

    @rule()
    def rise(self) -> None:
        self.now += 1
        self.note(self.book.raise_alarm(TANK, Rule.H, 3, self.now, 10.6, 10.5, ""))
        self.asking = self.asking or not self.hot
        self.hot = True

    @rule()
    def fall(self) -> None:
        self.now += 1
        self.note(self.book.clear(TANK.id, Rule.H, self.now, 9.0, ""))
        self.hot = False

    @rule()
    def acknowledge(self) -> None:
        self.now += 1
        for alarm in list(self.book.open.values()):
            if self.asking:
                self.note(self.book.acknowledge(alarm.id, self.now, "op1", ""))
        self.asking = False

    @rule()
    def restart(self) -> None:
        self.book = AlarmBook(self.book.open.values(), self.book.next_event)

    @invariant()
    def stands_if_hot_and_asks_until_seen(self) -> None:
        found: list[Alarm] = list(self.book.open.values())
        assert len(found) == (self.hot or self.asking)
        for alarm in found:
            assert alarm.active == self.hot
            assert (alarm.state in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED)) == self.asking

    @invariant()
    def events_tell_the_whole_story(self) -> None:
        assert [event.number for event in self.events] == list(range(1, len(self.events) + 1))
        state: dict[str, AlarmState] = {}
        for event in self.events:
            assert event.before == state.get(event.alarm.id, AlarmState.NORMAL)
            state[event.alarm.id] = event.alarm.state
        still = {identity: found for identity, found in state.items() if found is not AlarmState.NORMAL}
        assert still == {alarm.id: alarm.state for alarm in self.book.open.values()}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25)
