"""Events come out of the record as the columns that went in, and no more of them than a range needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from store.scribe import START, Scribe
from unit.alarms.lives import Life, Row, actor, columns

from hazmon.alarms.alarm import Alarm, AlarmEvent, Shelf, Subject
from hazmon.alarms.episodes import Actor, EventColumns
from hazmon.alarms.states import Stimulus
from hazmon.alarms.statistics import statistics
from hazmon.clock import US
from hazmon.store.record import write_events
from hazmon.store.statistics import Wanted, events, signal

ALL = Wanted()
DAY_US = 86_400 * US


def recorded(rows: Sequence[Row]) -> list[AlarmEvent]:
    """The rows as the engine hands them to the record; the source of `E01/...` is E01-S1."""
    found: list[AlarmEvent] = []
    opened: dict[int, int] = {}
    for row in rows:
        enterprise, tag = row.actor.subject.split("/")
        alarm = Alarm(
            id=f"{row.alarm * 0x1111_1111_1111_1111 % 2**64:016x}",  # some of them beyond the sign
            subject=Subject(enterprise, tag, f"{enterprise}-S1", "名", "m"),
            kind=row.actor.kind,
            priority=row.priority,
            state=row.after,
            opened_at=opened.setdefault(row.alarm, row.at),
            late=row.late,
            shelf=Shelf(row.at + DAY_US, "值班员", "") if row.suppressed else None,
            event=row.event + 1,
        )
        rule = row.actor.kind.rules[0]
        found.append(AlarmEvent(row.event + 1, alarm, row.stimulus, row.before, row.at, None, 1.5, "", rule, row.suppressed))
    return found


def told(of: EventColumns) -> list[tuple[object, ...]]:
    """The rows of columns, by the number of the event; alarms by the first event of each, actors by name."""
    of = of.ordered(2**62)
    names = [field.name for field in fields(of) if field.name not in ("alarm", "actor", "actors")]
    rows: list[tuple[object, ...]] = []
    for k in range(of.event.size):
        first = int(of.event[of.alarm == of.alarm[k]].min())
        rows.append((*(getattr(of, name)[k].item() for name in names), first, of.actors[int(of.actor[k])]))
    return sorted(rows)


def shifted(rows: Sequence[Row]) -> list[Row]:
    return [row._replace(event=row.event + 1) for row in rows]


@pytest.fixture
def rows() -> list[Row]:
    """Alarms of two enterprises: one over, one that stands, one on the shelf, one late."""
    found: list[Row] = []
    Life(found, 1, actor(1), 1).raised(0, 100, lasting=30)
    Life(found, 2, actor(2), 2).at(200, Stimulus.RAISE).at(260, Stimulus.ESCALATE)
    Life(found, 3, actor(3), 3).at(300, Stimulus.SHELVE).at(310, Stimulus.RAISE).at(320, Stimulus.CLEAR)
    Life(found, 9, actor(1), 3, late=True).at(30, Stimulus.RAISE_LATE).at(400, Stimulus.ACKNOWLEDGE)
    Life(found, 15, Actor("E02/PT-1", actor(1).kind), 4).raised(5000, lasting=30)
    return found


async def test_events_come_back_as_they_went_in(scribe: Scribe, rows: list[Row]) -> None:
    await write_events(scribe.connection, recorded(rows))
    found = await events(scribe.connection, START, START + DAY_US, ALL, 1000)
    assert told(found) == told(columns(shifted(rows)))
    whole = statistics(found, START, START + DAY_US)
    assert whole == statistics(columns(rows), START, START + DAY_US)
    assert (whole.annunciated, whole.late, whole.standing, whole.shelved) == (5, 1, 1, 1)


async def test_only_what_a_range_needs_is_read(scribe: Scribe, rows: list[Row]) -> None:
    await write_events(scribe.connection, recorded(rows))
    later = await events(scribe.connection, START + 1000 * US, START + DAY_US, ALL, 1000)
    assert told(later) == told(columns([row for row in shifted(rows) if row.alarm in (2, 3, 15)])), "open, shelved, or news"
    early = await events(scribe.connection, START, START + 205 * US, ALL, 1000)
    assert told(early) == told(columns([row for row in shifted(rows) if row.at < START + 205 * US]))
    assert (await events(scribe.connection, START, START + DAY_US, ALL, 3)).event.size == 4


@pytest.mark.parametrize(
    ("wanted", "alarms"),
    [(Wanted("E02"), [15]), (Wanted("E01"), [1, 2, 3, 9]), (Wanted(source="E02-S1"), [15]), (Wanted("E01", "E02-S1"), [0])],
)
async def test_narrowed(scribe: Scribe, rows: list[Row], wanted: Wanted, alarms: list[int]) -> None:
    await write_events(scribe.connection, recorded(rows))
    found = await events(scribe.connection, START, START + DAY_US, wanted, 1000)
    assert told(found) == told(columns([row for row in shifted(rows) if row.alarm in alarms]))


async def test_nothing_recorded(scribe: Scribe) -> None:
    found = await events(scribe.connection, START, START + DAY_US, ALL, 1000)
    assert (found.event.size, found.actors) == (0, ())
    assert statistics(found, START, START + DAY_US).annunciated == 0


async def test_the_signal_of_a_point(scribe: Scribe) -> None:
    group = await scribe.group()
    times = [START + k * US for k in range(10)]
    quality = [[2 if k == 3 else 0, 0, 0] for k in range(10)]
    await scribe.write(group, times, [[float(k), 0.0, 0.0] for k in range(10)], quality)
    at, values = await signal(scribe.connection, "E01", "LT-1", START, START + 10 * US, 100)
    assert at.tolist() == times
    assert np.flatnonzero(np.isnan(values)).tolist() == [3], "in maintenance"
    assert values[4:].tolist() == [4, 5, 6, 7, 8, 9]
    newest, _ = await signal(scribe.connection, "E01", "LT-1", START, START + 10 * US, 4)
    assert newest.tolist() == times[-len(newest) :]
    assert 3 <= newest.size <= 4
    nothing, _ = await signal(scribe.connection, "E01", "NO-1", START, START + 10 * US, 4)
    assert nothing.size == 0


async def test_what_was_over_long_before_is_not_read(scribe: Scribe, rows: list[Row]) -> None:
    await write_events(scribe.connection, recorded(rows))
    before = await events(scribe.connection, START, START + DAY_US, ALL, 1000)
    await scribe.past(5000)
    async with scribe.connection.transaction():
        found = await events(scribe.connection, START, START + DAY_US, ALL, 1000)
        assert await scribe.alarms_read() < 1000
    assert (told(found), found.actors) == (told(before), before.actors)
