"""Alarms and their events as the record tells them: the very lives that the book has written."""

from __future__ import annotations

import random

import pytest
from store.scribe import START, Scribe

from hazmon.alarms.alarm import AlarmEvent, Subject
from hazmon.alarms.book import AlarmBook, Turn
from hazmon.alarms.commands import Acknowledge, Comment, Dispose, Remove, Return, Role, Shelve, Unshelve, Verify
from hazmon.alarms.obey import obey
from hazmon.alarms.states import AlarmState, Verdict
from hazmon.clock import US
from hazmon.errors import CommandRefused
from hazmon.rulebook import Kind, Rule
from hazmon.store.alarms import AlarmFilter, alarm, alarms, events_after, events_of
from hazmon.store.record import write_events

SUBJECTS = [Subject("E01", tag, "E01-S1", f"名 {tag}", "m") for tag in ("LT-1", "PT-1")] + [
    Subject("E02", "LT-1", "E02-S1", "名", "m")
]
RULES = (Rule.H, Rule.HH, Rule.STUCK)


def lives(steps: int, seed: int) -> list[AlarmEvent]:
    """Events of a book in which things come, go and are spoken of at random, live and late."""
    chance = random.Random(seed)
    book = AlarmBook()
    events: list[AlarmEvent] = []
    late: list[str] = []
    for step in range(steps):
        at = START + step * US
        subject, rule = chance.choice(SUBJECTS), chance.choice(RULES)
        turn = Turn(subject, rule, at, 10.6 + step, 10.0, chance.choice([1, 2, 3]), evidence=(("slope", 0.5), ("samples", 9.0)))
        event: AlarmEvent | None = None
        match chance.randrange(8):
            case 0 | 1:
                event = book.turn_on(turn)
            case 2 | 3:
                event = book.turn_off(turn)
            case 4:
                identity, event = book.raise_late(turn)
                late.append(identity)
            case 5 if late:
                event = book.turn_late(chance.choice(late), turn, on=chance.random() < 0.5)
            case _:
                if book.open:
                    event = _said(book, chance, at)
        events += [event] if event else []
    return events


def _said(book: AlarmBook, chance: random.Random, at: int) -> AlarmEvent | None:
    target = chance.choice(sorted(book.open))
    command = chance.choice(
        [
            Acknowledge(target, "值班员", "看见了"),
            Comment(target, "值班员", "阀门在关"),
            Verify(target, "工艺员", Verdict.REAL, ""),
            Dispose(target, "工艺员", "已关阀"),
            Shelve(target, "班长", Role.SHIFT_LEADER, "校验", at + 60 * US),
            Unshelve(target, "班长", "好了"),
            Remove(target, "班长", Role.SHIFT_LEADER, "检修"),
            Return(target, "班长", Role.SHIFT_LEADER, "修好了"),
        ]
    )
    try:
        return obey(book, command, at, lambda subject, kind: None, 8.0, lambda subject: False)
    except CommandRefused:
        return None


@pytest.fixture
async def told(scribe: Scribe) -> list[AlarmEvent]:
    """A few hundred events, recorded."""
    events = lives(600, 7)
    assert len({event.stimulus for event in events}) >= 12
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
    assert await events_of(scribe.connection, busy, own[0].number, 2) == own[1:3]
    assert await alarm(scribe.connection, "0" * 16) is None


@pytest.mark.parametrize(
    "wanted",
    [
        AlarmFilter(),
        AlarmFilter(states=[AlarmState.NORMAL]),
        AlarmFilter(states=[AlarmState.RETURNED, AlarmState.UNACKNOWLEDGED], priorities=[3]),
        AlarmFilter(source="E02-S1"),
        AlarmFilter(kinds=[Kind.STUCK]),
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
            and (wanted.kinds is None or a.kind in wanted.kinds)
            and wanted.source in (None, a.subject.source)
            and wanted.enterprise in (None, a.subject.enterprise)
            and (wanted.priorities is None or a.priority in wanted.priorities)
            and (wanted.start is None or a.opened_at >= wanted.start)
            and (wanted.end is None or a.opened_at < wanted.end)
        ),
        key=lambda a: (a.opened_at, a.id),
        reverse=True,
    )
    found = await alarms(scribe.connection, wanted, None, 7)
    while part := await alarms(scribe.connection, wanted, (found[-1].opened_at, found[-1].id) if found else None, 7):
        found += part
    assert found == expected
    assert bool(expected) == (wanted.source != "E99-S1")


async def test_what_stands_is_found_without_reading_what_is_over(scribe: Scribe, told: list[AlarmEvent]) -> None:
    wanted = AlarmFilter(states=[AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED])
    before = await alarms(scribe.connection, wanted, None, 1000)
    assert before
    await scribe.past(5000)
    async with scribe.connection.transaction():
        for _ in range(12):  # a statement that comes often gets a plan that fits any filter
            already = await scribe.alarms_read()
            assert await alarms(scribe.connection, wanted, None, 1000) == before
            assert await scribe.alarms_read() - already < 1000
