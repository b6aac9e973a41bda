"""The whole real park: 42 sources in simulators, 11 boxes, broker, database and service, as `make demo` runs them.

A gas detector's register jumps for one second, at a random phase of its box's second; timed until the alarm is read from the
event stream. Then what the park took meanwhile: memory, bytes on the wire, in an outbox and in the record.
"""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from acceptance.park import PLANTS, Park
from acceptance.readings import due
from acceptance.stream import Stream
from embedded import servers, start_mosquitto, start_postgres
from hazmon_sim import ledger
from running import Process

from bench.bytes_kept import batch_figures, table_figures
from bench.figures import Figure, figure, of_samples
from bench.stand import HOME, rss_mb, short_folder
from bench.tap import Tap, running_tap

FIGURES = (
    *(f"device_to_stream_{each}" for each in ("p50", "p95", "max")),
    *("excursions_sampled", "excursions_raised", "rss_service", "rss_edge", "bytes_outbox", "bytes_wire", "bytes_wire_backlog"),
    "bytes_table_park",
    *("gb_day_scans", "gb_day_ledger", "gb_day_minutes", "gb_day", "gb_90_days"),
)
ENTERPRISES = [f"E{number:02}" for number in range(1, 12)]
SETTLE_S = 10.0
SHOTS = 100
GAPS_S = (0.4, 1.1)
RAISED_WITHIN_S = 5.0
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Shot:
    """A register that jumped above the point's H limit for one second; `at` in Unix seconds."""

    point: str
    at: float
    high: float


def measure() -> list[Figure]:
    """device_to_stream_*, excursions_raised, rss_*, bytes_outbox, bytes_wire, and the gigabytes of this park."""
    with short_folder() as folder:
        programs = servers(HOME)
        database = start_postgres(programs, folder / "postgres")
        broker = start_mosquitto(programs, folder / "mosquitto")
        park = Park(folder / "home", ENTERPRISES, database.url, broker.url)
        try:
            with running_tap(park.port) as tap:
                _through(park, tap)
                park.start()
                return _measure(park, tap)
        finally:
            park.stop()
            broker.stop()
            database.stop()


def _through(park: Park, tap: Tap) -> None:
    """Boxes reach the park by the tap and not by the simulators' relays."""
    environment = park.environment | {"HAZMON_PARK_URL": f"http://127.0.0.1:{tap.port}"}
    for name in park.enterprises:
        command = ["hazmon-edge", "run", str(park.config / name)]
        park.boxes[name] = Process(name, command, park.home / "log" / f"{name}.log", environment)


def _measure(park: Park, tap: Tap) -> list[Figure]:
    time.sleep(SETTLE_S)
    stream = Stream(park.port)
    park.wait_until(lambda: bool(stream.snapshots), 10, "a snapshot on the stream")
    began = time.time()
    shots = _shoot(park, _detectors(park.config, park.enterprises))
    ended = time.time()
    time.sleep(RAISED_WITHIN_S)
    stream.close()
    memory = [
        figure("rss_service", [rss_mb(park.service.pid)], "MB", "lower"),
        figure("rss_edge", [rss_mb(box.pid) for box in park.boxes.values()], "MB", "lower"),
    ]
    park.simulators.stop()
    assert park.drained(), park.logs()
    bodies = [body.data for body in tap.bodies if began <= body.at < ended]
    return [
        *_shot_figures(park, stream, shots),
        *memory,
        *batch_figures(bodies, park.home / "bench-outbox"),
        *table_figures(park.database, park.config),
    ]


def _detectors(config: Path, enterprises: Iterable[str]) -> list[tuple[str, float]]:
    """Points on Modbus at 1 Hz whose H alarm has no delay, with that limit."""
    found: list[tuple[str, float]] = []
    for name in enterprises:
        with (config / name / "tags.csv").open(encoding="utf-8") as file:
            modbus = {row["tag"] for row in csv.DictReader(file) if row["connection"].startswith("plc")}
        with (config / name / "points.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["tag"] in modbus and row["H"] and row["on_delay_s"] == "0" and row["period_s"] == "1":
                    found.append((f"{name}/{row['tag']}", float(row["H"])))
    return found


def _shoot(park: Park, points: list[tuple[str, float]]) -> list[Shot]:
    chance = random.Random(SEED)
    chance.shuffle(points)
    shots: list[Shot] = []
    for number in range(SHOTS):
        time.sleep(chance.uniform(*GAPS_S))
        point, high = points[number % len(points)]
        shots.append(Shot(point, park.fault("spike", point), high))
    return shots


def _as_it_was(path: Path, shots: list[Shot]) -> list[Shot]:
    """The shots with the instants at which the registers jumped, which the simulators wrote down."""
    notes = [note for note in ledger.read(path) if isinstance(note, ledger.FaultNote) and note.active]
    assert [note.at for note in notes] == [shot.point for shot in shots], notes
    return [replace(shot, at=note.t / 1e6) for shot, note in zip(shots, notes, strict=True)]


def _shot_figures(park: Park, stream: Stream, shots: list[Shot]) -> list[Figure]:
    """How long each took to be told, and whether all were told of those that any read met."""
    readings = due(park.ledger, PLANTS)
    delays: list[float] = []
    sampled = raised = 0
    for shot in _as_it_was(park.ledger, shots):
        if not any(shot.at <= at < shot.at + 1.5 and value > shot.high for at, value in readings[shot.point]):
            continue  # the device was not asked while it lasted
        sampled += 1
        told = [
            seen.received - shot.at
            for seen in stream.of(shot.point)
            if seen.stimulus == "raise" and 0 <= seen.received - shot.at < RAISED_WITHIN_S
        ]
        if told:
            raised += 1
            delays.append(min(told))
    return [
        of_samples("device_to_stream_p50", delays, 0.50, "s", "lower", 0.7),
        of_samples("device_to_stream_p95", delays, 0.95, "s", "lower", 1.2),
        of_samples("device_to_stream_max", delays, 1.00, "s", "lower", 1.3),
        figure("excursions_sampled", [sampled], f"of {len(shots)}", "higher"),
        figure("excursions_raised", [raised / sampled], "share", "higher", 1.0),
    ]
