"""One rule that cannot be evaluated: it is told, keeps what held, and silences nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from park import START, point

from hazmon.clock import US
from hazmon.model import Quality
from hazmon.rulebook import RULES, Limits, Rule
from hazmon.rules import evaluate as door
from hazmon.rules.evaluate import evaluate
from hazmon.rules.frame import Floats, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Change, RuleState

N = 40
SICK = 23
LIMITS = Limits(ll=1, l=2, h=10, hh=12, rate_up=30, rate_down=30, rate_window_s=10, forecast_min=1, stuck_s=16, stuck_band=0.1)
KERNELS = {
    "qualities": (Rule.QUALITY,),
    "ranges": (Rule.RANGE,),
    "lines": (Rule.RATE_UP, Rule.RATE_DOWN, Rule.FORECAST_UP, Rule.FORECAST_DOWN),
    "rates": (Rule.RATE_UP, Rule.RATE_DOWN),
    "forecasts": (Rule.FORECAST_UP, Rule.FORECAST_DOWN),
    "thresholds": (Rule.LL, Rule.L, Rule.H, Rule.HH),
    "stuck": (Rule.STUCK,),
}


class Plant:
    """Forty points with all rules, read together each second."""

    def __init__(self) -> None:
        self.table = LimitTable.of([point(f"LT-{n}", LIMITS) for n in range(N)])
        self.state = RuleState.quiet(N)
        self.trail = Trail.of(np.arange(N), self.table)
        self.second = 0

    def feed(self, values: Floats, quality: int = Quality.GOOD) -> list[Change]:
        """Changes through these scans, float64[T,N]; `quality` is that of the sick point."""
        times = START + (self.second + np.arange(len(values))) * US
        self.second += len(values)
        codes = np.zeros(values.shape, np.uint8)
        codes[:, SICK] = quality
        return evaluate(self.state, self.table, ScanBlock(1, times, values, codes, None, np.arange(N)), self.trail)


def lively(seed: int, seconds: int = 60) -> Floats:
    """float64[T,N] that turn every rule of a point now and then."""
    chance = np.random.default_rng(seed)
    values = np.cumsum(chance.normal(0, 0.8, (seconds, N)), axis=0) + chance.uniform(2, 11, N)
    still = chance.random(N) < 0.3
    values[20:50, still] = values[20, still]
    values[35:40, chance.random(N) < 0.2] = 140
    return values


def breaks_at_the_sick(kernel: Callable[..., Any], broken: list[bool], asked: list[int]) -> Callable[..., Any]:
    """The kernel, with a defect that shows at one point."""

    def defective(*given: Any) -> Any:
        asked.append(1)
        points = next((each.points for each in given if isinstance(each, ScanBlock)), None)
        for each in given:
            if isinstance(each, door.Trends):
                points = each.point
            elif isinstance(each, Trail):
                points = each.columns
            elif isinstance(each, door.Stretch) and points is not None:
                points = points[each.columns]
        if broken[0] and points is not None and SICK in points:
            raise ZeroDivisionError("a defect")
        return kernel(*given)

    return defective


@pytest.mark.parametrize("name", KERNELS)
def test_a_defect_at_one_point_is_told_of_it_and_all_others_are_judged_as_without_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, hurt = Plant(), Plant()
    broken, asked = [True], list[int]()
    others: list[Change] = []
    errors: list[Change] = []
    wanted: list[Change] = []
    for part in np.array_split(lively(3, 120), 12):
        wanted += sound.feed(part)
    before = hurt.state.active[SICK].copy()
    monkeypatch.setattr(door, name, breaks_at_the_sick(getattr(door, name), broken, asked))
    for part in np.array_split(lively(3, 120), 12):
        for change in hurt.feed(part):
            (errors if change.rule is Rule.ERROR else others).append(change)
    assert [change for change in others if change.point != SICK] == [change for change in wanted if change.point != SICK]
    assert not {change.rule for change in others if change.point == SICK} & set(KERNELS[name])
    assert [(change.point, change.on, change.at) for change in errors] == [(SICK, True, START + 9 * US)]
    assert {rule for rule, _ in errors[0].failed} == set(KERNELS[name])
    assert errors[0].failed[0][1] == "ZeroDivisionError: a defect (test_failures.defective)"
    columns = [RULES.index(rule) for rule in KERNELS[name]]
    assert (hurt.state.active[SICK, columns] == before[columns]).all()
    broken[0] = False
    assert [(c.point, c.on) for c in hurt.feed(lively(4)[:5]) if c.rule is Rule.ERROR] == [(SICK, False)]
    assert hurt.state.failed == {}


def test_the_other_rules_of_the_sick_point_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = Plant()
    monkeypatch.setattr(door, "rates", breaks_at_the_sick(door.rates, [True], []))
    values = np.full((1, N), 11.0)
    assert {(change.point, change.rule) for change in plant.feed(values) if change.point == SICK} == {
        (SICK, Rule.H),
        (SICK, Rule.ERROR),
    }


def test_the_culprit_is_found_by_halves_and_a_sound_plant_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    plant, broken, asked = Plant(), [False], list[int]()
    monkeypatch.setattr(door, "thresholds", breaks_at_the_sick(door.thresholds, broken, asked))
    plant.feed(np.full((1, N), 5.0))
    assert len(asked) == 1
    broken[0] = True
    asked.clear()
    plant.feed(np.full((1, N), 5.0))
    assert 3 <= len(asked) <= 2 * np.log2(N) + 3


def test_a_reading_that_cannot_be_judged_does_not_show_that_a_rule_works_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plant, broken = Plant(), [True]
    monkeypatch.setattr(door, "thresholds", breaks_at_the_sick(door.thresholds, broken, []))
    scan = np.full((1, N), 5.0)
    assert [change.on for change in plant.feed(scan) if change.rule is Rule.ERROR] == [True]
    broken[0] = False
    assert [change for change in plant.feed(scan, Quality.DEVICE_FAULT) if change.rule is Rule.ERROR] == []
    assert [change.on for change in plant.feed(scan) if change.rule is Rule.ERROR] == [False]


def test_another_rule_that_fails_too_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = Plant()
    scan = np.full((1, N), 5.0)
    monkeypatch.setattr(door, "thresholds", breaks_at_the_sick(door.thresholds, [True], []))
    plant.feed(scan)
    assert [change for change in plant.feed(scan) if change.rule is Rule.ERROR] == []
    monkeypatch.setattr(door, "stuck", breaks_at_the_sick(door.stuck, [True], []))
    (again,) = [change for change in plant.feed(scan) if change.rule is Rule.ERROR]
    assert (again.on, {rule for rule, _ in again.failed}) == (True, {Rule.LL, Rule.L, Rule.H, Rule.HH, Rule.STUCK})


def test_arithmetic_that_leaves_the_numbers_is_a_failure_and_no_silent_normal() -> None:
    plant = Plant()
    values = np.full((12, N), 5.0)
    values[8, SICK] = 1e200
    found = [change for change in plant.feed(values) if change.point == SICK]
    error = next(change for change in found if change.rule is Rule.ERROR)
    assert {Rule.RATE_UP} <= {rule for rule, _ in error.failed} <= set(KERNELS["lines"])
    assert "FloatingPointError" in error.failed[0][1]
    assert {change.rule for change in found} >= {Rule.HH, Rule.RANGE}
