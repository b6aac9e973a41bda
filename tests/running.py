"""Real parts of hazmon as child processes, for acceptance tests and measurements; each is stopped by its own id."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

BIN = Path(sys.executable).parent
QUIET = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "PYTHONUNBUFFERED": "1"}


class Process:
    """A command with its log file. `kill` is kill -9; `stop` asks first."""

    def __init__(self, name: str, command: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = [str(BIN / command[0]), *command[1:]]
        self._log = log
        self._environment = {**os.environ, **QUIET, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    def start(self) -> Process:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment)
        return self

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        if self.running():
            self._signal(signal.SIGTERM)

    def output(self) -> str:
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
            raise AssertionError(f"{self.name} did not end within 15 s of {number.name}\n{self.output()[-2000:]}") from None


def run(command: list[str], environment: Mapping[str, str], limit_s: float = 120) -> str:
    """Run a command to its end; its output. Raises AssertionError when it fails."""
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env={**os.environ, **QUIET, **environment},
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def wait_ready(process: Process, port: int, path: str = "/readyz", limit_s: float = 60.0) -> None:
    """Wait until the path answers 200. Raises AssertionError if the process ends or the limit passes."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        assert process.running(), f"{process.name} ended\n{process.output()[-4000:]}"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise AssertionError(f"{process.name} was not ready within {limit_s} s\n{process.output()[-4000:]}")


def wait_for_text(process: Process, text: str, limit_s: float = 30.0) -> None:
    """Wait until the process has written the text. Raises AssertionError if it ends or the limit passes."""
    end = time.monotonic() + limit_s
    while text not in process.output():
        assert process.running(), f"{process.name} ended\n{process.output()[-4000:]}"
        assert time.monotonic() < end, f"{process.name} never said {text!r}\n{process.output()[-4000:]}"
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
