"""Commands: what each leaves in the record, and every refusal with its reason."""

from __future__ import annotations

import pytest

from hazmon.alarms.alarm import Alarm, AlarmEvent, Shelf, Statement, Subject, Verified
from hazmon.alarms.book import AlarmBook, Turn
from hazmon.alarms.commands import (
    Acknowledge,
    Command,
    Comment,
    Dispose,
    Remove,
    Reset,
    Return,
    Role,
    Shelve,
    Unshelve,
    Verify,
)
from hazmon.alarms.obey import HOUR_US, obey
from hazmon.alarms.states import AlarmState, Stimulus, Verdict
from hazmon.errors import CommandRefused, NotFound
from hazmon.rulebook import Kind, Rule

TANK = Subject("E01", "LT-1", "E01-S1", "液位", "m")
GAS = Subject("E01", "GT-1", "E01-S1", "可燃气体", "%LEL")
CHLORINE = Subject("E01", "GT-2", "E01-S1", "氯气", "ppm")
SUBJECTS = {subject.id: subject for subject in (TANK, GAS, CHLORINE)}
WORST = {TANK.id: 2, GAS.id: 1, CHLORINE.id: 2}
LEADER = Role.SHIFT_LEADER
NOW = 10 * HOUR_US


class Room:
    """A book and those who give commands to it; there is a HIGH of each subject."""

    def __init__(self) -> None:
        self.book = AlarmBook()

    def high(self, subject: Subject = TANK, priority: int = 3, *, latching: bool = False) -> Alarm:
        event = self.book.turn_on(Turn(subject, Rule.H, NOW - 1, 10.6, 10.5, priority, latching=latching))
        assert event is not None
        return event.alarm

    def normal(self, subject: Subject = TANK) -> AlarmEvent:
        event = self.book.turn_off(Turn(subject, Rule.H, NOW, 9.0, 10.5, 3, latching=False))
        assert event is not None
        return event

    def ask(self, command: Command, now: int = NOW) -> AlarmEvent:
        def lookup(subject: str, kind: Kind) -> tuple[Subject, int] | None:
            return (SUBJECTS[subject], WORST[subject]) if subject in SUBJECTS and kind is Kind.HIGH else None

        return obey(self.book, command, now, lookup, 8.0, lambda subject: subject == CHLORINE.id)


@pytest.fixture
def room() -> Room:
    return Room()


def test_acknowledging_names_who_and_when(room: Room) -> None:
    event = room.ask(Acknowledge(room.high().id, "op1", "on my way"))
    assert (event.stimulus, event.by, event.reason, event.at) == (Stimulus.ACKNOWLEDGE, "op1", "on my way", NOW)
    assert (event.alarm.acknowledged_by, event.alarm.acknowledged_at) == ("op1", NOW)


def test_the_second_to_acknowledge_is_refused_and_the_first_stays_in_the_record(room: Room) -> None:
    alarm = room.high()
    room.ask(Acknowledge(alarm.id, "op1", ""))
    with pytest.raises(CommandRefused, match="acknowledged already"):
        room.ask(Acknowledge(alarm.id, "op2", ""))
    assert room.book.open[alarm.id].acknowledged_by == "op1"


def test_what_is_said_is_kept_beside_the_state(room: Room) -> None:
    alarm = room.high()
    room.ask(Verify(alarm.id, "ent1", Verdict.FALSE, "drift"))
    room.ask(Dispose(alarm.id, "ent1", "zeroed"))
    event = room.ask(Comment(alarm.id, "op1", "told the shift"))
    assert event.alarm.verified == Verified(NOW, "ent1", Verdict.FALSE, "drift")
    assert event.alarm.disposed == Statement(NOW, "ent1", "zeroed")
    assert (event.reason, event.alarm.state) == ("told the shift", AlarmState.UNACKNOWLEDGED)


def test_an_alarm_that_is_over_can_be_spoken_of_and_not_switched(room: Room) -> None:
    alarm = room.high()
    room.ask(Acknowledge(alarm.id, "op1", ""))
    room.normal()
    assert room.ask(Verify(alarm.id, "ent1", Verdict.REAL, "")).alarm.state is AlarmState.NORMAL
    assert room.book.open == {}
    for command in (
        Shelve(alarm.id, "op1", LEADER, "", NOW + 1),
        Unshelve(alarm.id, "op1", ""),
        Remove(alarm.id, "op1", LEADER, ""),
        Return(alarm.id, "op1", LEADER, ""),
    ):
        with pytest.raises(CommandRefused, match="name the point and the kind"):
            room.ask(command)
    with pytest.raises(CommandRefused, match="nothing to acknowledge"):
        room.ask(Acknowledge(alarm.id, "op1", ""))


def test_a_late_alarm_is_never_shelved(room: Room) -> None:
    identity, _ = room.book.raise_late(Turn(TANK, Rule.H, 1, 10.6, 10.5, 3))
    with pytest.raises(CommandRefused, match="never rings"):
        room.ask(Shelve(identity, "op1", LEADER, "", NOW + 1))


@pytest.mark.parametrize("target", ["00", "E01/LT-9.HIGH", "E01/LT-1.RATE_UP", "E01/LT-1.high", "E01/LT-1.H", ""])
def test_nobody_knows_of_it(room: Room, target: str) -> None:
    room.high()
    for command in (Acknowledge(target, "op1", ""), Shelve(target, "op1", LEADER, "", NOW + 1)):
        with pytest.raises(NotFound):
            room.ask(command)


def test_what_does_not_stand_is_not_found_to_be_spoken_of_but_can_be_shelved(room: Room) -> None:
    with pytest.raises(NotFound, match=r"no open alarm E01/LT-1.HIGH"):
        room.ask(Comment("E01/LT-1.HIGH", "op1", ""))
    event = room.ask(Shelve("E01/LT-1.HIGH", "op1", Role.OPERATOR, "tuning", NOW + HOUR_US))
    assert event.alarm.shelf == Shelf(NOW + HOUR_US, "op1", "tuning")
    assert (event.before, event.alarm.state, event.alarm.first) == (AlarmState.NORMAL, AlarmState.NORMAL, None)


@pytest.mark.parametrize(
    ("length", "allowed"), [(0, False), (-1, False), (1, True), (8 * HOUR_US, True), (8 * HOUR_US + 1, False)]
)
def test_a_shelf_ends_within_eight_hours(room: Room, length: int, allowed: bool) -> None:
    command = Shelve(room.high().id, "op1", LEADER, "", NOW + length)
    if allowed:
        assert room.ask(command).suppressed
    else:
        with pytest.raises(CommandRefused, match="at most 8 hours"):
            room.ask(command)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("subject", [TANK, GAS, CHLORINE])
def test_only_a_leader_shelves_toxic_gas_and_what_may_become_priority_1(room: Room, subject: Subject, role: Role) -> None:
    """The combustible gas stands at its first level, priority 3; its second would be of priority 1."""
    command = Shelve(room.high(subject).id, "x", role, "", NOW + 1)
    if role is LEADER or subject is TANK:
        assert room.ask(command).suppressed
    else:
        with pytest.raises(CommandRefused, match="班长"):
            room.ask(command)


def test_a_standing_alarm_of_priority_1_is_a_leaders_whatever_the_configuration_says_now(room: Room) -> None:
    with pytest.raises(CommandRefused, match="班长"):
        room.ask(Shelve(room.high(TANK, 1).id, "op1", Role.OPERATOR, "", NOW + 1))


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ENTERPRISE])
def test_only_a_leader_takes_out_of_service_and_puts_back(room: Room, role: Role) -> None:
    alarm = room.high()
    with pytest.raises(CommandRefused, match="班长"):
        room.ask(Remove(alarm.id, "x", role, ""))
    event = room.ask(Remove(alarm.id, "lead1", LEADER, "calibration"))
    assert event.alarm.out_of_service == Statement(NOW, "lead1", "calibration")
    with pytest.raises(CommandRefused, match="班长"):
        room.ask(Return(alarm.id, "x", role, ""))
    assert room.ask(Return(alarm.id, "lead1", LEADER, "done")).rings


def test_who_takes_it_from_the_shelf_has_acknowledged_it(room: Room) -> None:
    alarm = room.high()
    room.ask(Shelve(alarm.id, "op1", Role.OPERATOR, "", NOW + HOUR_US))
    event = room.ask(Unshelve("E01/LT-1.HIGH", "op2", "tuned"), NOW + 5)
    assert (event.alarm.state, event.alarm.acknowledged_by, event.alarm.acknowledged_at) == (
        AlarmState.ACKNOWLEDGED,
        "op2",
        NOW + 5,
    )
    assert (event.rings, event.alarm.shelf) == (False, None)


def test_who_takes_a_quiet_alarm_from_the_shelf_has_acknowledged_nothing(room: Room) -> None:
    room.ask(Shelve("E01/LT-1.HIGH", "op1", Role.OPERATOR, "", NOW + HOUR_US))
    event = room.ask(Unshelve("E01/LT-1.HIGH", "op2", ""))
    assert (event.alarm.acknowledged_by, event.alarm.open) == (None, False)


def test_a_refused_command_changes_nothing(room: Room) -> None:
    alarm = room.high()
    before = dict(room.book.open), room.book.next_event
    for command in (
        Reset(alarm.id, "op1", ""),
        Unshelve(alarm.id, "op1", ""),
        Return(alarm.id, "lead1", LEADER, ""),
        Shelve(alarm.id, "op1", LEADER, "", NOW),
        Remove(alarm.id, "op1", Role.OPERATOR, ""),
    ):
        with pytest.raises(CommandRefused):
            room.ask(command)
    assert (dict(room.book.open), room.book.next_event) == before


def test_a_latched_alarm_is_let_go_of_by_a_reset_and_a_signature_in_any_order(room: Room) -> None:
    for commands in ((Acknowledge, Reset), (Reset, Acknowledge)):
        alarm = room.high(latching=True)
        room.book.turn_off(Turn(TANK, Rule.H, NOW, 9.0, 10.5, 3, latching=True))
        for command in commands:
            assert alarm.id in room.book.open
            room.ask(command(alarm.id, "op1", ""))
        assert room.book.open == {}
        assert room.book.closed[alarm.id].state is AlarmState.NORMAL
