"""A restarted service goes on as if it had never stopped: the same readings give the same events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hazmon_edge import wire
from park import NAN, START, delivery, group, missed, park, point, scans, told

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.commands import Acknowledge
from hazmon.alarms.states import AlarmState
from hazmon.clock import US
from hazmon.delivery import Delivery, ScanGroup
from hazmon.model import Park
from hazmon.plant import Plant
from hazmon.recovery import recover
from hazmon.reload import reloaded
from hazmon.rulebook import RULES, Kind, Limits, Rule
from hazmon.step import step
from hazmon.store.pool import connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Register

PARK = park(
    point("LT-1", Limits(ll=2, l=4, h=10, hh=12, deadband=0.5, on_delay_s=3, off_delay_s=2)),
    point("TT-1", Limits(h=11, rate_up=60, rate_down=60, rate_window_s=8)),
    point("GT-1", Limits(h=9, hh=11)),
)


class Service:
    """Steps that are recorded, and restarts from what was recorded."""

    def __init__(self, url: str, plant: Plant, of: ScanGroup) -> None:
        self.url, self.plant, self.of = url, plant, of
        self.recorder = Recorder(url)

    @classmethod
    async def start(cls, url: str, now_s: float, of: Park = PARK) -> tuple[Service, list[AlarmEvent]]:
        await migrate(url)
        connection = await connect(url)
        register = await Register.open(connection, of)
        declared = await register.add_group(connection, "E01", wire.Group("plc1", US, group(PARK).tags))
        plant, _, events = await recover(connection, register, of, START + round(now_s * US))
        await connection.close()
        return cls(url, plant, declared), events

    async def take(self, second: float, *deliveries: Delivery, record: bool = True, seen: Sequence[str] = ()) -> list[AlarmEvent]:
        commands = [Acknowledge(identity, "op1", "") for identity in seen]
        events, _ = step(self.plant, deliveries, commands, START + round(second * US), {"E01": None})
        if record:
            await self.recorder.write([Work(list(deliveries), events)], 0)
        return events


def scan(
    service: Service, second: int, random: np.random.Generator, level: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> Delivery:
    level += random.normal(0, 1.0, 3)
    level[:] = np.clip(level, 0, 14)
    quality = random.choice([0, 0, 0, 0, 0, 0, 0, 4, 128], 3)
    values = np.where(quality == 128, NAN, np.round(level, 1))
    return delivery(service.of, second, second, scans(service.of, second, [values.tolist()], [quality.tolist()]))


@pytest.mark.parametrize("seed", range(4))
async def test_the_same_continuation_gives_the_same_events(database: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    level = np.array([7.0, 7.0, 7.0])
    old, _ = await Service.start(database, 0)
    stop = int(random.integers(20, 60))
    for second in range(stop):
        asking = [alarm.id for alarm in old.plant.book.open.values() if alarm.state is AlarmState.UNACKNOWLEDGED]
        await old.take(second, scan(old, second, random, level), seen=asking[:1] if second % 7 == 3 else ())
    await old.recorder.close()
    new, events = await Service.start(database, stop)
    assert events == []
    assert new.plant.book.open == old.plant.book.open
    assert new.plant.book.next_event == old.plant.book.next_event
    np.testing.assert_array_equal(new.plant.rules.active, old.plant.rules.active)
    np.testing.assert_array_equal(new.plant.rules.since, old.plant.rules.since)
    np.testing.assert_array_equal(new.plant.frame.value, old.plant.frame.value)
    trails = [service.plant.groups[service.of.id].trail for service in (old, new)]
    for column in ("times", "at", "values", "usable"):
        np.testing.assert_array_equal(getattr(trails[0], column), getattr(trails[1], column))

    rang = 0
    for second in range(stop, stop + 60):
        found = scan(old, second, random, level)
        wanted, given = await old.take(second, found, record=False), await new.take(second, found, record=False)
        assert [(e.alarm, e.stimulus, e.before, e.at, e.number) for e in given] == [
            (e.alarm, e.stimulus, e.before, e.at, e.number) for e in wanted
        ]
        rang += len(wanted)
    assert rang > 0


async def test_an_off_delay_goes_on_though_the_on_delay_began_before_what_is_read_back(database: str) -> None:
    old, _ = await Service.start(database, 0)
    levels = [7.0] * 4 + [3.9] * 4 + [4.2] * 62 + [3.9] * 2 + [5.0] * 2
    events: list[AlarmEvent] = []
    for second, level in enumerate(levels):
        events += await old.take(second, delivery(old.of, second, second, scans(old.of, second, [[level, 5, 5]])))
    assert told(events) == ["7s LT-1.L normal -> unacknowledged"]
    await old.recorder.close()
    new, _ = await Service.start(database, 74)
    np.testing.assert_array_equal(new.plant.rules.since, old.plant.rules.since)
    assert told(await new.take(74, delivery(new.of, 74, 74, scans(new.of, 74, [[5, 5, 5]])))) == [
        "74s LT-1.L unacknowledged -> returned_unacknowledged"
    ]
    await new.recorder.close()


async def test_an_acknowledged_alarm_does_not_ring_again(database: str) -> None:
    old, _ = await Service.start(database, 0)
    (event,) = await old.take(1, delivery(old.of, 1, 1, scans(old.of, 1, [[5, 5, 9.5]])))
    await old.take(2, seen=[event.alarm.id])
    await old.recorder.close()
    new, _ = await Service.start(database, 600)
    assert await new.take(600, delivery(new.of, 2, 600, scans(new.of, 600, [[5, 5, 9.5]]))) == []
    assert told(await new.take(601, delivery(new.of, 3, 601, scans(new.of, 601, [[5, 5, 5]])))) == [
        "601s GT-1.H acknowledged -> normal"
    ]
    await new.recorder.close()


async def test_a_standing_connection_alarm_still_excuses_its_points(database: str) -> None:
    old, _ = await Service.start(database, 0)
    await old.take(1, delivery(old.of, 1, 1, scans(old.of, 1, [[5, 5, 5]])))
    events = await old.take(3, delivery(old.of, 2, 3, misses=[missed(old.of, 2, 2)]))
    assert told(events) == ["3s plc1.STALE normal -> unacknowledged"]
    await old.recorder.close()
    new, _ = await Service.start(database, 300)
    for second in range(300, 340):
        assert await new.take(second, delivery(new.of, second, second, misses=[missed(new.of, second)])) == []
    back = await new.take(340, delivery(new.of, 340, 340, scans(new.of, 340, [[5, 5, 5]])))
    assert told(back) == ["340s plc1.STALE unacknowledged -> returned_unacknowledged"]
    await new.recorder.close()


async def test_what_the_configuration_no_longer_has_is_cleared_and_says_so(database: str) -> None:
    old, _ = await Service.start(database, 0)
    events = await old.take(1, delivery(old.of, 1, 1, scans(old.of, 1, [[5, 11.5, 11.5]])))
    assert [(event.alarm.subject.tag, event.rule) for event in events] == [("GT-1", "HH"), ("TT-1", "H")]
    await old.recorder.close()
    fewer = park(PARK.points[0], point("GT-1", Limits(h=9)))
    _, gone = await Service.start(database, 2, fewer)
    assert sorted(f"{event.alarm.subject.tag} {event.stimulus} {event.reason}" for event in gone) == [
        "GT-1 ease no longer in the configuration",
        "TT-1 clear no longer in the configuration",
    ]
    assert {event.alarm.subject.tag: (event.alarm.state, event.rule) for event in gone} == {
        "GT-1": (AlarmState.UNACKNOWLEDGED, Rule.H),
        "TT-1": (AlarmState.RETURNED, Rule.H),
    }


async def test_late_alarms_stay_late_and_turn_no_live_rule_on(database: str) -> None:
    old, _ = await Service.start(database, 0)
    await old.take(100, delivery(old.of, 100, 100, scans(old.of, 100, [[5, 5, 5]])))
    await old.take(101, delivery(old.of, 2, 101, scans(old.of, 60, [[5, 5, 9.5]])))
    await old.recorder.close()
    new, _ = await Service.start(database, 102)
    assert [(alarm.late, alarm.rule, alarm.state) for alarm in new.plant.book.open.values()] == [
        (True, Rule.H, AlarmState.RETURNED)
    ]
    assert not new.plant.rules.active.any()
    rang = await new.take(103, delivery(new.of, 101, 103, scans(new.of, 103, [[5, 5, 9.5]])))
    assert told(rang) == ["103s GT-1.H normal -> unacknowledged"]
    await new.recorder.close()


async def test_a_rule_that_was_taken_away_over_a_restart_and_put_back_is_heard(database: str) -> None:
    old, _ = await Service.start(database, 0)
    await old.take(1, delivery(old.of, 1, 1, scans(old.of, 1, [[5, 5, 11.5]])))
    await old.recorder.close()
    fewer, _ = await Service.start(database, 2, park(*PARK.points[:2], point("GT-1", Limits(h=200))))
    assert not fewer.plant.rules.active[:, RULES.index(Rule.HH)].any()
    plant, _ = reloaded(fewer.plant, PARK, START + 3 * US)
    events, _ = step(plant, [delivery(fewer.of, 2, 4, scans(fewer.of, 4, [[5, 5, 11.5]]))], [], START + 4 * US)
    assert "4s GT-1.HH unacknowledged -> unacknowledged" in told(events)
    await fewer.recorder.close()


async def test_the_peak_of_a_standing_alarm_survives(database: str) -> None:
    old, _ = await Service.start(database, 0)
    await old.take(1, delivery(old.of, 1, 1, scans(old.of, 1, [[5, 5, 9.5]])))
    await old.take(2, delivery(old.of, 2, 2, scans(old.of, 2, [[5, 5, 9.9]])))
    grown = old.plant.book.take_grown()
    assert [alarm.peak for alarm in grown] == [9.9]
    await old.recorder.write([Work([], [], grown)], 0)
    await old.recorder.close()
    new, _ = await Service.start(database, 3600)
    assert [alarm.peak for alarm in new.plant.book.open.values() if alarm.kind is Kind.HIGH] == [9.9]
    await new.recorder.close()


async def test_a_late_excursion_that_a_restart_cuts_is_ended_and_says_so(database: str) -> None:
    old, _ = await Service.start(database, 0)
    await old.take(100, delivery(old.of, 100, 100, scans(old.of, 100, [[5, 5, 5]])))
    await old.take(101, delivery(old.of, 2, 101, scans(old.of, 60, [[5, 5, 9.5]])))
    await old.recorder.close()
    _, events = await Service.start(database, 102)
    assert [(event.alarm.late, event.stimulus, event.reason) for event in events] == [
        (True, "clear", "the service was started again in between")
    ]
