"""How long an alarm takes from the batch's arrival to a client of the event stream, under load.

Each second every box ships its scans; a few times a second one more batch carries a level above its limit. Timed from the first
byte sent to the line read by the stream's client in this process, so transport both ways is in it.
"""

from __future__ import annotations

import asyncio
import json
import time

from hazmon_edge import wire

from bench.bench_park import SECOND_US, Cell, Shipper
from bench.figures import Figure, figure, percentile
from bench.http import Line, server_sent_events
from bench.stand import Stand, now_us, stand

FIGURES = ("alarm_p99_2k", "alarm_p99_50k")
RUNS = 5
SECONDS = 20
ALARMS_A_SECOND = 8


def measure() -> list[Figure]:
    """alarm_p99_2k, alarm_p99_50k."""
    found: list[Figure] = []
    for name, scans, goal in (("alarm_p99_2k", 1, 0.050), ("alarm_p99_50k", 30, 0.250)):
        with stand() as park:
            runs = asyncio.run(_measure(park, scans))
        found.append(figure(name, runs, "s", "lower", goal))
    return found


async def _measure(park: Stand, scans: int) -> list[float]:
    shipper = Shipper(park.park, boot=1)
    lines = {edge: Line(park.port, token) for edge, token in park.tokens.items()}
    alarm_lines = {edge: Line(park.port, token) for edge, token in park.tokens.items()}
    for edge, batch in shipper.declarations(now_us()):
        await lines[edge].post(wire.pack([batch]))
    seen: dict[str, float] = {}
    reader = asyncio.create_task(_listen(park, seen))
    await asyncio.sleep(0.5)
    runs: list[float] = []
    places = [(cell, column) for column in range(len(park.park[0].tags)) for cell in park.park]
    for run in range(RUNS):
        sent: dict[str, float] = {}
        enough = asyncio.Event()
        load = asyncio.create_task(_load(park, shipper, lines, scans, enough))
        for number in range(SECONDS * ALARMS_A_SECOND):
            cell, column = places[(run * SECONDS * ALARMS_A_SECOND + number) % len(places)]
            await asyncio.sleep(1 / ALARMS_A_SECOND)
            sent[f"{cell.edge}/{cell.tags[column]}"] = await _cross(shipper, alarm_lines[cell.edge], cell, column)
        enough.set()
        await load
        await asyncio.sleep(1)
        missing = [point for point in sent if point not in seen]
        assert not missing, f"alarms that never came: {missing}"
        runs.append(percentile([seen[point] - at for point, at in sent.items()], 0.99))
        seen.clear()
    reader.cancel()
    return runs


async def _cross(shipper: Shipper, line: Line, cell: Cell, column: int) -> float:
    """Ship one scan above the limit; the moment at which it was sent."""
    at = now_us()
    body = wire.pack([shipper.batch(cell.edge, at, [shipper.block(cell, at, 1, SECOND_US, high=column)])])
    moment = time.perf_counter()
    await line.post(body)
    return moment


async def _load(park: Stand, shipper: Shipper, lines: dict[str, Line], scans: int, enough: asyncio.Event) -> None:
    """One second's scans of every box, spread over the second as boxes are, until it is enough."""
    began, count = time.perf_counter(), 0
    edges = list(lines)
    while not enough.is_set():
        for place, edge in enumerate(edges):
            await asyncio.sleep(max(0.0, began + count + place / len(edges) - time.perf_counter()))
            step = SECOND_US // scans
            first = now_us() - (scans - 1) * step
            blocks = [shipper.block(cell, first, scans, step) for cell in park.park if cell.edge == edge]
            await lines[edge].post(wire.pack([shipper.batch(edge, now_us(), blocks)]))
        count += 1


async def _listen(park: Stand, seen: dict[str, float]) -> None:
    async for event, data in server_sent_events(park.port, "/api/v1/alarms/stream"):
        moment = time.perf_counter()
        if event != "alarm":
            continue
        alarm = json.loads(data)["alarm"]
        if alarm["rule"] == "H":
            seen.setdefault(alarm["point"], moment)
