"""A wrong clock on a box neither silences an alarm nor rings one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from park import START, delivery, group, park, point, scans

from hazmon.alarms.book import AlarmBook
from hazmon.clock import US
from hazmon.plant import Plant
from hazmon.rebuild import rebuild
from hazmon.rulebook import Limits, NamedRule, Rule, Term
from hazmon.rules.rate import Trail
from hazmon.step import step

PARK = park(point("LT-1"))
PLC = group(PARK)


def events_of(plant: Plant, clock_s: float, seconds: range, values: dict[int, float]) -> list[str]:
    """Run seconds of the park with a box whose stamps are `clock_s` behind; a heartbeat each five tells so."""
    found: list[str] = []
    for second in seconds:
        scan = scans(PLC, second - clock_s, [values.get(second, 9.0)])
        sent = delivery(PLC, second, second + 0.01, scan, made_s=second - clock_s)
        alive = {"E01": round(clock_s * US)} if second % 5 == 0 else {}
        events, _ = step(plant, [sent], [], START + round((second + 0.01) * US), alive)
        found += [f"{(e.at - START) / US:g}s {e.alarm.rule} {e.before} -> {e.alarm.state}" for e in events]
    return found


@pytest.mark.parametrize("clock_s", [0, 3, 40, 600, 28_800, -50, -28_800])
def test_a_limit_rings_live_whatever_the_clock_says(clock_s: float) -> None:
    plant = Plant.of(PARK, START)
    found = events_of(plant, clock_s, range(60), {30: 10.6, 31: 10.6})
    shift = clock_s if abs(clock_s) <= 5 else 0
    assert found == [
        f"{30 - shift:g}s H normal -> unacknowledged",
        f"{32 - shift:g}s H unacknowledged -> returned_unacknowledged",
    ]


def test_a_clock_that_is_set_right_runs_nothing_backwards() -> None:
    plant = Plant.of(PARK, START)
    assert events_of(plant, 600, range(30), {}) == []
    assert events_of(plant, 0, range(30, 60), {50: 10.6}) == [
        "50s H normal -> unacknowledged",
        "51s H unacknowledged -> returned_unacknowledged",
    ]


def test_the_record_keeps_the_times_that_were_sent() -> None:
    plant = Plant.of(PARK, START)
    scan = scans(PLC, 0, [9.0])
    step(plant, [delivery(PLC, 0, 600, scan, made_s=0)], [], START + 600 * US, {"E01": 600 * US})
    assert scan.times.tolist() == [START]
    assert plant.groups[PLC.id].newest == START + 600 * US
    assert isinstance(plant.groups[PLC.id].trail, Trail)


def test_a_box_that_comes_back_with_another_clock_is_judged_live() -> None:
    for before, after in ((0, 3600), (-3600, 0)):
        plant = Plant.of(PARK, START)
        assert events_of(plant, before, range(100), {}) == []
        found = events_of(plant, after, range(100, 160), {120: 10.6, 121: 10.6})
        assert found == ["120s H normal -> unacknowledged", "122s H unacknowledged -> returned_unacknowledged"]


def test_the_picture_follows_a_clock_that_is_corrected() -> None:
    plant = Plant.of(PARK, START)
    events_of(plant, -50, range(1, 5), {})
    events_of(plant, -50, range(5, 30), {29: 9.5})
    assert plant.frame.value[0] == 9.5
    assert plant.frame.at[0] <= START + 30 * US


CLOCKS = [(0, -600), (0, 600), (-600, 0), (600, 0), (-600, 600), (600, -600), (0, -40), (40, 0), (-40, 0)]
SLOWLY = park(point("LT-1", Limits(h=10.5, deadband=0.1, on_delay_s=60, off_delay_s=60)))


@pytest.mark.parametrize(("before", "after"), CLOCKS)
@pytest.mark.parametrize("at", [35, 60, 85, 125, 150, 175])
def test_a_clock_that_is_set_neither_cuts_a_delay_short_nor_stretches_it(before: float, after: float, at: int) -> None:
    plant = Plant.of(SLOWLY, START)
    above = dict.fromkeys(range(30, 120), 10.6)
    assert events_of(plant, before, range(at), above) + events_of(plant, after, range(at, 240), above) == [
        "90s H normal -> unacknowledged",
        "180s H unacknowledged -> returned_unacknowledged",
    ]


@pytest.mark.parametrize("offset", [-600, -40, 40, 600])
def test_what_was_held_before_the_offset_was_known_moves_as_a_whole(offset: float) -> None:
    """A service that was started again knows the last scans by the box's own times."""
    above = [10.6] * 50
    plant = rebuild(SLOWLY, START, AlarmBook(), [], [(PLC, scans(PLC, -50 - offset, above))], [])
    assert events_of(plant, offset, range(30), dict.fromkeys(range(30), 10.6)) == ["10s H normal -> unacknowledged"]


def test_what_came_between_a_jump_and_its_telling_moves_back_alone() -> None:
    plant = Plant.of(park(point("LT-1", Limits(h=10.5, on_delay_s=900))), START)
    above = dict.fromkeys(range(1000), 10.6)
    events_of(plant, 0, range(31), above)
    found = events_of(plant, -600, range(31, 1000), above)
    assert found == ["900s H normal -> unacknowledged"]


NAMED = NamedRule("E01", "HIGH", "E01-S1", "", "名", "name", Rule.CONDITION, 2, Term("E01/LT-1", ">", 10.5), 60.0, 60.0)
NAMED_PARK = replace(park(point("LT-1", Limits())), named=(NAMED,), rows={})


@pytest.mark.parametrize(("before", "after"), CLOCKS)
@pytest.mark.parametrize("at", [35, 85, 125, 175])
def test_a_named_rule_keeps_its_delay_when_the_clock_is_set(before: float, after: float, at: int) -> None:
    plant = Plant.of(NAMED_PARK, START)
    above = dict.fromkeys(range(30, 120), 10.6)
    assert events_of(plant, before, range(at), above) + events_of(plant, after, range(at, 240), above) == [
        "90s CONDITION normal -> unacknowledged",
        "180s CONDITION unacknowledged -> returned_unacknowledged",
    ]


@pytest.mark.parametrize("offset", [-600, -40, 40, 600])
def test_a_named_rule_lives_after_a_restart_whatever_the_clock_says(offset: float) -> None:
    plant = rebuild(NAMED_PARK, START, AlarmBook(), [], [(PLC, scans(PLC, -50 - offset, [10.6] * 50))], [])
    found = events_of(plant, offset, range(80), dict.fromkeys(range(11), 10.6))
    assert found == ["10s CONDITION normal -> unacknowledged", "71s CONDITION unacknowledged -> returned_unacknowledged"]
    assert plant.held.at.max() <= START + 80 * US
