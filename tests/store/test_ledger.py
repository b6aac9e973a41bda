"""The ledger in the record: it goes on after a restart, a failed transaction leaves no trace, its keys can be changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path
from random import Random

import psycopg
import pytest
from store.keeping import HOUR, KEY, NEXT_KEY, START, Keeper, keeping

from hazmon.clock import MINUTE_US
from hazmon.errors import LedgerError, StoreUnavailable
from hazmon.keys import rotate, signers, verifiers
from hazmon.ledger.checkpoint import Checkpoint, open_checkpoint
from hazmon.ledger.content import Batch, encode
from hazmon.ledger.proofs import root_plan
from hazmon.ledger.tree import EMPTY_ROOT, Frontier, edge_reads, leaf_hash
from hazmon.store.ledger import LedgerKeeper, Seal, ledger_size, read_hashes, say
from hazmon.store.record import Unrecordable, Work


def naive_root(hashes: list[bytes]) -> bytes:
    """RFC 9162 §2.1, as it is written there."""
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    left = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\x01" + naive_root(hashes[:left]) + naive_root(hashes[left:])).digest()


@pytest.fixture
async def keeper(database: str, tmp_path: Path) -> AsyncGenerator[Keeper]:
    async with keeping(database, tmp_path / "witness") as found:
        yield found


def opened(seal: Seal) -> Checkpoint:
    assert seal.note is not None
    return open_checkpoint(seal.note, [KEY.verifier, NEXT_KEY.verifier], KEY.name)[0]


async def test_what_is_read_back_at_any_size_is_a_naive_tree(keeper: Keeper) -> None:
    """Sizes across the borders of one and of several tiles; after each, the end is read as after a restart."""
    random = Random(6)
    ledger = LedgerKeeper(KEY.name, [KEY])
    hashes: list[bytes] = []
    for size in sorted({1, 255, 256, 257, 511, 512, 513, 768, *(random.randrange(2, 1100) for _ in range(8))}):
        more = [Batch("E01", 1, n, START, None, random.randbytes(3)) for n in range(len(hashes), size)]
        frontier = Frontier.rebuilt(len(hashes), await read_hashes(keeper.connection, list(edge_reads(len(hashes)))))
        async with keeper.connection.transaction():
            await ledger._append(keeper.connection, frontier, more, START)
        hashes += [leaf_hash(encode(leaf)) for leaf in more]
        assert await ledger_size(keeper.connection) == size
        rebuilt = Frontier.rebuilt(size, await read_hashes(keeper.connection, list(edge_reads(size))))
        assert rebuilt.root() == naive_root(hashes)
        older = random.randrange(1, size + 1)
        plan = root_plan(older)
        assert plan.proof(await read_hashes(keeper.connection, plan.reads))[0] == naive_root(hashes[:older])


async def test_a_transaction_that_failed_leaves_the_log_as_it_was(keeper: Keeper) -> None:
    await keeper.write(await keeper.batch("E01", range(5)))
    size = await ledger_size(keeper.connection)
    poison = await keeper.batch("E01", range(5, 10))
    poison.edge = "E01\0"
    with pytest.raises(Unrecordable):
        await keeper.write(poison)
    cut = await keeper.recorder.connection()
    await keeper.connection.execute("SELECT pg_terminate_backend(%s)", (cut.info.backend_pid,))
    again = await keeper.batch("E01", range(10, 15))
    with pytest.raises(StoreUnavailable):
        await keeper.write(again)
    assert await ledger_size(keeper.connection) == size
    await keeper.write(again)
    await keeper.write(again)  # the receipt was lost: it is a leaf once
    assert await ledger_size(keeper.connection) == size + 1
    seal = await keeper.seal(START + HOUR)
    plan = root_plan(opened(seal).size)
    assert plan.proof(await read_hashes(keeper.connection, plan.reads))[0] == opened(seal).root


async def test_a_restart_goes_on_with_the_same_log_and_the_same_counts(keeper: Keeper) -> None:
    for hour in range(4):
        await keeper.write(await keeper.batch("E01", range(hour * 60, hour * 60 + 60)))
        await keeper.restart(START + (hour + 1) * HOUR)
        await keeper.seal(START + (hour + 1) * HOUR + 3 * MINUTE_US)
        if hour == 2:
            await keeper.restart(START + (hour + 1) * HOUR + 4 * MINUTE_US)
    rows = await (await keeper.connection.execute("SELECT kind, count(*) FROM statement GROUP BY kind")).fetchall()
    ledger = keeper.recorder._ledger
    assert ledger is not None
    counts = {kind: count for kind, count in ledger._counts.items() if count}
    assert counts == {**dict(rows), "batch": 4}
    assert counts["seal"] == 4


async def test_what_is_said_outside_comes_into_the_log_with_the_next_transaction_or_not_at_all(keeper: Keeper) -> None:
    async with keeper.connection.transaction() as transaction:
        await say(keeper.connection, "configuration", {"number": 1})
        raise psycopg.Rollback(transaction)
    await say(keeper.connection, "configuration", {"number": 2, "share": 0.1})
    await keeper.seal(START + HOUR)
    rows = await (await keeper.connection.execute("SELECT count(*) FROM statement WHERE kind = 'configuration'")).fetchall()
    assert rows == [(1,)]
    assert await (await keeper.connection.execute("SELECT FROM ledger_pending")).fetchall() == []
    with pytest.raises(LedgerError):
        await say(keeper.connection, "configuration", {"number": float("nan")})


async def test_two_seals_in_one_transaction_are_two_checkpoints(keeper: Keeper) -> None:
    one, two = Seal(), Seal()
    await keeper.recorder.write([Work([], seals=[one]), Work([], seals=[two])], START + HOUR)
    assert opened(two).size == opened(one).size + 1


async def test_after_a_rotation_both_keys_sign(keeper: Keeper, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = signers(folder)
    assert signers(folder) == first
    new = rotate(folder)
    both = signers(folder)
    assert both == [new, *first]
    assert [each.verifier for each in both] == verifiers(folder)
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.glob("*.key"))
    await keeper.seal(START + HOUR)
    await keeper.restart(START + HOUR, [NEXT_KEY, KEY])
    seal = await keeper.seal(START + 2 * HOUR)
    assert seal.note is not None
    for key in (KEY, NEXT_KEY):
        assert open_checkpoint(seal.note, [key.verifier], KEY.name)[1] == (key.verifier,)
