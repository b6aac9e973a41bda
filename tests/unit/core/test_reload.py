"""Another configuration for a running plant: what is not changed goes on to the instant, what is gone ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from park import START, delivery, group, park, point, scans, told

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.commands import Acknowledge, Remove, Return, Role
from hazmon.changes import Changed, NeedsRestart, changes
from hazmon.clock import US
from hazmon.delivery import Delivery
from hazmon.model import Park, Settings
from hazmon.plant import Plant
from hazmon.reload import reloaded
from hazmon.rulebook import ByDesign, Deviation, Escalation, Handling, Kind, Limits, NamedRule, Rule, Term
from hazmon.rules.frame import NEVER
from hazmon.step import step

LEVEL = Limits(ll=1, l=2, h=10, hh=12, deadband=0.5, on_delay_s=3, off_delay_s=2)
TREND = Limits(hh=14, rate_up=60, rate_down=60, rate_window_s=8, forecast_min=1)
STILL = Limits(h=9, stuck_s=16, stuck_band=0.05)


def named(tag: str, test: Deviation | Term, rule: Rule = Rule.DEVIATION, on_delay_s: float = 2) -> NamedRule:
    return NamedRule("E01", tag, "E01-S1", "V-1", "名", "name", rule, 3, test, on_delay_s)


APART = named("APART", Deviation("E01/LT-1", "E01/TT-1", 4, 1))
WARM = named("WARM", Term("E01/TT-1", ">", 11), Rule.CONDITION, 4)
PARK = replace(park(point("LT-1", LEVEL), point("TT-1", TREND), point("GT-1", STILL)), named=(APART, WARM), by_id={}, rows={})


def plain(events: list[AlarmEvent]) -> Sequence[object]:
    """What of events does not depend on the order in which the configuration names rules that turn at one instant."""
    return sorted((e.at, e.alarm.subject.id, e.rule, e.stimulus, e.before, e.alarm.id, e.value, e.evidence) for e in events)


def other(of: Park, **limits: Limits) -> Park:
    """The park with other limits of points, by tag (LT_1)."""
    found = tuple(replace(p, limits=limits.get(p.tag.replace("-", "_"), p.limits)) for p in of.points)
    return replace(of, points=found, by_id={}, rows={})


class Run:
    """A plant, a batch a second."""

    def __init__(self, of: Park) -> None:
        self.plant = Plant.of(of, START)
        self.group = group(PARK)
        self.seq = 0

    def take(self, second: float, *row: float, arrived: float | None = None, seen: str = "") -> list[AlarmEvent]:
        when = second if arrived is None else arrived
        found: list[Delivery] = []
        if row:
            self.seq += 1
            found = [delivery(self.group, self.seq, when, scans(self.group, second, [list(row)]))]
        commands = [Acknowledge(seen, "op1", "")] if seen else []
        return step(self.plant, found, commands, START + round(when * US), {"E01": None})[0]

    def reload(self, of: Park, second: float) -> list[AlarmEvent]:
        self.plant, events = reloaded(self.plant, of, START + round(second * US))
        return events


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 50), st.permutations(range(3)), st.booleans())
def test_the_same_configuration_in_another_order_changes_nothing(seed: int, at: int, order: list[int], turned: bool) -> None:
    random = np.random.default_rng(seed)
    rows = np.round(np.clip(7 + np.cumsum(random.normal(0, 1.2, (80, 3)), axis=0), 0, 14.9), 1)
    rows[:, 2] = np.repeat(rows[::20, 2], 20)  # stands still, so that STUCK has something to find
    rules = PARK.named[::-1] if turned else PARK.named
    again = replace(PARK, points=tuple(PARK.points[k] for k in order), named=rules, by_id={}, rows={})
    one, two = Run(PARK), Run(PARK)
    for second, row in enumerate(rows.tolist()):
        if second == at:
            assert two.reload(again, second) == []
        assert plain(two.take(second, *row)) == plain(one.take(second, *row))


def test_the_plant_before_stays_as_it_was() -> None:
    run = Run(PARK)
    for second in range(12):
        run.take(second, 11, 13, 5)
    old = run.plant
    standing, active, since = dict(old.book.open), old.rules.active.copy(), old.rules.since.copy()
    assert run.reload(other(PARK, LT_1=Limits()), 12) != []
    run.take(12, 5, 5, 5)
    assert old.book.open == standing
    np.testing.assert_array_equal(old.rules.active, active)
    np.testing.assert_array_equal(old.rules.since, since)


def test_a_raised_limit_lets_the_alarm_go_and_a_lowered_one_begins_it() -> None:
    run = Run(park(point("LT-1", Limits(h=10, deadband=0.5))))
    run.group = group(park(point("LT-1")))
    assert told(run.take(1, 10.2)) == ["1s LT-1.H normal -> unacknowledged"]
    assert run.reload(park(point("LT-1", Limits(h=11, deadband=0.5))), 1.5) == []
    assert told(run.take(2, 10.2)) == ["2s LT-1.H unacknowledged -> returned_unacknowledged"]
    run.reload(park(point("LT-1", Limits(h=10.1, deadband=0.5))), 2.5)
    assert told(run.take(3, 10.2)) == ["3s LT-1.H returned_unacknowledged -> unacknowledged"]


def test_an_acknowledged_alarm_does_not_ring_again() -> None:
    run = Run(PARK)
    events = [event for second in range(5) for event in run.take(second, 11, 8, 5)]
    run.take(5, 11, 8, 5, seen=events[0].alarm.id)
    assert run.reload(other(PARK, LT_1=replace(LEVEL, h=9.5, deadband=0.2)), 5.5) == []
    assert [event for second in range(6, 12) for event in run.take(second, 11, 8, 5)] == []


def test_a_delay_that_runs_goes_on_unless_its_limit_was_moved() -> None:
    longer, moved = Run(PARK), Run(PARK)
    for run in (longer, moved):
        for second in range(3):
            assert run.take(second, 10.6, 8, 5) == []
    longer.reload(other(PARK, LT_1=replace(LEVEL, on_delay_s=5)), 2.5)
    moved.reload(other(PARK, LT_1=replace(LEVEL, h=10.5)), 2.5)
    rang = [event for second in range(3, 8) for event in longer.take(second, 10.6, 8, 5)]
    assert told(rang) == ["5s LT-1.H normal -> unacknowledged"]
    rang = [event for second in range(3, 8) for event in moved.take(second, 10.6, 8, 5)]
    assert told(rang) == ["6s LT-1.H normal -> unacknowledged"]


def test_alarms_of_rules_that_are_gone_end() -> None:
    run = Run(PARK)
    for second in range(8):
        run.take(second, 13, 5, 5)
    assert run.plant.book.standing("E01/APART", Kind.DEVIATION) is not None
    without = replace(other(PARK, LT_1=replace(LEVEL, hh=None)), named=(WARM,), by_id={}, rows={})
    events = run.reload(without, 8)
    assert {(told([event])[0], event.stimulus, event.reason) for event in events} == {
        ("8s APART.DEVIATION unacknowledged -> returned_unacknowledged", "clear", "no longer in the configuration"),
        ("8s LT-1.H unacknowledged -> unacknowledged", "ease", "no longer in the configuration"),
    }
    assert events[0].number + 1 == events[1].number == run.plant.book.next_event - 1
    assert [event for second in range(9, 14) for event in run.take(second, 13, 5, 5)] == []
    assert not run.plant.rules.active[0, 3]


def test_a_rule_of_another_kind_under_the_same_name_begins_with_nothing() -> None:
    run = Run(PARK)
    for second in range(8):
        run.take(second, 11, 5, 5)
    turned = named("APART", Term("E01/LT-1", ">", 3), Rule.CONDITION)
    events = run.reload(replace(PARK, named=(turned, WARM), by_id={}, rows={}), 8)
    assert [event.rule for event in events] == [Rule.DEVIATION]
    rang = [event for second in range(9, 13) for event in run.take(second, 11, 5, 5)]
    assert told(rang) == ["11s APART.CONDITION normal -> unacknowledged"]


def test_a_new_rule_knows_the_newest_readings_of_its_points() -> None:
    bare = replace(PARK, named=(), by_id={}, rows={})
    run = Run(bare)
    run.take(1, 5, 9, 5)
    run.reload(PARK, 2)
    events: list[AlarmEvent] = []
    level = group(PARK, name="plc2", tags=["LT-1"], number=2)
    for second in range(3, 6):
        run.seq += 1
        batch = delivery(level, run.seq, second, scans(level, second, [[4]]))
        events, _ = step(run.plant, [batch], [], START + second * US, {"E01": None})
    assert told(events) == ["5s APART.DEVIATION normal -> unacknowledged"]


def test_windows_of_unchanged_points_are_kept() -> None:
    run = Run(PARK)
    for second in range(6):
        run.take(second, 5, 2 + 1.5 * second, 5)
    trail = run.plant.groups[1].trail
    assert trail.columns.tolist() == [1]
    before = trail.values[:, 0].tolist()
    run.reload(other(PARK, GT_1=replace(STILL, rate_up=30)), 6)
    trail = run.plant.groups[1].trail
    assert trail.columns.tolist() == [1, 2]
    assert trail.values[:, 0].tolist() == before
    assert trail.usable[:, 1].any() == np.False_
    run.reload(PARK, 7)
    assert run.plant.groups[1].trail.columns.tolist() == [1]


def test_late_readings_go_on_in_their_lane() -> None:
    one, two = Run(PARK), Run(PARK)
    for run in (one, two):
        for second in range(5):
            run.take(second, 5, 8, 5)
        run.seq += 5
        run.take(300, 5, 8, 5)
        run.seq -= 6
    found: list[list[str]] = []
    for run in (one, two):
        events: list[AlarmEvent] = []
        for second in range(100, 106):
            if run is two and second == 103:
                run.reload(other(PARK, GT_1=replace(STILL, h=8)), 301)
            events += run.take(second, 11, 8, 5, arrived=301 + (second - 100) / 10)
        found.append(told(events))
    assert found[0] == ["103s LT-1.H normal -> returned_unacknowledged"]
    assert found[1] == found[0]


def test_escalation_is_looked_at_anew() -> None:
    run = Run(PARK)
    for second in range(5):
        run.take(second, 11, 8, 5)
    quick = replace(PARK.settings, escalation=Escalation(urgent_min=(0.1,), other_min=(0.1,)))
    run.reload(replace(PARK, settings=quick, by_id={}, rows={}), 6)
    assert [event.stimulus for event in run.take(20)] == ["overdue"]


def test_a_suppression_by_design_comes_and_goes() -> None:
    run = Run(PARK)
    for second in range(5):
        run.take(second, 11, 8, 5)
    design = ByDesign("E01", "EMPTY", Term("E01/GT-1", ">", 1), (("E01/LT-1", Kind.HIGH),), "空罐")
    run.reload(replace(PARK, by_design=(design,), by_id={}, rows={}), 5)
    assert [event.stimulus for event in run.take(6, 11, 8, 5)] == ["suppress"]
    run.reload(PARK, 6)
    assert [event.stimulus for event in run.take(7, 11, 8, 5)] == ["release"]


def test_stuck_begins_anew_with_another_length() -> None:
    run = Run(PARK)
    for second in range(10):
        run.take(second, 5, 8, 5)
    run.reload(other(PARK, GT_1=replace(STILL, stuck_s=32)), 10)
    assert (run.plant.rules.still.number[2] == NEVER).all()


@pytest.mark.parametrize(
    ("park_", "what"),
    [
        (park(point("LT-1")), ["point E01/GT-1 is gone", "point E01/TT-1 is gone"]),
        (other(PARK), []),
        (
            replace(PARK, points=(*PARK.points, point("PT-9", edge="E02")), by_id={}, rows={}),
            ["point E02/PT-9 is new"],
        ),
        (replace(PARK, points=(replace(PARK.points[0], uom="mm"), *PARK.points[1:]), by_id={}, rows={}), ["E01/LT-1: uom"]),
        (replace(PARK, settings=Settings("园区", "park", raw_days=30), by_id={}, rows={}), ["park: raw_days"]),
        (replace(PARK, enterprises=(), by_id={}, rows={}), ["box E01 is gone"]),
    ],
)
def test_what_needs_a_restart_is_named(park_: Park, what: list[str]) -> None:
    plant = Plant.of(PARK, START)
    if not what:
        reloaded(plant, park_, START)
        return
    with pytest.raises(NeedsRestart, match="needs a restart") as raised:
        reloaded(plant, park_, START)
    assert raised.value.what == what


def test_changes_name_each_field() -> None:
    point_ = replace(PARK.points[0], limits=replace(LEVEL, h=10.2), handling=Handling(latch=True))
    quick = replace(PARK.settings, escalation=Escalation(verify_min=10))
    warm = replace(WARM, on_delay_s=5, test=Term("E01/TT-1", ">", 12))
    new = replace(PARK, settings=quick, points=(point_, *PARK.points[1:]), named=(warm,), by_id={}, rows={})
    found = changes(PARK, new)
    assert found[:5] == [
        Changed("park", "escalation.verify_min", 30.0, 10),
        Changed("E01/LT-1", "H", 10, 10.2),
        Changed("E01/LT-1", "latch", False, True),
        Changed("E01/WARM", "on_delay_s", 4, 5),
        Changed("E01/WARM", "test", "E01/TT-1 > 11", "E01/TT-1 > 12"),
    ]
    assert {(each.subject, each.new) for each in found[5:]} == {("E01/APART", None)}
    assert Changed("E01/APART", "test", "|E01/LT-1 - E01/TT-1| >= 4, deadband 1", None) in found
    assert changes(PARK, PARK) == []


def test_what_is_out_of_service_can_be_put_back_when_its_rule_is_gone() -> None:
    run = Run(PARK)
    when = START + US
    step(run.plant, [], [Remove("E01/LT-1.HIGH", "班长", Role.SHIFT_LEADER, "检修")], when, {"E01": None})
    run.reload(other(PARK, LT_1=Limits(l=2)), 2)
    gone = Return("E01/LT-1.HIGH", "班长", Role.SHIFT_LEADER, "检修结束")
    (outcome,) = step(run.plant, [], [gone], when + 2 * US, {"E01": None})[1]
    assert outcome.event is not None
    assert not outcome.event.alarm.open
    (again,) = step(run.plant, [], [gone], when + 3 * US, {"E01": None})[1]
    assert str(again.refusal) == "nothing is alarmed about E01/LT-1.HIGH"
