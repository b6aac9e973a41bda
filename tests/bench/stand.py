"""The stand that load figures are taken on: a database and the service, real, with a park of equal sources."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded import servers, start_postgres
from running import Process, free_port, run, wait_ready

from bench.bench_park import Cell, cells, write_config

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("HAZMON_HOME", ROOT / ".hazmon")).absolute()  # where fetched programs are cached


@dataclass(frozen=True, slots=True)
class Stand:
    """A running service and what its load needs. `folder` holds its configuration, tokens and logs."""

    folder: Path
    park: list[Cell]
    port: int
    url: str
    tokens: dict[str, str]
    service: Process
    database_pid: int


@contextmanager
def short_folder() -> Generator[Path]:
    """A folder with a short path, for sockets, open to the account that root's servers run as."""
    with tempfile.TemporaryDirectory(prefix="hazmon-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def stand(park: list[Cell] | None = None, ports: Mapping[str, int] | None = None, covered: bool = True) -> Generator[Stand]:
    """Start database and service for the block; 42 sources of 40 points unless told otherwise. `covered`: coverage is kept."""
    with short_folder() as folder:
        park = cells() if park is None else park
        write_config(folder / "config", park, ports)
        if covered:
            shutil.copy(ROOT / "config/coverage.toml", folder / "config")
        database = start_postgres(servers(HOME), folder / "postgres")
        environment = {"HAZMON_DATABASE_URL": database.url, "HAZMON_HOME": str(folder / "home")}
        port = free_port()
        command = ["hazmon", "serve", "--config", str(folder / "config"), "--port", str(port)]
        service = Process("service", command, folder / "service.log", environment)
        try:
            boxes = sorted({cell.edge for cell in park})
            run(["hazmon", "migrate"], environment)
            run(["hazmon", "token", "add", *boxes, "--out", str(folder / "secrets")], environment)
            tokens = {box: (folder / "secrets" / f"{box}.token").read_text().strip() for box in boxes}
            wait_ready(service.start(), port)
            yield Stand(folder, park, port, database.url, tokens, service, database.pid)
        except BaseException:
            sys.stderr.write(f"--- the service's log ends:\n{service.output()[-4000:]}\n")
            raise
        finally:
            service.stop()
            database.stop()


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process, with those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and its children, as they are now."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


def family_cpu(pid: int) -> float:
    """CPU seconds of a process and its children; a child that ends meanwhile is counted in its parent."""
    total = 0.0
    for member in family(pid):
        try:
            total += cpu_seconds(member)
        except FileNotFoundError:
            continue
    return total


def rss_mb(pid: int) -> float:
    """Resident memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
