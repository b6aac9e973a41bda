"""A database of an earlier schema: nothing of its record is lost when the schema is brought up to date."""

from __future__ import annotations

from importlib import resources
from typing import LiteralString, cast

from park import START

from hazmon.alarms.alarm import Mark
from hazmon.alarms.book import AlarmBook
from hazmon.alarms.states import AlarmState
from hazmon.clock import US, as_datetime
from hazmon.rulebook import Kind, Rule
from hazmon.store.alarms import AlarmFilter, alarms, events_after
from hazmon.store.pool import connect, migrate
from hazmon.store.standing import open_alarms

BEFORE = ("0001_initial.sql", "0002_minute_due.sql")
OLD = (  # id, tag, rule, state, seconds, late
    ("a" * 16, "LT-1", "H", "acknowledged", 1, False),
    ("b" * 16, "LT-1", "HH", "unacknowledged", 5, False),
    ("c" * 16, "PT-1", "L", "returned_unacknowledged", 2, False),
    ("d" * 16, "TT-1", "RATE_UP", "normal", 3, False),
    ("e" * 16, "LT-1", "H", "returned_unacknowledged", 0, True),
    ("f" * 16, "LT-2", "L", "unacknowledged", 6, False),
    ("1" * 16, "LT-2", "LL", "returned_unacknowledged", 7, False),
    ("2" * 16, "LT-3", "H", "returned_unacknowledged", 8, False),
    ("3" * 16, "LT-3", "HH", "returned_unacknowledged", 9, False),
)


async def test_alarms_of_the_first_schema_become_records(database: str) -> None:
    async with await connect(database) as connection:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        await connection.execute("CREATE TABLE migration (name text PRIMARY KEY, applied_at timestamptz)")
        for name in BEFORE:
            text = (resources.files("hazmon.store") / "migrations" / name).read_text("utf-8")
            await connection.execute(cast("LiteralString", text))
            await connection.execute("INSERT INTO migration VALUES (%s, now())", (name,))
        for number, (identity, tag, rule, state, second, late) in enumerate(OLD, 1):
            at = as_datetime(START + second * US)
            by = "值班员" if state == "acknowledged" else None
            await connection.execute(
                "INSERT INTO alarm VALUES (%s, 'E01', 'E01-S1', %s, %s, 2, %s, %s, %s, %s, NULL, 10.6, 10.5, 'm', '名', %s, %s)",
                (identity, tag, rule, state, at, at if by else None, by, late, number),
            )
            await connection.execute(
                "INSERT INTO alarm_event VALUES (%s, %s, %s, 'raise', 'normal', 'unacknowledged', NULL, 10.6, '')",
                (number, identity, at),
            )
    assert await migrate(database) != []
    async with await connect(database) as connection:
        found = {alarm.id[0]: alarm for alarm in await alarms(connection, AlarmFilter(), None, 100)}
        assert set(found) == set("abcdef123")
        worse = found["b"]
        assert (worse.kind, worse.state, worse.holding) == (Kind.HIGH, AlarmState.UNACKNOWLEDGED, frozenset({Rule.HH}))
        assert worse.worst == Mark(Rule.HH, START + 5 * US, 10.6, 10.5)
        assert (found["a"].state, found["a"].acknowledged_by) == (AlarmState.NORMAL, "值班员")
        book = AlarmBook(await open_alarms(connection))
        assert {alarm.id[0] for alarm in book.open.values()} == set("bcef3")
        assert book.live == {
            ("E01/LT-1", Kind.HIGH): "b" * 16,
            ("E01/PT-1", Kind.LOW): "c" * 16,
            ("E01/LT-2", Kind.LOW): "f" * 16,
            ("E01/LT-3", Kind.HIGH): "3" * 16,
        }
        assert (found["f"].state, found["f"].holding) == (AlarmState.UNACKNOWLEDGED, frozenset({Rule.L}))
        waiting = {
            alarm.id[0]: None if alarm.waiting_since is None else (alarm.waiting_since - START) / US for alarm in found.values()
        }
        assert waiting == {"a": None, "b": 5, "c": 2, "d": None, "e": 0, "f": 6, "1": None, "2": None, "3": 9}
        events = await events_after(connection, 0, 100, 100)
        assert [(event.number, event.rule, event.alarm.state) for event in events] == [
            (number, Rule(rule), AlarmState.UNACKNOWLEDGED) for number, (_, _, rule, _, _, _) in enumerate(OLD, 1)
        ]
