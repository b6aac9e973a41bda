"""The book of alarms: one record through a whole rise and fall, ids that follow from the readings, and what is kept open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hazmon.alarms.alarm import Alarm, AlarmEvent, Mark, Shelf, Statement, Subject, alarm_id
from hazmon.alarms.book import KEPT_CLOSED, AlarmBook, Turn
from hazmon.alarms.commands import Acknowledge, Command, Reset, Role, Shelve, Unshelve
from hazmon.alarms.obey import obey
from hazmon.alarms.states import AlarmState, Health, Stimulus
from hazmon.clock import MINUTE_US
from hazmon.errors import CommandRefused
from hazmon.rulebook import Kind, Rule

TANK = Subject("E01", "LT-1", "E01-S1", "液位", "m")
GAS = Subject("E01", "GT-1", "E01-S1", "可燃气体", "%LEL")
PRIORITY = {Rule.H: 3, Rule.HH: 2, Rule.L: 3, Rule.LL: 2}
LIMIT = {Rule.H: 10.5, Rule.HH: 12.0, Rule.L: 2.0, Rule.LL: 1.0}


def turn(rule: Rule, at: int, value: float = 10.6, subject: Subject = TANK, *, latching: bool = False) -> Turn:
    milder = LIMIT.get({Rule.HH: Rule.H, Rule.LL: Rule.L}.get(rule, rule))
    return Turn(subject, rule, at, value, LIMIT.get(rule), PRIORITY.get(rule, 4), latching=latching, milder=milder)


def on(
    book: AlarmBook, rule: Rule, at: int, value: float = 10.6, subject: Subject = TANK, *, latching: bool = False
) -> AlarmEvent:
    event = book.turn_on(turn(rule, at, value, subject, latching=latching))
    assert event is not None
    return event


def off(book: AlarmBook, rule: Rule, at: int, value: float = 9.0, *, latching: bool = False) -> AlarmEvent:
    event = book.turn_off(turn(rule, at, value, latching=latching))
    assert event is not None
    return event


def seen(book: AlarmBook, alarm: Alarm, at: int, by: str = "op1") -> AlarmEvent:
    acknowledged = replace(alarm, acknowledged_at=at, acknowledged_by=by)
    return book.move(acknowledged, Stimulus.ACKNOWLEDGE, at, by=by)


def test_an_id_follows_from_subject_kind_and_instant() -> None:
    assert on(AlarmBook(), Rule.H, 1).alarm.id == alarm_id(TANK, Kind.HIGH, 1) == on(AlarmBook(), Rule.HH, 1).alarm.id
    assert len({alarm_id(TANK, kind, at) for kind in Kind for at in (1, 2)}) == 2 * len(Kind)
    assert len(alarm_id(TANK, Kind.HIGH, 1)) == 16


def test_one_record_lives_through_its_whole_rise_and_fall() -> None:
    book = AlarmBook()
    on(book, Rule.H, 1, 10.6)
    worse = on(book, Rule.HH, 2, 12.5)
    milder = off(book, Rule.HH, 3, 11.0)
    ended = off(book, Rule.H, 4, 9.0)
    assert [event.stimulus for event in (worse, milder, ended)] == [Stimulus.ESCALATE, Stimulus.EASE, Stimulus.CLEAR]
    assert {event.alarm.id for event in (worse, milder, ended)} == {alarm_id(TANK, Kind.HIGH, 1)}
    alarm = ended.alarm
    assert alarm.first == Mark(Rule.H, 1, 10.6, 10.5)
    assert alarm.worst == Mark(Rule.HH, 2, 12.5, 12.0)
    assert alarm.current == Mark(Rule.H, 3, 11.0, 10.5)
    assert (alarm.priority, alarm.peak, alarm.peak_at) == (2, 12.5, 2)
    assert (alarm.raised_at, alarm.raised, alarm.cleared_at) == (1, 1, 4)


@pytest.mark.parametrize(("mild", "bad"), [(Rule.H, Rule.HH), (Rule.L, Rule.LL)])
def test_the_milder_rule_of_a_kind_turns_in_silence_under_the_worse(mild: Rule, bad: Rule) -> None:
    book = AlarmBook()
    on(book, bad, 1, 12.5)
    assert book.turn_on(turn(mild, 2)) is None
    assert book.turn_on(turn(bad, 2)) is None
    assert book.turn_off(turn(mild, 3)) is None
    assert off(book, bad, 4).stimulus is Stimulus.CLEAR


def test_the_peak_of_the_low_side_is_the_lowest() -> None:
    book = AlarmBook()
    on(book, Rule.L, 1, 1.5)
    assert on(book, Rule.LL, 2, 0.5).alarm.peak == 0.5
    off(book, Rule.LL, 3, 1.2)
    assert on(book, Rule.LL, 4, 0.9).alarm.peak == 0.5


def test_a_worse_status_takes_the_acknowledgement_away() -> None:
    book = AlarmBook()
    alarm = seen(book, on(book, Rule.H, 1).alarm, 2).alarm
    assert (alarm.acknowledged_by, alarm.waiting_since) == ("op1", None)
    worse = on(book, Rule.HH, 3)
    assert (worse.before, worse.alarm.state) == (AlarmState.ACKNOWLEDGED, AlarmState.UNACKNOWLEDGED)
    assert (worse.alarm.acknowledged_at, worse.alarm.acknowledged_by, worse.alarm.waiting_since) == (None, None, 3)


def test_what_returned_unseen_comes_back_as_itself_and_what_was_seen_as_a_new_one() -> None:
    book = AlarmBook()
    first = on(book, Rule.H, 1).alarm
    off(book, Rule.H, 2)
    back = on(book, Rule.H, 3).alarm
    assert (back.id, back.raised_at, back.raised, back.cleared_at) == (first.id, 3, 2, None)
    seen(book, back, 4)
    off(book, Rule.H, 5)
    assert book.open == {}
    assert on(book, Rule.H, 6).alarm.id == alarm_id(TANK, Kind.HIGH, 6)


def test_the_wait_of_what_returns_unseen_goes_on_and_that_of_what_comes_back_begins_anew() -> None:
    book = AlarmBook()
    on(book, Rule.H, 1)
    assert off(book, Rule.H, 5).alarm.waiting_since == 1
    assert on(book, Rule.H, 9).alarm.waiting_since == 9


def test_what_is_over_is_kept_a_while_and_not_for_ever() -> None:
    book = AlarmBook()
    for at in range(0, 2 * KEPT_CLOSED + 20, 2):
        seen(book, on(book, Rule.H, at).alarm, at)
        off(book, Rule.H, at + 1)
    assert len(book.closed) == KEPT_CLOSED
    assert list(book.closed)[-1] == alarm_id(TANK, Kind.HIGH, 2 * KEPT_CLOSED + 18)


def test_a_late_alarm_is_told_once_and_is_never_the_live_one() -> None:
    book = AlarmBook()
    identity, event = book.raise_late(turn(Rule.H, 1))
    assert event is not None
    assert (event.alarm.late, event.alarm.state, event.rings) == (True, AlarmState.RETURNED, False)
    assert book.raise_late(turn(Rule.H, 1)) == (identity, None)
    assert book.standing(TANK.id, Kind.HIGH) is None
    live = on(book, Rule.H, 9).alarm
    assert live.id != identity
    worse = book.turn_late(identity, turn(Rule.HH, 3, 12.5), on=True)
    assert worse is not None
    assert (worse.stimulus, worse.rings, worse.alarm.priority) == (Stimulus.ESCALATE, False, 2)
    assert book.turn_late(identity, turn(Rule.HH, 4), on=False) is not None
    assert book.turn_late(identity, turn(Rule.H, 5), on=False) is not None
    assert book.turn_late(identity, turn(Rule.H, 6), on=False) is None
    assert book.end_late(identity, 7, "") is None
    assert book.standing(TANK.id, Kind.HIGH) == live


def test_a_late_alarm_whose_end_is_not_known_is_ended_with_the_reason() -> None:
    book = AlarmBook()
    identity, _ = book.raise_late(turn(Rule.H, 1))
    event = book.end_late(identity, 7, "its end is not in the readings")
    assert event is not None
    assert (event.alarm.cleared_at, event.reason) == (7, "its end is not in the readings")


def test_what_rang_live_is_not_told_late() -> None:
    book = AlarmBook()
    live = on(book, Rule.H, 1).alarm
    assert book.raise_late(turn(Rule.H, 1)) == (live.id, None)


def test_the_first_of_a_source_is_flagged_and_what_follows_is_not() -> None:
    book = AlarmBook()
    assert on(book, Rule.H, 1).alarm.first_out
    assert not on(book, Rule.H, 2, subject=GAS).alarm.first_out
    assert not on(AlarmBook(), Rule.STALE, 1).alarm.first_out


def test_the_first_of_a_trip_stays_it_and_the_next_trip_has_its_own() -> None:
    book = AlarmBook()
    on(book, Rule.H, 1)
    on(book, Rule.H, 2, subject=GAS)
    off(book, Rule.H, 3)
    assert on(book, Rule.H, 4).alarm.first_out
    off(book, Rule.H, 5)
    book.turn_off(turn(Rule.H, 6, subject=GAS))
    assert on(book, Rule.H, 7, subject=GAS).alarm.first_out
    assert not on(book, Rule.H, 8).alarm.first_out


def test_what_comes_back_milder_keeps_the_priority_of_its_worst() -> None:
    book = AlarmBook()
    on(book, Rule.HH, 1, 12.5)
    off(book, Rule.HH, 2)
    assert on(book, Rule.H, 3).alarm.priority == 2


def test_a_suppressed_alarm_is_no_first_out_and_hides_none() -> None:
    book = AlarmBook()
    book.designs[TANK.id, Kind.HIGH] = "检修"
    hidden = on(book, Rule.H, 1)
    assert (hidden.alarm.by_design, hidden.alarm.first_out, hidden.rings, hidden.suppressed) == ("检修", False, False, True)
    assert on(book, Rule.H, 2, subject=GAS).alarm.first_out


def test_a_suppressed_alarm_stays_open_while_it_is_normal() -> None:
    book = AlarmBook()
    shelved = replace(book.new(TANK, Kind.HIGH, 1, 3, latching=False), shelf=Shelf(9, "op1", ""))
    book.move(shelved, Stimulus.SHELVE, 1, by="op1")
    assert list(book.open) == [shelved.id]
    raised = on(book, Rule.H, 2)
    assert (raised.alarm.id, raised.rings) == (shelved.id, False)
    away = replace(raised.alarm, out_of_service=Statement(3, "lead1", ""))
    book.move(away, Stimulus.REMOVE, 3, by="lead1")
    off(book, Rule.H, 4)
    back = book.move(replace(book.open[away.id], shelf=None), Stimulus.EXPIRE, 9)
    assert (back.alarm.state, back.alarm.open) == (AlarmState.NORMAL, True)
    over = book.move(replace(back.alarm, out_of_service=None), Stimulus.RETURN, 10, by="lead1")
    assert (over.rings, book.open, list(book.closed)) == (False, {}, [away.id])


def test_health_is_told_when_it_changes_and_carried_by_the_turns() -> None:
    book = AlarmBook()
    alarm = on(book, Rule.H, 1).alarm
    assert book.set_health(alarm, Health.OK, 2) is None
    event = book.set_health(alarm, Health.STALE, 3)
    assert event is not None
    assert (event.stimulus, event.alarm.state, event.rings) == (Stimulus.HEALTH, AlarmState.UNACKNOWLEDGED, False)
    assert off(book, Rule.H, 4).alarm.health is Health.OK
    raised = book.turn_on(replace(turn(Rule.H, 5), health=Health.BAD_QUALITY))
    assert raised is not None
    assert raised.alarm.health is Health.BAD_QUALITY


def test_what_cannot_happen_is_an_error_of_ours() -> None:
    book = AlarmBook()
    with pytest.raises(AssertionError, match="latch on normal"):
        book.move(book.new(TANK, Kind.HIGH, 1, 3, latching=True), Stimulus.LATCH, 1)


def test_a_value_that_is_no_number_is_none() -> None:
    event = on(AlarmBook(), Rule.FORECAST_UP, 1, float("nan"))
    assert (event.value, event.alarm.value) == (None, None)


def _known(subject: str, kind: Kind) -> tuple[Subject, int] | None:
    return (TANK, 2) if (subject, kind) == (TANK.id, Kind.HIGH) else None


class Life(RuleBasedStateMachine):
    """The book against a plain account of one tank: how high, who has seen it, whether it latched, whether it is shelved."""

    def __init__(self) -> None:
        super().__init__()
        self.book = AlarmBook()
        self.events: list[AlarmEvent] = []
        self.now = MINUTE_US
        self.latching = False
        self.level = 0
        self.asking = False
        self.latched = False
        self.shelved = False

    @initialize(latching=st.booleans())
    def begin(self, latching: bool) -> None:
        self.latching = latching

    def note(self, event: AlarmEvent | None, *, rings: bool) -> None:
        assert (event is not None and event.rings) == rings
        if event is not None:
            self.events.append(event)

    def asked(self, command: Command, *, allowed: bool) -> None:
        try:
            event = obey(self.book, command, self.now, _known, 8.0, lambda _: False)
        except CommandRefused:
            assert not allowed
        else:
            assert allowed
            self.note(event, rings=False)

    @rule(level=st.integers(0, 2))
    def move_to(self, level: int) -> None:
        self.now += 1
        rules = (Rule.H, Rule.HH)
        rings = level > self.level and not self.shelved
        if level > self.level:  # the worse first, as the step tells it
            for index, status in reversed(list(enumerate(rules))):
                if self.level <= index < level:
                    self.note(self.book.turn_on(turn(status, self.now, latching=self.latching)), rings=rings)
                    rings = False
            self.asking, self.latched = True, False
        for index, status in enumerate(rules):
            if level <= index < self.level:
                self.note(self.book.turn_off(turn(status, self.now, latching=self.latching)), rings=False)
        if level == 0 < self.level:
            self.latched = self.latching
        self.level = level

    @rule()
    def acknowledge(self) -> None:
        self.now += 1
        if self.book.open:
            self.asked(Acknowledge(next(iter(self.book.open)), "op1", ""), allowed=self.asking)
        self.asking = False

    @rule()
    def reset(self) -> None:
        self.now += 1
        if self.book.open:
            self.asked(Reset(next(iter(self.book.open)), "op1", ""), allowed=self.latched)
        self.latched = False

    @rule()
    def shelve(self) -> None:
        self.now += 1
        command = Shelve("E01/LT-1.HIGH", "op1", Role.OPERATOR, "tuning", self.now + MINUTE_US)
        self.asked(command, allowed=not self.shelved)
        self.shelved = True

    @rule()
    def unshelve(self) -> None:
        self.now += 1
        self.asked(Unshelve("E01/LT-1.HIGH", "op1", ""), allowed=self.shelved)
        if self.shelved:
            self.asking = self.shelved = False

    @rule()
    def shelf_ends(self) -> None:
        if not self.shelved:
            return
        self.now += 1
        alarm = self.book.of(TANK.id, Kind.HIGH)
        assert alarm is not None
        self.shelved, self.asking = False, self.level > 0 or self.latched
        self.note(self.book.move(replace(alarm, shelf=None), Stimulus.EXPIRE, self.now), rings=self.asking)

    @rule()
    def restart(self) -> None:
        self.book = AlarmBook(self.book.open.values(), self.book.next_event)

    @invariant()
    def stands_where_the_account_says(self) -> None:
        expected = {
            (True, True): AlarmState.UNACKNOWLEDGED,
            (True, False): AlarmState.ACKNOWLEDGED,
        }.get((self.level > 0, self.asking))
        if self.level == 0 and self.latched:
            expected = AlarmState.LATCHED_UNACKNOWLEDGED if self.asking else AlarmState.LATCHED_ACKNOWLEDGED
        elif self.level == 0:
            expected = AlarmState.RETURNED if self.asking else AlarmState.NORMAL
        found = list(self.book.open.values())
        assert [alarm.state for alarm in found] == ([expected] if expected is not AlarmState.NORMAL or self.shelved else [])
        for alarm in found:
            assert alarm.suppressed == self.shelved
            assert len(alarm.holding) == self.level
            assert (alarm.waiting_since is not None) == self.asking

    @invariant()
    def events_tell_the_whole_story(self) -> None:
        assert [event.number for event in self.events] == list(range(1, len(self.events) + 1))


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
