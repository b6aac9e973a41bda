"""Why an alarm rang: asked of a record that a running park made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from hazmon_edge import wire
from park import START, delivery, park, point, scans

from hazmon.alarms.commands import Acknowledge, Command
from hazmon.changes import Changed
from hazmon.clock import US
from hazmon.errors import NotFound
from hazmon.explain import asked, configured, explain, report
from hazmon.instants import clock_text, instant
from hazmon.plant import Plant
from hazmon.rulebook import Deviation, Kind, Limits, NamedRule, Rule
from hazmon.step import step
from hazmon.store.configurations import record_configuration
from hazmon.store.pool import Connection, connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Register

APART = NamedRule("E01", "APART", "E01-S1", "V-1", "偏差", "name", Rule.DEVIATION, 3, Deviation("E01/LT-1", "E01/TT-1", 9, 1), 2)
LIMITS = Limits(h=10, hh=12, deadband=0.5, on_delay_s=3, off_delay_s=2)
PARK = replace(park(point("LT-1", LIMITS), point("TT-1", Limits(rate_up=30, stuck_s=60))), named=(APART,), by_id={}, rows={})
LEVELS = [9.0] * 5 + [10.5] * 5 + [12.5] * 6 + [11.0] * 4 + [8.0] * 5


@pytest.fixture
async def record(database: str) -> AsyncGenerator[Connection]:
    """A level that rises past H and HH and falls again, a scan a batch a second; acknowledged at 12 s."""
    await migrate(database)
    async with await connect(database) as connection:
        register = await Register.open(connection, PARK)
        of = await register.add_group(connection, "E01", wire.Group("plc1", US, ("LT-1", "TT-1")))
        plant, recorder = Plant.of(PARK, START), Recorder(database)
        for second, level in enumerate(LEVELS):
            commands: list[Command] = []
            if second == 12:
                commands = [Acknowledge(identity, "王工", "看到") for identity in plant.book.open]
            batch = delivery(of, second, second + 0.25, scans(of, second, [[level, 5]]))
            events, _ = step(plant, [batch], commands, batch.arrived, {"E01": None})
            await recorder.write([Work([batch], events)], 0)
        await recorder.close()
        yield connection


async def told(record: Connection, question: str, second: float) -> list[str]:
    subject, word, kind = asked(question)
    found = await explain(record, PARK, subject, word, kind, START + round(second * US))
    return list(report(found, "UTC"))


async def test_an_escalation_is_explained_with_its_reading_and_batch(record: Connection) -> None:
    lines = await told(record, "E01/LT-1.HH", 14)
    number = (13).to_bytes(8, "big").hex()
    assert lines[0] == "E01/LT-1.HH  液位  at 2026-01-01 00:00:14.000"
    assert lines[1] == "configured  H 10  HH 12 m, deadband 0.5, on delay 3 s, off delay 2 s"
    assert lines[2] == (
        "readings    00:00:10.000 12.5  00:00:11.000 12.5  00:00:12.000 12.5  [00:00:13.000 12.5]"
        "  00:00:14.000 12.5  00:00:15.000 12.5  00:00:16.000 11"
    )
    assert [line.partition("  ")[2].strip() for line in lines[3:7]] == [
        "2026-01-01 00:00:08.000  raise H: normal -> unacknowledged  at 10.5  (limit 10)",
        "2026-01-01 00:00:12.250  acknowledge H: unacknowledged -> acknowledged  by 王工  看到",
        "2026-01-01 00:00:13.000  escalate HH: acknowledged -> unacknowledged  at 12.5  (limit 12)",
        "2026-01-01 00:00:18.000  ease H: unacknowledged -> unacknowledged  at 11  (limit 10)",
    ]
    assert [line.split()[0] for line in lines[3:8]] == ["event", "event", "decided", "event", "event"]
    assert "first H 10.5 2026-01-01 00:00:08.000; worst HH 12.5 2026-01-01 00:00:13.000; peak 12.5" in lines[8]
    assert "not acknowledged; not verified; cleared 2026-01-01 00:00:22.000" in lines[9]
    assert lines[10] == (
        f"batch       E01, boot 1, seq 13, digest {(1).to_bytes(8, 'big').hex()}{number};"
        " scans 2026-01-01 00:00:13.000 .. 00:00:13.000, arrived 2026-01-01 00:00:13.250"
    )
    assert len(lines) == 11


async def test_the_rule_that_was_asked_for_decides(record: Connection) -> None:
    for question, second in (("E01/LT-1.H", "08"), ("E01/LT-1.HH", "13")):
        lines = await told(record, question, 10)
        assert [line[12:31] for line in lines if line.startswith("decided")] == [f"2026-01-01 00:00:{second}"]


async def test_a_named_rule_shows_its_points(record: Connection) -> None:
    lines = await told(record, "E01/APART.DEVIATION", 10)
    assert lines[1].startswith("configured  DEVIATION: |E01/LT-1 - E01/TT-1| >= 9, deadband 1")
    assert [line.split()[1] for line in lines if line.startswith("readings")] == ["E01/LT-1", "E01/TT-1"]
    assert "never been raised" in lines[4]


async def test_far_from_any_transition_the_nearest_are_named(record: Connection) -> None:
    before, after = await told(record, "E01/LT-1.HIGH", -3600), await told(record, "E01/LT-1.HIGH", 3600)
    assert "none in the record around that time" in before[2]
    assert before[3].strip().startswith("No transition within 10 min of that time. After: 2026-01-01 00:00:08.000  raise H")
    assert "Before: 2026-01-01 00:00:22.000  clear" in after[3]
    assert "it did not hold then" in after[3]


async def test_limits_that_changed_since_are_told(record: Connection) -> None:
    changed = [Changed("E01/LT-1", "H", 9, 10), Changed("E01/XX-1", "H", 1, 2)]
    await record_configuration(record, "d", START + 3600 * US, "eng1", "why", changed)
    lines = await told(record, "E01/LT-1.H", 10)
    assert lines[2].strip() == "since version 1 of 2026-01-01 01:00:00.000: H was 9, is 10"


async def test_what_nobody_knows_is_not_explained(record: Connection) -> None:
    with pytest.raises(NotFound, match="no point or named rule E01/XX-9"):
        await told(record, "E01/XX-9.HH", 10)


@pytest.mark.parametrize(
    ("text", "found"), [("E01/A.B.hh", ("E01/A.B", "HH", Kind.HIGH)), ("E01/A.LOW", ("E01/A", "LOW", Kind.LOW))]
)
def test_questions(text: str, found: tuple[str, str, Kind]) -> None:
    assert asked(text) == found


@pytest.mark.parametrize("text", ["E01/A", "A.HH", "E01/A.XX", ""])
def test_questions_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected POINT.RULE|no rule"):
        asked(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.LOW, "no such limit"),
        (Kind.RATE_UP, "rising by 30 m/min over 60 s, deadband 10%, on delay 0 s, off delay 0 s"),
        (Kind.RATE_DOWN, "no such limit"),
        (Kind.STUCK, "within 0 m for 60 s"),
        (Kind.STALE, "no reading for 10 s"),
        (Kind.RANGE, "outside 0 .. 100 m (digital)"),
        (Kind.FORECAST_UP, "no such rule"),
        (Kind.QUALITY, "a quality that is not good"),
    ],
)
def test_every_rule_has_its_words(kind: Kind, text: str) -> None:
    assert configured(PARK, "E01/TT-1", kind) == text


def test_times_are_the_parks_unless_they_say() -> None:
    assert instant("2026-01-01T08:00", "Asia/Shanghai") == START == instant("2026-01-01T00:00Z", "Asia/Shanghai")
    assert clock_text(START + 250_000, "Asia/Shanghai") == "2026-01-01 08:00:00.250"
    with pytest.raises(ValueError, match="expected a time like"):
        instant("yesterday", "Asia/Shanghai")
