"""Sealing, driven by a clock that is set: every hour, each day once, and a witness that was away hears of all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from store.keeping import DAY, HOUR, KEY, START, Keeper, keeping

from hazmon.clock import MINUTE_US, SteppedClock
from hazmon.ledger.checkpoint import Checkpoint, open_checkpoint
from hazmon.sealing import Witness, check_witness, keep_sealed
from hazmon.store.pool import Pool
from hazmon.store.record import Work

KEYS = (KEY.verifier,)


class Driven(SteppedClock):
    """A clock that is set, and whose loops need not wait."""

    async def sleep_until(self, monotonic: float) -> None:
        """Let the others run."""
        await asyncio.sleep(0.001)


@asynccontextmanager
async def sealing(keeper: Keeper, clock: Driven, witness: Witness) -> AsyncGenerator[list[Checkpoint]]:
    """The task at work; the checkpoints that it made so far."""
    made: list[Checkpoint] = []
    waiting: asyncio.Queue[Work] = asyncio.Queue()

    async def write() -> None:
        while True:
            work = await waiting.get()
            await keeper.recorder.write([work], clock.now())
            made.extend(open_checkpoint(seal.note, KEYS, KEY.name)[0] for seal in work.seals if seal.note is not None)

    pool = Pool(keeper.url)
    await pool.open()
    tasks = [
        asyncio.create_task(write()),
        asyncio.create_task(keep_sealed(waiting.put_nowait, pool, clock, "UTC", witness, KEYS)),
    ]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pool.close()


async def until(made: list[Checkpoint], count: int) -> None:
    """Wait until so many checkpoints were made, and see that it stays at that."""
    async with asyncio.timeout(10):
        while len(made) < count:
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    assert len(made) == count


async def test_every_hour_a_checkpoint_and_each_day_one_seal(database: str, tmp_path: Path) -> None:
    clock = Driven(START + 30 * MINUTE_US)
    async with keeping(database, tmp_path) as keeper, sealing(keeper, clock, Witness(str(tmp_path / "w"))) as made:
        await until(made, 1)  # at once
        for count, at in enumerate((HOUR + 3 * MINUTE_US, 2 * HOUR + 3 * MINUTE_US, DAY + 3 * MINUTE_US, DAY + HOUR * 2), 2):
            clock.set_forward(START + at)
            await until(made, count)
        assert [each.day for each in made] == [date(2025, 12, 31), None, None, date(2026, 1, 1), None]
        assert [each.size for each in made] == sorted({each.size for each in made})


async def test_a_witness_that_was_away_is_told_everything_in_order(database: str, tmp_path: Path) -> None:
    clock, folder = Driven(START + 30 * MINUTE_US), tmp_path / "w"
    folder.write_text("no folder")
    witness = Witness(str(folder))
    async with keeping(database, tmp_path) as keeper, sealing(keeper, clock, witness) as made:
        await until(made, 1)
        clock.set_forward(START + 2 * HOUR)
        await until(made, 2)
        folder.unlink()
        async with asyncio.timeout(10):
            while not folder.is_dir() or len(witness.heads()) < 2:
                await asyncio.sleep(0.005)
        assert [open_checkpoint(note, KEYS, KEY.name)[0] for note in witness.heads()] == made
        assert await check_witness(keeper.connection, witness, KEYS) is None
        await keeper.connection.execute("DELETE FROM ledger_leaf WHERE n >= %s", (made[-1].size - 1,))
        assert "its tail was cut off" in str(await check_witness(keeper.connection, witness, KEYS))


async def test_a_service_that_starts_again_does_not_seal_a_day_twice(database: str, tmp_path: Path) -> None:
    clock = Driven(START + DAY + 30 * MINUTE_US)
    async with keeping(database, tmp_path) as keeper:
        for day in (date(2026, 1, 1), None):
            async with sealing(keeper, clock, Witness(str(tmp_path / "w"))) as made:
                await until(made, 1)
                assert made[0].day == day
            clock.set_forward(clock.now() + MINUTE_US)
