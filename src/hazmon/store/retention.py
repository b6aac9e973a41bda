"""How long the record keeps what: whole chunks go, the ledger is thinned in small steps, and the licence may compress."""

from __future__ import annotations

from dataclasses import dataclass

from hazmon.clock import US, as_datetime
from hazmon.store.pool import Connection

DAY_US = 86_400 * US
STEP_ROWS = 5_000  # deleted in one transaction, so that no lock is long
MOST_STEPS = 200  # in one run
COLUMNSTORE_ON = (
    "ALTER TABLE scan SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'group_id', timescaledb.orderby = 'ts')"
)
COLUMNSTORE_POLICY = "CALL add_columnstore_policy('scan', after => INTERVAL '8 days', if_not_exists => true)"


@dataclass(frozen=True, slots=True)
class Released:
    """What one run let go of."""

    chunks: int = 0
    batches: int = 0
    refused: int = 0


async def retain(connection: Connection, raw_days: int, minute_days: int, now: int) -> Released:
    """Let go of scans, misses, batches and their bytes older than `raw_days` and of minutes older than `minute_days`.

    Only whole chunks go, so a little more than that is kept. Alarms and their events are kept for ever, and so is what the
    ledger holds of everything: its hash.
    """
    raw, minutes = as_datetime(now - raw_days * DAY_US), as_datetime(now - minute_days * DAY_US)
    chunks = 0
    for table, before in (("scan", raw), ("miss", raw), ("evidence", raw), ("minute", minutes)):
        dropped = await connection.execute("SELECT drop_chunks(%s::regclass, older_than => %s::timestamptz)", (table, before))
        chunks += dropped.rowcount
    batches = refused = 0
    for _ in range(MOST_STEPS):
        done = await connection.execute(
            "DELETE FROM batch WHERE ctid = ANY(ARRAY(SELECT ctid FROM batch WHERE arrived_at < %s LIMIT %s))", (raw, STEP_ROWS)
        )
        batches += done.rowcount
        if done.rowcount < STEP_ROWS:
            break
    for _ in range(MOST_STEPS):
        done = await connection.execute(
            "DELETE FROM refused WHERE ctid = ANY(ARRAY(SELECT ctid FROM refused WHERE arrived_at < %s LIMIT %s))",
            (raw, STEP_ROWS),
        )
        refused += done.rowcount
        if done.rowcount < STEP_ROWS:
            break
    return Released(chunks, batches, refused)


async def compress_where_licensed(connection: Connection) -> bool:
    """Switch columnstore compression of scans on where the licence allows; answers whether it is on. May be asked again.

    Only what late data no longer reaches is compressed: a box keeps its backlog for seven days.
    """
    row = await (await connection.execute("SHOW timescaledb.license")).fetchone()
    if row is None or row[0] != "timescale":
        return False
    row = await (
        await connection.execute(
            "SELECT compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_name = 'scan'"
        )
    ).fetchone()
    if row is None or not row[0]:
        await connection.execute(COLUMNSTORE_ON)
    await connection.execute(COLUMNSTORE_POLICY)
    return True
