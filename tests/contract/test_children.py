"""The demo's supervision on real processes: what dies is told and started again, what is stopped is gone, all else is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from children import Child, ChildFailed, first_of, run_once, stop_all, unless, until_first_end, watch

SLEEPER = "echo started; exec sleep 300"
STUBBORN = "trap '' TERM; echo started; while :; do sleep 300; done"


@pytest.fixture
async def children(tmp_path: Path) -> AsyncIterator[dict[str, Child]]:
    """`steady` stays, `broken` ends at once with code 3 and a word."""
    scripts = {"steady": SLEEPER, "broken": "echo cannot open the outbox; exit 3"}
    made = {name: Child(name, ["sh", "-c", text], tmp_path / f"{name}.log", dict(os.environ)) for name, text in scripts.items()}
    yield made
    await stop_all(list(made.values()))


def pid_of(child: Child) -> int:
    assert child.process
    return child.process.pid


async def _printed(child: Child) -> None:
    """Until the process has said something."""
    async with asyncio.timeout(10):
        while not child.log.exists() or not child.log.read_text().count("started"):
            await asyncio.sleep(0.02)


async def test_what_ends_three_times_in_a_minute_is_given_up_with_its_last_words(children: dict[str, Child]) -> None:
    broken = children["broken"]
    told: list[str] = []
    await broken.start()
    with pytest.raises(ChildFailed, match=r"broken ended with code 3; the end of .*broken\.log:\n +cannot open the outbox"):
        await watch(broken, told.append, pause_s=0.01)
    assert len(told) == 2
    assert "cannot open the outbox" in told[0]


async def test_what_is_killed_comes_back(children: dict[str, Child]) -> None:
    steady = children["steady"]
    told: list[str] = []
    await steady.start()
    first = pid_of(steady)
    watching = asyncio.ensure_future(watch(steady, told.append, pause_s=0.01))
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(10):
        while pid_of(steady) == first:
            await asyncio.sleep(0.02)
    watching.cancel()
    assert "steady was killed by SIGKILL" in told[0]


async def test_while_a_park_starts_no_part_may_end(children: dict[str, Child]) -> None:
    for child in children.values():
        await child.start()
    with pytest.raises(ChildFailed, match="broken ended with code 3"):
        await until_first_end(list(children.values()))


async def test_a_step_that_fails_is_told(tmp_path: Path) -> None:
    await run_once("fine", ["true"], dict(os.environ), tmp_path / "setup.log")
    with pytest.raises(ChildFailed, match=r"hazmon migrate ended with code 2[^$]*no such database"):
        await run_once("hazmon migrate", ["sh", "-c", "echo no such database; exit 2"], dict(os.environ), tmp_path / "setup.log")


async def test_stopping_takes_the_whole_group_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "300"]) as stranger:
        group = Child("group", ["sh", "-c", "sleep 300 & echo started $!; wait"], tmp_path / "group.log", dict(os.environ))
        await group.start()
        await _printed(group)
        inner = int(group.log.read_text().split()[1])
        await group.stop()
        async with asyncio.timeout(10):  # init may take a moment to reap what lost its parent
            while Path(f"/proc/{inner}/stat").exists() and " Z " not in Path(f"/proc/{inner}/stat").read_text():
                await asyncio.sleep(0.02)
        assert stranger.poll() is None
        stranger.kill()
    await group.stop()  # a second stop is no harm


async def test_what_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("children._PATIENCE_S", 0.2)
    stubborn = Child("stubborn", ["sh", "-c", STUBBORN], tmp_path / "stubborn.log", dict(os.environ))
    await stubborn.start()
    await _printed(stubborn)
    await stubborn.stop()
    assert stubborn.process
    assert stubborn.process.returncode == -signal.SIGKILL


async def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, pathlib, children\n"
        f"child = children.Child('c', ['sh', '-c', {SLEEPER!r}], pathlib.Path({str(tmp_path / 'c.log')!r}), dict(os.environ))\n"
        "async def main():\n"
        "    await child.start(); print(child.process.pid, flush=True); await asyncio.sleep(300)\n"
        "asyncio.run(main())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "deploy")}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as supervisor:
        assert supervisor.stdout
        pid = int(supervisor.stdout.readline())
        supervisor.kill()
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
            await asyncio.sleep(0.02)


async def test_a_stop_interrupts_work_and_the_first_error_ends_the_rest() -> None:
    stopping = asyncio.Event()

    async def work() -> None:
        stopping.set()
        await asyncio.sleep(300)

    async def fail() -> None:
        raise ChildFailed("a part")

    assert not await unless(stopping, work())
    assert await unless(asyncio.Event(), asyncio.sleep(0))
    with pytest.raises(ChildFailed, match="a part"):
        await first_of(asyncio.sleep(300), fail())
