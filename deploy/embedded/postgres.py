"""An own PostgreSQL cluster with TimescaleDB: created at the first start, recovered at a later one, loopback only."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import time
from pathlib import Path

from embedded.accounts import Account, account_for, hand_over, settle
from embedded.ports import LOOPBACK, free_port, require_free
from embedded.processes import Daemon, is_command, launch, log_since, run, wait_ready
from embedded.report import EmbeddedError, say
from embedded.servers import Servers

_USER = "hazmon"
_READY_LIMIT_S = 300.0  # a large write-ahead log is replayed after a power cut
_SOCKET_PATH_LIMIT = 107
_PASSWORD_FILE = "hazmon.password"  # noqa: S105
_STATUS_LINE = 7  # of postmaster.pid

_SETTINGS = """\
# written at every start; put settings of your own into postgresql.auto.conf with ALTER SYSTEM
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{sockets}'
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
timescaledb.max_background_workers = 4
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = on
jit = off
max_connections = 80
shared_buffers = {shared_buffers_mb}MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
min_wal_size = 256MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
max_locks_per_transaction = 256
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d '
log_checkpoints = off
"""

_CREATE = """\
SET client_min_messages = warning;
SELECT 'CREATE DATABASE hazmon' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'hazmon') \\gexec
\\connect hazmon
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS timescaledb;
"""


def start_postgres(programs: Servers, data: Path, port: int = 0, *, log: Path | None = None, tied: bool = True) -> Daemon:
    """Start the cluster in `data` (created if absent) on 127.0.0.1:`port` (0 = a free one) with a database `hazmon`.

    `tied`: it shuts down when this process dies. Returns when it accepts queries and the extension is there.
    Raises EmbeddedError: busy port, data in use, data of another PostgreSQL version, a server that does not come up.
    """
    if not Path("/usr/share/zoneinfo/UTC").exists():
        raise EmbeddedError("this machine has no time zone data: install the package tzdata")
    log = (log or data.absolute().parent / "log" / "postgres.log").absolute()
    data = settle(data.absolute())
    account = account_for(data)
    if not (data / "PG_VERSION").exists():
        _create_cluster(programs, data, account)
    running = running_postgres(data)
    if running is not None:
        raise EmbeddedError(f"a database server already runs on {data} (pid {running.pid})")
    if port:
        require_free(port, "database", "Stop it, or choose another port with HAZMON_DATABASE_PORT.")
    port = port or free_port()
    _write_settings(data, port, account)
    (data / "postmaster.pid").unlink(missing_ok=True)  # of a server that is no longer: checked just above

    command = [str(programs.postgres_bin / "postgres"), "-D", str(data)]
    since = log.stat().st_size if log.exists() else 0
    child = launch(command, log, account, signal.SIGINT, tied=tied)
    for _ in range(40):  # helpers of a server that was killed hold its shared memory for a moment
        if child.poll() is None or "shared memory block" not in log_since(log, since):
            break
        time.sleep(0.25)
        child = launch(command, log, account, signal.SIGINT, tied=tied)
    wait_ready("the database", child, lambda: _status(data) == "ready", log, since, _READY_LIMIT_S)
    daemon = Daemon("postgres", url_of(data, port), child.pid, signal.SIGINT, log, child)
    try:
        _query(programs, data, port, _CREATE)
    except EmbeddedError:
        daemon.stop()
        raise
    return daemon


def running_postgres(data: Path) -> Daemon | None:
    """The server that runs on `data`, whoever started it; None if there is none (a stale pid file does not count)."""
    log = data.absolute().parent / "log" / "postgres.log"
    data = data.resolve()
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 4 or not lines[0].isdigit() or not is_command(int(lines[0]), str(data)):
        return None
    return Daemon("postgres", url_of(data, int(lines[3])), int(lines[0]), signal.SIGINT, log)


def url_of(data: Path, port: int, database: str = _USER) -> str:
    """postgresql:// URL of `database` in the cluster `data`."""
    return f"postgresql://{_USER}:{(data / _PASSWORD_FILE).read_text().strip()}@{LOOPBACK}:{port}/{database}"


def _create_cluster(programs: Servers, data: Path, account: Account | None) -> None:
    """initdb beside `data`, then a rename: a half-made cluster is never taken for one."""
    say(f"· database: creating an empty one in {data}")
    if data.exists() and any(data.iterdir()):
        raise EmbeddedError(f"{data} is neither empty nor a PostgreSQL data folder")
    made = data.with_name(data.name + ".new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700, parents=True)
    password = made.with_name(made.name + ".password")
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(18))
    for path in (made, password):
        hand_over(path, account)
    command = [
        str(programs.postgres_bin / "initdb"), "-D", str(made), "-U", _USER, "-E", "UTF8", "--no-locale", "--data-checksums",
        "-A", "scram-sha-256", f"--pwfile={password}", "--no-instructions",
    ]  # fmt: skip
    run(command, account, purpose="creating the database")
    password.replace(made / _PASSWORD_FILE)
    with (made / "postgresql.conf").open("a") as file:
        file.write("include 'hazmon.conf'\n")
    if data.exists():
        data.rmdir()
    made.rename(data)


def _write_settings(data: Path, port: int, account: Account | None) -> None:
    sockets = str(data) if len(f"{data}/.s.PGSQL.{port}") <= _SOCKET_PATH_LIMIT else ""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    settings = data / "hazmon.conf"
    settings.write_text(
        _SETTINGS.format(host=LOOPBACK, port=port, sockets=sockets, shared_buffers_mb=max(32, min(256, memory_mb // 8)))
    )
    hand_over(settings, account)


def _status(data: Path) -> str:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return ""
    return lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else ""


def _query(programs: Servers, data: Path, port: int, sql: str) -> str:
    password = (data / _PASSWORD_FILE).read_text().strip()
    command = [
        str(programs.postgres_bin / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1",
        "-h", LOOPBACK, "-p", str(port), "-U", _USER, "-d", "postgres",
    ]  # fmt: skip
    return run(command, purpose="preparing the database", stdin=sql, password=password)
