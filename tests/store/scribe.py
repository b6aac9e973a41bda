"""Writes scans as the engine does, for tests that read them back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import numpy as np
from contract.rooms import small_park
from hazmon_edge import wire

from hazmon.clock import US
from hazmon.delivery import Delivery, Refused, ScanGroup
from hazmon.model import Park
from hazmon.rules.frame import ScanBlock
from hazmon.store.pool import Connection, connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Register

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z, a whole day
MINUTE = 60 * US


class Scribe:
    """One writer on a migrated database."""

    def __init__(self, url: str, connection: Connection, park: Park, register: Register) -> None:
        self.url = url
        self.connection = connection
        self.park = park
        self.register = register
        self._recorder = Recorder(url)
        self._seq = 0

    async def group(self, tags: Sequence[str] = ("LT-1", "PT-1", "TT-1"), edge: str = "E01", period_us: int = US) -> ScanGroup:
        """A group version."""
        return await self.register.add_group(self.connection, edge, wire.Group("plc1", period_us, tuple(tags)))

    async def write(
        self,
        group: ScanGroup,
        times: Sequence[int],
        values: Sequence[Sequence[float]],
        quality: Sequence[Sequence[int]] | None = None,
        offsets: Sequence[Sequence[int]] | None = None,
        arrived: int | None = None,
        refused: Sequence[Refused] = (),
    ) -> None:
        """Record scans as one batch. NaN marks what has no value; its quality must say so."""
        shape = (len(times), len(group.tags))
        block = ScanBlock(
            group.id,
            np.array(times, np.int64),
            np.array(values, float).reshape(shape),
            None if quality is None else np.array(quality, np.uint8).reshape(shape),
            None if offsets is None else np.array(offsets, np.int32).reshape(shape),
            group.points,
        )
        at = times[-1] if arrived is None else arrived
        delivery = Delivery(group.edge, 1, self._seq, bytes(16), bytes(8), at, at, {group.id: group}, [block])
        delivery.refused = list(refused)
        self._seq += 1
        await self._recorder.write([Work([delivery])], delivery.arrived)

    async def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Whatever a statement answers."""
        return await (await self.connection.execute(statement.encode())).fetchall()

    async def past(self, count: int) -> None:
        """Alarms that are over for long, each of a tag of its own, made after one that is recorded."""
        await self.connection.execute(
            "INSERT INTO alarm (alarm_id, enterprise, source, tag, rule, priority, state, raised_at, late, event, kind,"
            " raised_count, opened_at, body) SELECT lpad(to_hex(k), 16, '0'), enterprise, source, tag || k, rule, priority,"
            " 'normal', raised_at, late, event, kind, 1, opened_at - INTERVAL '90 days' + k * INTERVAL '1 second', body"
            " FROM (SELECT * FROM alarm LIMIT 1) one, generate_series(1, %s) AS k",
            (count,),
        )
        await self.connection.execute("ANALYZE alarm")
        await self.connection.execute("ANALYZE alarm_event")

    async def alarms_read(self) -> int:
        """Rows of `alarm` that this transaction has read."""
        ((read,),) = await self.rows(
            "SELECT seq_tup_read + COALESCE(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'alarm'"
        )
        assert isinstance(read, int)
        return read

    async def close(self) -> None:
        await self._recorder.close()


@asynccontextmanager
async def writing(url: str) -> AsyncGenerator[Scribe]:
    """A scribe for a small park on a fresh database."""
    await migrate(url)
    async with await connect(url) as connection:
        park = small_park()
        scribe = Scribe(url, connection, park, await Register.open(connection, park))
        yield scribe
        await scribe.close()
