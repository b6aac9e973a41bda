"""Reading alarms and their events from the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hazmon.alarms.book import Alarm, AlarmEvent
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.clock import as_datetime, as_us
from hazmon.store.pool import Connection
from hazmon.store.standing import alarm_of


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Which alarms: None = all. `start` and `end` (microseconds) bound when they were raised, the end excluded."""

    states: Sequence[str] | None = None
    source: str | None = None
    enterprise: str | None = None
    priorities: Sequence[int] | None = None
    start: int | None = None
    end: int | None = None


async def alarms(connection: Connection, wanted: AlarmFilter, before: tuple[int, str] | None, limit: int) -> list[Alarm]:
    """Newest first; `before` is the (raised_at, id) of the last one that is known already."""
    rows = await (
        await connection.execute(
            "SELECT alarm_id, enterprise, source, tag, rule, priority, state, raised_at, acknowledged_at, acknowledged_by,"
            " cleared_at, value, limit_value, uom, name, late, event FROM alarm"
            " WHERE (%(states)s::text[] IS NULL OR state = ANY(%(states)s))"
            " AND (%(source)s::text IS NULL OR source = %(source)s)"
            " AND (%(enterprise)s::text IS NULL OR enterprise = %(enterprise)s)"
            " AND (%(priorities)s::smallint[] IS NULL OR priority = ANY(%(priorities)s))"
            " AND raised_at >= COALESCE(%(start)s, '-infinity'::timestamptz)"
            " AND raised_at < COALESCE(%(end)s, 'infinity'::timestamptz)"
            " AND (raised_at, alarm_id) < (COALESCE(%(at)s, 'infinity'::timestamptz), COALESCE(%(id)s, ''))"
            " ORDER BY raised_at DESC, alarm_id DESC LIMIT %(limit)s",
            {
                "states": None if wanted.states is None else list(wanted.states),
                "source": wanted.source,
                "enterprise": wanted.enterprise,
                "priorities": None if wanted.priorities is None else list(wanted.priorities),
                "start": None if wanted.start is None else as_datetime(wanted.start),
                "end": None if wanted.end is None else as_datetime(wanted.end),
                "at": None if before is None else as_datetime(before[0]),
                "id": None if before is None else before[1],
                "limit": limit,
            },
        )
    ).fetchall()
    return [alarm_of(row) for row in rows]


async def alarm(connection: Connection, identity: str) -> Alarm | None:
    """One alarm, None when the record does not know it."""
    row = await (
        await connection.execute(
            "SELECT alarm_id, enterprise, source, tag, rule, priority, state, raised_at, acknowledged_at, acknowledged_by,"
            " cleared_at, value, limit_value, uom, name, late, event FROM alarm WHERE alarm_id = %s",
            (identity,),
        )
    ).fetchone()
    return None if row is None else alarm_of(row)


async def events_of(connection: Connection, known: Alarm, after: int, limit: int) -> list[AlarmEvent]:
    """The events of an alarm with numbers above `after`, in their order. Of the alarm in each, state and event are as of then."""
    rows = await (
        await connection.execute(
            "SELECT event, at, stimulus, from_state, to_state, by, value, reason FROM alarm_event"
            " WHERE alarm_id = %s AND event > %s ORDER BY event LIMIT %s",
            (known.id, after, limit),
        )
    ).fetchall()
    return [_event(replace(known, state=AlarmState(row[4]), event=row[0]), row) for row in rows]


async def events_after(connection: Connection, after: int, upto: int, limit: int) -> list[AlarmEvent]:
    """The park's events with numbers above `after` up to `upto`, in their order, each with its alarm as it was then."""
    numbers = await (
        await connection.execute(
            "SELECT event, alarm_id FROM alarm_event WHERE event > %s AND event <= %s ORDER BY event LIMIT %s",
            (after, upto, limit),
        )
    ).fetchall()
    if not numbers:
        return []
    last = numbers[-1][0]
    names = list({identity for _, identity in numbers})
    rows = await (
        await connection.execute(
            "SELECT alarm_id, enterprise, source, tag, rule, priority, state, raised_at, acknowledged_at, acknowledged_by,"
            " cleared_at, value, limit_value, uom, name, late, event FROM alarm WHERE alarm_id = ANY(%s)",
            (names,),
        )
    ).fetchall()
    at_hand = {row[0]: alarm_of(row) for row in rows}
    lives = await (
        await connection.execute(
            "SELECT event, at, stimulus, from_state, to_state, by, value, reason, alarm_id FROM alarm_event"
            " WHERE alarm_id = ANY(%s) AND event <= %s ORDER BY event",
            (names, last),
        )
    ).fetchall()
    events: list[AlarmEvent] = []
    for row in lives:
        event = _event(_after(at_hand[row[8]], row), row)
        at_hand[row[8]] = event.alarm
        if event.number > after:
            events.append(event)
    return events


def _event(alarm_then: Alarm, row: tuple[Any, ...]) -> AlarmEvent:
    number, at, stimulus, before, _, by, value, reason = row[:8]
    return AlarmEvent(number, alarm_then, Stimulus(stimulus), AlarmState(before), as_us(at), by, value, reason)


def _after(alarm_before: Alarm, row: tuple[Any, ...]) -> Alarm:
    """The alarm as the event left it. Of its limits the record keeps the newest."""
    number, at, stimulus, _, after, by, value, _ = row[:8]
    alarm_then = replace(alarm_before, state=AlarmState(after), event=number)
    match Stimulus(stimulus):
        case Stimulus.RAISE | Stimulus.RAISE_LATE:
            return replace(
                alarm_then, raised_at=as_us(at), value=value, acknowledged_at=None, acknowledged_by=None, cleared_at=None
            )
        case Stimulus.CLEAR:
            return replace(alarm_then, cleared_at=as_us(at))
        case Stimulus.ACKNOWLEDGE:
            return replace(alarm_then, acknowledged_at=as_us(at), acknowledged_by=by)
