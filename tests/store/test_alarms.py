"""Alarms and their events as the record tells them: the very lives that the book has written."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from store.scribe import START, Scribe

from hazmon.alarms.book import AlarmBook, AlarmEvent, Subject
from hazmon.alarms.states import AlarmState
from hazmon.clock import US
from hazmon.errors import CommandRefused
from hazmon.rulebook import Rule
from hazmon.store.alarms import AlarmFilter, alarm, alarms, events_after, events_of
from hazmon.store.record import write_events

SUBJECTS = [Subject("E01", tag, "E01-S1", f"名 {tag}", "m") for tag in ("LT-1", "PT-1")] + [
    Subject("E02", "LT-1", "E02-S1", "名", "m")
]
RULES = (Rule.H, Rule.HH)


def lives(steps: int, seed: int) -> list[AlarmEvent]:
    """Events of a book in which things come, go and are acknowledged at random, live and late."""
    chance = random.Random(seed)
    book = AlarmBook()
    events: list[AlarmEvent] = []
    for step in range(steps):
        at = START + step * US
        subject, rule = chance.choice(SUBJECTS), chance.choice(RULES)
        event: AlarmEvent | None = None
        match chance.randrange(4):
            case 0:
                event = book.raise_alarm(subject, rule, 3, at, 10.6 + step, 10.0, "")
            case 1:
                event = book.clear(subject.id, rule, at, 5.0, "")
            case 2:
                event = book.raise_late(subject, rule, 2, at - 500, 11.0, 10.0)
            case _:
                if book.open:
                    try:
                        event = book.acknowledge(chance.choice(sorted(book.open)), at, "值班员", "看见了")
                    except CommandRefused:
                        event = None
        events += [event] if event else []
    return events


@pytest.fixture
async def told(scribe: Scribe) -> list[AlarmEvent]:
    """A few hundred events, recorded."""
    events = lives(400, 7)
    assert len({event.stimulus for event in events}) == 4
    await write_events(scribe.connection, events)
    return events


async def test_every_event_comes_back_with_its_alarm_as_it_was(scribe: Scribe, told: list[AlarmEvent]) -> None:
    found: list[AlarmEvent] = []
    last = told[-1].number
    while part := await events_after(scribe.connection, found[-1].number if found else 0, last, 17):
        assert len(part) <= 17
        found += part
    assert found == told
    middle = told[len(told) // 2].number
    assert await events_after(scribe.connection, middle, last - 3, 1000) == [
        event for event in told if middle < event.number <= last - 3
    ]


async def test_an_alarm_and_its_events(scribe: Scribe, told: list[AlarmEvent]) -> None:
    newest = {event.alarm.id: event.alarm for event in told}
    for identity, expected in newest.items():
        assert await alarm(scribe.connection, identity) == expected
    busy = max(newest, key=lambda identity: sum(event.alarm.id == identity for event in told))
    own = [event for event in told if event.alarm.id == busy]
    assert len(own) > 3
    found = await events_of(scribe.connection, newest[busy], own[0].number, 2)
    assert [replace(event, alarm=own[0].alarm) for event in found] == [replace(event, alarm=own[0].alarm) for event in own[1:3]]
    assert [(event.alarm.state, event.alarm.event) for event in found] == [(e.alarm.state, e.number) for e in own[1:3]]
    assert await alarm(scribe.connection, "0" * 16) is None


@pytest.mark.parametrize(
    "wanted",
    [
        AlarmFilter(),
        AlarmFilter(states=[AlarmState.NORMAL]),
        AlarmFilter(states=[AlarmState.RETURNED, AlarmState.UNACKNOWLEDGED], priorities=[3]),
        AlarmFilter(source="E02-S1"),
        AlarmFilter(enterprise="E01", priorities=[2]),
        AlarmFilter(start=START + 50 * US, end=START + 200 * US),
        AlarmFilter(source="E99-S1"),
    ],
)
async def test_parts_of_a_filtered_list_join_without_gap_or_double(
    scribe: Scribe, told: list[AlarmEvent], wanted: AlarmFilter
) -> None:
    newest = {event.alarm.id: event.alarm for event in told}.values()
    expected = sorted(
        (
            a
            for a in newest
            if (wanted.states is None or a.state in wanted.states)
            and wanted.source in (None, a.subject.source)
            and wanted.enterprise in (None, a.subject.enterprise)
            and (wanted.priorities is None or a.priority in wanted.priorities)
            and (wanted.start is None or a.raised_at >= wanted.start)
            and (wanted.end is None or a.raised_at < wanted.end)
        ),
        key=lambda a: (a.raised_at, a.id),
        reverse=True,
    )
    found = await alarms(scribe.connection, wanted, None, 7)
    while part := await alarms(scribe.connection, wanted, (found[-1].raised_at, found[-1].id) if found else None, 7):
        found += part
    assert found == expected
    assert bool(expected) == (wanted.source != "E99-S1")
