"""What is done to the record behind the service's back is found, and where: a bundle of an untouched one holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from hashlib import sha256
from random import Random

import psycopg
import pytest
import pytest_asyncio
from psycopg.sql import SQL, Identifier
from store import tampering
from store.keeping import DAY, HOUR, KEY, START, Keeper, keeping, three_days
from store.tampering import TABLES, Located

from hazmon.bundle.heads import Trust
from hazmon.bundle.making import Question, build, build_within
from hazmon.bundle.verify import verify
from hazmon.clock import as_datetime, as_us
from hazmon.errors import HazmonError
from hazmon.ledger.checkpoint import parse_body, sign_checkpoint
from hazmon.ledger.note import Signer
from hazmon.store.pool import Connection

THREE_DAYS = Question(START, START + 3 * DAY)
TRIES = 20


@dataclass
class Kept:
    """A record of three days, and what its witness kept."""

    keeper: Keeper
    trust: Trust

    async def faults(self, question: Question = THREE_DAYS) -> list[str]:
        """What a bundle made now, within this transaction, is found not to hold."""
        try:
            data = await build_within(self.keeper.connection, [KEY.verifier], question)
        except HazmonError as error:
            return [str(error)]
        return [str(each) for each in verify(data, self.trust).findings if each.holds is False]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kept(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Kept]:
    witness = tmp_path_factory.mktemp("witness")
    async with keeping(module_database, witness) as keeper:
        await three_days(keeper, heads=180)
        notes = {file.name: file.read_bytes() for file in witness.glob("*.note")}
        yield Kept(keeper, Trust((KEY.verifier,), notes))


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_untouched_record_verifies(kept: Kept) -> None:
    for batches in (True, False):
        data = await build(kept.keeper.connection, [KEY.verifier], Question(START, START + 3 * DAY, None, batches))
        verdict = verify(data, kept.trust)
        assert verdict.holds, "\n".join(verdict.lines())


@pytest.mark.parametrize("hand", ["edit", "delete", "insert", "reorder"])
async def test_a_row_that_was_touched_is_found_and_named(kept: Kept, hand: str) -> None:
    random = Random(hand)
    done = tries = 0
    while done < TRIES or tries < len(TABLES):
        table = TABLES[tries % len(TABLES)]
        tries += 1
        async with kept.keeper.connection.transaction() as transaction:
            located: Located | None = await getattr(tampering, hand)(kept.keeper.connection, table, random)
            if located is not None:
                done += 1
                faults = await kept.faults()
                assert faults, f"{hand} in {table.name} was not found"
                assert any(located(fault) for fault in faults), f"{hand} in {table.name}, try {tries}: {faults}"
            raise psycopg.Rollback(transaction)


async def test_a_tail_that_was_cut_is_found_by_what_the_witness_saw(kept: Kept) -> None:
    random = Random("cut")
    for _ in range(TRIES):
        async with kept.keeper.connection.transaction() as transaction:
            size = await _cut(kept.keeper.connection, random)
            faults = await kept.faults()
            assert any("the witness saw" in fault and str(size) in fault for fault in faults), faults
            raise psycopg.Rollback(transaction)


async def test_yesterdays_backup_is_found_by_what_the_witness_saw(kept: Kept) -> None:
    random = Random("backup")
    for _ in range(TRIES):
        async with kept.keeper.connection.transaction() as transaction:
            await _restore(kept.keeper.connection, START + random.randrange(8, 60) * HOUR)
            faults = await kept.faults()
            assert any("an older backup was restored" in fault for fault in faults), faults
            raise psycopg.Rollback(transaction)


async def test_a_record_forged_with_a_new_key_is_found_by_the_key_and_by_the_witness(kept: Kept) -> None:
    keeper, random = kept.keeper, Random("forge")
    for _ in range(TRIES):
        new = Signer(KEY.name, random.randbytes(32))
        async with keeper.connection.transaction() as transaction:
            await _sign_anew(keeper.connection, new)
            data = await build_within(keeper.connection, [new.verifier], THREE_DAYS)
            raise psycopg.Rollback(transaction)
        assert verify(data, Trust()).holds
        assert not verify(data, Trust((KEY.verifier,))).holds
        assert not verify(data, Trust((), kept.trust.witness)).holds


async def test_the_same_question_has_the_same_answer_to_the_byte(kept: Kept) -> None:
    """Also when the record has grown, as long as nothing was added that concerns it."""
    first_day = Question(START, START + DAY, ["E01-S1"])
    once = await build(kept.keeper.connection, [KEY.verifier], first_day)
    async with kept.keeper.connection.transaction() as transaction:
        await kept.keeper.connection.execute("DELETE FROM checkpoint WHERE at > %s", (as_datetime(START + 2 * DAY + 4 * HOUR),))
        before = await build_within(kept.keeper.connection, [KEY.verifier], first_day)
        raise psycopg.Rollback(transaction)
    assert sha256(once).digest() == sha256(before).digest() == sha256(before).digest()
    verdict = verify(once, kept.trust)
    assert verdict.holds, verdict.lines()
    assert not any("late data may still come" in line for line in verdict.lines())


async def _sign_anew(connection: Connection, key: Signer) -> None:
    """Every checkpoint again, by another key of the same name."""
    for size, note in await (await connection.execute("SELECT size, note FROM checkpoint")).fetchall():
        told = parse_body(note.rpartition("\n\n")[0] + "\n")
        await connection.execute("UPDATE checkpoint SET note = %s WHERE size = %s", (sign_checkpoint(told, [key]).decode(), size))


async def _cut(connection: Connection, random: Random) -> int:
    """Take away the newest checkpoints, and every leaf over the last of those that stay; answers the size the witness saw."""
    sizes = [size for (size,) in await (await connection.execute("SELECT size FROM checkpoint ORDER BY size")).fetchall()]
    keep = random.randrange(8, len(sizes) - 1)
    (at,) = (await (await connection.execute("SELECT at FROM checkpoint WHERE size = %s", (sizes[keep],))).fetchall())[0]
    await _restore(connection, as_us(at))
    return sizes[-1]


async def _restore(connection: Connection, at: int) -> None:
    """The tables as they were right after the last checkpoint not later than that microsecond."""
    row = await (
        await connection.execute("SELECT size, at FROM checkpoint WHERE at <= %s ORDER BY at DESC LIMIT 1", (as_datetime(at),))
    ).fetchone()
    assert row is not None
    size, moment = row
    tiles = size // 256
    rows = await (
        await connection.execute("SELECT number, hashes FROM ledger_tile WHERE level = 0 AND number >= %s", (tiles,))
    ).fetchall()
    for number, hashes in rows:
        for k in range(256):
            await connection.execute(
                "INSERT INTO ledger_leaf VALUES (%s, %s) ON CONFLICT DO NOTHING", (number * 256 + k, hashes[32 * k : 32 * k + 32])
            )
    await connection.execute("DELETE FROM ledger_leaf WHERE n >= %s", (size,))
    await connection.execute("DELETE FROM ledger_tile WHERE level = 0 AND number >= %s", (tiles,))
    if tiles:
        await connection.execute("UPDATE ledger_tile SET hashes = substr(hashes, 1, %s) WHERE level = 1", (32 * tiles,))
    else:
        await connection.execute("DELETE FROM ledger_tile WHERE level = 1")
    for table in ("evidence", "statement"):
        await connection.execute(SQL("DELETE FROM {} WHERE n >= %s").format(Identifier(table)), (size,))
    await connection.execute("DELETE FROM checkpoint WHERE size > %s", (size,))
    await connection.execute("DELETE FROM coverage_hour WHERE leaf >= %s OR hour >= %s", (size, moment))
