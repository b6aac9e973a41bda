"""An own Mosquitto broker: loopback only, anonymous, its retained messages and sessions kept on disk."""

from __future__ import annotations

import signal
from pathlib import Path

from embedded.accounts import account_for, hand_over, settle
from embedded.ports import LOOPBACK, accepts, free_port, require_free
from embedded.processes import Daemon, is_command, launch, wait_ready
from embedded.report import EmbeddedError
from embedded.servers import Servers

_READY_LIMIT_S = 20.0

_SETTINGS = """\
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 5
pid_file {folder}/mosquitto.pid
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""


def start_mosquitto(programs: Servers, folder: Path, port: int = 0, *, log: Path | None = None, tied: bool = True) -> Daemon:
    """Start a broker on 127.0.0.1:`port` (0 = a free one) with its files in `folder`.

    `tied`: it ends when this process dies. Returns when it accepts connections. Raises EmbeddedError: busy port, folder
    in use, a broker that does not come up.
    """
    log = (log or folder.absolute().parent / "log" / "mosquitto.log").absolute()
    folder = settle(folder.absolute())
    account = account_for(folder)
    running = running_mosquitto(folder)
    if running is not None:
        raise EmbeddedError(f"a broker already runs on {folder} (pid {running.pid})")
    if port:
        require_free(port, "MQTT broker", "Stop it, or choose another port with HAZMON_MQTT_PORT.")
    port = port or free_port()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = folder / "mosquitto.conf"
    settings.write_text(_SETTINGS.format(port=port, host=LOOPBACK, folder=folder))
    hand_over(folder, account)
    since = log.stat().st_size if log.exists() else 0
    child = launch([str(programs.mosquitto), "-c", str(settings)], log, account, signal.SIGTERM, tied=tied)
    wait_ready("the MQTT broker", child, lambda: accepts(port), log, since, _READY_LIMIT_S)
    return Daemon("mosquitto", f"mqtt://{LOOPBACK}:{port}", child.pid, signal.SIGTERM, log, child)


def running_mosquitto(folder: Path) -> Daemon | None:
    """The broker that runs on `folder`, whoever started it; None if there is none."""
    log = folder.absolute().parent / "log" / "mosquitto.log"
    folder = folder.resolve()
    settings = folder / "mosquitto.conf"
    try:
        pid = int((folder / "mosquitto.pid").read_text())
        port = int(settings.read_text().split()[1])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    if not is_command(pid, str(settings)):
        return None
    return Daemon("mosquitto", f"mqtt://{LOOPBACK}:{port}", pid, signal.SIGTERM, log)
