"""Values that an instrument cannot have measured, by NAMUR NE 43 and beyond a digital range."""

from __future__ import annotations

import pytest
from unit.rules.signals import Signal, point, told

from hazmon.model import Quantity
from hazmon.rulebook import Limits, Rule
from hazmon.rulebook import Signal as Speech

CURRENT = Limits(h=15, hh=18, signal=Speech.CURRENT)


def milliamperes(current: float) -> float:
    """As the value of an instrument of 0 to 20."""
    return (current - 4) / 16 * 20


@pytest.mark.parametrize(("current", "fault"), [(3.0, True), (3.6, True), (3.61, False), (3.7, False), (4, False)])
def test_a_low_current_is_a_fault(current: float, fault: bool) -> None:
    assert told(Signal(point(CURRENT)).feed([10, milliamperes(current)])) == (["1 RANGE on"] if fault else [])


@pytest.mark.parametrize(("current", "fault"), [(20.5, False), (20.99, False), (21, True), (22.5, True)])
def test_a_high_current_is_a_fault_and_no_value(current: float, fault: bool) -> None:
    wanted = ["1 RANGE on"] if fault else ["1 H on", "1 HH on"]
    assert told(Signal(point(CURRENT)).feed([10, milliamperes(current)])) == wanted


def test_a_fault_clears_where_the_instrument_measures_again() -> None:
    values = [milliamperes(current) for current in (12, 3.5, 3.7, 3.79, 3.81, 12, 21.5, 20.8, 20.4)]
    changes = Signal(point(CURRENT)).feed(values)
    ranges = [c for c in changes if c.rule is Rule.RANGE]
    assert told(ranges) == ["1 RANGE on", "4 RANGE off", "6 RANGE on", "8 RANGE off"]
    assert [(c.value, c.limit) for c in ranges[::2]] == [(values[1], -0.5), (values[6], 21.25)]


def test_a_fault_clears_no_process_alarm_and_starts_none_again() -> None:
    signal = Signal(point(CURRENT))
    assert told(signal.feed([16.0])) == ["0 H on"]
    assert told(signal.feed([milliamperes(3.2)] * 5)) == ["1 RANGE on"]
    assert told(signal.feed([16.0])) == ["6 RANGE off"]


def test_a_faulty_current_is_neither_a_trend_nor_stuck() -> None:
    signal = Signal(point(Limits(rate_down=1, stuck_s=16, signal=Speech.CURRENT)))
    values = [10 + 0.01 * (k % 2) for k in range(60)] + [milliamperes(3.2)] * 60
    assert told(signal.feed(values)) == ["60 RANGE on"]


def test_gas_above_the_top_of_its_range_is_gas() -> None:
    gas = point(Limits(h=25, hh=50), 0, 100, Quantity.COMBUSTIBLE_GAS)
    changes = Signal(gas).feed([5, 102, 104, 101, 100, -1, -2, -1, 0])
    assert told(changes, Rule.RANGE) == ["2 RANGE on", "4 RANGE off", "6 RANGE on", "8 RANGE off"]
    assert [c.limit for c in changes if c.rule is Rule.RANGE] == [103.125, 103.125, -1.25, -1.25]
    assert told(changes, Rule.H, Rule.HH) == ["1 H on", "1 HH on", "5 H off", "5 HH off"]


def test_unknown_does_not_clear_it() -> None:
    signal = Signal(point(Limits()))
    assert told(signal.feed([10.0, 30.0])) == ["1 RANGE on"]
    assert told(signal.feed([float("nan")] * 10)) == []
