"""Ports of this machine's loopback: which are free, and who holds one that is not."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from embedded.report import EmbeddedError

LOOPBACK = "127.0.0.1"
_LISTEN = "0A"


def database_port() -> int:
    """Where the database of a home listens unless told otherwise; 0 = any free port."""
    return int(os.environ.get("HAZMON_DATABASE_PORT", "15432"))


def broker_port() -> int:
    """Where the broker of a home listens unless told otherwise; 0 = any free port."""
    return int(os.environ.get("HAZMON_MQTT_PORT", "18830"))


def free_port() -> int:
    """A TCP port that nobody listened on a moment ago."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def require_free(port: int, purpose: str, remedy: str) -> None:
    """Raise EmbeddedError, naming the holder if it can be seen, when `port` cannot be listened on."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError as error:
        holder = holder_of(port)
        by = f" by {holder}" if holder else ""
        raise EmbeddedError(
            f"port {port} ({purpose}) is already in use{by} ({os.strerror(error.errno or 0)}). {remedy}"
        ) from error


def accepts(port: int) -> bool:
    """Whether something on the loopback accepts a connection on `port` right now."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def holder_of(port: int) -> str | None:
    """`process 812 (postgres)` for whoever listens on `port`; None when it cannot be seen (another user's process)."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        if inodes & _descriptors(process):
            return f"process {process.name} ({_command(process)})"
    return None


def _command(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "just ended"


def _descriptors(process: Path) -> set[str]:
    """What the open files of a process are; none of one that is gone or not ours to look into."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        for link in list((process / "fd").iterdir()):
            with contextlib.suppress(OSError):  # closed meanwhile, as the one that reads this folder is
                found.add(str(link.readlink()))
    return found


def _listening_inodes(port: int) -> set[str]:
    found: set[str] = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            for row in table.read_text().splitlines()[1:]:
                cells = row.split()
                if cells[3] == _LISTEN and int(cells[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{cells[9]}]")
    return found
