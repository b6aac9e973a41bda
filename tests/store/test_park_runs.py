"""When the service ran, told from what it noted of itself: also when it was killed."""

from __future__ import annotations

import asyncio

import pytest
from store.scribe import MINUTE, START, Scribe

from hazmon.clock import ManualClock
from hazmon.store.park_runs import down_between, note_alive, note_run
from hazmon.store.pool import Pool
from hazmon.upkeep import keep_noting_alive

DAY = 1440 * MINUTE


async def ran(scribe: Scribe, begin: int, end: int) -> None:
    """A run of minutes [begin, end] after START."""
    run = await note_run(scribe.connection, START + begin * MINUTE)
    await note_alive(scribe.connection, run, START + end * MINUTE)


async def down(scribe: Scribe, begin: int, end: int, now: int) -> list[tuple[float, float]]:
    found = await down_between(scribe.connection, START + begin * MINUTE, START + end * MINUTE, START + now * MINUTE)
    return [((a - START) / MINUTE, (b - START) / MINUTE) for a, b in found]


async def test_a_killed_service_was_down_from_when_it_was_last_seen(scribe: Scribe) -> None:
    await ran(scribe, 0, 10)
    await ran(scribe, 30, 60)
    assert await down(scribe, 0, 60, 60) == [(10, 30)]
    assert await down(scribe, 15, 20, 60) == [(15, 20)]
    assert await down(scribe, 5, 8, 60) == []


async def test_nothing_ran_before_the_first_run(scribe: Scribe) -> None:
    assert await down(scribe, 0, 60, 60) == [(0, 60)]
    await ran(scribe, 20, 60)
    assert await down(scribe, 0, 60, 60) == [(0, 20)]


@pytest.mark.parametrize(("now", "expected"), [(61, []), (62, []), (63, [(60, 63)])])
async def test_a_service_that_was_just_seen_is_alive(scribe: Scribe, now: int, expected: list[tuple[int, int]]) -> None:
    await ran(scribe, 0, 60)
    assert await down(scribe, 50, now, now) == expected


async def test_only_the_newest_run_can_be_alive(scribe: Scribe) -> None:
    await ran(scribe, 0, 10)
    await ran(scribe, 11, 12)
    assert await down(scribe, 0, 12, 12) == [(10, 11)]


async def test_being_alive_is_noted_each_minute_and_never_back(scribe: Scribe) -> None:
    clock, pool = ManualClock(START), Pool(scribe.url)
    await pool.open()
    run = await note_run(scribe.connection, clock.now())
    keeping = asyncio.create_task(keep_noting_alive(pool, run, clock))
    seen = START
    async with asyncio.timeout(10):
        while seen < START + 2 * MINUTE:
            await asyncio.sleep(0.01)
            ((told,),) = await scribe.rows("SELECT (extract(epoch FROM seen_at) * 1000000)::bigint FROM park_run")
            assert isinstance(told, int)
            assert (told - START) % MINUTE == 0
            seen = told
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await pool.close()
    at = clock.now()
    await note_alive(scribe.connection, run, at)
    await note_alive(scribe.connection, run, START)
    assert await scribe.rows(f"SELECT count(*) FROM park_run WHERE seen_at = to_timestamp({at / 1e6})") == [(1,)]
