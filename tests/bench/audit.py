"""How long the auditor waits for a year of the whole park, by source and day, while readings come in.

The record's days are written here by binary COPY, as the service would have judged them: outages of minutes to hours, late hours,
bad instruments, and each month an approved exemption of eight hours for every source. Meanwhile every box delivers a scan of each
of its sources a second, as in the real case; load, service and database share the cores.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import psycopg
from hazmon_edge import wire

from bench.bench_park import SECOND_US, Shipper
from bench.figures import Figure, of_samples
from bench.http import Line
from bench.stand import Stand, now_us, stand

FIGURES = ("audit_year_p95",)
DAYS = 365
ASKED = 40
DAY_SLOTS = 1440
_PROMPT, _LATE, _ONLINE, _COMPLETE, _VALID = 1, 2, 4, 5, 6
_HOUR = timedelta(hours=1)


def measure() -> list[Figure]:
    """audit_year_p95."""
    with stand() as park:
        return asyncio.run(_measure(park))


async def _measure(park: Stand) -> list[Figure]:
    shipper = Shipper(park.park, boot=1)
    lines = {edge: Line(park.port, token) for edge, token in park.tokens.items()}
    for edge, batch in shipper.declarations(now_us()):
        await lines[edge].post(wire.pack([batch]))
    await _second(park, shipper, lines)  # the service has now written its scheme
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for line in lines.values():
        line.close()  # the service lets go of a line that rests
    await asyncio.to_thread(_write_year, park, today)
    lines = {edge: Line(park.port, token) for edge, token in park.tokens.items()}
    stop = asyncio.Event()
    loading = asyncio.create_task(_load(park, shipper, lines, stop))
    query = {"from": (today - timedelta(days=DAYS)).isoformat(), "to": today.isoformat(), "by": "source", "step": "day"}
    samples: list[float] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{park.port}", timeout=60, trust_env=False) as http:
        for number in range(ASKED + 2):
            began = time.perf_counter()
            answer = await http.get("/api/v1/coverage", params=query)
            took = time.perf_counter() - began
            answer.raise_for_status()
            if number == 0:
                total = answer.json()["total"]
                assert total["slots"] == DAYS * DAY_SLOTS * len(park.park), total
                assert 0 < total["excused"] < total["slots"] - total["covered"], total
            if number > 1:  # the first two warm up
                samples.append(took)
            await asyncio.sleep(0.2)
    stop.set()
    await loading
    for line in lines.values():
        line.close()
    return [of_samples("audit_year_p95", samples, 0.95, "s", "lower", 1.0)]


async def _second(park: Stand, shipper: Shipper, lines: dict[str, Line]) -> None:
    at = now_us()
    for edge, line in lines.items():
        blocks = [shipper.block(cell, at, 1, SECOND_US) for cell in park.park if cell.edge == edge]
        await line.post(wire.pack([shipper.batch(edge, at, blocks)]))


async def _load(park: Stand, shipper: Shipper, lines: dict[str, Line], stop: asyncio.Event) -> None:
    began, count = time.perf_counter(), 0
    while not stop.is_set():
        await _second(park, shipper, lines)
        count += 1
        await asyncio.sleep(max(0.0, began + count - time.perf_counter()))


def _write_year(park: Stand, today: datetime) -> None:
    noise = np.random.default_rng(4)
    first = today - timedelta(days=DAYS)
    with psycopg.connect(park.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO coverage_scheme SELECT %s, digest, duties FROM coverage_scheme ORDER BY since LIMIT 1",
            (round(first.timestamp()) // 60 - DAY_SLOTS,),
        )
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY coverage_day (source, day, slots, failing) FROM STDIN (FORMAT binary)") as copy,
        ):
            copy.set_types(["text", "date", "bytea", "bytea"])
            for day in range(DAYS):  # as the record grows: a day of all sources after the other
                for cell in park.park:
                    slots = _day(noise)
                    failing = np.where(slots > _LATE, np.uint32(1), np.uint32(0)).astype("<u4")
                    date = (first + timedelta(days=day)).date()
                    copy.write_row((cell.source, date, slots.tobytes(), failing.tobytes() if failing.any() else None))
        for cell in park.park:
            for month in range(DAYS // 30):
                begins = first + timedelta(days=30 * month + int(noise.integers(28)), hours=8)
                connection.execute(
                    "INSERT INTO exemption (enterprise, source, unit, kind, reason, begins_at, until, filed_at, filed_by,"
                    " approved_at, decided_by, decided_why)"
                    " VALUES (%s, %s, NULL, '检修', '计划检修', %s, %s, %s, 'eng1', %s, 'park', '')",
                    (cell.edge, cell.source, begins, begins + 8 * _HOUR, begins - _HOUR, begins - _HOUR),
                )
        connection.execute("ANALYZE coverage_day")


def _day(noise: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """A day's slots: now and then something is late or lost for a while."""
    slots = np.full(DAY_SLOTS, _PROMPT, np.uint8)
    for code, often, longest in ((_LATE, 0.2, 120), (_ONLINE, 0.3, 90), (_COMPLETE, 0.2, 20), (_VALID, 0.2, 180)):
        if noise.random() < often:
            begin = int(noise.integers(DAY_SLOTS))
            slots[begin : begin + int(noise.integers(1, longest))] = code
    return slots
