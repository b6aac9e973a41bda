"""Minute aggregates: of good readings only, at the readings' own times, right again after whatever came late."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from store.scribe import MINUTE, START, Scribe

from hazmon.clock import US
from hazmon.store import minutes
from hazmon.store.minutes import Span, merged, roll
from hazmon.store.pool import connect

ALL = (
    "SELECT (extract(epoch FROM minute - '2026-01-01T00:00Z') / 60)::int, p.tag, good, low, high, mean, last"
    " FROM minute JOIN point p USING (point_id) ORDER BY 1, 2"
)
DUE = "SELECT count(*) FROM minute_due"


def scans(first: int, count: int) -> list[int]:
    """Times of scans a second apart."""
    return [first + k * US for k in range(count)]


async def test_a_minute_is_made_when_it_is_over_and_once(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1",))
    await scribe.write(group, scans(START, 90), [[float(k)] for k in range(90)])
    assert await roll(scribe.connection, START + 60 * US) == 0, "its end may still be on the way"
    assert await roll(scribe.connection, START + 65 * US) == 1
    assert await scribe.rows(ALL) == [(0, "LT-1", 60, 0.0, 59.0, 29.5, 59.0)]
    assert await roll(scribe.connection, START + 65 * US) == 0
    assert await roll(scribe.connection, START + 200 * US) == 1
    assert await scribe.rows(ALL) == [(0, "LT-1", 60, 0.0, 59.0, 29.5, 59.0), (1, "LT-1", 30, 60.0, 89.0, 74.5, 89.0)]
    assert await scribe.rows(DUE) == [(0,)]


async def test_only_good_readings_count_and_a_suspect_clock_is_good(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1", "PT-1"))
    await scribe.write(
        group,
        scans(START, 5),
        [[1, 9], [2, 9], [math.nan, 9], [math.nan, 9], [5, 9]],
        quality=[[0, 6], [8, 6], [128, 6], [129, 6], [4, 6]],
    )
    await roll(scribe.connection, START + 2 * MINUTE)
    assert await scribe.rows(ALL) == [(0, "LT-1", 2, 1.0, 2.0, 1.5, 2.0)]


async def test_a_reading_belongs_to_the_minute_of_its_own_time(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1", "PT-1"))
    last = START + 59 * US
    await scribe.write(group, [last, START + MINUTE], [[1, 1], [2, 2]], offsets=[[1000, 998], [1, -1]])
    await roll(scribe.connection, START + 5 * MINUTE)
    assert await scribe.rows(ALL) == [
        (0, "PT-1", 2, 1.0, 2.0, 1.5, 2.0),
        (1, "LT-1", 2, 1.0, 2.0, 1.5, 2.0),
    ]


async def test_late_scans_make_their_minutes_again(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1",))
    await scribe.write(group, scans(START, 30), [[1.0]] * 30)
    await roll(scribe.connection, START + 10 * MINUTE)
    await scribe.write(group, scans(START + 30 * US, 30), [[2.0]] * 30, arrived=START + 9 * MINUTE)
    assert await roll(scribe.connection, START + 10 * MINUTE) == 1
    assert await scribe.rows(ALL) == [(0, "LT-1", 60, 1.0, 2.0, 1.5, 2.0)]


async def test_a_batch_that_arrived_before_but_was_recorded_after_is_not_passed_by(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1",))
    await scribe.write(group, [START + 1], [[1.0]], arrived=START + 5 * MINUTE)
    await roll(scribe.connection, START + 10 * MINUTE)
    await scribe.write(group, [START], [[3.0]], arrived=START + US)
    await roll(scribe.connection, START + 10 * MINUTE)
    assert await scribe.rows(ALL) == [(0, "LT-1", 2, 1.0, 3.0, 2.0, 1.0)]


async def test_a_run_that_dies_half_way_is_made_good_by_the_next(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1",))
    await scribe.write(group, [START + k * MINUTE for k in range(60 * 5)], [[float(k)] for k in range(300)])
    dying = await connect(scribe.url)
    row = await (await dying.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    await scribe.connection.execute("CREATE TABLE hold (x int)")
    async with scribe.connection.transaction():
        await scribe.connection.execute("LOCK TABLE minute_due IN EXCLUSIVE MODE")
        running = asyncio.create_task(roll(dying, START + 400 * MINUTE))
        async with await connect(scribe.url) as other:
            while (await (await other.execute("SELECT count(*) FROM minute")).fetchone()) != (300,):
                assert not running.done()
            await other.execute("SELECT pg_terminate_backend(%s)", (row[0],))
        (failure,) = await asyncio.gather(running, return_exceptions=True)
        assert isinstance(failure, Exception)
    await dying.close()
    assert await scribe.rows(DUE) != [(0,)]
    assert await roll(scribe.connection, START + 400 * MINUTE) == 300
    assert len(await scribe.rows(ALL)) == 300
    assert await scribe.rows(DUE) == [(0,)]


async def test_a_run_is_bounded_and_the_newest_comes_first(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1",))
    hours = minutes.MOST_HOURS + 3
    await scribe.write(group, [START + (k * 60 + 30) * MINUTE for k in range(hours)], [[1.0]] * hours)
    live = START + (1000 * 60 + 30) * MINUTE
    await scribe.write(group, [live], [[2.0]])
    now = live + 2 * MINUTE
    assert await roll(scribe.connection, now) == minutes.MOST_HOURS
    assert (60 * 1000 + 30, "LT-1", 1, 2.0, 2.0, 2.0, 2.0) in await scribe.rows(ALL)
    assert await roll(scribe.connection, now) == 4
    assert await roll(scribe.connection, now) == 0


async def test_a_batch_whose_scans_are_years_apart_costs_no_more_than_its_hours(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1",))
    await scribe.write(group, [START - 20 * 365 * 1440 * MINUTE, START], [[1.0], [2.0]])
    assert await roll(scribe.connection, START + 2 * MINUTE) == 2


async def test_minutes_outlive_the_scans_they_were_made_of(scribe: Scribe) -> None:
    group = await scribe.group(("LT-1",))
    await scribe.write(group, scans(START, 60), [[1.0]] * 60)
    await roll(scribe.connection, START + 2 * MINUTE)
    await scribe.connection.execute("DELETE FROM scan")
    await scribe.write(group, [START + 10], [[7.0]])
    await roll(scribe.connection, START + 3 * MINUTE)
    assert await scribe.rows(ALL) == [(0, "LT-1", 60, 1.0, 1.0, 1.0, 1.0)]


async def test_unknown_tags_make_no_minutes(scribe: Scribe) -> None:
    group = await scribe.group(("NOT-CONFIGURED",))
    await scribe.write(group, [START], [[1.0]])
    assert await roll(scribe.connection, START + 2 * MINUTE) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["E01", "E02"]), st.integers(0, 100), st.integers(0, 20)).map(
            lambda found: Span(found[0], found[1], found[1] + found[2])
        )
    )
)
def test_merged_spans_hold_the_same_time_apart_from_each_other(spans: list[Span]) -> None:
    found = merged(spans)
    assert {(s.edge, t) for s in spans for t in range(s.first, s.last)} == {
        (s.edge, t) for s in found for t in range(s.first, s.last)
    }
    for edge in ("E01", "E02"):
        own = sorted((s for s in found if s.edge == edge), key=lambda s: s.first)
        assert all(a.last < b.first for a, b in pairwise(own))
    assert [s.last for s in found] == sorted((s.last for s in found), reverse=True)
