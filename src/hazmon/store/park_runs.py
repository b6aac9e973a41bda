"""When the service ran, as the record knows it: noted at its start and while it is alive, for who is killed can note nothing."""

from __future__ import annotations

from hazmon.clock import MINUTE_US, as_datetime, as_us
from hazmon.store.pool import Connection

SEEN_WITHIN_US = 2 * MINUTE_US  # of a service that is alive, as seen from outside


async def note_run(connection: Connection, now: int) -> int:
    """The service begins; answers the number of its run."""
    row = await (
        await connection.execute(
            "INSERT INTO park_run (started_at, seen_at) VALUES (%s, %s) RETURNING run", (as_datetime(now), as_datetime(now))
        )
    ).fetchone()
    assert row is not None  # noqa: S101 - RETURNING of an insert
    return row[0]


async def note_alive(connection: Connection, run: int, now: int) -> None:
    """The run goes on."""
    await connection.execute("UPDATE park_run SET seen_at = GREATEST(seen_at, %s) WHERE run = %s", (as_datetime(now), run))


async def down_between(connection: Connection, begin: int, end: int, now: int) -> list[tuple[int, int]]:
    """Stretches of [begin, end) microseconds in which the service did not run, as far as `now` can tell, in order.

    What was before the first run of all is among them.
    """
    cursor = await connection.execute(
        "SELECT started_at, seen_at, run = (SELECT max(run) FROM park_run) FROM park_run"
        " WHERE started_at < %(end)s AND seen_at + %(grace)s * INTERVAL '1 microsecond' > %(begin)s ORDER BY started_at",
        {"begin": as_datetime(begin), "end": as_datetime(end), "grace": SEEN_WITHIN_US},
    )
    down: list[tuple[int, int]] = []
    at = begin
    for started, seen, newest in await cursor.fetchall():
        if as_us(started) > at:
            down.append((at, as_us(started)))
        until = as_us(seen)
        at = max(at, now if newest and now - until <= SEEN_WITHIN_US else until)
    return [*down, (at, end)] if at < end else down
