"""Reading alarms and their events from the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hazmon.alarms.alarm import Alarm, AlarmEvent
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.clock import as_datetime, as_us
from hazmon.rulebook import Rule
from hazmon.store.bodies import alarm_of
from hazmon.store.pool import Connection


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Which alarms: None = all. `start` and `end` (microseconds) bound when they opened, the end excluded."""

    states: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    source: str | None = None
    enterprise: str | None = None
    priorities: Sequence[int] | None = None
    start: int | None = None
    end: int | None = None


async def alarms(connection: Connection, wanted: AlarmFilter, before: tuple[int, str] | None, limit: int) -> list[Alarm]:
    """Newest first; `before` is the (opened_at, id) of the last one that is known already."""
    rows = await (
        await connection.execute(
            "SELECT body FROM alarm"
            " WHERE (%(states)s::text[] IS NULL OR state = ANY(%(states)s))"
            " AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s))"
            " AND (%(source)s::text IS NULL OR source = %(source)s)"
            " AND (%(enterprise)s::text IS NULL OR enterprise = %(enterprise)s)"
            " AND (%(priorities)s::smallint[] IS NULL OR priority = ANY(%(priorities)s))"
            " AND opened_at >= COALESCE(%(start)s, '-infinity'::timestamptz)"
            " AND opened_at < COALESCE(%(end)s, 'infinity'::timestamptz)"
            " AND (opened_at, alarm_id) < (COALESCE(%(at)s, 'infinity'::timestamptz), COALESCE(%(id)s, ''))"
            " ORDER BY opened_at DESC, alarm_id DESC LIMIT %(limit)s",
            {
                "states": None if wanted.states is None else list(wanted.states),
                "kinds": None if wanted.kinds is None else list(wanted.kinds),
                "source": wanted.source,
                "enterprise": wanted.enterprise,
                "priorities": None if wanted.priorities is None else list(wanted.priorities),
                "start": None if wanted.start is None else as_datetime(wanted.start),
                "end": None if wanted.end is None else as_datetime(wanted.end),
                "at": None if before is None else as_datetime(before[0]),
                "id": None if before is None else before[1],
                "limit": limit,
            },
            prepare=False,  # a plan for any filter would not use the index of what is open
        )
    ).fetchall()
    return [alarm_of(body) for (body,) in rows]


async def alarm(connection: Connection, identity: str) -> Alarm | None:
    """One alarm, None when the record does not know it."""
    row = await (await connection.execute("SELECT body FROM alarm WHERE alarm_id = %s", (identity,))).fetchone()
    return None if row is None else alarm_of(row[0])


async def events_of(connection: Connection, identity: str, after: int, limit: int) -> list[AlarmEvent]:
    """The events of an alarm with numbers above `after`, in their order, each with the alarm as it was then."""
    rows = await (
        await connection.execute(
            "SELECT event, at, stimulus, from_state, by, value, reason, rule, suppressed, evidence, after FROM alarm_event"
            " WHERE alarm_id = %s AND event > %s ORDER BY event LIMIT %s",
            (identity, after, limit),
        )
    ).fetchall()
    return [event_of(row) for row in rows]


async def events_after(connection: Connection, after: int, upto: int, limit: int) -> list[AlarmEvent]:
    """The park's events with numbers above `after` up to `upto`, in their order, each with its alarm as it was then."""
    rows = await (
        await connection.execute(
            "SELECT event, at, stimulus, from_state, by, value, reason, rule, suppressed, evidence, after FROM alarm_event"
            " WHERE event > %s AND event <= %s ORDER BY event LIMIT %s",
            (after, upto, limit),
        )
    ).fetchall()
    return [event_of(row) for row in rows]


async def events_between(connection: Connection, start: int, end: int, limit: int) -> list[AlarmEvent]:
    """The park's events dated in [start, end), microseconds, by time."""
    rows = await (
        await connection.execute(
            "SELECT event, at, stimulus, from_state, by, value, reason, rule, suppressed, evidence, after FROM alarm_event"
            " WHERE at >= %s AND at < %s ORDER BY at, event LIMIT %s",
            (as_datetime(start), as_datetime(end), limit),
        )
    ).fetchall()
    return [event_of(row) for row in rows]


def event_of(row: tuple[Any, ...]) -> AlarmEvent:
    """The event of a row: event, at, stimulus, from_state, by, value, reason, rule, suppressed, evidence, after."""
    number, at, stimulus, before, by, value, reason, rule, suppressed, evidence, after = row
    held: dict[str, float] = evidence or {}
    return AlarmEvent(
        number=number,
        alarm=alarm_of(after),
        stimulus=Stimulus(stimulus),
        before=AlarmState(before),
        at=as_us(at),
        by=by,
        value=value,
        reason=reason,
        rule=Rule(rule),
        suppressed=suppressed,
        evidence=tuple(held.items()),
    )
