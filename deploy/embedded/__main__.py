"""The embedded servers from a shell."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from embedded.browser import chromium
from embedded.mosquitto import running_mosquitto, start_mosquitto
from embedded.ports import broker_port, database_port
from embedded.postgres import running_postgres, start_postgres
from embedded.processes import Daemon
from embedded.report import EmbeddedError, say
from embedded.servers import servers

_HELP = """\
Real PostgreSQL with TimescaleDB and a real Mosquitto on 127.0.0.1, without Docker and without root.

  up      start both (the first time: fetch them, about 60 MB) and print their URLs as shell exports:
            eval "$(PYTHONPATH=deploy python -m embedded up)"; psql "$HAZMON_DATABASE_URL"
  down    stop both; the data stays in HOME/postgres and HOME/mosquitto
  status  print what runs; exit 1 if something does not
  fetch   only fetch: servers (default), chromium

`make demo` keeps its own servers on the same ports and data: run `down` first.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m embedded", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=("up", "down", "status", "fetch"))
    parser.add_argument("what", nargs="*", choices=([], "servers", "chromium"), default=[], help="for fetch")
    parser.add_argument(
        "--home", type=Path, default=Path(os.environ.get("HAZMON_HOME", ".hazmon")), help="default: HAZMON_HOME or .hazmon"
    )
    parser.add_argument(
        "--port", type=int, default=database_port(), help="of the database, 0 = a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--mqtt-port", type=int, default=broker_port(), help="of the broker, 0 = a free one (default: %(default)s)"
    )
    parser.add_argument("--foreground", action="store_true", help="up: stay, and stop both at Ctrl-C")
    options = parser.parse_args()
    home = options.home.absolute()
    try:
        if options.verb == "fetch":
            return _fetch(home, options.what or ["servers"])
        if options.verb == "down":
            return _down(home)
        if options.verb == "status":
            return _status(home)
        return _up(home, options.port, options.mqtt_port, foreground=options.foreground)
    except EmbeddedError as error:
        say(f"✗ {error}")
        return 1


def _fetch(home: Path, what: list[str]) -> int:
    for name in what:
        sys.stdout.write(f"{chromium(home) if name == 'chromium' else servers(home)}\n")
    return 0


def _up(home: Path, port: int, mqtt_port: int, *, foreground: bool) -> int:
    if foreground:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    programs = servers(home)
    database = running_postgres(home / "postgres") or start_postgres(programs, home / "postgres", port, tied=foreground)
    broker = running_mosquitto(home / "mosquitto") or start_mosquitto(programs, home / "mosquitto", mqtt_port, tied=foreground)
    sys.stdout.write(f"export HAZMON_DATABASE_URL={database.url}\nexport HAZMON_MQTT_URL={broker.url}\n")
    sys.stdout.flush()
    if foreground:
        say("· running; Ctrl-C stops both")
        try:
            signal.pause()
        except KeyboardInterrupt:
            broker.stop()
            database.stop()
    return 0


def _found(home: Path) -> dict[str, Daemon | None]:
    return {"database": running_postgres(home / "postgres"), "broker": running_mosquitto(home / "mosquitto")}


def _down(home: Path) -> int:
    for name, daemon in _found(home).items():
        if daemon is None:
            say(f"· {name}: not running")
        else:
            daemon.stop()
            say(f"· {name}: stopped (pid {daemon.pid})")
    return 0


def _status(home: Path) -> int:
    found = _found(home)
    for name, daemon in found.items():
        sys.stdout.write(f"{name}: {f'{daemon.url} pid {daemon.pid}' if daemon else 'not running'}\n")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
