"""Rules that cannot be evaluated: their alarms are in doubt and keep their state, they ring for themselves, all others go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from park import START, delivery, group, park, point, scans, told

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.book import AlarmBook
from hazmon.alarms.states import AlarmState, Health
from hazmon.clock import US
from hazmon.model import Park
from hazmon.plant import Plant
from hazmon.rebuild import end_orphans, rebuild
from hazmon.reload import reloaded
from hazmon.rulebook import ByDesign, Kind, NamedRule, Rule, Term
from hazmon.rules import evaluate as door
from hazmon.step import step

SOUND = Term("E01/LT-1", ">", 5)
BROKEN = Term("E01/LT-1", "~", 5)  # no reader of configurations lets it through: a defect of ours
POINTS = point("LT-1"), point("LT-2")


def _rule(tag: str, test: Term) -> NamedRule:
    return NamedRule("E01", tag, "E01-S1", "", "名", "name", Rule.CONDITION, 3, test)


def _park(odd: Term = BROKEN, design: Term = SOUND) -> Park:
    """Two rules and a suppression over two points; `odd` is that of the first rule, `design` when LT-2.HIGH means nothing."""
    by_design = (ByDesign("E01", "FILLING", design, (("E01/LT-2", Kind.HIGH),), "filling"),)
    return replace(park(*POINTS), named=(_rule("ODD", odd), _rule("EVEN", SOUND)), by_design=by_design, by_id={}, rows={})


class Run:
    """A plant, and the seconds that pass for it."""

    def __init__(self, of: Park) -> None:
        self.plant = Plant.of(of, START)
        self.group = group(of)

    def live(self, second: int, *values: float) -> list[AlarmEvent]:
        """The events of a live scan."""
        block = scans(self.group, second, [values])
        return step(self.plant, [delivery(self.group, second, second, block)], [], START + second * US)[0]

    def restart(self, second: int) -> list[AlarmEvent]:
        """As after a kill, with no scan that is young enough."""
        book = AlarmBook(self.plant.book.open.values(), self.plant.book.next_event)
        self.plant = rebuild(self.plant.park, START + second * US, book, [], [], [])
        return end_orphans(self.plant, ["E01/plc1"], START + second * US)

    def health(self, subject: str, kind: Kind) -> Health:
        """That of an open alarm."""
        found = self.plant.book.of(subject, kind)
        assert found is not None
        return found.health


def test_a_named_rule_that_cannot_be_evaluated_rings_for_itself_and_stops_no_other() -> None:
    run = Run(_park())
    events = run.live(1, 11.0, 3.0)
    assert sorted(told(events)) == [
        "1s EVEN.CONDITION normal -> unacknowledged",
        "1s LT-1.H normal -> unacknowledged",
        "1s ODD.ERROR normal -> unacknowledged",
    ]
    error = next(event for event in events if event.rule is Rule.ERROR)
    assert (error.alarm.priority, error.rings, error.alarm.latching) == (3, True, False)
    assert error.reason == "CONDITION 规则无法评估 / cannot be evaluated: KeyError: '~' (logic.truth)"
    assert run.live(2, 11.0, 3.0) == []


def test_a_standing_alarm_whose_rule_fails_keeps_its_state_in_doubt_until_the_rule_works_again() -> None:
    run = Run(_park(SOUND))
    run.live(1, 7.0, 3.0)
    run.plant, _ = reloaded(run.plant, _park(BROKEN), START + 2 * US)
    broke = run.live(2, 1.0, 3.0)
    assert [(event.alarm.subject.tag, event.rule, event.alarm.state, event.alarm.health) for event in broke] == [
        ("EVEN", Rule.CONDITION, AlarmState.RETURNED, Health.OK),
        ("ODD", Rule.ERROR, AlarmState.UNACKNOWLEDGED, Health.OK),
        ("ODD", Rule.CONDITION, AlarmState.UNACKNOWLEDGED, Health.ERROR),
    ]
    assert run.restart(3) == []
    assert run.live(4, 1.0, 3.0) == []
    assert run.health("E01/ODD", Kind.CONDITION) is Health.ERROR
    run.plant, ends = reloaded(run.plant, _park(SOUND), START + 5 * US)
    assert ends == []
    assert sorted(told(run.live(5, 1.0, 3.0))) == [
        "5s ODD.CONDITION unacknowledged -> returned_unacknowledged",
        "5s ODD.ERROR unacknowledged -> returned_unacknowledged",
    ]
    assert run.health("E01/ODD", Kind.CONDITION) is Health.OK


def test_what_a_restart_does_not_know_of_a_failing_rule_stays_in_doubt_until_it_is_asked_again() -> None:
    run = Run(_park(SOUND))
    run.live(1, 7.0, 3.0)
    run.plant, _ = reloaded(run.plant, _park(BROKEN), START + 2 * US)
    run.live(2, 7.0, 3.0)
    assert run.restart(300) == []
    for second in range(300, 310):
        assert step(run.plant, [], [], START + second * US, {"E01": None})[0] == []
    assert run.health("E01/ODD", Kind.CONDITION) is Health.ERROR
    assert run.live(310, 7.0, 3.0) == []
    assert run.health("E01/ODD", Kind.CONDITION) is Health.ERROR


def test_the_limits_of_a_point_that_cannot_be_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(park(*POINTS))
    run.live(1, 11.0, 3.0)
    kernel = door.thresholds

    def defective(*given: object) -> object:
        if 0 in given[2].points:  # type: ignore[attr-defined]
            raise ValueError("a defect")
        return kernel(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(door, "thresholds", defective)
    assert told(run.live(2, 1.0, 11.0)) == [
        "2s LT-1.ERROR normal -> unacknowledged",
        "2s LT-2.H normal -> unacknowledged",
        "2s LT-1.H unacknowledged -> unacknowledged",
    ]
    assert run.health("E01/LT-1", Kind.HIGH) is Health.ERROR
    assert run.health("E01/LT-2", Kind.HIGH) is Health.OK
    monkeypatch.undo()
    assert sorted(told(run.live(3, 1.0, 11.0))) == [
        "3s LT-1.ERROR unacknowledged -> returned_unacknowledged",
        "3s LT-1.H unacknowledged -> returned_unacknowledged",
    ]


def test_a_suppression_that_cannot_be_evaluated_suppresses_nothing_and_rings_for_itself() -> None:
    run = Run(_park(SOUND, BROKEN))
    first = run.live(1, 7.0, 11.0)
    assert next(event.reason for event in first if event.rule is Rule.ERROR) == (
        "规则无法评估 / cannot be evaluated: KeyError: '~' (logic.truth)"
    )
    assert ("E01/LT-2", True) in [(event.alarm.subject.id, event.rings) for event in first]
    assert run.live(2, 7.0, 11.0) == []
    assert run.restart(3) == []
    assert run.live(4, 7.0, 11.0) == []
    run.plant, ends = reloaded(run.plant, _park(SOUND, SOUND), START + 5 * US)
    assert ends == []
    assert told(run.live(5, 7.0, 11.0)) == [
        "5s FILLING.ERROR unacknowledged -> returned_unacknowledged",
        "5s LT-2.H unacknowledged -> unacknowledged",
    ]


def test_the_alarm_of_a_suppression_that_is_gone_ends() -> None:
    run = Run(_park(SOUND, BROKEN))
    run.live(1, 7.0, 3.0)
    without = replace(_park(SOUND), by_design=(), by_id={}, rows={})
    _, ends = reloaded(run.plant, without, START + 2 * US)
    assert told(ends) == ["2s FILLING.ERROR unacknowledged -> returned_unacknowledged"]
