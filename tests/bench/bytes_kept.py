"""Bytes per reading: on the wire, in an outbox, in the record; and what that makes for this park in a day."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import psycopg
from hazmon_edge import wire
from hazmon_edge.store import Changes, Entry, OutboxFile

from bench.figures import Figure, figure

BACKLOG = 3600  # batches: an hour of a box
BUNDLE = 50  # batches of a backlog in one body; a box sends up to 200
A_COMMIT = 20  # of them go into one transaction
GB = 1e9


def readings_of(canonical: bytes) -> int:
    """How many readings a batch holds; holes in a scan are none."""
    return sum(block.scans * block.points - (block.quality or b"").count(wire.ABSENT) for block in wire.decode(canonical).blocks)


def batch_figures(bodies: list[bytes], folder: Path) -> list[Figure]:
    """From the bodies of live batches: their own size; that of the same batches as a backlog goes, in bundles; and the size of
    an outbox with an hour of a box's batches in it. All over the readings in them, a run a box."""
    sizes: dict[str, int] = defaultdict(int)
    boxes: dict[str, list[bytes]] = defaultdict(list)
    for body in bodies:
        canonicals = wire.unpack(body)
        edge = wire.decode(canonicals[0]).edge
        sizes[edge] += len(body)
        boxes[edge] += canonicals
    readings = {edge: sum(map(readings_of, live)) for edge, live in boxes.items()}
    return [
        figure("bytes_outbox", [_outbox(live, folder / edge) for edge, live in boxes.items()], "B/reading", "lower"),
        figure("bytes_wire", [sizes[edge] / readings[edge] for edge in boxes], "B/reading", "lower", 4.0),
        figure("bytes_wire_backlog", [_bundled(boxes[edge]) / readings[edge] for edge in boxes], "B/reading", "lower", 4.0),
    ]


def _bundled(live: list[bytes]) -> int:
    return sum(len(wire.pack(live[at : at + BUNDLE])) for at in range(0, len(live), BUNDLE))


def _outbox(live: list[bytes], folder: Path) -> float:
    path = folder / "outbox.sqlite"
    file = OutboxFile(path, lambda: 0)
    readings = 0
    for first in range(0, BACKLOG, A_COMMIT):
        entries: list[Entry] = []
        for n in range(first + 1, first + A_COMMIT + 1):
            canonical = live[n % len(live)]
            readings += readings_of(canonical)
            made_us = wire.decode(canonical).made_us
            entries.append(Entry(n, 2**62, n, made_us, made_us, canonical, wire.digest(canonical)))
        file.commit(Changes(entries=entries))
    file.close()
    return path.stat().st_size / readings


def scan_bytes(url: str) -> float:
    """Bytes of the scan hypertable with its index over the readings in it."""
    with psycopg.connect(url) as connection:
        (found,) = connection.execute(
            "SELECT hypertable_size('scan') / (SELECT sum(cardinality(\"values\")) FROM scan)::float8"
        ).fetchone() or (0.0,)
    return found


def table_figures(url: str, config: Path) -> list[Figure]:
    """What this park's record grows by: scans, the ledger of batches, and minutes, each at its own measured size."""
    points, readings_a_day = _owed(config)
    with psycopg.connect(url) as connection:
        size, rows, seconds = connection.execute(
            "SELECT pg_total_relation_size('batch')::float8, count(*),"
            " extract(epoch FROM max(arrived_at) - min(arrived_at))::float8 FROM batch"
        ).fetchone() or (0.0, 0, 1.0)
        minute_size, minute_rows = connection.execute(
            "SELECT hypertable_size('minute')::float8, count(*) FROM minute"
        ).fetchone() or (0.0, 0)
    own = scan_bytes(url)
    scans = own * readings_a_day / GB
    ledger = size / rows * rows / seconds * 86_400 / GB
    minutes = minute_size / minute_rows * points * 1440 / GB
    day = scans + ledger + minutes
    return [
        figure("bytes_table_park", [own], "B/reading", "lower"),
        figure("gb_day_scans", [scans], "GB", "lower"),
        figure("gb_day_ledger", [ledger], "GB", "lower"),
        figure("gb_day_minutes", [minutes], "GB", "lower"),
        figure("gb_day", [day], "GB", "lower"),
        figure("gb_90_days", [90 * day], "GB", "lower"),
    ]


def _owed(config: Path) -> tuple[int, float]:
    """Points of the park, and readings a day owed by all of them."""
    periods: list[float] = []
    for path in config.glob("E*/points.csv"):
        with path.open(encoding="utf-8") as file:
            periods += [float(row["period_s"]) for row in csv.DictReader(file)]
    return len(periods), sum(86_400 / period for period in periods)
