"""Hands that change the database behind the service's back, each telling how what it did can be named."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import LiteralString, cast

from psycopg import sql

from hazmon.store.pool import Connection

Located = Callable[[str], bool]


def _sql(text: str) -> sql.SQL:
    return sql.SQL(cast(LiteralString, text))


@dataclass(frozen=True)
class Table:
    """A table of the record: what names a row, what an edit may do to it, what says the same in other words, what is swapped."""

    name: str
    key: str
    edits: Sequence[str]
    label: str  # SQL text of what a finding must name: several, parted by |
    swap: str | None
    insert: str  # SQL of a row more, made of the row `r`

    def named(self, row: str) -> Located:
        """A finding names the row when it has one of its labels, or a run of leaves that the row is in."""
        labels = row.split("|")
        leaves = {int(label[5:]) for label in labels if re.fullmatch(r"leaf \d+", label)}

        def found(text: str) -> bool:
            if any(re.search(rf"{re.escape(label)}(?!\d)", text) for label in labels):
                return True
            runs = re.findall(r"(?:leaves|hashes) (\d+) to (\d+)", text)
            return any(int(low) <= leaf <= int(high) for low, high in runs for leaf in leaves)

        return found


LAST_BYTE = "set_byte({0}, length({0}) - 1, get_byte({0}, length({0}) - 1) # 1)"
SOME_BYTE = "set_byte({0}, {1}, get_byte({0}, {1}) # 1)"
TABLES = [
    Table(
        "evidence",
        "n",
        ["seq = seq + 1000", "clock_offset = clock_offset + 5", "boot = 2", f"body = {LAST_BYTE.format('body')}"],
        "'leaf ' || n || '|statement ' || n",
        "body",
        "INSERT INTO evidence SELECT 100000 + n, arrived_at, edge, boot, seq + 5000, clock_offset, body FROM evidence"
        " WHERE n = {}",
    ),
    Table(
        "statement",
        "n",
        [f"content = {LAST_BYTE.format('content')}", "number = number + 100000", "n = n + 100000"],
        "'leaf ' || n || '|statement ' || number || '|statement ' || n || '|leaf ' || (100000 + n)",
        "content",
        "INSERT INTO statement SELECT 100000 + n, (SELECT max(number) + 1 FROM statement), kind, at, content FROM statement"
        " WHERE n = {}",
    ),
    Table(
        "coverage_hour",
        "source || to_char(hour, 'YYYY-MM-DD\"T\"HH24')",
        [
            f"facts = {SOME_BYTE.format('facts', 17)}",
            f"facts = {SOME_BYTE.format('facts', 59)}",
            "leaf = NULL, facts = facts || facts",
        ],
        "source || ' ' || to_char(hour, 'YYYY-MM-DD\"T\"HH24')",
        "facts",
        "INSERT INTO coverage_hour SELECT '2026-01-01 13:00+00', source, layout_id, facts, leaf FROM coverage_hour"
        " WHERE source = 'E01-S1' AND {} <> '' ORDER BY hour DESC LIMIT 1",
    ),
    Table(
        "coverage_day",
        "source || day",
        [
            "slots = set_byte(slots, 600, CASE get_byte(slots, 600) WHEN 1 THEN 2 ELSE 1 END)",
            "slots = set_byte(slots, 55, CASE get_byte(slots, 55) WHEN 4 THEN 5 ELSE 4 END)",
            "failing = set_byte(COALESCE(failing, decode(repeat('00', 5760), 'hex')), 1200, 3)",
        ],
        "source || ' ' || day",
        "slots",
        "",
    ),
    Table(
        "ledger_leaf",
        "n",
        [f"hash = {SOME_BYTE.format('hash', 5)}"],
        "'leaf ' || n",
        "hash",
        "INSERT INTO ledger_leaf SELECT n + 100000, hash FROM ledger_leaf WHERE n = {}",
    ),
    Table(
        "ledger_tile",
        "level || '/' || number",
        [f"hashes = {SOME_BYTE.format('hashes', 31)}", f"hashes = {SOME_BYTE.format('hashes', 40)}"],
        "'leaf ' || ((number * 256) << (8 * level)) || '|leaf ' || ((number * 256 + 1) << (8 * level))"
        " || '|of level ' || level || '|level ' || level",
        "hashes",
        "INSERT INTO ledger_tile SELECT level, number + 50, hashes FROM ledger_tile WHERE {key} = {}",
    ),
    Table(
        "checkpoint",
        "size",
        [
            "note = replace(note, E'\\ntime 2026-01-0', E'\\ntime 2026-01-1')",
            "at = at + INTERVAL '1 second'",
            "day = '2025-12-24'",
            "size = size + 1",
        ],
        "size || ' leaves|' || to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '|' || lpad(size::text, 20, '0')",
        "note",
        "INSERT INTO checkpoint SELECT size + 3, at + INTERVAL '1 minute', NULL, note FROM checkpoint WHERE size = {}",
    ),
    Table(
        "exemption",
        "exemption_id",
        ["reason = '别的'", "until = until + INTERVAL '1 hour'", "approved_at = NULL", "withdrawn_at = until", "unit = 'V-1'"],
        "'exemption ' || exemption_id",
        None,
        "INSERT INTO exemption (exemption_id, enterprise, source, kind, reason, filed_at, filed_by, until, begins_at)"
        " OVERRIDING SYSTEM VALUE SELECT 77, enterprise, source, kind, reason, filed_at, filed_by, until, begins_at"
        " FROM exemption WHERE exemption_id = {}",
    ),
    Table(
        "alarm_event",
        "event",
        ["reason = 'x'", "at = at + INTERVAL '1 minute'", "value = 12", "by = '李'", "to_state = 'normal', stimulus = 'clear'"],
        "'alarm_event ' || event",
        "value",
        "INSERT INTO alarm_event SELECT (e).* FROM (SELECT jsonb_populate_record(a,"
        """ '{{"event": 900, "at": "2026-01-02T07:00:00Z"}}') AS e FROM alarm_event a WHERE event = {}) x""",
    ),
    Table(
        "coverage_veto",
        "veto_id",
        ["end_at = end_at - INTERVAL '30 minutes'", "point = 'E02/LT-1'", "kind = 'frozen'"],
        "veto_id",
        None,
        "INSERT INTO coverage_veto SELECT veto_id || 'x', point, kind, begin_at, end_at, found_at, evidence FROM coverage_veto"
        " WHERE veto_id = {}",
    ),
    Table(
        "coverage_scheme",
        "since",
        ["digest = 'e'", "duties = duties #- '{{E01-S1,items,0}}'"],
        "to_char(to_timestamp(since * 60), 'YYYY-MM-DD\"T\"HH24:MI')",
        None,
        "INSERT INTO coverage_scheme SELECT since + 60, digest, duties FROM coverage_scheme WHERE since = {}",
    ),
]
INSERTED = {
    "evidence": "evidence has a row",
    "statement": "statement has a row",
    "ledger_leaf": "ledger_leaf has",
    "ledger_tile": "ledger_tile has",
}


async def rows(connection: Connection, table: Table, random: Random, count: int) -> list[tuple[object, str]]:
    """Keys and labels of random rows."""
    query = _sql("SELECT {key}, {label} FROM {table} ORDER BY 1").format(
        key=_sql(table.key), label=_sql(table.label), table=sql.Identifier(table.name)
    )
    found = await (await connection.execute(query)).fetchall()
    return random.sample(found, min(count, len(found)))


async def edit(connection: Connection, table: Table, random: Random) -> Located | None:
    """Change something in a row."""
    ((key, label),) = await rows(connection, table, random, 1)
    how = random.choice(table.edits)
    query = _sql("UPDATE {table} SET {how} WHERE {key} = %s").format(
        table=sql.Identifier(table.name), how=_sql(how), key=_sql(table.key)
    )
    await connection.execute(query, (key,))
    return table.named(label)


async def delete(connection: Connection, table: Table, random: Random) -> Located | None:
    """Take a row out."""
    ((key, label),) = await rows(connection, table, random, 1)
    query = _sql("DELETE FROM {table} WHERE {key} = %s").format(table=sql.Identifier(table.name), key=_sql(table.key))
    await connection.execute(query, (key,))
    return lambda text: table.named(label)(text) or f"{table.name} has" in text


async def insert(connection: Connection, table: Table, random: Random) -> Located | None:
    """Put a row in that looks like another."""
    if not table.insert:
        return None
    ((key, label),) = await rows(connection, table, random, 1)
    query = _sql(table.insert.replace("{key}", table.key)).format(sql.Literal(key))
    await connection.execute(query)
    inserted = INSERTED.get(table.name, f"{table.name} ")
    return lambda text: inserted in text or table.named(label)(text)


async def reorder(connection: Connection, table: Table, random: Random) -> Located | None:
    """Let two rows change places: what they say, under the other's name."""
    if table.swap is None:
        return None
    for _ in range(20):
        one, other = await rows(connection, table, random, 2)
        told = _sql("SELECT {swap} FROM {table} WHERE {key} = %s").format(
            swap=_sql(table.swap), table=sql.Identifier(table.name), key=_sql(table.key)
        )
        values = [(await (await connection.execute(told, (key,))).fetchall())[0][0] for key, _ in (one, other)]
        if values[0] != values[1]:
            break
    else:
        return None
    change = _sql("UPDATE {table} SET {swap} = %s WHERE {key} = %s").format(
        swap=_sql(table.swap), table=sql.Identifier(table.name), key=_sql(table.key)
    )
    for (key, _), value in zip((one, other), reversed(values), strict=True):
        await connection.execute(change, (value, key))
    return lambda text: table.named(one[1])(text) or table.named(other[1])(text)
