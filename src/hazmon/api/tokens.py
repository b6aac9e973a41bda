"""Which box a token belongs to. Only hashes are known here; a token that was just made works without a restart."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import structlog

from hazmon.clock import Clock
from hazmon.errors import StoreUnavailable
from hazmon.store.pool import Pool
from hazmon.store.register import edge_tokens

log = structlog.get_logger()

FRESH_S = 30.0  # as long as a revoked token may still work
STRANGER_S = 2.0  # how often a token nobody knows makes us look again


class Tokens:
    """SHA-256 of every valid token, as the register held them a moment ago."""

    def __init__(self, pool: Pool, clock: Clock, known: dict[bytes, str]) -> None:
        self._pool = pool
        self._clock = clock
        self._known = known
        self._read_at = clock.monotonic()
        self._reading: asyncio.Task[None] | None = None

    async def edge_of(self, token: str) -> str | None:
        """The box of a token, None for a token of nobody. A known box never waits for the database.

        Raises StoreUnavailable when the token is not known and the register does not answer.
        """
        digest = sha256(token.encode()).digest()
        age = self._clock.monotonic() - self._read_at
        edge = self._known.get(digest)
        if edge is None and age > STRANGER_S:
            await self._read()
            return self._known.get(digest)
        if age > FRESH_S and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._refresh())
        return edge

    async def _read(self) -> None:
        self._read_at = self._clock.monotonic()
        async with self._pool.connection() as connection:
            self._known = await edge_tokens(connection)

    async def _refresh(self) -> None:
        try:
            await self._read()
        except StoreUnavailable as error:
            log.warning("tokens not read again", error=str(error))
