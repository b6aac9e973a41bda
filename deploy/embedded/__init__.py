"""Real servers without Docker and without root: PostgreSQL with TimescaleDB, Mosquitto, and a browser for the tests."""

from embedded.browser import chromium
from embedded.mosquitto import running_mosquitto, start_mosquitto
from embedded.postgres import running_postgres, start_postgres
from embedded.processes import Daemon
from embedded.report import EmbeddedError
from embedded.servers import Servers, servers

__all__ = [
    "Daemon",
    "EmbeddedError",
    "Servers",
    "chromium",
    "running_mosquitto",
    "running_postgres",
    "servers",
    "start_mosquitto",
    "start_postgres",
]
