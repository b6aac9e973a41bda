"""Exemptions in the record: each step once, whoever else takes it; lists and ranges; what old databases hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib import resources
from typing import LiteralString, cast

import psycopg
import pytest
from contract.rooms import small_park
from store.scribe import MINUTE, START, Scribe

from hazmon.clock import SystemClock, as_datetime
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.filing import ExemptionState, state_of, target_of
from hazmon.plant import Exempt
from hazmon.recovery import recover
from hazmon.store import exemptions as record
from hazmon.store.exemptions import ExemptionFilter, Filed
from hazmon.store.pool import Connection, connect, migrate
from hazmon.store.register import Register

HOUR = 60 * MINUTE
FILED = Filed("E01", "E01-S1", "V-1", "检修", "清罐检修", START, START + HOUR, START - MINUTE, "企业安全员")


async def test_what_is_filed_decided_and_withdrawn_is_read_back_exactly(scribe: Scribe) -> None:
    filed = await record.file(scribe.connection, replace(FILED, begins=START + 1, until=START + HOUR + 3))
    expected = Exemption(
        filed.id, "E01", "E01-S1", "V-1", "检修", "清罐检修", START + 1, START + HOUR + 3, START - MINUTE, "企业安全员"
    )
    assert filed == expected
    known = await record.decide(scribe.connection, filed.id, True, "班长", "已核对", START + 5)
    assert known == replace(expected, approved_at=START + 5, decided_by="班长", decided_why="已核对")
    assert known is not None
    gone = await record.withdraw(scribe.connection, filed.id, "企业安全员", "改期", START + 7)
    assert gone == replace(known, withdrawn_at=START + 7, withdrawn_by="企业安全员", withdrawn_why="改期")
    assert await record.find(scribe.connection, filed.id) == gone
    assert await record.find(scribe.connection, filed.id + 1) is None


async def test_of_many_deciders_one_has_it(scribe: Scribe) -> None:
    number = (await record.file(scribe.connection, FILED)).id
    people = [await connect(scribe.url) for _ in range(6)]
    try:
        answers = await asyncio.gather(
            *(record.decide(each, number, k % 2 == 0, f"班长{k}", "x", START + k) for k, each in enumerate(people)),
        )
    finally:
        for each in people:
            await each.close()
    (won,) = [answer for answer in answers if answer is not None]
    assert await record.find(scribe.connection, number) == won
    assert (won.approved_at is None) != (won.refused_at is None)


@pytest.mark.parametrize("winner_commits", [True, False])
async def test_a_step_waits_for_the_one_before_and_goes_by_what_became_of_it(scribe: Scribe, winner_commits: bool) -> None:
    number = (await record.file(scribe.connection, FILED)).id
    async with await connect(scribe.url) as other:
        await other.execute("BEGIN")
        assert await record.withdraw(other, number, "企业安全员", "改期", START) is not None
        waiting = asyncio.create_task(record.decide(scribe.connection, number, True, "班长", "x", START + 1))
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
        await other.execute(b"COMMIT" if winner_commits else b"ROLLBACK")
        decided = await waiting
    assert (decided is None) is winner_commits


async def test_steps_that_its_state_does_not_allow_change_nothing(scribe: Scribe) -> None:
    connection = scribe.connection
    approved, refused, gone, over, late = [(await record.file(connection, FILED)).id for _ in range(5)]
    await record.decide(connection, approved, True, "班长", "x", START)
    await record.decide(connection, refused, False, "班长", "x", START)
    await record.withdraw(connection, gone, "企业", "x", START)
    await record.decide(connection, over, True, "班长", "x", START)
    before = await record.exemptions(connection, ExemptionFilter(), START, None, 10)
    for number in (approved, refused, gone):
        assert await record.decide(connection, number, False, "别人", "y", START + 1) is None
    for number in (refused, gone):
        assert await record.withdraw(connection, number, "别人", "y", START + 1) is None
    assert await record.withdraw(connection, over, "别人", "y", START + HOUR) is None, "over at its end, which is excluded"
    assert await record.decide(connection, 10**9, True, "别人", "y", START) is None
    assert await record.withdraw(connection, 10**9, "别人", "y", START) is None
    assert await record.exemptions(connection, ExemptionFilter(), START, None, 10) == before
    assert await record.withdraw(connection, late, "企业", "x", START + 2 * HOUR) is not None, "never decided, so never over"


async def test_states_in_lists_are_those_of_the_pure_code_at_any_time(scribe: Scribe) -> None:
    connection = scribe.connection
    for steps in ("", "a", "r", "w", "aw"):
        number = (await record.file(connection, FILED)).id
        for step in steps:
            if step == "w":
                assert await record.withdraw(connection, number, "企业", "x", START + 2)
            else:
                assert await record.decide(connection, number, step == "a", "班长", "x", START + 1)
    every = await record.exemptions(connection, ExemptionFilter(), START, None, 10)
    assert [each.id for each in every] == sorted((each.id for each in every), reverse=True)
    for now in (START - 1, START + HOUR - 1, START + HOUR, START + HOUR + 1):
        for state in ExemptionState:
            found = await record.exemptions(connection, ExemptionFilter(state), now, None, 10)
            assert found == [each for each in every if state_of(each, now) is state], (now - START, state)


async def test_ranges_exclude_their_ends(scribe: Scribe) -> None:
    connection = scribe.connection
    first = await record.file(connection, FILED)
    second = await record.file(connection, replace(FILED, begins=START + HOUR, until=START + 2 * HOUR))
    whole = await record.file(connection, replace(FILED, enterprise="E02", source="E02-S1", unit=None))
    other = await record.file(connection, replace(FILED, begins=START - HOUR, until=START))
    for begin, end, found in [
        (START, START + HOUR, [whole, first]),
        (START + HOUR - 1, START + HOUR + 1, [whole, second, first]),
        (START - 1, START, [other]),
        (START + 2 * HOUR, START + 3 * HOUR, []),
    ]:
        assert set(await record.exemptions(connection, ExemptionFilter(None, None, begin, end), START, None, 9)) == set(found)
        assert set(await record.overlapping(connection, ["E01-S1", "E02-S1"], begin, end)) == set(found)
    assert await record.overlapping(connection, ["E01-S1"], START - HOUR, START + 9 * HOUR) == [other, first, second]
    assert await record.overlapping(connection, ["E02-S1"], START - HOUR, START + 9 * HOUR) == [whole]
    assert await record.overlapping(connection, [], START - HOUR, START + 9 * HOUR) == []
    wanted = ExemptionFilter(source="E01-S1")
    assert await record.exemptions(connection, wanted, START, None, 2) == [other, second]
    assert await record.exemptions(connection, wanted, START, second.id, 2) == [first]


async def test_what_is_agreed_is_approved_and_not_over(scribe: Scribe) -> None:
    connection = scribe.connection

    async def approved(filed: Filed) -> Exemption:
        found = await record.decide(connection, (await record.file(connection, filed)).id, True, "班长", "x", START)
        assert found is not None
        return found

    standing = await approved(FILED)
    planned = await approved(replace(FILED, begins=START + HOUR, until=START + 2 * HOUR))
    whole = await approved(replace(FILED, enterprise="E02", source="E02-S1", unit=None, kind="离线报备"))
    await record.file(connection, FILED)
    await record.decide(connection, (await record.file(connection, FILED)).id, False, "班长", "x", START)
    await record.withdraw(connection, (await approved(FILED)).id, "企业", "x", START)
    assert await record.agreed(connection, START) == {"E01/V-1": [standing, planned], "E02-S1": [whole]}
    assert await record.agreed(connection, START, "E02-S1") == {"E02-S1": [whole]}
    assert await record.agreed(connection, START, "E02/V-1") == {}
    assert await record.agreed(connection, START + HOUR) == {"E01/V-1": [planned]}


@pytest.mark.parametrize(
    "wrong",
    [{"until": START}, {"source": None, "unit": None}],
)
async def test_the_database_refuses_what_is_no_exemption(scribe: Scribe, wrong: dict[str, int | None]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await record.file(scribe.connection, replace(FILED, **wrong))  # pyright: ignore[reportArgumentType]


async def test_exemptions_of_an_earlier_schema_go_on_and_get_their_source(database: str) -> None:
    now = SystemClock().now()
    async with await connect(database) as connection:
        await _before(connection)
        for unit, kind, until, ended in (
            ("V-1", "stopped", now + HOUR, None),
            ("V-1", "maintenance", now - MINUTE, None),
            ("V-1", "maintenance", now + HOUR, now - MINUTE),
            ("V-9", "stopped", now - MINUTE, None),
        ):
            await connection.execute(
                "INSERT INTO exemption (enterprise, unit, kind, reason, filed_at, filed_by, until, ended_at, ended_by)"
                " VALUES ('E01', %s, %s, '旧', %s, '企业', %s, %s, %s)",
                (
                    unit,
                    kind,
                    *map(as_datetime, (now - HOUR, until)),
                    None if ended is None else as_datetime(ended),
                    None if ended is None else "企业",
                ),
            )
    await migrate(database)
    async with await connect(database) as connection:
        park = small_park()
        plant, _, _ = await recover(connection, await Register.open(connection, park), park, now)
        assert plant.exempt == {"E01/V-1": (Exempt(now - HOUR, now + HOUR, "旧"),)}
        found = await record.exemptions(connection, ExemptionFilter(), now, None, 10)
        assert [(target_of(each), each.source, each.kind, state_of(each, now).value) for each in found] == [
            ("E01/V-9", "", "停用", "over"),
            ("E01/V-1", "E01-S1", "检修", "withdrawn"),
            ("E01/V-1", "E01-S1", "检修", "over"),
            ("E01/V-1", "E01-S1", "停用", "approved"),
        ]
        assert {(each.begins, each.approved_at, each.decided_by) for each in found} == {(now - HOUR, now - HOUR, "企业")}


async def _before(connection: Connection) -> None:
    """The schema as it was before exemptions were approved."""
    await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    await connection.execute("CREATE TABLE migration (name text PRIMARY KEY, applied_at timestamptz)")
    folder = resources.files("hazmon.store") / "migrations"
    for name in sorted(file.name for file in folder.iterdir() if "0001" <= file.name[:4] <= "0004"):
        await connection.execute(cast("LiteralString", (folder / name).read_text("utf-8")))
        await connection.execute("INSERT INTO migration VALUES (%s, now())", (name,))
