"""What is true of a whole record for ever: whether its times were told by a simulator."""

from __future__ import annotations

from hazmon.clock import as_datetime
from hazmon.errors import HazmonError
from hazmon.store.ledger import say
from hazmon.store.pool import Connection

SIMULATED = "simulated"


async def is_simulated(connection: Connection) -> bool:
    """Whether the record's times were told."""
    found = await connection.execute("SELECT FROM record_mark WHERE mark = %s", (SIMULATED,))
    return await found.fetchone() is not None


async def agree_on_time(connection: Connection, simulated: bool, now: int) -> None:
    """Mark a fresh record that a simulated clock writes. Raises HazmonError where real and told times would be mixed."""
    marked = await is_simulated(connection)
    if marked and not simulated:
        raise HazmonError("this database was written with a simulated clock: it cannot go on with the real one; name another")
    if simulated and not marked:
        row = await (await connection.execute("SELECT EXISTS (SELECT FROM batch)")).fetchone()
        if row is not None and row[0]:
            raise HazmonError("this database holds real readings: a simulated clock may only write an empty one")
        async with connection.transaction():
            await connection.execute("INSERT INTO record_mark VALUES (%s, %s)", (SIMULATED, as_datetime(now)))
            await say(connection, "configuration", {"simulated_from": now})
