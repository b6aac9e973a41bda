"""`make demo` as its user has it: the whole park, from the first start to the second. No other demo may run on this machine."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SECOND_START_LIMIT_S = 15.0
LIVE_LIMIT_S = 60.0


class Demo:
    """One run of the demo in `home`, its output read line by line."""

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self.began = time.monotonic()
        given = {"HAZMON_HOME": str(home), "HAZMON_PORT": str(port), "HAZMON_DATABASE_PORT": "0", "HAZMON_MQTT_PORT": "0"}
        without = {"HAZMON_DATABASE_URL", "HAZMON_MQTT_URL"}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "deploy/demo.py")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if name not in without} | given,
        )
        self.said = ""

    def hear(self, words: str, limit_s: float = 90) -> None:
        """Read on until `words` were said; fail with everything said if they are not."""
        assert self.process.stdout
        end = time.monotonic() + limit_s
        while words not in self.said:
            ready = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))[0]
            heard = os.read(self.process.stdout.fileno(), 65536).decode() if ready else ""
            assert heard, f"{words!r} was not said:\n{self.said}"
            self.said += heard

    def get(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def live_boxes(self) -> int:
        return sum(edge["state"] == "ok" for edge in self.get("/api/v1/edges")["items"])

    def leak_rang(self) -> bool:
        alarms = self.get("/api/v1/alarms?enterprise=E02")["items"]
        return any(alarm["tag"] == "AT-1101" for alarm in alarms)

    def stop(self) -> int:
        """Ctrl-C, once. Returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self.process.stdout
        self.said += self.process.stdout.read().decode()
        self.process.stdout.close()
        return self.process.wait(60)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIVE_LIMIT_S
    while not condition():
        assert time.monotonic() < end, f"no {what} within {LIVE_LIMIT_S:.0f} s"
        time.sleep(0.5)


def of_home(home: Path) -> dict[int, str]:
    """Command lines of the living processes that belong to a park in `home`, by their environment or arguments."""
    found: dict[int, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            if str(home).encode() in about and int(process.name) != os.getpid():
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


@pytest.fixture
def home(session_folder: Path, hazmon_home: Path) -> Iterator[Path]:
    """A home of its own with nothing but the fetched programs."""
    folder = session_folder / "demo"
    folder.mkdir()
    (hazmon_home / "cache").mkdir(parents=True, exist_ok=True)
    (folder / "cache").symlink_to(hazmon_home / "cache")
    yield folder
    for pid in of_home(folder):
        os.kill(pid, signal.SIGKILL)


def test_the_demo_from_first_start_to_second(home: Path) -> None:
    first = Demo(home, free_port())
    first.hear("Ctrl-C")
    for words in (f"http://127.0.0.1:{first.port}", "11 台采集箱", "下一故障 Next fault", "E02/AT-1101", str(home / "log")):
        assert words in first.said
    wait_for(lambda: first.live_boxes() == 11, "11 live boxes")
    wait_for(lambda: first.leak_rang(), "the scripted leak's alarm")

    refused = Demo(home, free_port())
    refused.hear(f"already runs on {home} (pid {first.process.pid})")
    assert refused.end() == 1

    [victim] = [pid for pid, command in of_home(home).items() if "hazmon-edge run" in command and command.strip().endswith("E03")]
    os.kill(victim, signal.SIGKILL)
    first.hear("edge-E03 was killed by SIGKILL")
    assert first.stop() == 0
    assert "everything that was started here has stopped" in first.said
    assert of_home(home) == {}

    second = Demo(home, first.port)
    second.hear("Ctrl-C")
    assert time.monotonic() - second.began <= SECOND_START_LIMIT_S
    assert second.leak_rang()  # in the first run: its data is this one's
    wait_for(lambda: second.live_boxes() == 11, "11 live boxes, with the tokens of the first run")
    assert second.stop() == 0
    assert of_home(home) == {}
