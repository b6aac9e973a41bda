"""What the record holds to answer why an alarm rang: the events of one kind of one subject, and where a reading came from."""

from __future__ import annotations

from dataclasses import dataclass

from hazmon.alarms.alarm import AlarmEvent
from hazmon.clock import MINUTE_US, US, as_datetime, as_us
from hazmon.rulebook import Kind
from hazmon.store.alarms import event_of
from hazmon.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Origin:
    """The batch in which a reading came: times in microseconds, digest of its own bytes."""

    edge: str
    boot: int
    seq: int
    digest: bytes
    arrived: int
    first: int
    last: int


async def events_near(connection: Connection, subject: str, kind: Kind, start: int, end: int, limit: int) -> list[AlarmEvent]:
    """Events of the subject's alarms of that kind dated in [start, end), microseconds, in their order."""
    enterprise, _, tag = subject.partition("/")
    rows = await (
        await connection.execute(
            "SELECT e.event, e.at, e.stimulus, e.from_state, e.by, e.value, e.reason, e.rule, e.suppressed, e.evidence, e.after"
            " FROM alarm_event e JOIN alarm a USING (alarm_id) WHERE e.at >= %s AND e.at < %s"
            " AND (a.enterprise, a.tag, a.kind) = (%s, %s, %s) ORDER BY e.at, e.event LIMIT %s",
            (as_datetime(start), as_datetime(end), enterprise, tag, kind, limit),
        )
    ).fetchall()
    return [event_of(row) for row in rows]


async def event_before(connection: Connection, subject: str, kind: Kind, at: int) -> AlarmEvent | None:
    """The last event of the subject's alarms of that kind before that microsecond."""
    enterprise, _, tag = subject.partition("/")
    row = await (
        await connection.execute(
            "SELECT e.event, e.at, e.stimulus, e.from_state, e.by, e.value, e.reason, e.rule, e.suppressed, e.evidence, e.after"
            " FROM alarm a JOIN alarm_event e USING (alarm_id) WHERE (a.enterprise, a.tag, a.kind) = (%s, %s, %s)"
            " AND e.at < %s ORDER BY e.at DESC, e.event DESC LIMIT 1",
            (enterprise, tag, kind, as_datetime(at)),
        )
    ).fetchone()
    return None if row is None else event_of(row)


async def event_after(connection: Connection, subject: str, kind: Kind, at: int) -> AlarmEvent | None:
    """The first event of the subject's alarms of that kind at that microsecond or after it."""
    enterprise, _, tag = subject.partition("/")
    row = await (
        await connection.execute(
            "SELECT e.event, e.at, e.stimulus, e.from_state, e.by, e.value, e.reason, e.rule, e.suppressed, e.evidence, e.after"
            " FROM alarm a JOIN alarm_event e USING (alarm_id) WHERE (a.enterprise, a.tag, a.kind) = (%s, %s, %s)"
            " AND e.at >= %s ORDER BY e.at, e.event LIMIT 1",
            (enterprise, tag, kind, as_datetime(at)),
        )
    ).fetchone()
    return None if row is None else event_of(row)


async def origin_of(connection: Connection, point: str, at: int) -> Origin | None:
    """The batch that brought the point's reading of that very microsecond; a scan remembers when it arrived."""
    edge, _, tag = point.partition("/")
    row = await (
        await connection.execute(
            "SELECT b.boot, b.seq, b.digest, b.arrived_at, b.first_ts, b.last_ts FROM scan_group g JOIN scan s USING (group_id)"
            " JOIN batch b ON b.edge = g.edge AND b.first_ts <= s.ts AND b.last_ts >= s.ts"
            " AND b.arrived_at BETWEEN s.ts + s.lag_ms * INTERVAL '1 ms' AND s.ts + (s.lag_ms + 1) * INTERVAL '1 ms'"
            " WHERE g.edge = %(edge)s AND %(tag)s = ANY(g.tags) AND s.ts >= %(first)s AND s.ts <= %(last)s"
            " AND s.ts + COALESCE(s.offsets[array_position(g.tags, %(tag)s)], 0) * INTERVAL '1 ms' = %(at)s"
            " ORDER BY b.arrived_at LIMIT 1",
            {
                "edge": edge,
                "tag": tag,
                "at": as_datetime(at),
                "first": as_datetime(at - MINUTE_US),
                "last": as_datetime(at + US),
            },
        )
    ).fetchone()
    if row is None:
        return None
    boot, seq, digest, arrived, first, last = row
    return Origin(edge, boot, seq, bytes(digest), as_us(arrived), as_us(first), as_us(last))
