"""The composition root: opens, wires and closes the park service. Nothing is decided here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import structlog

from hazmon.api.room import PageBundle, Room
from hazmon.api.server import ParkServer, listen
from hazmon.api.tokens import Tokens
from hazmon.clock import Clock, SteppedClock, SystemClock, as_us, iso
from hazmon.engine import Engine
from hazmon.errors import HazmonError, StoreUnavailable
from hazmon.keys import signers
from hazmon.model import Park
from hazmon.recovery import recover
from hazmon.sealing import Witness, check_witness, keep_sealed
from hazmon.store.configurations import note_start
from hazmon.store.coverage import CoverageKeeper
from hazmon.store.ledger import LedgerKeeper
from hazmon.store.marks import agree_on_time
from hazmon.store.park_runs import note_alive, note_run
from hazmon.store.pool import Connection, Pool, claim, connect, migrate
from hazmon.store.record import Recorder
from hazmon.store.register import Lookups, Register, add_edge_token, edge_tokens
from hazmon.upkeep import keep_honest, keep_minutes, keep_noting_alive, keep_within_retention
from hazmon.web import bundle

log = structlog.get_logger()
PREDECESSOR_S = 10.0  # a service that is just ending may take so long to let go


def database_url() -> str:
    """HAZMON_DATABASE_URL. Raises HazmonError when it is not set."""
    url = os.environ.get("HAZMON_DATABASE_URL")
    if not url:
        raise HazmonError("HAZMON_DATABASE_URL is not set: name the TimescaleDB, like postgresql://user@host:5432/hazmon")
    return url


async def add_tokens(url: str, boxes: Sequence[str], folder: Path) -> list[Path]:
    """A new token for each box: into FOLDER/BOX.token (mode 0600), its hash into the register. Answers the files."""
    await migrate(url)
    connection = await connect(url)
    files: list[Path] = []
    async with connection:
        for box in boxes:
            token = secrets.token_urlsafe(32)
            files.append(await asyncio.to_thread(_keep_secret, folder / f"{box}.token", token))
            await add_edge_token(connection, box, sha256(token.encode()).digest())
    return files


def _keep_secret(file: Path, token: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(token + "\n", "ascii")
    return file


async def serve(park: Park, config: Path, url: str, host: str, port: int) -> None:
    """Run the service until a signal; `config` is the folder that `park` was read from.

    Raises HazmonError when it cannot start, OSError when the port is taken.
    """
    clock = _clock()
    listener = listen(host, port)
    pool = Pool(url)
    try:
        applied = await migrate(url)
        log.info("schema", applied=applied)
        claimed = await _claimed(url, clock)
        await pool.open()
        home = Path(os.environ.get("HAZMON_HOME", ".hazmon"))
        signing = await asyncio.to_thread(signers, home / "keys")
        verifying = tuple(signer.verifier for signer in signing)
        witness = Witness(os.environ.get("HAZMON_WITNESS", str(home / "witness")))
        engine, tokens = await _open(park, url, pool, clock, LedgerKeeper(signing[0].name, signing))
        async with pool.connection() as connection:
            await agree_on_time(connection, isinstance(clock, SteppedClock), clock.now())
            this_run = await note_run(connection, clock.now())
            if fault := await check_witness(connection, witness, verifying):
                log.error("the record is not what the witness saw", fault=fault)
        page = PageBundle(bundle.STATIC, bundle.built_hash() or "", _page_fault())
        room = Room(engine, pool, clock, tokens, page, secrets.token_hex(8), config, verifying)
        server = ParkServer(room)
        log.info("serving", url=f"http://{host}:{listener.getsockname()[1]}", points=len(park.points), at=iso(clock.now()))
        tasks = [
            asyncio.create_task(engine.run(), name="engine"),
            asyncio.create_task(keep_minutes(pool, clock), name="minutes"),
            asyncio.create_task(keep_within_retention(pool, park.settings, clock), name="retention"),
            asyncio.create_task(keep_noting_alive(pool, this_run, clock), name="alive"),
            asyncio.create_task(
                keep_sealed(engine.record, pool, clock, park.settings.timezone, witness, verifying), name="sealing"
            ),
            asyncio.create_task(keep_honest(pool, clock, engine.record), name="honesty"),
            asyncio.create_task(server.serve([listener]), name="server"),
        ]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await asyncio.wait({tasks[-1]}, timeout=10)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.finish()
        with contextlib.suppress(StoreUnavailable):
            async with pool.connection() as connection:
                await note_alive(connection, this_run, clock.now())
        await claimed.close()
        for task in done:  # a part that died takes the service down, loudly: a supervisor starts it again
            task.result()
    finally:
        listener.close()
        with contextlib.suppress(HazmonError):
            await pool.close()


def _clock() -> Clock:
    """The machine's, or one that a simulator sets forward from HAZMON_SIMULATED_FROM on. Raises HazmonError."""
    told = os.environ.get("HAZMON_SIMULATED_FROM")
    if not told:
        return SystemClock()
    try:
        return SteppedClock(as_us(datetime.fromisoformat(told)))
    except ValueError as error:
        raise HazmonError(f"HAZMON_SIMULATED_FROM is an instant like 2025-11-01T00:00:00+08:00, not {told!r}") from error


async def _claimed(url: str, clock: Clock) -> Connection:
    """Be the one writer: two services that number events on one record would lose alarms without a word."""
    end = clock.monotonic() + PREDECESSOR_S
    while True:
        connection = await claim(url)
        if connection is not None:
            return connection
        if clock.monotonic() > end:
            raise HazmonError("another hazmon service writes to this database: stop it first")
        await clock.sleep_until(clock.monotonic() + 0.25)


async def _open(park: Park, url: str, pool: Pool, clock: Clock, ledger: LedgerKeeper) -> tuple[Engine, Tokens]:
    connection = await connect(url)
    async with connection:
        register = await Register.open(connection, park)
        plant, groups, events = await recover(connection, register, park, clock.now())
        known = await edge_tokens(connection)
        version = await note_start(connection, park.digest, clock.now())
    log.info("configuration", number=version, digest=park.digest[:12])
    log.info("recovered", open_alarms=len(plant.book.open), groups=len(groups), boxes_with_tokens=len(set(known.values())))
    coverage = None if park.coverage is None else CoverageKeeper(park, park.coverage, clock.now())
    engine = Engine(plant, Recorder(url, coverage, ledger), Lookups(pool, register), groups, clock)
    engine.begin_with(events)
    return engine, Tokens(pool, clock, known)


def _page_fault() -> str | None:
    if bundle.built_hash() is None:
        return "网页尚未构建 · the page was never built"
    return None if bundle.is_current() else "网页与源码不符 · the page was built from other sources"
