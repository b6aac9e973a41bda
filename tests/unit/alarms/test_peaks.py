"""How far a value went: only values count that were measured."""

from __future__ import annotations

from park import START, delivery, group, park, point, scans

from hazmon.clock import US
from hazmon.plant import Plant
from hazmon.rulebook import Kind, Limits, Signal
from hazmon.step import step


def test_a_fault_signal_is_no_peak_and_a_saturated_one_is() -> None:
    place = park(point("LT-1", Limits(l=2, signal=Signal.CURRENT)))
    plant, line = Plant.of(place, START), group(place)
    for second, value in enumerate([1.5, -20.0, -2.0, 5000.0, 1.8]):
        step(plant, [delivery(line, second, second, scans(line, second, [value]))], [], START + second * US)
    alarm = plant.book.standing("E01/LT-1", Kind.LOW)
    assert alarm is not None
    assert (alarm.peak, alarm.peak_at) == (-2.0, START + 2 * US)
