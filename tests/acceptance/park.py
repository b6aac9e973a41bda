"""The whole park as child processes on ports of its own: simulators, boxes, service; the database and broker are fixtures."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hazmon_sim import control
from running import Process, free_port, run, wait_for_text, wait_ready

ROOT = Path(__file__).resolve().parents[2]
PLANTS = ROOT / "simulators" / "plants"


class Park:
    """A running park. `home` is HAZMON_HOME; the ledger holds what the simulators sent."""

    def __init__(self, home: Path, enterprises: Iterable[str], database: str, broker: str) -> None:
        self.home = home
        self.database = database
        self.config = home / "config"
        self.ledger = home / "ledger.jsonl"
        self.enterprises = sorted(enterprises)
        self.port = free_port()
        offset = _free_offset()
        self.environment = {
            "HAZMON_HOME": str(home),
            "HAZMON_PORT": str(self.port),
            "HAZMON_DATABASE_URL": database,
            "HAZMON_MQTT_URL": broker,
        }
        _copy_config(self.config, self.enterprises, offset)
        self.service = self._process("service", "hazmon", "serve", "--config", str(self.config), "--port", str(self.port))
        only = [word for name in self.enterprises for word in ("--enterprise", name)]
        options = ["--script", "none", "--ledger", str(self.ledger), "--port-offset", str(offset), "--plants", str(PLANTS)]
        self.simulators = self._process("simulators", "hazmon-sim", "run", *options, *only)
        self.boxes = {name: self._process(name, "hazmon-edge", "run", str(self.config / name)) for name in self.enterprises}

    def start(self) -> None:
        """Start everything and wait until every connection of every box gives data."""
        run(["hazmon", "migrate"], self.environment)
        run(["hazmon", "token", "add", *self.enterprises, "--out", str(self.home / "secrets")], self.environment)
        self.simulators.start()
        wait_for_text(self.simulators, "ready")
        wait_ready(self.service.start(), self.port)
        for box in self.boxes.values():
            box.start()
        self.wait_until(self.all_connected, 120, "every connection of every box is up")

    def stop(self) -> None:
        """Boxes, simulators, service: in the order in which nothing is left hanging."""
        for process in (*self.boxes.values(), self.simulators, self.service):
            process.stop()

    def past_the_relays(self) -> None:
        """Restart the boxes with a straight line to the park, for the relays end with the simulators."""
        straight = {"HAZMON_PARK_URL": f"http://127.0.0.1:{self.port}"}
        for name, box in self.boxes.items():
            box.stop()
            command = ["hazmon-edge", "run", str(self.config / name)]
            self.boxes[name] = Process(name, command, self.home / "log" / f"{name}.log", self.environment | straight)
            self.boxes[name].start()

    def fault(self, name: str, at: str, for_s: float | None = None, value: float | None = None) -> float:
        """Make a fault happen now; the Unix second of it."""
        at_s = time.time()
        reply = control.send(self.home, control.Order(name, at, for_s, value))
        assert reply.done, reply.text
        return at_s

    def get(self, path: str) -> Any:
        """The JSON of a path of the API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"/api/v1/{path}")
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, f"{path}: {answer.status} {body[:500]!r}"
            return json.loads(body)
        finally:
            connection.close()

    def edges(self) -> dict[str, Any]:
        """The boxes' last heartbeats by name."""
        return {edge["edge"]: edge for edge in self.get("edges?limit=100")["items"]}

    def all_connected(self) -> bool:
        """Every box of this park was heard of, and all its connections are up."""
        edges = self.edges()
        return all(
            edges[name]["state"] == "ok"
            and edges[name]["connections"]
            and all(connection["state"] == "ok" for connection in edges[name]["connections"])
            for name in self.enterprises
        )

    def drained(self) -> bool:
        """No box has anything left that the park has not receipted, as of heartbeats made after the call."""
        after = time.time()
        found: set[str] = set()
        end = after + 30
        while time.time() < end and found != set(self.enterprises):
            for name, edge in self.edges().items():
                heard = edge["last_heartbeat"]
                if heard and _unix(heard) > after and edge["outbox_batches"] == 0:
                    found.add(name)
            time.sleep(0.5)
        return found >= set(self.enterprises)

    def wait_until(self, true: Callable[[], bool], limit_s: float, what: str) -> None:
        """Poll until it is true. Raises AssertionError."""
        end = time.monotonic() + limit_s
        while not true():
            assert time.monotonic() < end, f"not within {limit_s} s: {what}\n{self.logs()}"
            time.sleep(0.25)

    def logs(self) -> str:
        """The ends of all logs, for a failure's text."""
        every = (self.service, self.simulators, *self.boxes.values())
        return "\n".join(f"--- {process.name}\n{process.output()[-1200:]}" for process in every)

    def _process(self, name: str, *command: str) -> Process:
        return Process(name, list(command), self.home / "log" / f"{name}.log", self.environment)


@contextmanager
def running_park(home: Path, enterprises: Iterable[str], database: str, broker: str) -> Generator[Park]:
    """A park for the block, stopped whatever happens in it."""
    park = Park(home, enterprises, database, broker)
    try:
        park.start()
        yield park
    finally:
        park.stop()


def _copy_config(to: Path, enterprises: list[str], offset: int) -> None:
    """The repository's configuration with its local ports moved, so that a demo may run beside the tests."""
    to.mkdir(parents=True)
    for name in ("park.toml", "rules.toml", "colour.toml"):
        shutil.copy(ROOT / "config" / name, to)
    for name in enterprises:
        shutil.copytree(ROOT / "config" / name, to / name)
        file = to / name / "edge.toml"
        text = file.read_text("utf-8")
        text = re.sub(r"(?m)^(port = )(15\d{3})", lambda m: f"{m[1]}{int(m[2]) + offset}", text)
        text = re.sub(r"(127\.0\.0\.1:)(15\d{3})", lambda m: f"{m[1]}{int(m[2]) + offset}", text)
        file.write_text(text, "utf-8")


def _free_offset() -> int:
    """An offset at which the simulators' ports look free."""
    for offset in range(4000, 17000, 650):
        try:
            for port in (15011, 15052, 15112, 15501, 15511):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return offset
    raise AssertionError("no free range of ports for the simulators")


def _unix(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()
