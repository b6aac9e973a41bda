"""The whole box as a process, on real devices and a real park: `hazmon-edge run`."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from collectors.cases import HEADER
from collectors.device import Device, running
from contract.edge_park import Line, ParkServer, park_and_line
from hazmon_edge.clock import SystemClock
from hazmon_edge.errors import Cause

CLOCK = SystemClock()


class Box:
    """A box's folder, and its process when it runs."""

    def __init__(self, folder: Path, park_url: str, ports: Sequence[int], tags_each: int = 4) -> None:
        self.folder = folder / "config"
        self.home = folder / "home"
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = ['edge = "E01"', f'park_url = "{park_url}"', 'token_file = "token"', 'data = "data"']
        rows: list[str] = []
        for number, port in enumerate(ports, 1):
            lines += ["[[connection]]", f'name = "plc{number}"', 'kind = "modbus_tcp"', 'host = "127.0.0.1"']
            lines += [f"port = {port}", "period_s = 1.0", "timeout_s = 0.8"]
            rows += [f"T-{number}-{n},plc{number},holding:{n},u16,,,,,,\n" for n in range(tags_each)]
        (self.folder / "edge.toml").write_text("\n".join(lines))
        (self.folder / "tags.csv").write_text(HEADER + "".join(rows))
        self.process: asyncio.subprocess.Process | None = None
        self.log = ""

    async def start(self) -> asyncio.subprocess.Process:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("HAZMON_")}
        environ |= {"HAZMON_HOME": str(self.home), "HAZMON_EDGE_TOKEN": "token"}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hazmon_edge.cli", "run", str(self.folder), env=environ, stderr=asyncio.subprocess.PIPE
        )
        return self.process

    async def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send the signal; exit code and seconds it took."""
        process = self.process
        assert process is not None
        begun = CLOCK.monotonic_ns()
        if process.returncode is None:
            process.send_signal(number)
        _, stderr = await process.communicate()
        self.log += stderr.decode()
        assert process.returncode is not None
        return process.returncode, (CLOCK.monotonic_ns() - begun) / 1e9


@asynccontextmanager
async def plant(
    folder: Path, devices: Sequence[Device], *, tags_each: int = 4, dead: int = 0
) -> AsyncGenerator[tuple[ParkServer, Line, Box]]:
    """Devices, `dead` more that nobody listens for, a park and a box that runs."""
    async with AsyncExitStack() as stack:
        for device in devices:
            await stack.enter_async_context(running(device))
        park, line = await stack.enter_async_context(park_and_line())
        box = Box(folder, line.url, [*(device.port for device in devices), *[9] * dead], tags_each)
        await box.start()
        try:
            yield park, line, box
        finally:
            assert box.process is not None
            if box.process.returncode is None:
                await box.end(signal.SIGKILL)


async def until(done: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.02)


def steps_ms(park: ParkServer, group: str) -> list[float]:
    """Time between scans of a group."""
    times = [at for at, _ in park.values(group)]
    return [(after - before) / 1_000 for before, after in itertools.pairwise(times)]


async def test_a_register_is_with_the_park_within_a_period_and_300_ms(tmp_path: Path) -> None:
    device = Device(dict.fromkeys(range(4), 0))
    async with plant(tmp_path, [device]) as (park, _, box):
        await until(lambda: len(park.values()) >= 2)
        waits: list[float] = []
        for value in range(1, 6):
            await asyncio.sleep(0.217)
            device.words[2] = value
            changed = CLOCK.monotonic_ns()
            await until(lambda value=value: park.values()[-1][1][2] == value)
            waits.append((CLOCK.monotonic_ns() - changed) / 1e9)
        assert max(waits) < 1.3
        code, took = await box.end()
    assert (code, took < 2) == (0, True)
    assert park.misses() == []
    assert all(abs(step - 1_000) < 150 for step in steps_ms(park, "plc1"))
    assert set(device.requests) == {(3, 0, 4)}
    assert [line.split("  ")[0].split(" ")[-1] for line in box.log.splitlines()].count("INFO") == len(box.log.splitlines())


async def test_a_dead_and_a_slow_device_delay_nobody(tmp_path: Path) -> None:
    good, slow, silent = (Device({n: n for n in range(4)}) for _ in range(3))
    slow.delay_s = 1.5
    silent.silent = True
    async with plant(tmp_path, [good, slow, silent], dead=1) as (park, _, box):
        await until(lambda: len(park.values("plc1")) >= 9)
        await box.end()
    assert all(abs(step - 1_000) < 150 for step in steps_ms(park, "plc1"))
    assert {values for _, values in park.values("plc1")} == {(0.0, 1.0, 2.0, 3.0)}
    names = {g.digest: g.name for batch in park.committed.values() for g in batch.groups}
    missed = Counter((names[miss.group], miss.cause) for miss in park.misses())
    assert not any(name == "plc1" for name, _ in missed)
    assert missed[("plc2", Cause.TIMEOUT)] >= 7
    assert missed[("plc3", Cause.TIMEOUT)] >= 5
    assert missed[("plc4", Cause.NOT_CONNECTED)] >= 8
    assert park.values("plc2") == park.values("plc3") == park.values("plc4") == []
    assert box.log.count("connection plc4 down") == 1
    assert box.log.count("connection plc2 down") == 1


async def test_a_device_that_goes_away_leaves_misses_and_no_value(tmp_path: Path) -> None:
    device = Device(dict.fromkeys(range(4), 7))
    async with plant(tmp_path, [device]) as (park, _, box):
        await until(lambda: len(park.values()) >= 3)
        await device.stop()
        await until(lambda: sum(miss.count for miss in park.misses()) >= 4)
        await device.start()
        before = len(park.values())
        await until(lambda: len(park.values()) >= before + 3)
        await box.end()
    assert {values for _, values in park.values()} == {(7.0, 7.0, 7.0, 7.0)}
    assert {miss.cause for miss in park.misses()} == {Cause.NOT_CONNECTED}
    stamps = sorted([at for at, _ in park.values()] + [miss.at_us for miss in park.misses()])
    gaps = [(after - before) / 1e6 for before, after in itertools.pairwise(stamps)]
    assert all(0.7 < gap < 1.3 for gap in gaps)  # every second has its scan or its miss


async def test_killed_with_a_backlog_and_started_again_nothing_is_lost_and_the_time_off_is_told(tmp_path: Path) -> None:
    device = Device({n: n for n in range(4)})
    async with plant(tmp_path, [device]) as (park, line, box):
        await until(lambda: len(park.values()) >= 2)
        line.mode = "hole"
        seen = len(device.requests)
        await until(lambda: len(device.requests) >= seen + 5)
        await asyncio.sleep(0.3)  # the last one is on disk too
        asked = len(device.requests)
        await box.end(signal.SIGKILL)
        line.mode = "open"
        await asyncio.sleep(2.5)
        await box.start()
        await until(lambda: len(device.requests) >= asked + 3 and len(park.values()) >= asked + 3)
        await box.end()
        await asyncio.sleep(0.2)
    times = [at for at, _ in park.values()]
    assert len(times) == len(set(times))
    assert len(times) in (len(device.requests), len(device.requests) - 1)  # one may have been read and not yet shipped
    off = [miss for miss in park.misses() if miss.cause == Cause.BOX_OFF]
    assert len(off) == 1
    assert 2 <= off[0].count <= 5
    boots = {boot for boot, _ in park.order}
    assert len(boots) == 2


async def test_forty_two_devices_of_fifty_tags_that_take_20_ms(tmp_path: Path) -> None:
    devices = [Device({n: n for n in range(50)}) for _ in range(42)]
    for device in devices:
        device.delay_s = 0.02
    async with plant(tmp_path, devices, tags_each=50) as (park, _, box):
        await until(lambda: len(park.values("plc42")) >= 11, 30)
        await box.end()
    counts = [len(park.values(f"plc{n}")) for n in range(1, 43)]
    missed = sum(miss.count for miss in park.misses())
    assert sum(counts) >= 42 * 11 - 1
    assert missed <= sum(counts) * 0.001
    assert {values for _, values in park.values()} == {tuple(float(n) for n in range(50))}


async def test_a_configuration_that_is_wrong_stops_the_start_with_all_of_it(tmp_path: Path) -> None:
    box = Box(tmp_path, "http://127.0.0.1:9", [9])
    with (box.folder / "tags.csv").open("a") as tags:
        tags.write("X,plc7,holding:1,u16,,,,,,\nY,plc1,nowhere,u16,,,,,,\n")
    process = await box.start()
    assert await process.wait() == 2
    await box.end()
    assert "2 findings" in box.log
    assert "tags.csv:6: connection: found plc7, expected a connection of edge.toml (plc1)" in box.log
    assert "tags.csv:7: address: found nowhere, expected holding:N, input:N, coil:N or discrete:N" in box.log


async def test_two_boxes_never_share_a_folder(tmp_path: Path) -> None:
    device = Device({n: n for n in range(4)})
    async with plant(tmp_path, [device]) as (park, line, box):
        await until(lambda: len(park.values()) >= 1)
        second = Box(tmp_path, line.url, [device.port])
        process = await second.start()
        assert await process.wait() == 2
        await second.end()
        assert "another box is running with" in second.log
        count = len(park.values())
        await until(lambda: len(park.values()) >= count + 2)
        await box.end()
