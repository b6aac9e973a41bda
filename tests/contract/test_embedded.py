"""The embedded servers through what happens to servers: kill -9, a stale pid file, a busy port, a second start."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import psycopg
import pytest
from embedded import (
    Daemon,
    EmbeddedError,
    Servers,
    running_mosquitto,
    running_postgres,
    start_mosquitto,
    start_postgres,
)
from embedded.ports import accepts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(session_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder; whatever server still runs on it at the end is stopped."""
    folder = session_folder / f"embedded-{abs(hash(request.node.name)) % 10_000}" / "postgres"
    yield folder
    left = running_postgres(folder)
    if left:
        left.stop()


def _kill(daemon: Daemon) -> None:
    os.kill(daemon.pid, signal.SIGKILL)
    if daemon.child:
        daemon.child.wait()


def ended(pid: int, within_s: float) -> bool:
    """Whether a process, no child of ours, is gone or goes in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


def _one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def test_a_killed_database_keeps_what_it_committed(server_programs: Servers, data: Path) -> None:
    first = start_postgres(server_programs, data)
    with psycopg.connect(first.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    _kill(first)
    assert running_postgres(data) is None
    second = start_postgres(server_programs, data)
    assert _one(second.url, "SELECT count(*) FROM kept") == 1000
    assert "not properly shut down" in second.log.read_text()
    second.stop()
    assert not second.alive()


def test_the_database_is_durable_closed_and_has_the_extension(server_programs: Servers, data: Path) -> None:
    daemon = start_postgres(server_programs, data)
    expected = {
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on", "jit": "off",
        "listen_addresses": "127.0.0.1", "timescaledb.telemetry_level": "off",
    }  # fmt: skip
    assert {name: _one(daemon.url, f"SHOW {name}") for name in expected} == expected
    assert _one(daemon.url, "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'") == 1
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(daemon.url.replace(daemon.url.split(":")[2].split("@")[0], "guessed"))
    assert (data.stat().st_mode & 0o077, (data / "hazmon.password").stat().st_mode & 0o077) == (0, 0)
    daemon.stop()


def test_a_stale_pid_file_that_names_a_living_stranger_is_seen_through(server_programs: Servers, data: Path) -> None:
    first = start_postgres(server_programs, data)
    _kill(first)
    pid_file = data / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(first.pid), str(os.getpid()), 1))
    second = start_postgres(server_programs, data)
    assert second.alive()
    second.stop()


def test_a_second_start_on_the_same_data_is_refused(server_programs: Servers, data: Path) -> None:
    daemon = start_postgres(server_programs, data)
    found = running_postgres(data)
    assert found is not None
    assert (found.pid, found.url) == (daemon.pid, daemon.url)
    with pytest.raises(EmbeddedError, match=rf"already runs on .* \(pid {daemon.pid}\)"):
        start_postgres(server_programs, data)
    daemon.stop()


def test_a_busy_port_is_said_plainly(server_programs: Servers, data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"port {port} .*already in use by process {os.getpid()}"):
            start_postgres(server_programs, data, port)
        with pytest.raises(EmbeddedError, match=f"port {port} .*already in use"):
            start_mosquitto(server_programs, data.parent / "mosquitto", port)


def test_a_folder_with_something_else_in_it_is_left_alone(server_programs: Servers, data: Path) -> None:
    data.mkdir(parents=True)
    (data / "notes.txt").write_text("mine")
    with pytest.raises(EmbeddedError, match="neither empty nor"):
        start_postgres(server_programs, data)
    assert (data / "notes.txt").read_text() == "mine"


def test_a_server_that_cannot_start_tells_the_end_of_its_log(server_programs: Servers, data: Path) -> None:
    start_postgres(server_programs, data).stop()
    with (data / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedError, match="no_such_setting"):
        start_postgres(server_programs, data)


def test_a_path_too_long_for_a_socket_still_has_its_port(server_programs: Servers, data: Path) -> None:
    far = data.parent / ("far" * 40) / "postgres"
    daemon = start_postgres(server_programs, far)
    assert _one(daemon.url, "SHOW unix_socket_directories") == ""
    daemon.stop()


def test_servers_end_with_the_process_that_started_them(data: Path, hazmon_home: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "embedded",
        "up",
        "--foreground",
        "--port",
        "0",
        "--mqtt-port",
        "0",
        "--home",
        str(data.parent),
    ]
    cache = data.parent / "cache"
    cache.parent.mkdir(parents=True)
    cache.symlink_to(hazmon_home / "cache")  # what is fetched already
    environment = os.environ | {"PYTHONPATH": str(ROOT / "deploy")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout
        urls = [parent.stdout.readline().strip().partition("=")[2] for _ in range(2)]
        database, broker = running_postgres(data), running_mosquitto(data.parent / "mosquitto")
        assert database
        assert broker
        assert [database.url, broker.url] == urls
        parent.kill()
    for daemon in (database, broker):
        assert ended(daemon.pid, within_s=30)


async def test_a_broker_keeps_what_it_retained(server_programs: Servers, data: Path) -> None:
    folder = data.parent / "mosquitto"
    first = start_mosquitto(server_programs, folder)
    port = int(first.url.rpartition(":")[2])
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.publish("plant/E01/PT-1101", "1.25", qos=1, retain=True)
    found = running_mosquitto(folder)
    assert found is not None
    assert found.pid == first.pid
    first.stop()
    assert not accepts(port)
    second = start_mosquitto(server_programs, folder, port)
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("plant/#")
        message = await anext(aiter(client.messages))
        assert (str(message.topic), message.payload) == ("plant/E01/PT-1101", b"1.25")
    second.stop()
