"""`make demo`: the whole park on one machine, every part real: database, broker, simulated plants, 11 boxes, service.

Everything lives in HAZMON_HOME (default .hazmon): a second run goes on with the same data. Ctrl-C stops what was started here.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import http.client
import json
import os
import signal
import sys
import time
import tomllib
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from children import Child, ChildFailed, first_of, run_once, stop_all, unless, until_first_end, watch
from embedded import (
    Daemon,
    EmbeddedError,
    running_mosquitto,
    running_postgres,
    servers,
    start_mosquitto,
    start_postgres,
)
from embedded.ports import LOOPBACK, broker_port, database_port, require_free
from embedded.report import say

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "config"
READY_LIMIT_S = 90.0
STATUS = "sim-status.json"
NO_SCRIPT = "—"


@dataclass(frozen=True, slots=True)
class Park:
    """Where this run's park is."""

    home: Path
    port: int
    boxes: tuple[str, ...]
    database_url: str
    mqtt_url: str

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def environment(self) -> dict[str, str]:
        """What every child is told; a proxy of this machine has no part in a park on its loopback."""
        given = {
            "HAZMON_HOME": str(self.home),
            "HAZMON_PORT": str(self.port),
            "HAZMON_DATABASE_URL": self.database_url,
            "HAZMON_MQTT_URL": self.mqtt_url,
            "NO_PROXY": f"{LOOPBACK},localhost",
            "no_proxy": f"{LOOPBACK},localhost",
            "PYTHONUNBUFFERED": "1",
        }
        return os.environ | given

    def child(self, name: str, *command: str) -> Child:
        program, *arguments = command
        return Child(name, [_program(program), *arguments], self.home / "log" / f"{name}.log", self.environment())


def main() -> int:
    home = Path(os.environ.get("HAZMON_HOME", ROOT / ".hazmon")).absolute()
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.default_int_handler)
    try:
        with _only_one(home):
            return _run(home, int(os.environ.get("HAZMON_PORT", "8080")))
    except (EmbeddedError, ChildFailed) as error:
        say(f"✗ {error}")
        return 1
    except KeyboardInterrupt:
        return 0


@contextlib.contextmanager
def _only_one(home: Path) -> Generator[None]:
    """Hold the home folder. Raises EmbeddedError if another demo holds it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise EmbeddedError(
                f"演示已在 {home} 上运行。 A demo already runs on {home} (pid {lock.read().strip()}): "
                "open its page, or stop it first"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _run(home: Path, port: int) -> int:
    """Servers first, from this very thread (they are told of its end), then everything else under asyncio."""
    began = time.monotonic()
    require_free(port, "HAZMON_PORT", "Choose another one: HAZMON_PORT=8090 make demo")
    started: list[Daemon] = []
    try:
        database_url, new = _database(home, started)
        mqtt_url = _broker(home, started)
        boxes = tuple(sorted(path.parent.name for path in CONFIG.glob("*/edge.toml")))
        park = Park(home, port, boxes, database_url, mqtt_url)
        asyncio.run(_supervise(park, started, began, new_database=new))
    finally:
        for daemon in reversed(started):
            daemon.stop()
        say("· 已全部停止 · everything that was started here has stopped")
    return 0


def _database(home: Path, started: list[Daemon]) -> tuple[str, bool]:
    """URL of the database, and whether it was made just now."""
    given = os.environ.get("HAZMON_DATABASE_URL")
    if given:
        return given, False
    running = running_postgres(home / "postgres")
    if running is not None:  # `python -m embedded up`: a developer's, and not ours to stop
        return running.url, False
    new = not (home / "postgres").exists()
    started.append(start_postgres(servers(home), home / "postgres", database_port()))
    return started[-1].url, new


def _broker(home: Path, started: list[Daemon]) -> str:
    given = os.environ.get("HAZMON_MQTT_URL")
    if given:
        return given
    running = running_mosquitto(home / "mosquitto")
    if running is not None:
        return running.url
    started.append(start_mosquitto(servers(home), home / "mosquitto", broker_port()))
    return started[-1].url


async def _supervise(park: Park, daemons: list[Daemon], began: float, *, new_database: bool) -> None:
    """Run the park until a signal, or until a part of it will not live (ChildFailed)."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    service = park.child("service", "hazmon", "serve", "--config", str(CONFIG))
    plants = park.child("simulators", "hazmon-sim", "run", *_plants())
    boxes = [park.child(f"edge-{box}", "hazmon-edge", "run", str(CONFIG / box)) for box in park.boxes]
    children = [service, plants, *boxes]
    try:
        if not await unless(stopping, _start(park, [service, plants], boxes, new_database=new_database)):
            return
        say(_screen(park, daemons, time.monotonic() - began))
        watches = [watch(child, say) for child in children] + [_watch_daemons(daemons), _tell_faults(park)]
        await unless(stopping, first_of(*watches))
    finally:
        say("· 正在停止 · stopping")
        await stop_all([*boxes, plants])
        await stop_all([service])  # last: it takes what the boxes still ship


async def _start(park: Park, first: list[Child], boxes: list[Child], *, new_database: bool) -> None:
    """`first`, until they are ready; then the boxes, which find devices to read and a park to ship to."""
    log = park.home / "log" / "setup.log"
    secrets = park.home / "secrets"
    if new_database:  # it knows no token of an older one
        for stale in secrets.glob("*.token"):
            stale.unlink()
    without = [box for box in park.boxes if not (secrets / f"{box}.token").exists()]
    if without:
        await run_once("hazmon migrate", [_program("hazmon"), "migrate"], park.environment(), log)
        command = [_program("hazmon"), "token", "add", *without, "--out", str(secrets)]
        await run_once("hazmon token add", command, park.environment(), log)
    (park.home / STATUS).unlink(missing_ok=True)  # of an earlier run
    for child in first:
        await child.start()
    await first_of(until_first_end(first), _ready(park))
    for box in boxes:
        await box.start()


async def _ready(park: Park) -> None:
    for _ in range(int(READY_LIMIT_S / 0.25)):
        if (park.home / STATUS).exists() and await asyncio.to_thread(_answers, park.port, "/readyz"):
            return
        await asyncio.sleep(0.25)
    raise ChildFailed(f"service and simulators were not ready after {READY_LIMIT_S:.0f} s; see {park.home / 'log'}")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def _watch_daemons(daemons: list[Daemon]) -> None:
    while True:
        for daemon in daemons:
            if not daemon.alive():
                raise ChildFailed(f"{daemon.name} ended; see the end of {daemon.log}")
        await asyncio.sleep(1)


async def _tell_faults(park: Park) -> None:
    """Say each scripted fault once, as it becomes the next."""
    told = next_fault(park.home)
    while True:
        coming = next_fault(park.home)
        if coming not in (told, NO_SCRIPT):
            say(f"· 下一故障 · next fault: {coming}")
        told = coming
        await asyncio.sleep(1)


def next_fault(home: Path) -> str:
    """`14:03:20 E03/AT-3101 泄漏 · leak` from the simulators' status file, in the park's time; a dash if none is scripted."""
    try:
        status = cast("dict[str, Any]", json.loads((home / STATUS).read_text()))
    except (FileNotFoundError, ValueError):
        return NO_SCRIPT
    coming = status.get("next")
    if not coming:
        return NO_SCRIPT
    at = datetime.fromisoformat(coming["at"]).astimezone(ZoneInfo("Asia/Shanghai"))
    return f"{at:%H:%M:%S} {coming['target']} {coming['text']} · {coming['text_en']}"


def _screen(park: Park, daemons: list[Daemon], seconds: float) -> str:
    settings = tomllib.loads((CONFIG / "park.toml").read_text())
    own = " · ".join(daemon.name for daemon in daemons) or "数据库与消息服务在外部 servers of your own"
    rows = {
        "页面 Page": park.url,
        "运行 Running": f"园区服务 service · 模拟装置 simulators · {len(park.boxes)} 台采集箱 boxes · {own}",
        "下一故障 Next fault": next_fault(park.home),
        "造故障 Make one": ".venv/bin/hazmon-sim fault NAME --at E03/LT-1101   (names: hazmon-sim faults)",
        "日志 Logs": str(park.home / "log"),
        "数据 Data": f"{park.home}  下次启动继续使用 · kept for the next start",
        "停止 Stop": "Ctrl-C",
    }
    lines = [f"  {_padded(name, 22)}{value}" for name, value in rows.items()]
    title = f"{settings['name']} · {settings['name_en']}  ({seconds:.0f} s)"
    return "\n".join(["", title, *lines, ""])


def _padded(text: str, columns: int) -> str:
    """`text` filled up to `columns` of a terminal, where a Chinese character takes two."""
    return text + " " * (columns - sum(2 if ord(character) > 0x2E80 else 1 for character in text))


def _plants() -> list[str]:
    return ["--plants", str(ROOT / "simulators/plants"), "--script", str(ROOT / "simulators/demo-day.toml")]


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


if __name__ == "__main__":
    sys.exit(main())
