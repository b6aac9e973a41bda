"""How long a day of the park takes to replay: an hour of it at 1 Hz, written by the record's own writer, read back and judged.

The park is the one of the repository's configuration with all its rules; its points move as calm plants do, with their noise.
"""

from __future__ import annotations

import asyncio
import time

import numpy as np
from embedded import servers, start_postgres
from hazmon_edge import wire

from bench.bench_park import SECOND_US
from bench.figures import Figure, figure
from bench.stand import HOME, ROOT, short_folder
from hazmon.delivery import Delivery, ScanGroup
from hazmon.model import Park, Point, Source
from hazmon.registry import load
from hazmon.replay.history import replay
from hazmon.rules.frame import Floats, ScanBlock
from hazmon.store.pool import Connection, connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Register

FIGURES = ("replay_day",)
HOURS, DAY_H = 1, 24
RUNS = 3
START_US = 1_767_225_600 * SECOND_US
SCANS = 300  # a batch


def measure() -> list[Figure]:
    """replay_day: seconds that a day of the whole park takes."""
    with short_folder() as folder:
        database = start_postgres(servers(HOME), folder / "postgres")
        try:
            return asyncio.run(_measure(database.url))
        finally:
            database.stop()


async def _measure(url: str) -> list[Figure]:
    park = load(ROOT / "config")
    await migrate(url)
    async with await connect(url) as connection:
        await _write(url, connection, park)
        runs = [await _replay(connection, park) for _ in range(RUNS)]
    return [figure("replay_day", runs, "s/day of the park", "lower", 300)]


async def _replay(connection: Connection, park: Park) -> float:
    readings = 0

    def progress(_: int, count: int) -> None:
        nonlocal readings
        readings = count

    began = time.perf_counter()
    await replay(connection, park, START_US, START_US + HOURS * 3600 * SECOND_US, progress)
    took = time.perf_counter() - began
    assert readings == HOURS * 3600 * len(park.points), readings
    return took * DAY_H / HOURS


async def _write(url: str, connection: Connection, park: Park) -> None:
    register = await Register.open(connection, park)
    recorder = Recorder(url)
    noise = np.random.default_rng(1)
    seq = dict.fromkeys((enterprise.id for enterprise in park.enterprises), 0)
    for source in park.sources:
        points = [point for point in park.points if point.source == source.id]
        group = await _group(connection, register, source, points)
        for first in range(0, HOURS * 3600, SCANS):
            times = START_US + (first + np.arange(SCANS, dtype=np.int64)) * SECOND_US
            block = ScanBlock(group.id, times, _values(points, times, noise), None, None, group.points)
            number, arrived = seq[group.edge], int(times[-1])
            seq[group.edge] += 1
            batch = Delivery(group.edge, 1, number, bytes(16), bytes(8), arrived, arrived, {group.id: group}, [block])
            await recorder.write([Work([batch])], batch.arrived)
    await recorder.close()


async def _group(connection: Connection, register: Register, source: Source, points: list[Point]) -> ScanGroup:
    declared = wire.Group(source.id, SECOND_US, tuple(point.tag for point in points))
    return await register.add_group(connection, source.enterprise, declared)


def _values(points: list[Point], times: np.ndarray[tuple[int], np.dtype[np.int64]], noise: np.random.Generator) -> Floats:
    """float64[T,N]: each point in the middle of its limits, a slow wave and noise of a few thousandths of its range."""
    low = np.array([_first(p.limits.l, p.limits.ll, p.range_low) for p in points])
    high = np.array([_first(p.limits.h, p.limits.hh, p.range_high) for p in points])
    span = np.array([p.range_high - p.range_low for p in points])
    wave = np.sin(times[:, None] / SECOND_US / 600 + np.arange(len(points)))
    return np.round((low + high) / 2 + span * (0.004 * wave + noise.normal(0, 0.001, (times.size, len(points)))), 3)


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
