"""What is too old goes, in whole chunks and small steps; nothing else does; and both licences are served."""

from __future__ import annotations

import psycopg
import pytest
from store.scribe import START, Scribe

from hazmon.clock import US
from hazmon.delivery import Refused
from hazmon.store import retention
from hazmon.store.minutes import roll
from hazmon.store.retention import DAY_US, compress_where_licensed, retain

COUNTS = (
    "SELECT (SELECT count(*) FROM scan), (SELECT count(*) FROM minute), (SELECT count(*) FROM batch),"
    " (SELECT count(*) FROM refused), (SELECT count(*) FROM miss)"
)


async def test_old_chunks_and_ledger_rows_go_and_the_young_stay(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1",))
    for day in range(0, 100, 10):
        at = START + day * DAY_US
        await scribe.write(group, [at], [[1.0]], refused=[Refused("LT-9", at, 1, "unknown-tag")])
    now = START + 99 * DAY_US
    while await roll(scribe.connection, now):
        pass
    await scribe.connection.execute("INSERT INTO miss VALUES ('2026-01-02Z', 1, NULL, 1, 1), ('2026-04-08Z', 1, NULL, 1, 1)")
    assert await scribe.rows(COUNTS) == [(10, 10, 10, 10, 2)]
    released = await retain(scribe.connection, 30, 60, now)
    assert (released.batches, released.refused) == (7, 7)
    assert released.chunks >= 8
    ((scans, minutes, batches, refused, misses),) = await scribe.rows(COUNTS)
    assert (scans, batches, refused, misses) == (3, 3, 3, 1)
    assert isinstance(minutes, int)
    assert 4 <= minutes < 10, "chunks of a month go when all of it is too old"
    again = await retain(scribe.connection, 30, 60, now)
    assert (again.chunks, again.batches, again.refused) == (0, 0, 0)


async def test_a_run_deletes_in_steps(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 2)
    monkeypatch.setattr(retention, "MOST_STEPS", 2)
    group = await scribe.group(("LT-1",))
    for k in range(5):
        await scribe.write(group, [START + k * US], [[1.0]])
    now = START + 100 * DAY_US
    assert (await retain(scribe.connection, 30, 60, now)).batches == 4
    assert (await retain(scribe.connection, 30, 60, now)).batches == 1


async def test_compression_waits_for_the_licence(scribe: Scribe) -> None:
    """On the Apache edition nothing is asked for; what would be asked is known to it and refused for its licence alone."""
    assert await scribe.rows("SHOW timescaledb.license") in ([("apache",)], [("timescale",)])
    if await scribe.rows("SHOW timescaledb.license") == [("timescale",)]:
        assert await compress_where_licensed(scribe.connection)
        assert await compress_where_licensed(scribe.connection), "asking again is no error"
        jobs = await scribe.rows("SELECT count(*) FROM timescaledb_information.jobs WHERE hypertable_name = 'scan'")
        assert jobs == [(1,)]
        return
    assert not await compress_where_licensed(scribe.connection)
    for statement in (retention.COLUMNSTORE_ON, retention.COLUMNSTORE_POLICY):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="license"):
            await scribe.connection.execute(statement)
