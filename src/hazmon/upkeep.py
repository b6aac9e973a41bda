"""What the service does beside its work: minute aggregates, letting go of what retention allows, and noting that it is alive.

Nothing that goes wrong here may take the alarms down: it is logged and tried again.
"""

from __future__ import annotations

import psycopg
import structlog

from hazmon.clock import Clock
from hazmon.errors import StoreUnavailable
from hazmon.model import Settings
from hazmon.store.minutes import roll
from hazmon.store.park_runs import note_alive
from hazmon.store.pool import Pool
from hazmon.store.retention import Released, compress_where_licensed, retain

log = structlog.get_logger()

MINUTES_EVERY_S = 20.0
RETENTION_EVERY_S = 3600.0
ALIVE_EVERY_S = 60.0


async def keep_minutes(pool: Pool, clock: Clock) -> None:
    """Bring the minute aggregates up to date again and again, until cancelled."""
    while True:
        await clock.sleep_until(clock.monotonic() + MINUTES_EVERY_S)
        try:
            async with pool.connection() as connection:
                await roll(connection, clock.now())
        except StoreUnavailable as error:
            log.warning("minutes not brought up to date", error=str(error))
        except psycopg.Error:
            log.exception("minutes not brought up to date")


async def keep_within_retention(pool: Pool, settings: Settings, clock: Clock) -> None:
    """Let go, hour by hour, of what the settings say need not be kept, until cancelled."""
    while True:
        try:
            async with pool.connection() as connection:
                await compress_where_licensed(connection)
                released = await retain(connection, settings.raw_days, settings.minute_days, clock.now())
            if released != Released():
                log.info("released", chunks=released.chunks, batches=released.batches, refused=released.refused)
        except StoreUnavailable as error:
            log.warning("retention not looked after", error=str(error))
        except psycopg.Error:
            log.exception("retention not looked after")
        await clock.sleep_until(clock.monotonic() + RETENTION_EVERY_S)


async def keep_noting_alive(pool: Pool, run: int, clock: Clock) -> None:
    """Note each minute that the run goes on, until cancelled: a service that is killed cannot say when."""
    while True:
        await clock.sleep_until(clock.monotonic() + ALIVE_EVERY_S)
        try:
            async with pool.connection() as connection:
                await note_alive(connection, run, clock.now())
        except StoreUnavailable as error:
            log.warning("not noted as alive", error=str(error))
        except psycopg.Error:
            log.exception("not noted as alive")
