"""Names in the record: points keep their ids, groups their versions, and the ledger answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from hazmon_edge import wire
from park import delivery, group, park, point, scans

from hazmon.clock import US
from hazmon.store.pool import Connection, Pool, connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Lookups, Register, add_edge_token, edge_tokens

SMALL = park(point("LT-1"))
LARGE = park(point("LT-0"), point("LT-1"), point("LT-2"))
DECLARED = wire.Group("plc1", US, ("LT-2", "LT-1"))


@pytest.fixture
async def connection(database: str) -> AsyncGenerator[Connection]:
    await migrate(database)
    found = await connect(database)
    yield found
    await found.close()


async def test_migrating_twice_applies_nothing_twice(database: str) -> None:
    assert await migrate(database) != []
    assert await migrate(database) == []


async def test_points_keep_their_ids_when_others_come_before_them_or_go(connection: Connection) -> None:
    small = await Register.open(connection, SMALL)
    large = await Register.open(connection, LARGE)
    assert large.point_id[1] == small.point_id[0]
    assert len(set(large.point_id)) == 3
    assert (await Register.open(connection, SMALL)).point_id == small.point_id
    assert large.index_of[large.point_id[2]] == 2


async def test_a_group_version_is_recorded_once_and_found_again(connection: Connection) -> None:
    register = await Register.open(connection, SMALL)
    first = await register.add_group(connection, "E01", DECLARED)
    assert (await register.add_group(connection, "E01", DECLARED)).id == first.id
    assert (first.tags, first.points.tolist(), first.digest) == (("LT-2", "LT-1"), [-1, 0], DECLARED.digest)
    other = await register.add_group(connection, "E01", wire.Group("plc1", US, ("LT-1", "LT-2")))
    assert other.id != first.id
    found = (await register.groups(connection))["E01", DECLARED.digest]
    assert (found.id, found.points.tolist()) == (first.id, [-1, 0])


async def test_a_tag_that_the_configuration_learns_is_read_in_groups_declared_before(
    connection: Connection, database: str
) -> None:
    known = await (await Register.open(connection, SMALL)).add_group(connection, "E01", DECLARED)
    register = await Register.open(connection, LARGE)
    found = (await register.groups(connection))["E01", DECLARED.digest]
    assert (found.id, found.points.tolist()) == (known.id, [2, 1])
    recorder = Recorder(database)
    await recorder.write([Work([delivery(found, 1, 1, scans(found, 0, [[7.0, 8.0]]))])], 0)
    await recorder.close()
    rows = await (await connection.execute("SELECT tag, value FROM reading ORDER BY tag")).fetchall()
    assert rows == [("LT-1", 8.0), ("LT-2", 7.0)]
    rows = await (await connection.execute("SELECT value FROM readings('E01/LT-2', '2025-12-31', '2026-01-02')")).fetchall()
    assert rows == [(7.0,)]


async def test_the_ledger_answers_what_is_in_it(connection: Connection, database: str) -> None:
    register = await Register.open(connection, SMALL)
    of = await register.add_group(connection, "E01", wire.Group("plc1", US, group(SMALL).tags))
    recorder, pool = Recorder(database), Pool(database)
    await recorder.write([Work([delivery(of, seq, 10, scans(of, seq % 10, [1.0]), boot=5) for seq in (3, 4, 2**62)])], 0)
    await recorder.close()
    await pool.open()
    lookups = Lookups(pool, register)
    assert await lookups.last_seq("E01", 5) == 2**62
    assert await lookups.last_seq("E01", 6) == -1
    assert await lookups.last_seq("E02", 5) == -1
    assert await lookups.is_recorded(("E01", 5, 4))
    assert not await lookups.is_recorded(("E01", 5, 5))
    await pool.close()


async def test_tokens_are_kept_as_hashes_and_die_when_revoked(connection: Connection) -> None:
    await add_edge_token(connection, "E01", b"1" * 32)
    await add_edge_token(connection, "E02", b"2" * 32)
    await connection.execute("UPDATE edge_token SET revoked_at = now() WHERE edge = 'E01'")
    assert await edge_tokens(connection) == {b"2" * 32: "E02"}
