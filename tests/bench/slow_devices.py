"""One box, 42 Modbus devices of 50 points at 1 Hz that take 20 ms for an answer: what is kept, and what it costs.

Beside the box, in the same run and from the same devices, the bare pymodbus client reads the same registers one by one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import psycopg
from running import QUIET, Process

from bench.bench_park import cells
from bench.devices import Devices, running_devices
from bench.figures import Figure, figure
from bench.stand import Stand, cpu_seconds, stand

FIGURES = ("slow_devices_kept", "modbus_cpu_vs_bare", "modbus_requests_vs_bare", "modbus_cpu_per_point")
DEVICES, POINTS = 42, 50
ANSWER_S = 0.020
WARM_S = 8
RUNS = 5
RUN_S = 13.0
BARE_S = 5.0


def measure() -> list[Figure]:
    """slow_devices_kept, modbus_cpu_vs_bare, modbus_requests_vs_bare."""
    park = cells(DEVICES, POINTS, boxes=1)
    with running_devices(DEVICES, ANSWER_S) as devices:
        ports = dict(zip((cell.group.name for cell in park), devices.ports, strict=True))
        with stand(park, ports) as here:
            return _measure(here, devices)


def _measure(here: Stand, devices: Devices) -> list[Figure]:
    environment = {
        "HAZMON_HOME": str(here.folder),
        "HAZMON_PARK_URL": f"http://127.0.0.1:{here.port}",
        "HAZMON_EDGE_TOKEN": here.tokens["E01"],
    }
    box = Process("E01", ["hazmon-edge", "run", str(here.folder / "config" / "E01")], here.folder / "E01.log", environment)
    box.start()
    cpu: list[float] = []
    requests: list[float] = []
    try:
        time.sleep(WARM_S)
        for _ in range(RUNS):
            began, used, asked = time.perf_counter(), cpu_seconds(box.pid), devices.requests
            time.sleep(RUN_S)
            seconds = time.perf_counter() - began
            cpu.append((cpu_seconds(box.pid) - used) / (DEVICES * POINTS * seconds))
            requests.append((devices.requests - asked) / seconds)
        time.sleep(2)
    finally:
        box.stop()
    kept = _kept(here.url, round(RUNS * RUN_S) - 2)
    bare_cpu: list[float] = []
    bare_requests: list[float] = []
    for _ in range(RUNS):
        asked = devices.requests
        used_s, values = _bare(devices.ports)
        bare_cpu.append(used_s / values)
        bare_requests.append((devices.requests - asked) / values * DEVICES * POINTS)
    return [
        figure("slow_devices_kept", [kept], "share", "higher", 0.999),
        figure("modbus_cpu_vs_bare", [a / b for a, b in zip(cpu, bare_cpu, strict=True)], "ratio", "lower", 1.0),
        figure("modbus_requests_vs_bare", [a / b for a, b in zip(requests, bare_requests, strict=True)], "ratio", "lower", 1.0),
        figure("modbus_cpu_per_point", cpu, "s", "lower"),
    ]


def _kept(url: str, seconds: int) -> float:
    """Readings recorded of those owed, in so many seconds from between two ticks on; one recorded over a period late is not."""
    with psycopg.connect(url) as connection:
        (first,) = connection.execute("SELECT min(ts) FROM scan").fetchone() or (None,)
        assert first is not None, "the box recorded nothing"
        rows = connection.execute(
            "SELECT group_id, count(DISTINCT round(extract(epoch FROM ts - %(first)s)))"
            " FILTER (WHERE lag_ms < 1000) FROM scan WHERE ts BETWEEN %(first)s + %(warm)s * INTERVAL '1 s'"
            " AND %(first)s + (%(warm)s + %(seconds)s) * INTERVAL '1 s' GROUP BY group_id",
            {"first": first, "warm": WARM_S - 2.5, "seconds": seconds},
        ).fetchall()
    return sum(count for _, count in rows) / (DEVICES * seconds)


def _bare(ports: list[int]) -> tuple[float, int]:
    """CPU seconds and values read by the bare client."""
    command = [sys.executable, "-m", "bench.bare", str(BARE_S), *map(str, ports)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET}, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["cpu_s"], found["values"]
