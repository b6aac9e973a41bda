"""Connections to TimescaleDB: opening, migrating, and refusing a database that would lose what it promised."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import resources
from typing import LiteralString, cast

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from hazmon.errors import HazmonError, StoreUnavailable

Connection = psycopg.AsyncConnection[TupleRow]
_MIGRATION_LOCK = 4_218_001
_WRITER_LOCK = 4_218_002


def patient(url: str) -> str:
    """The address with short limits on connecting and on a peer that vanished."""
    return make_conninfo(url, connect_timeout=3, tcp_user_timeout=5000, keepalives_idle=5, keepalives_interval=2)


async def connect(url: str) -> Connection:
    """A connection in autocommit mode, its session in UTC. Raises StoreUnavailable."""
    try:
        connection = await psycopg.AsyncConnection.connect(patient(url), autocommit=True)
        await connection.execute("SET TIME ZONE 'UTC'")
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    return connection


async def claim(url: str) -> Connection | None:
    """A connection that holds the claim to be the one writer of the database as long as it is open; None if another has it."""
    connection = await connect(url)
    row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", (_WRITER_LOCK,))).fetchone()
    if row is not None and row[0]:
        return connection
    await connection.close()
    return None


class Pool:
    """Connections for reading; the engine's writing connection is its own."""

    def __init__(self, url: str, size: int = 4) -> None:
        self._pool = AsyncConnectionPool(
            patient(url),
            min_size=1,
            max_size=size,
            timeout=5,
            open=False,
            kwargs={"autocommit": True},
            configure=_in_utc,
        )

    async def open(self) -> None:
        """Start; connections are made as they are needed."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all."""
        await self._pool.close(timeout=2)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection for the block. Raises StoreUnavailable when the database does not answer."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError, psycopg.InternalError) as error:  # the last: read-only for a while
            raise StoreUnavailable(str(error)) from error


async def answers(connection: Connection) -> None:
    """Ask for nothing but an answer."""
    await connection.execute("SELECT 1")


async def migrate(url: str) -> list[str]:
    """Bring the schema up to date; answers the names of what was applied. Raises HazmonError on an unfit database."""
    applied: list[str] = []
    connection = await connect(url)
    async with connection:
        await check_fit(connection)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            await connection.execute("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_at timestamptz)")
            done = {row[0] for row in await (await connection.execute("SELECT name FROM migration")).fetchall()}
            folder = resources.files("hazmon.store") / "migrations"
            for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
                if file.name.endswith(".sql") and file.name not in done:
                    await connection.execute(cast(LiteralString, file.read_text("utf-8")))
                    await connection.execute("INSERT INTO migration VALUES (%s, now())", (file.name,))
                    applied.append(file.name)
    return applied


async def check_fit(connection: Connection) -> None:
    """Refuse a database without TimescaleDB, or one that answers before it is on disk."""
    row = await (
        await connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'")
    ).fetchone()
    if row is None:
        raise HazmonError("this PostgreSQL has no timescaledb extension: install TimescaleDB or name another database")
    await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        row = await (await connection.execute("SELECT current_setting(%s)", (setting,))).fetchone()
        if row is not None and row[0] == "off":
            raise HazmonError(f"the database runs with {setting} = off: it would lose readings it has acknowledged")


async def _in_utc(connection: Connection) -> None:
    await connection.execute("SET TIME ZONE 'UTC'")
