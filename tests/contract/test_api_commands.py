"""The service as its operator starts it: migrate, token add, serve, and a stop while everybody is connected."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import websockets
from hazmon_edge import wire

CONFIG = Path(__file__).resolve().parents[1] / "config" / "good" / "one_tank"
HAZMON = (sys.executable, "-c", "from hazmon.cli import main; main()")


async def run(database: str | None, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a hazmon command."""
    process = await start(database, *arguments)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def start(database: str | None, *arguments: str) -> Process:
    environment = {name: value for name, value in os.environ.items() if name != "HAZMON_DATABASE_URL"}
    if database is not None:
        environment["HAZMON_DATABASE_URL"] = database
    return await asyncio.create_subprocess_exec(*HAZMON, *arguments, stdout=PIPE, stderr=PIPE, env=environment)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@asynccontextmanager
async def serving(database: str, port: int) -> AsyncGenerator[tuple[Process, httpx.AsyncClient]]:
    """`hazmon serve`, ready."""
    process = await start(database, "serve", "--config", str(CONFIG), "--port", str(port))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http, asyncio.timeout(30):
            while True:
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    assert process.returncode is None, (await process.communicate())[1].decode()
                await asyncio.sleep(0.1)
            yield process, http
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_migrate_says_what_it_did_and_may_be_asked_again(database: str) -> None:
    code, out, err = await run(database, "migrate")
    assert (code, err) == (0, "")
    assert "0001_initial.sql" in out
    assert (await run(database, "migrate"))[:2] == (0, "the schema is up to date\n")


async def test_without_a_database_the_commands_say_so(database: str) -> None:
    code, _, err = await run(None, "migrate")
    assert code == 1
    assert "HAZMON_DATABASE_URL" in err
    code, _, err = await run("postgresql://nobody@127.0.0.1:1/nothing", "token", "add", "E01", "--out", "unused")
    assert code == 1
    assert "Traceback" not in err


async def test_a_token_is_a_secret_file_that_opens_the_door_and_a_stop_waits_for_nobody(database: str, tmp_path: Path) -> None:
    code, out, _ = await run(database, "token", "add", "E01", "--out", str(tmp_path / "secrets"))
    file = tmp_path / "secrets" / "E01.token"
    assert (code, out) == (0, f"{file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = file.read_text().strip()
    assert len(token) >= 43
    port = free_port()
    async with serving(database, port) as (process, http):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await http.post("/api/v1/batches", content=wire.pack([]), headers=headers)
        assert answer.json()["receipts"] == []
        assert (await http.post("/api/v1/batches", content=wire.pack([]))).status_code == 401
        async with (
            http.stream("GET", "/api/v1/alarms/stream") as stream,
            websockets.connect(f"ws://127.0.0.1:{port}/api/v1/live", proxy=None, max_size=None) as page,
        ):
            assert stream.status_code == 200
            await page.recv()
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(6):
                assert await process.wait() in (0, -signal.SIGTERM)


async def test_a_port_that_is_taken_is_said_plainly(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = await run(database, "serve", "--config", str(CONFIG), "--port", str(port))
    assert code == 1
    assert str(port) in err
    assert "Traceback" not in err


async def test_a_bad_configuration_stops_the_start_with_its_findings(database: str) -> None:
    bad = CONFIG.parents[1] / "bad" / "everything_at_once"
    (config,) = [folder for folder in (bad / "config", bad) if (folder / "park.toml").exists()][:1]
    code, _, err = await run(database, "serve", "--config", str(config), "--port", str(free_port()))
    assert code == 1
    assert "expected" in err
    assert "Traceback" not in err
