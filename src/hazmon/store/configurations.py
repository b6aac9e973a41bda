"""The configurations that were in force, in the record: numbered, each with who took it in, why, and what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hazmon.changes import Changed
from hazmon.clock import as_datetime, as_us
from hazmon.store.ledger import say
from hazmon.store.pool import Connection

AT_START = "service start"


@dataclass(frozen=True, slots=True)
class Configuration:
    """One version; `at` in microseconds, `digest` of the folder's files as hex."""

    number: int
    digest: str
    at: int
    by: str
    why: str
    changes: tuple[Changed, ...]


async def record_configuration(
    connection: Connection, digest: str, at: int, by: str, why: str, changes: Sequence[Changed]
) -> int:
    """Enter the next version, into the ledger too; answers its number."""
    async with connection.transaction():
        row = await (
            await connection.execute(
                "INSERT INTO configuration (number, digest, at, by, why, changes)"
                " SELECT COALESCE(max(number), 0) + 1, %s, %s, %s, %s, %s::jsonb FROM configuration RETURNING number",
                (digest, as_datetime(at), by, why, msgspec.json.encode(changes).decode()),
            )
        ).fetchone()
        number: int = row[0] if row else 0
        said = {"number": number, "digest": digest, "at": at, "by": by, "why": why, "changes": msgspec.to_builtins(list(changes))}
        await say(connection, "configuration", said)
    return number


async def configurations(connection: Connection, before: int | None, limit: int) -> list[Configuration]:
    """Versions with numbers below `before` (None = all), the newest first."""
    rows = await (
        await connection.execute(
            "SELECT number, digest, at, by, why, changes FROM configuration WHERE number < COALESCE(%s, 2147483647)"
            " ORDER BY number DESC LIMIT %s",
            (before, limit),
        )
    ).fetchall()
    return [_configuration(row) for row in rows]


async def note_start(connection: Connection, digest: str, at: int) -> int:
    """The number of the version that a starting service runs with: the last one, or a new one if the folder has changed since."""
    last = await configurations(connection, None, 1)
    if last and last[0].digest == digest:
        return last[0].number
    return await record_configuration(connection, digest, at, AT_START, "", ())


def _configuration(row: tuple[Any, ...]) -> Configuration:
    number, digest, at, by, why, found = row
    return Configuration(number, digest, as_us(at), by, why, msgspec.convert(found, tuple[Changed, ...]))
