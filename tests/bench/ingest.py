"""How fast the service takes readings in, and what the real case costs.

The load is a backlog as boxes ship it: batches of 5,000 readings, 125 scans of a 40-point group, over HTTP on keep-alive
connections from this process, on the same cores. Every batch is decoded, judged by every rule and committed before it is
answered. Beside it, in turn, a service of the same park that keeps no account of coverage, and the same readings as narrow rows
by binary COPY into a hypertable with PRIMARY KEY (point, ts).
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np
import psycopg
from hazmon_edge import wire

from bench.bench_park import SECOND_US, Shipper
from bench.bytes_kept import scan_bytes
from bench.figures import Figure, figure
from bench.http import Line
from bench.stand import Stand, family_cpu, now_us, stand

FIGURES = ("ingest_rate", "ingest_vs_narrow_copy", "ingest_vs_uncovered", "live_cpu", "bytes_table")
SCANS, POINTS = 125, 40
BATCHES = 420
RUNS = 5
LIVE_S = 10
PG_EPOCH_US = 946_684_800 * SECOND_US
NARROW = """
    CREATE TABLE IF NOT EXISTS narrow (ts timestamptz NOT NULL, value float8, point int NOT NULL, quality smallint NOT NULL,
        PRIMARY KEY (point, ts));
    SELECT create_hypertable('narrow', by_range('ts', INTERVAL '1 day'), create_default_indexes => false)
"""


def measure() -> list[Figure]:
    """ingest_rate, ingest_vs_narrow_copy, ingest_vs_uncovered, live_cpu, bytes_table."""
    with stand() as park, stand(covered=False) as bare:
        return asyncio.run(_measure(park, bare))


async def _measure(park: Stand, bare: Stand) -> list[Figure]:
    load, other = await _open(park), await _open(bare)
    live = [await _live_cpu(park, *load) for _ in range(RUNS)]
    service: list[float] = []
    uncovered: list[float] = []
    narrow: list[float] = []
    start = now_us() - 20 * 86_400 * SECOND_US
    for run in range(RUNS + 1):
        first = start + run * (BATCHES // len(park.park) + 1) * SCANS * SECOND_US
        rate = await _ingest(park, *load, first)
        without = await _ingest(bare, *other, first)
        beside = await asyncio.to_thread(_copy_narrow, park, first)
        if run:  # the first warms up
            service.append(rate)
            uncovered.append(without)
            narrow.append(beside)
    for line in (*load[1].values(), *other[1].values()):
        line.close()
    return [
        figure("ingest_rate", service, "readings/s", "higher", 1_000_000),
        figure("ingest_vs_narrow_copy", [a / b for a, b in zip(service, narrow, strict=True)], "ratio", "higher", 2.0),
        figure("ingest_vs_uncovered", [a / b for a, b in zip(service, uncovered, strict=True)], "ratio", "higher", 0.90),
        figure("live_cpu", live, "share of a core", "lower", 0.10),
        figure("bytes_table", [scan_bytes(park.url)], "B/reading", "lower", 12.0),
    ]


async def _open(park: Stand) -> tuple[Shipper, dict[str, Line]]:
    """The boxes of a stand, declared, each with its connection."""
    shipper = Shipper(park.park, boot=1)
    lines = {edge: Line(park.port, token) for edge, token in park.tokens.items()}
    for edge, batch in shipper.declarations(now_us()):
        await lines[edge].post(wire.pack([batch]))
    return shipper, lines


async def _ingest(park: Stand, shipper: Shipper, lines: dict[str, Line], first: int) -> float:
    """Readings a second over BATCHES batches, every box on its own connection, ready made so that packing is not counted."""
    queues: dict[str, list[bytes]] = {edge: [] for edge in lines}
    for number in range(BATCHES):
        cell = park.park[number % len(park.park)]
        at = first + number // len(park.park) * SCANS * SECOND_US
        block = shipper.block(cell, at, SCANS, SECOND_US)
        queues[cell.edge].append(wire.pack([shipper.batch(cell.edge, at, [block])]))

    async def ship(edge: str) -> None:
        for body in queues[edge]:
            answer = await lines[edge].post(body)
            assert answer["receipts"][0]["outcome"] == "accepted", answer

    began = time.perf_counter()
    await asyncio.gather(*(ship(edge) for edge in queues))
    return BATCHES * SCANS * POINTS / (time.perf_counter() - began)


def _copy_narrow(park: Stand, first: int) -> float:
    """Rows a second of the same readings by COPY, 5,000 to a commit, sorted as the key is."""
    record = np.dtype(
        {
            "names": ["n", "l1", "ts", "l2", "v", "l3", "p", "l4", "q"],
            "formats": [">i2", ">i4", ">i8", ">i4", ">f8", ">i4", ">i4", ">i4", ">i2"],
        }
    )
    bodies: list[bytes] = []
    for number in range(BATCHES):
        rows: Any = np.zeros(SCANS * POINTS, record)
        rows["n"], rows["l1"], rows["l2"], rows["l3"], rows["l4"] = 4, 8, 8, 4, 2
        at = first + (number // len(park.park) * SCANS + np.arange(SCANS)) * SECOND_US - PG_EPOCH_US
        rows["ts"] = np.tile(at, POINTS)
        rows["v"] = 5.01
        rows["p"] = np.repeat(np.arange(POINTS) + POINTS * (number % len(park.park)), SCANS)
        bodies.append(b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff")
    with psycopg.connect(park.url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('narrow')").fetchone() == (None,):
            connection.execute(NARROW)
        began = time.perf_counter()
        for body in bodies:
            with (
                connection.transaction(),
                connection.cursor() as cursor,
                cursor.copy("COPY narrow (ts, value, point, quality) FROM STDIN (FORMAT binary)") as copy,
            ):
                copy.write(body)
        return BATCHES * SCANS * POINTS / (time.perf_counter() - began)


async def _live_cpu(park: Stand, shipper: Shipper, lines: dict[str, Line]) -> float:
    """Share of a core that service and database take at one scan a second of every source, a batch a box a second."""

    async def second() -> None:
        at = now_us()
        for edge, line in lines.items():
            blocks = [shipper.block(cell, at, 1, SECOND_US) for cell in park.park if cell.edge == edge]
            await line.post(wire.pack([shipper.batch(edge, at, blocks)]))

    for _ in range(3):
        await second()
        await asyncio.sleep(1)
    before = family_cpu(park.service.pid) + family_cpu(park.database_pid)
    began = time.perf_counter()
    for count in range(LIVE_S):
        await second()
        await asyncio.sleep(max(0.0, began + count + 1 - time.perf_counter()))
    used = family_cpu(park.service.pid) + family_cpu(park.database_pid) - before
    return used / (time.perf_counter() - began)
