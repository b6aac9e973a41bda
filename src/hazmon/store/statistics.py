"""What alarm statistics are made of: the events of a range as columns, and the recorded signal behind an alarm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.alarms.episodes import STATES, STIMULI, Actor, EventColumns
from hazmon.clock import as_datetime
from hazmon.model import Quality
from hazmon.rulebook import Kind
from hazmon.rules.frame import Floats, Ints
from hazmon.store.copy import HEADER, PG_EPOCH_US
from hazmon.store.pool import Connection
from hazmon.store.readings import columns, owed, read

# A row of the COPY below: every field has a fixed width, so that numpy reads the answer as it is.
_FIELDS = (
    ("event", ">i8"),
    ("at", ">i8"),
    ("alarm", ">i8"),
    ("actor", ">i8"),
    ("stimulus", ">i4"),
    ("before", ">i4"),
    ("after", ">i4"),
    ("priority", ">i2"),
    ("late", "u1"),
    ("suppressed", "u1"),
)
_ROW = np.dtype([("fields", ">i2")] + [column for name, kind in _FIELDS for column in ((f"{name}_length", ">i4"), (name, kind))])


@dataclass(frozen=True, slots=True)
class Wanted:
    """Alarms of an enterprise, of a source, of all (None)."""

    enterprise: str | None = None
    source: str | None = None


async def events(connection: Connection, since: int, end: int, wanted: Wanted, most: int) -> EventColumns:
    """Every event before `end` of the alarms that were open at `since` (microseconds) or later; of more than `most`, `most` + 1.

    An alarm that is not over yet has all its events among them, however old it is.
    """
    actors = await _actors(connection, since, end, wanted)
    parts: list[bytes] = []
    async with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY (WITH wanted AS MATERIALIZED ("
            "SELECT alarm_id FROM alarm WHERE (state <> 'normal' OR suppressed) AND opened_at < %(end)s"
            " UNION SELECT e.alarm_id FROM alarm_event e JOIN alarm a USING (alarm_id)"
            " WHERE e.at >= %(since)s AND a.opened_at < %(end)s)"
            " SELECT e.event, e.at, ('x' || e.alarm_id)::bit(64)::bigint, actor.number - 1,"
            " COALESCE(array_position(%(stimuli)s::text[], e.stimulus), 0) - 1,"
            " COALESCE(array_position(%(states)s::text[], e.from_state), 0) - 1,"
            " COALESCE(array_position(%(states)s::text[], e.to_state), 0) - 1,"
            " a.priority, a.late, e.suppressed"
            " FROM wanted JOIN alarm a USING (alarm_id) JOIN alarm_event e USING (alarm_id)"
            " JOIN unnest(%(enterprises)s::text[], %(tags)s::text[], %(kinds)s::text[]) WITH ORDINALITY"
            " AS actor (enterprise, tag, kind, number) USING (enterprise, tag, kind)"
            " WHERE e.at < %(end)s AND (%(enterprise)s::text IS NULL OR a.enterprise = %(enterprise)s)"
            " AND (%(source)s::text IS NULL OR a.source = %(source)s) LIMIT %(rows)s) TO STDOUT (FORMAT binary)",
            {
                "since": as_datetime(since),
                "end": as_datetime(end),
                "stimuli": [stimulus.value for stimulus in STIMULI],
                "states": [state.value for state in STATES],
                "enterprises": [enterprise for enterprise, _, _ in actors],
                "tags": [tag for _, tag, _ in actors],
                "kinds": [kind for _, _, kind in actors],
                "enterprise": wanted.enterprise,
                "source": wanted.source,
                "rows": most + 1,
            },
        ) as copy,
    ):
        async for part in copy:
            parts.append(bytes(part))
    body = b"".join(parts)
    rows = np.frombuffer(body, _ROW, offset=len(HEADER), count=(len(body) - len(HEADER) - 2) // _ROW.itemsize)
    return EventColumns(
        event=rows["event"].astype(np.int64),
        at=rows["at"].astype(np.int64) + PG_EPOCH_US,
        alarm=rows["alarm"].astype(np.int64),
        actor=rows["actor"].astype(np.int64),
        stimulus=rows["stimulus"].astype(np.uint8),
        before=rows["before"].astype(np.uint8),
        after=rows["after"].astype(np.uint8),
        priority=rows["priority"].astype(np.uint8),
        late=rows["late"] != 0,
        suppressed=rows["suppressed"] != 0,
        actors=tuple(Actor(f"{enterprise}/{tag}", Kind(kind)) for enterprise, tag, kind in actors),
    )


async def _actors(connection: Connection, since: int, end: int, wanted: Wanted) -> list[tuple[str, str, str]]:
    """Enterprise, tag and kind of everything that had an alarm which was open at `since` or later."""
    return await (
        await connection.execute(
            "WITH wanted AS MATERIALIZED ("
            "SELECT alarm_id FROM alarm WHERE (state <> 'normal' OR suppressed) AND opened_at < %(end)s"
            " UNION SELECT e.alarm_id FROM alarm_event e JOIN alarm a USING (alarm_id)"
            " WHERE e.at >= %(since)s AND a.opened_at < %(end)s)"
            " SELECT DISTINCT enterprise, tag, kind FROM wanted JOIN alarm USING (alarm_id)"
            " WHERE (%(enterprise)s::text IS NULL OR enterprise = %(enterprise)s)"
            " AND (%(source)s::text IS NULL OR source = %(source)s) ORDER BY enterprise, tag, kind",
            {"since": as_datetime(since), "end": as_datetime(end), "enterprise": wanted.enterprise, "source": wanted.source},
            prepare=False,  # a plan for any range would read all
        )
    ).fetchall()


async def signal(connection: Connection, enterprise: str, tag: str, start: int, end: int, most: int) -> tuple[Ints, Floats]:
    """A point's readings in [start, end) microseconds: times ascending, values with NaN where none is usable.

    Of a range that can hold more than `most` only the newest part is read.
    """
    found = await columns(connection, enterprise, tag)
    due = owed(found, start, end)
    if due > most:
        start = end - (end - start) * most // due
    series = await read(connection, found, start, end)
    usable = (series.quality == Quality.GOOD) | (series.quality == Quality.CLOCK_SUSPECT)
    return series.times, np.where(usable, series.values, np.nan)
