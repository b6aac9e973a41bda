"""A point's readings come back as they were recorded; buckets are what counting by hand gives."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from store.scribe import MINUTE, START, Scribe

from hazmon.clock import US
from hazmon.store.minutes import roll
from hazmon.store.readings import Series, columns, downsample, minute_buckets, owed, read

GOOD = {0, 8}


@given(
    readings=st.lists(
        st.tuples(st.integers(0, 10_000), st.floats(-1e9, 1e9, allow_subnormal=False), st.sampled_from([0, 0, 0, 8, 4, 6, 129])),
        max_size=200,
    ),
    span=st.integers(1, 10_001),
    most=st.integers(1, 50),
)
def test_buckets_are_what_counting_by_hand_gives(readings: list[tuple[int, float, int]], span: int, most: int) -> None:
    readings = sorted((entry for entry in readings if entry[0] < span), key=lambda entry: entry[0])
    start = START + 17
    series = Series(
        np.array([start + at for at, _, _ in readings], np.int64),
        np.array([math.nan if quality >= 128 else value for _, value, quality in readings], float),
        np.array([quality for _, _, quality in readings], np.uint8),
    )
    buckets, width = downsample(series, start, start + span, most)
    expected: dict[int, list[float]] = {}
    for at, value, quality in readings:
        if quality in GOOD:
            expected.setdefault(at // width, []).append(value)
    assert buckets.at.tolist() == [start + number * width for number in expected]
    assert len(expected) <= most
    assert width * most >= span
    assert buckets.good.tolist() == [len(values) for values in expected.values()]
    assert buckets.low.tolist() == [min(values) for values in expected.values()]
    assert buckets.high.tolist() == [max(values) for values in expected.values()]
    assert buckets.last.tolist() == [values[-1] for values in expected.values()]
    for mean, values in zip(buckets.mean.tolist(), expected.values(), strict=True):
        assert math.isclose(mean, math.fsum(values) / len(values), rel_tol=1e-9, abs_tol=1e-6)


async def test_readings_come_back_bit_for_bit_with_offsets_quality_and_without_holes(scribe: Scribe) -> None:
    group = await scribe.group()
    times = [START + k * US for k in range(4)]
    await scribe.write(
        group,
        times,
        [[0.1, 1, 2], [math.nan, 1, 2], [math.nan, 1, 2], [1 / 3, 1, 2]],
        quality=[[0, 0, 0], [128, 0, 0], [129, 0, 0], [6, 0, 0]],
        offsets=[[0, 0, 0], [5, 0, 0], [7, 0, 0], [250, 0, 0]],
    )
    found = await columns(scribe.connection, "E01", "LT-1")
    series = await read(scribe.connection, found, START, START + 10 * US)
    assert series.times.tolist() == [times[0], times[2] + 7_000, times[3] + 250_000]
    assert series.quality.tolist() == [0, 129, 6]
    np.testing.assert_array_equal(series.values, [0.1, math.nan, 1 / 3])


async def test_the_span_is_that_of_the_readings_not_of_their_scans(scribe: Scribe) -> None:
    group = await scribe.group()
    await scribe.write(group, [START - US, START], [[1, 1, 1], [2, 2, 2]], offsets=[[1500, 0, 0], [999, 1000, 0]])
    connection = scribe.connection
    level = await read(connection, await columns(connection, "E01", "LT-1"), START, START + US)
    assert level.values.tolist() == [1, 2]
    assert level.times.tolist() == [START + 500_000, START + 999_000]
    assert (await read(connection, await columns(connection, "E01", "PT-1"), START, START + US)).values.tolist() == []


async def test_a_point_that_moved_between_groups_has_one_past(scribe: Scribe) -> None:
    old = await scribe.group(("LT-1", "PT-1"), period_us=2 * US)
    new = await scribe.group(("TT-1", "PT-1", "LT-1"))
    await scribe.write(new, [START + 4 * US], [[20, 1, 5.5]])
    await scribe.write(old, [START, START + 2 * US], [[5.1, 1], [5.2, 1]])
    found = await columns(scribe.connection, "E01", "LT-1")
    assert sorted((column.number, column.period_us) for column in found) == [(1, 2 * US), (3, US)]
    assert owed(found, START, START + 10 * US) == 11
    series = await read(scribe.connection, found, START, START + 10 * US)
    assert series.values.tolist() == [5.1, 5.2, 5.5]


async def test_nothing_is_known_of_a_point_that_was_never_delivered(scribe: Scribe) -> None:
    assert await columns(scribe.connection, "E01", "LT-1") == []
    series = await read(scribe.connection, [], START, START + US)
    assert series.times.size == 0
    buckets, _ = downsample(series, START, START + US, 10)
    assert buckets.at.size == 0


async def test_minutes_merge_into_buckets_as_the_readings_would(scribe: Scribe) -> None:
    group = await scribe.group()
    generator = np.random.default_rng(7)
    times = [START + k * 10 * US for k in range(6 * 60)]
    values = generator.normal(10, 1, (len(times), 3))
    quality = generator.choice([0, 0, 0, 6], (len(times), 3))
    await scribe.write(group, times, values.tolist(), quality=quality.tolist())
    connection = scribe.connection
    await roll(connection, START + 61 * MINUTE)
    end = START + 60 * MINUTE
    buckets = await minute_buckets(connection, "E01", "LT-1", START, end, 7)
    series = await read(connection, await columns(connection, "E01", "LT-1"), START, end)
    good = series.quality == 0
    number = (series.times[good] - START) // (7 * MINUTE)
    assert buckets.at.tolist() == [START + k * 7 * MINUTE for k in range(9)]
    for k in range(9):
        of = series.values[good][number == k]
        assert (buckets.low[k], buckets.high[k], buckets.last[k], buckets.good[k]) == (of.min(), of.max(), of[-1], of.size)
        assert math.isclose(buckets.mean[k], of.mean(), rel_tol=1e-12)
