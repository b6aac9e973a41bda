"""Server processes: started as the right account, in a session of their own, watched, and stopped by pid."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from embedded.accounts import Account
from embedded.report import EmbeddedError, tail

_LOG_LIMIT_BYTES = 20_000_000
_PATIENCE_S = 60.0


@dataclass
class Daemon:
    """A running server. `child` is None for one that another process started."""

    name: str
    url: str
    pid: int
    stop_signal: signal.Signals
    log: Path
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def alive(self) -> bool:
        return self.child.poll() is None if self.child else runs(self.pid)

    def stop(self) -> None:
        """Ask it to close its files and end, and wait; after a minute, kill it (the database recovers at its next start)."""
        if not self.alive():
            return
        os.kill(self.pid, self.stop_signal)
        if not _until(lambda: not self.alive(), _PATIENCE_S):
            os.kill(self.pid, signal.SIGKILL)
            _until(lambda: not self.alive(), 5.0)


def launch(
    command: list[str], log: Path, account: Account | None, stop_signal: signal.Signals, *, tied: bool
) -> subprocess.Popen[bytes]:
    """Start `command` in its own session, output appended to `log`. `tied`: it gets `stop_signal` when its parent dies."""
    with open_log(log) as output:
        return subprocess.Popen(
            privileged(command, account, stop_signal if tied else None),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=plain_environment(),
            cwd="/",
            start_new_session=True,
        )


def privileged(command: list[str], account: Account | None, parent_death: signal.Signals | None = None) -> list[str]:
    """`command` as `account`, told by `parent_death` of its parent's death."""
    options = account.command() if account else []
    if parent_death is not None:
        options += ["--pdeathsig", parent_death.name.removeprefix("SIG")]
    return ["setpriv", *options, *command] if options else command


def plain_environment() -> dict[str, str]:
    """What a server needs of our environment: no proxy, locale or PG* variable of ours changes what it does."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def run(command: list[str], account: Account | None = None, *, purpose: str, stdin: str = "", password: str = "") -> str:
    """Run a short command to its end. Returns stdout; raises EmbeddedError with its last lines if it fails."""
    environment = plain_environment() | ({"PGPASSWORD": password} if password else {})
    done = subprocess.run(
        privileged(command, account), input=stdin, capture_output=True, text=True, env=environment, cwd="/", check=False
    )
    if done.returncode:
        raise EmbeddedError(
            f"{purpose} failed ({Path(command[0]).name}, exit {done.returncode}):\n{tail(done.stderr + done.stdout)}"
        )
    return done.stdout


def open_log(log: Path) -> BinaryIO:
    """`log` opened to append; a large one is put aside as `.1` first."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_name(log.name + ".1"))
    return log.open("ab")


def wait_ready(
    name: str, child: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, since: int, limit_s: float
) -> None:
    """Wait until `ready()`; raise EmbeddedError with what it logged after byte `since` if it ends or takes too long."""
    if _until(lambda: child.poll() is not None or ready(), limit_s) and child.poll() is None:
        return
    state = f"ended with code {child.returncode}" if child.poll() is not None else f"was not ready after {limit_s:.0f} s"
    if child.poll() is None:
        child.kill()
        child.wait()
    raise EmbeddedError(f"{name} {state}; the end of {log}:\n{tail(log_since(log, since))}")


def log_since(log: Path, since: int) -> str:
    with log.open("rb") as file:
        file.seek(since)
        return file.read().decode(errors="replace")


def runs(pid: int) -> bool:
    """Whether `pid` is a living process (a zombie is not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_command(pid: int, argument: str) -> bool:
    """Whether `pid` lives and was started with `argument` on its command line: a recycled pid is not ours to signal."""
    try:
        return runs(pid) and argument.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _until(condition: Callable[[], bool], limit_s: float) -> bool:
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
