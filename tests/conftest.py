"""The real peers that tests run against: a database server and a broker of the session's own, and a browser."""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from embedded import Servers, servers, start_mosquitto, start_postgres
from embedded import chromium as fetch_chromium
from psycopg import sql

_TEMPLATE = "hazmon_test_template"


@pytest.fixture(scope="session")
def hazmon_home() -> Path:
    """Where fetched programs are cached (HAZMON_HOME); tests keep no data there."""
    return Path(os.environ.get("HAZMON_HOME", Path(__file__).resolve().parents[1] / ".hazmon")).absolute()


@pytest.fixture(scope="session")
def server_programs(hazmon_home: Path) -> Servers:
    """The programs of the embedded servers, for tests that start and kill one of their own."""
    return servers(hazmon_home)


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """A folder with a short path (a database keeps its socket there), open to the account that root's servers run as."""
    with tempfile.TemporaryDirectory(prefix="hazmon-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, session_folder: Path) -> Iterator[str]:
    """URL of a TimescaleDB server: HAZMON_DATABASE_URL, else one of this session's own with fsync on."""
    given = os.environ.get("HAZMON_DATABASE_URL")
    if given:
        yield given
        return
    daemon = start_postgres(request.getfixturevalue("server_programs"), session_folder / "postgres")
    yield daemon.url
    daemon.stop()


@pytest.fixture(scope="session")
def database_template(postgres: str) -> Iterator[str]:
    """Name of a database with nothing but the timescaledb extension, which new ones are copied from."""
    name = f"{_TEMPLATE}_{uuid.uuid4().hex[:8]}"
    _administer(postgres, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(_with_database(postgres, name), autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute("CREATE EXTENSION timescaledb")
    # closed to everybody, TimescaleDB's own scheduler too: a database somebody is connected to cannot be copied
    _administer(postgres, sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
    _administer(postgres, sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(name))
    yield name
    _drop(postgres, name)


@pytest.fixture
def database(postgres: str, database_template: str) -> Generator[str]:
    """URL of a fresh database with the timescaledb extension; dropped after the test."""
    with fresh_database(postgres, database_template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database(postgres: str, database_template: str) -> Generator[str]:
    """As `database`, shared by the tests of one module."""
    with fresh_database(postgres, database_template) as url:
        yield url


@pytest.fixture(scope="session")
def mosquitto(request: pytest.FixtureRequest, session_folder: Path) -> Iterator[str]:
    """mqtt:// URL of a broker: HAZMON_MQTT_URL, else one of this session's own."""
    given = os.environ.get("HAZMON_MQTT_URL")
    if given:
        yield given
        return
    daemon = start_mosquitto(request.getfixturevalue("server_programs"), session_folder / "mosquitto")
    yield daemon.url
    daemon.stop()


@pytest.fixture(scope="session")
def chromium(hazmon_home: Path) -> Path:
    """Chromium with a Chinese font, for playwright's `executable_path`."""
    return fetch_chromium(hazmon_home)


@contextlib.contextmanager
def fresh_database(server: str, template: str) -> Generator[str]:
    """A new database copied from `template` on `server` (a URL), as a URL; dropped at the end."""
    name = f"hazmon_test_{uuid.uuid4().hex[:12]}"
    _administer(server, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield _with_database(server, name)
    finally:
        _drop(server, name)


def _drop(server: str, name: str) -> None:
    _administer(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(statement)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
