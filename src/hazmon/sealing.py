"""Sealing the record: a signed checkpoint every hour and one at each day's end, and its head to a witness outside the database.

A chain alone cannot show that its tail was cut: only somebody who keeps what he was told can.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import structlog

from hazmon.clock import MINUTE_US, Clock, as_datetime, as_us
from hazmon.errors import HazmonError, LedgerError, StoreUnavailable
from hazmon.ledger.checkpoint import Checkpoint, open_checkpoint
from hazmon.ledger.note import Verifier
from hazmon.ledger.proofs import root_plan
from hazmon.store.ledger import Seal, ledger_size, read_hashes, sealed_days
from hazmon.store.pool import Connection, Pool
from hazmon.store.record import Work

log = structlog.get_logger()

HOUR_US = 60 * MINUTE_US
PAST_US = 3 * MINUTE_US  # after the full hour, so that its pages can be sealed with it
LOOK_S = 1.0
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Witness:
    """A folder, or an http(s) address, that keeps every checkpoint it is given."""

    place: str

    async def keep(self, checkpoint: Checkpoint, note: bytes) -> None:
        """Hand it over. Raises OSError or httpx.HTTPError."""
        assert checkpoint.time is not None  # noqa: S101 - the service's own always say their time
        name = f"{as_datetime(checkpoint.time):%Y%m%dT%H%M%SZ}-{checkpoint.size}.note"
        if self.place.startswith(("http://", "https://")):
            async with httpx.AsyncClient(timeout=10) as client:
                (await client.put(f"{self.place.rstrip('/')}/{quote(name)}", content=note)).raise_for_status()
        else:
            await asyncio.to_thread(_write, Path(self.place) / name, note)

    def heads(self) -> list[bytes]:
        """What a folder keeps, the oldest first; of an address nothing can be asked. Raises OSError."""
        if self.place.startswith(("http://", "https://")):
            return []
        return [file.read_bytes() for file in sorted(Path(self.place).glob("*.note"))]


def _write(file: Path, note: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with part.open("wb") as stream:
        stream.write(note)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(file)


async def keep_sealed(
    record: Callable[[Work], None], pool: Pool, clock: Clock, timezone: str, witness: Witness, keys: tuple[Verifier, ...]
) -> None:
    """Seal at once, then every hour, until cancelled; what goes wrong is logged and tried again."""
    due = clock.now()
    untold: list[tuple[Checkpoint, bytes]] = []
    while True:
        if clock.now() >= due:
            seal = Seal(await _day(pool, clock.now(), ZoneInfo(timezone)))
            record(Work([], seals=[seal]))
            end = clock.monotonic() + PATIENCE_S
            while seal.note is None and clock.monotonic() < end:
                await clock.sleep_until(clock.monotonic() + 0.05)
            if seal.note is None:
                log.warning("the record was not sealed: the database does not answer")
            else:
                untold.append((open_checkpoint(seal.note, keys, keys[0].name)[0], seal.note))
                due = (clock.now() - PAST_US) // HOUR_US * HOUR_US + HOUR_US + PAST_US
        while untold:
            try:
                await witness.keep(*untold[0])
            except (OSError, httpx.HTTPError) as error:
                log.warning("the witness does not take the checkpoint", witness=witness.place, error=str(error))
                break
            untold.pop(0)
        await clock.sleep_until(clock.monotonic() + (LOOK_S if not untold else 30 * LOOK_S))


async def _day(pool: Pool, now: int, zone: ZoneInfo) -> date | None:
    """Yesterday in the park's time zone, unless it is sealed, or its last hour cannot be yet."""
    local = as_datetime(now).astimezone(zone)
    yesterday = local.date() - timedelta(days=1)
    midnight = as_us(datetime.combine(local.date(), datetime.min.time(), zone))
    if now < midnight + PAST_US:
        return None
    try:
        async with pool.connection() as connection:
            return None if yesterday in await sealed_days(connection, yesterday) else yesterday
    except StoreUnavailable:
        return None


async def check_witness(connection: Connection, witness: Witness, keys: tuple[Verifier, ...]) -> str | None:
    """What the witness saw that this record does not hold, in a plain sentence; None when all is well.

    A folder of the service's own may be compared; the heads that an address keeps are for `hazmon verify`.
    """
    try:
        notes = await asyncio.to_thread(witness.heads)
    except OSError as error:
        return f"the witness {witness.place} cannot be read: {error.strerror or error}"
    if not notes:
        return None
    try:
        head = max((open_checkpoint(note, keys, keys[0].name)[0] for note in notes[-50:]), key=lambda found: found.size)
        size = await ledger_size(connection)
        if head.size > size:
            return f"the witness saw {head.size} leaves, the record has {size}: its tail was cut off, or an older backup restored"
        if head.size:
            plan = root_plan(head.size)
            if plan.proof(await read_hashes(connection, plan.reads))[0] != head.root:
                return f"the first {head.size} leaves of the record are not those that the witness saw: something was changed"
    except (LedgerError, HazmonError) as error:
        return str(error)
    return None
