"""Signals: pure, seeded, continuous where the plant is."""

from __future__ import annotations

from hazmon_sim.plant import load_plants
from hazmon_sim.signal import Pumping, Tank, noise

from .conftest import PLANTS

TANK = Tank("V-1", 12.0, 4.0, 9.0, 600.0, 60.0, 1200.0, 30.0, 0.0)


def test_noise_is_even_and_within_one():
    values = [noise(7, float(t)) for t in range(20_000)]
    assert -1 <= min(values) < -0.99
    assert 0.99 < max(values) < 1
    assert abs(sum(values) / len(values)) < 0.02


def test_noise_holds_for_a_second_and_depends_on_the_seed():
    assert noise(7, 100.0) == noise(7, 100.9)
    assert noise(7, 100.0) != noise(8, 100.0)
    assert noise(7, 100.0) != noise(7, 101.0)


def test_a_tank_fills_holds_drains_and_rests():
    assert TANK.balance(0.0) == (4.0, Pumping.FILLING)
    assert TANK.balance(300.0) == (6.5, Pumping.FILLING)
    assert TANK.balance(630.0) == (9.0, Pumping.RESTING)
    assert TANK.balance(1260.0) == (6.5, Pumping.DRAINING)
    assert TANK.balance(1880.0) == (4.0, Pumping.RESTING)
    assert TANK.balance(1890.0 + 300.0) == TANK.balance(300.0)


def test_two_simulators_show_the_same_plant():
    first, second = load_plants(PLANTS), load_plants(PLANTS)
    for one, other in zip(first, second, strict=True):
        for tag, instrument in one.instruments.items():
            assert instrument.read(1_790_000_123.4) == other.instruments[tag].read(1_790_000_123.4)


def test_twins_of_a_kind_do_not_move_together():
    plant = load_plants(PLANTS, frozenset({"E02"}))[0]
    levels = [plant.instruments[f"LT-110{k}"] for k in (1, 2, 3, 4)]
    assert len({round(level.read(1_790_000_000.0), 2) for level in levels}) == 4
