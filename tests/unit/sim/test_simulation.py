"""The running simulator: ports, orders, status, ledger. No broker is there; the gateways wait for one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hazmon_sim import clock, control
from hazmon_sim.control import Order
from hazmon_sim.errors import PortBusyError, SimulatorError
from hazmon_sim.ledger import FaultNote, Ledger, read
from hazmon_sim.plant import load_plants
from hazmon_sim.script import OpeningStep, Script
from hazmon_sim.simulation import Options, Simulation

from .conftest import PLANTS

SCRIPT = Script((OpeningStep(0.0, "plc_silent", "E03/plc1", 600.0), OpeningStep(3600.0, "frozen", "E03/LT-1101")))


def free_offset() -> int:
    """An offset at which the ports of E03 are free."""
    for offset in range(31_000, 45_000, 137):
        with contextlib.ExitStack() as held:
            try:
                for port in (15031, 15032, 15033, 15503):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            except OSError:
                continue
            return offset
    raise AssertionError("no free ports")


def simulation(home: Path, offset: int, ledger: Path | None = None) -> Simulation:
    plants = load_plants(PLANTS, frozenset({"E03"}))
    return Simulation(plants, Options(home, ("127.0.0.1", 1), ("127.0.0.1", 1), offset), SCRIPT, Ledger(ledger), clock.now)


@pytest.fixture
async def running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[tuple[Path, int, asyncio.Task[None]]]:
    """A simulator of E03 whose first scripted fault has happened; its home, its port offset, its task."""
    offset = free_offset()
    task = asyncio.create_task(simulation(tmp_path, offset, tmp_path / "ledger.jsonl").run())
    said = ""
    while "plc_silent" not in said and not task.done():
        await asyncio.sleep(0)
        said += capsys.readouterr().out
    assert said.startswith(f"hazmon-sim ready: 1 enterprises, 3 PLCs on ports {15031 + offset}-{15033 + offset}, 27 sensors")
    yield tmp_path, offset, task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def order(home: Path, *words: object) -> control.Reply:
    return await asyncio.to_thread(control.send, home, Order(*words))  # pyright: ignore[reportArgumentType]


async def test_the_status_tells_what_is_wrong_and_what_comes(running: tuple[Path, int, asyncio.Task[None]]):
    status = json.loads((running[0] / "sim-status.json").read_bytes())
    assert [(item["fault"], item["target"]) for item in status["active"]] == [("plc_silent", "E03/plc1")]
    assert (status["next"]["fault"], status["next"]["target"]) == ("frozen", "E03/LT-1101")
    assert status["next"]["at"] > status["active"][0]["since"]


async def test_an_order_is_obeyed_told_and_recorded(running: tuple[Path, int, asyncio.Task[None]]):
    home, _, _ = running
    reply = await order(home, "toxic_leak", "E03/GT-1101")
    assert (reply.done, "none at this site" in reply.text) == (False, True)
    reply = await order(home, "bad_value", "E03/PT-1101", 60.0)
    assert reply.done
    assert "bad_value at E03/PT-1101: 变送器坏值" in reply.text
    again = await order(home, "spike", "E03/PT-1101")
    assert (again.done, "has bad_value until" in again.text) == (False, True)
    notes = [item for item in read(home / "ledger.jsonl") if isinstance(item, FaultNote)]
    assert [(note.name, note.at, note.active) for note in notes] == [
        ("plc_silent", "E03/plc1", True),
        ("bad_value", "E03/PT-1101", True),
    ]
    assert abs(notes[1].until - notes[1].t - 60_000_000) < 1000


async def test_a_fault_ends_by_itself(running: tuple[Path, int, asyncio.Task[None]]):
    home, _, _ = running
    assert (await order(home, "plc_down", "E03/plc2", 0.0)).done
    ended: list[FaultNote] = []
    while not ended:
        await asyncio.sleep(0)
        ended = [item for item in read(home / "ledger.jsonl") if isinstance(item, FaultNote) and not item.active]
    assert [(note.name, note.at) for note in ended] == [("plc_down", "E03/plc2")]
    assert "plc_down" not in (home / "sim-status.json").read_text()


async def test_a_busy_port_is_said_plainly(running: tuple[Path, int, asyncio.Task[None]], tmp_path: Path):
    _, offset, _ = running
    with pytest.raises(PortBusyError, match=rf"port {15031 + offset} \(E03/plc1\) is held by another program"):
        await simulation(tmp_path / "other", offset).run()


async def test_one_home_has_one_simulator(running: tuple[Path, int, asyncio.Task[None]]):
    home, _, _ = running
    with pytest.raises(SimulatorError, match="another simulator runs in"):
        await simulation(home, free_offset()).run()


async def test_it_leaves_nothing_open(running: tuple[Path, int, asyncio.Task[None]]):
    home, offset, task = running
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert not (home / "sim.sock").exists()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", 15031 + offset)
    with pytest.raises(SimulatorError, match="no simulator answers"):
        await order(home, "frozen", "E03/LT-1101")


def test_a_script_that_names_what_is_not_there_stops_the_start(tmp_path: Path):
    script = Script((OpeningStep(0.0, "fast_fill", "E03/LT-9999"),))
    with pytest.raises(SimulatorError, match="LT-9999"):
        Simulation(
            load_plants(PLANTS, frozenset({"E03"})),
            Options(tmp_path, ("127.0.0.1", 1), ("127.0.0.1", 1)),
            script,
            Ledger(None),
            clock.now,
        )
