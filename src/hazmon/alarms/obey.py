"""Commands carried out on the book, or refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hazmon.alarms.alarm import Alarm, AlarmEvent, Shelf, Statement, Subject, Verified
from hazmon.alarms.book import AlarmBook
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
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.alarms.transitions import SWITCH_OF, SWITCHES, TABLE, Ignored
from hazmon.errors import CommandRefused, NotFound
from hazmon.rulebook import Kind

HOUR_US = 3_600_000_000
Lookup = Callable[[str, Kind], tuple[Subject, int] | None]  # what may be alarmed about: its subject and priority
LEADERS = frozenset({Role.SHIFT_LEADER})


def obey(
    book: AlarmBook, command: Command, now: int, lookup: Lookup, shelve_max_h: float, toxic: Callable[[str], bool]
) -> AlarmEvent:
    """Carry the command out. Raises NotFound, or CommandRefused with the reason.

    `toxic` tells whether a subject id is a toxic gas detector.
    """
    alarm = _target(book, command, now, lookup)
    match command:
        case Acknowledge(by=by, note=note):
            _allow(alarm, Stimulus.ACKNOWLEDGE)
            seen = replace(alarm, acknowledged_at=now, acknowledged_by=by)
            return book.move(seen, Stimulus.ACKNOWLEDGE, now, by=by, reason=note)
        case Reset(by=by, note=note):
            _allow(alarm, Stimulus.RESET)
            return book.move(alarm, Stimulus.RESET, now, by=by, reason=note)
        case Comment(by=by, note=note):
            return book.move(alarm, Stimulus.COMMENT, now, by=by, reason=note)
        case Verify(by=by, verdict=verdict, note=note):
            verified = replace(alarm, verified=Verified(now, by, verdict, note))
            return book.move(verified, Stimulus.VERIFY, now, by=by, reason=f"{verdict}: {note}" if note else verdict)
        case Dispose(by=by, note=note):
            disposed = replace(alarm, disposed=Statement(now, by, note))
            return book.move(disposed, Stimulus.DISPOSE, now, by=by, reason=note)
        case Shelve(by=by, role=role, note=note, until=until):
            if not now < until <= now + round(shelve_max_h * HOUR_US):
                raise CommandRefused(f"an alarm is shelved for at most {shelve_max_h:g} hours, and not into the past")
            if role not in LEADERS and (_worst_priority(alarm, lookup) == 1 or toxic(alarm.subject.id)):
                raise CommandRefused("toxic gas and priority 1 are shelved by a shift leader (班长)")
            _switch(alarm, Stimulus.SHELVE)
            known = None if alarm.worst is None or alarm.state is AlarmState.NORMAL else alarm.worst.rule
            shelf = Shelf(until, by, note, known)
            return book.move(replace(alarm, shelf=shelf), Stimulus.SHELVE, now, by=by, reason=note)
        case Unshelve(by=by, note=note):
            _switch(alarm, Stimulus.UNSHELVE)
            seen = replace(alarm, shelf=None)
            if alarm.state not in (AlarmState.NORMAL, AlarmState.RETURNED):
                seen = replace(seen, acknowledged_at=now, acknowledged_by=by)
            return book.move(seen, Stimulus.UNSHELVE, now, by=by, reason=note)
        case Remove(by=by, role=role, note=note):
            _leader(role, "an alarm is taken out of service")
            _switch(alarm, Stimulus.REMOVE)
            return book.move(replace(alarm, out_of_service=Statement(now, by, note)), Stimulus.REMOVE, now, by=by, reason=note)
        case Return(by=by, role=role, note=note):
            _leader(role, "an alarm is put back into service")
            _switch(alarm, Stimulus.RETURN)
            return book.move(replace(alarm, out_of_service=None), Stimulus.RETURN, now, by=by, reason=note)


def _target(book: AlarmBook, command: Command, now: int, lookup: Lookup) -> Alarm:
    """The alarm meant: by id, also one that is over; or by subject and kind, where only switches make sense without an alarm."""
    alarm = book.open.get(command.target) or book.closed.get(command.target)
    switching = isinstance(command, Shelve | Unshelve | Remove | Return)
    if alarm is not None:
        if switching and (alarm.late or not alarm.open):
            raise CommandRefused(
                "the alarm is over: name the point and the kind" if not alarm.late else "a late alarm never rings"
            )
        return alarm
    subject, _, word = command.target.rpartition(".")
    if word not in tuple(Kind):
        raise NotFound(f"no alarm {command.target}")
    found = lookup(subject, Kind(word))
    if found is None:
        raise NotFound(f"nothing is alarmed about {command.target}")
    alarm = book.of(subject, Kind(word))
    if alarm is None and not switching:
        raise NotFound(f"no open alarm {command.target}")
    return alarm or book.new(found[0], Kind(word), now, found[1], latching=False)


def _worst_priority(alarm: Alarm, lookup: Lookup) -> int:
    """Of any status that the alarm may reach on the shelf: the first level of gas would hide the second."""
    found = lookup(alarm.subject.id, alarm.kind)
    return alarm.priority if found is None else min(alarm.priority, found[1])


def _allow(alarm: Alarm, stimulus: Stimulus) -> None:
    cell = TABLE[alarm.state, stimulus]
    if isinstance(cell, Ignored):
        raise CommandRefused(cell.why)


def _switch(alarm: Alarm, stimulus: Stimulus) -> None:
    suppression = SWITCH_OF[stimulus]
    cell = SWITCHES[suppression, suppression in alarm.suppressions, stimulus]
    if isinstance(cell, Ignored):
        raise CommandRefused(cell.why)


def _leader(role: Role, what: str) -> None:
    if role not in LEADERS:
        raise CommandRefused(f"{what} by a shift leader (班长)")
