"""What the service does beside its work: minute aggregates, letting go of what retention allows, and noting that it is alive.

Nothing that goes wrong here may take the alarms down: it is logged and tried again.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import structlog

from hazmon.clock import Clock
from hazmon.coverage.book import Veto
from hazmon.errors import StoreUnavailable
from hazmon.model import Settings
from hazmon.store.honesty import look, settle
from hazmon.store.minutes import roll
from hazmon.store.park_runs import note_alive
from hazmon.store.pool import Pool
from hazmon.store.record import Work
from hazmon.store.retention import Released, compress_where_licensed, retain

log = structlog.get_logger()

MINUTES_EVERY_S = 20.0
RETENTION_EVERY_S = 3600.0
HONESTY_EVERY_S = 600.0
HONESTY_REST_S = 10.0  # between two looks, while more is due than one takes
RECORDED_S = 60.0  # how long a found veto may take to be recorded before it is looked for again
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


async def keep_honest(pool: Pool, clock: Clock, veto: Callable[[list[Veto]], Work]) -> None:
    """Look for replay, identical series and clocks that went back in what has come, until cancelled.

    What is found is handed to `veto`, and is due until it is recorded: what is lost on the way is found again.
    """
    rest = HONESTY_EVERY_S
    while True:
        await clock.sleep_until(clock.monotonic() + rest)
        rest = HONESTY_EVERY_S
        try:
            began = clock.monotonic()
            async with pool.connection() as connection:
                found = await look(connection)
            took = clock.monotonic() - began
            if found.vetoes:
                log.warning("found what does not count as monitored", vetoes=[each.id for each in found.vetoes[:20]])
            if found.vetoes and not await _is_recorded(veto(found.vetoes), clock):
                log.warning("vetoes not recorded, to be found again", vetoes=len(found.vetoes))
                continue
            async with pool.connection() as connection:
                await settle(connection, found, clock.now())
            log.debug("honesty looked after", strips=found.strips, seconds=round(took, 3))
            rest = HONESTY_REST_S if found.more else HONESTY_EVERY_S
        except StoreUnavailable as error:
            log.warning("honesty not looked after", error=str(error))
        except (psycopg.Error, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError):
            log.exception("honesty not looked after")


async def _is_recorded(work: Work, clock: Clock) -> bool:
    end = clock.monotonic() + RECORDED_S
    while not work.recorded and clock.monotonic() < end:
        await clock.sleep_until(clock.monotonic() + 0.25)
    return work.recorded


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
