"""What faults do to the values, held against the limits of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from hazmon_sim.dcs_export import DcsExport
from hazmon_sim.disturbance import DRAIN_PER_S, FILL_S
from hazmon_sim.errors import FaultError
from hazmon_sim.instrument import Instrument
from hazmon_sim.ledger import Ledger
from hazmon_sim.modbus import PlcServer
from hazmon_sim.mqtt import Gateway
from hazmon_sim.plant import Plant, load_plants
from hazmon_sim.relay import Relay
from hazmon_sim.signal import Level, Trace
from hazmon_sim.switchboard import Site, Switchboard

from .conftest import PLANTS, table
from .test_quiet import slope_per_minute

START = 1_790_000_000.0


def site(plant: Plant) -> Site:
    ledger = Ledger(None)
    plcs = {plc.name: PlcServer(plc, lambda: START, ledger, "127.0.0.1", 0) for plc in plant.plcs}
    gateway = Gateway(plant, lambda: START, ledger, "127.0.0.1", 1, 0.0)
    relay = Relay(plant.site, "127.0.0.1", 0, ("127.0.0.1", 1))
    return Site(plant, plcs, gateway, DcsExport(plant, lambda: START, ledger, Path("nowhere")), relay)


def own_plants() -> list[Plant]:
    """Plants that this test may disturb."""
    return load_plants(PLANTS)


def first(instrument: Instrument, beyond: float, within_s: float) -> float | None:
    """Seconds from START to the first sample at or beyond the limit."""
    step = instrument.period_s
    return next((k * step for k in range(int(within_s / step) + 1) if instrument.read(START + k * step) >= beyond), None)


@pytest.fixture(scope="module")
def filling() -> list[tuple[Instrument, dict[str, str]]]:
    """Every main gauge of every tank, all tanks filling since START for a minute."""
    found: list[tuple[Instrument, dict[str, str]]] = []
    for plant in own_plants():
        board = Switchboard([site(plant)])
        points = table(plant.site, "points.csv")
        for tag, item in plant.instruments.items():
            if isinstance(item.signal, Level) and points[tag]["H"]:
                board.begin("fast_fill", item.id, START)
                found.append((item, points[tag]))
    return found


def test_fast_fill_raises_rate_then_high_then_high_high_within_forty_seconds(filling: list[tuple[Instrument, dict[str, str]]]):
    assert len(filling) > 60
    for item, limits in filling:
        window = float(limits["rate_window_s"])
        high, high_high = first(item, float(limits["H"]), FILL_S), first(item, float(limits["HH"]), FILL_S)
        assert high is not None
        assert high_high is not None
        rated = None
        for k in range(3, int(FILL_S)):
            times = [START + k - back for back in range(int(window))]
            if slope_per_minute(times, [item.read(t) for t in times]) >= float(limits["rate_up"]):
                rated = k
                break
        assert rated is not None, item.id
        assert rated < high < high_high <= FILL_S, item.id


def test_the_tank_drains_back_without_another_alarm(filling: list[tuple[Instrument, dict[str, str]]]):
    for item, limits in filling:
        height = item.range[1]
        assert height * DRAIN_PER_S * 60 < 0.8 * float(limits["rate_down"]), item.id
        clears = float(limits["H"]) - float(limits["deadband"])
        assert item.read(START + 60 + 4 * 60) < clears, item.id
        undisturbed = item.signal.at(START + 3600)
        assert item.read(START + 3600) == pytest.approx(undisturbed, abs=0.001)


def test_an_independent_gauge_sees_the_same_tank_fill():
    plant = load_plants(PLANTS, frozenset({"E02"}))[0]
    Switchboard([site(plant)]).begin("fast_fill", "E02/LT-1101", START)
    assert plant.instruments["LT-1101B"].read(START + FILL_S) == pytest.approx(0.95 * 3.2, abs=0.01)
    assert plant.instruments["LT-1102"].disturbances == []


@pytest.mark.parametrize(("name", "gas"), [("toxic_leak", "toxic"), ("gas_leak", "combustible")])
def test_a_leak_passes_level_1_then_2_and_decays(name: str, gas: str):
    seen = 0
    for plant in own_plants():
        board = Switchboard([site(plant)])
        points = table(plant.site, "points.csv")
        for tag, item in plant.instruments.items():
            if isinstance(item.signal, Trace) and item.signal.gas == gas:
                seen += 1
                end = board.begin(name, item.id, START, 40.0).until
                high, high_high = float(points[tag]["H"]), float(points[tag]["HH"])
                level_1, level_2 = first(item, high, 60), first(item, high_high, 60)
                assert level_1 is not None
                assert level_2 is not None
                assert level_1 <= 6 < 14 < level_2 <= 20, item.id
                assert item.read(START + 40) <= item.range[1], item.id
                assert item.read(START + 40 + 60) < high - float(points[tag]["deadband"]), item.id
                assert item.read(end) == pytest.approx(item.signal.at(end), abs=10.0**-item.digits)
    assert seen > 60


def test_a_frozen_transmitter_keeps_its_last_value_and_wakes():
    plant = load_plants(PLANTS, frozenset({"E05"}))[0]
    item = plant.instruments["TT-1201A"]
    before = item.read(START)
    Switchboard([site(plant)]).begin("frozen", item.id, START, 60.0)
    assert {item.read(START + k) for k in range(60)} == {before}
    assert len({item.read(START + 60 + k) for k in range(60)}) > 1


def test_a_spike_is_one_sample_of_its_instrument():
    plant = load_plants(PLANTS, frozenset({"E10"}))[0]
    board = Switchboard([site(plant)])
    board.begin("spike", "E10/AT-1201", START)
    board.begin("spike", "E10/FT-1101A", START, None, 77.0)
    gas, flow = plant.instruments["AT-1201"], plant.instruments["FT-1101A"]
    assert [gas.read(START + k) >= 4 for k in range(3)] == [True, False, False]
    assert [flow.read(START + 10 * k) == 77.0 for k in range(3)] == [True, False, False]


def test_bad_is_no_number_unless_a_number_is_given():
    plant = load_plants(PLANTS, frozenset({"E08"}))[0]
    board = Switchboard([site(plant)])
    item = plant.instruments["TT-1101A"]
    board.begin("bad_value", item.id, START, 10.0)
    assert item.text(START + 5) is None
    assert item.text(START + 10) is not None
    board.begin("bad_value", item.id, START + 20, 10.0, 9999.0)
    assert item.read(START + 25) == 9999.0


@pytest.mark.parametrize(
    ("name", "at", "told"),
    [
        ("flood", "E01", 'no fault "flood": there are fast_fill, toxic_leak'),
        ("fast_fill", "E99/LT-1101", 'no site "E99": there are E01'),
        ("fast_fill", "E01/PT-1101", '"E01/PT-1101" is none. There are: E01/LT-1101, E01/LT-1102'),
        ("gas_leak", "E01/AT-1101", "a combustible gas detector"),
        ("plc_down", "E01/plc9", "There are: E01/plc1, E01/plc2, E01/plc3"),
        ("link_down", "E01/plc1", "There are: E01"),
        ("mqtt_silent", "E01/LT-1101", "There are: E01, E01/"),
    ],
)
def test_an_unknown_fault_or_target_is_told_what_is_valid(name: str, at: str, told: str):
    board = Switchboard([site(load_plants(PLANTS, frozenset({"E01"}))[0])])
    with pytest.raises(FaultError) as refusal:
        board.begin(name, at, START)
    assert told in str(refusal.value)


def test_a_value_is_refused_where_it_means_nothing():
    board = Switchboard([site(load_plants(PLANTS, frozenset({"E01"}))[0])])
    with pytest.raises(FaultError, match="takes no value"):
        board.begin("frozen", "E01/LT-1101", START, None, 3.0)


def test_devices_fail_and_are_mended():
    plant = load_plants(PLANTS, frozenset({"E01"}))[0]
    there = site(plant)
    board = Switchboard([there])
    for name, at, broken in (
        ("plc_silent", "E01/plc1", lambda: there.plcs["plc1"].silent),
        ("slow_plc", "E01/plc2", lambda: there.plcs["plc2"].late_s),
        ("mqtt_silent", "E01", lambda: there.gateway.silent),
        ("mqtt_silent", "E01/AT-1101", lambda: there.gateway.mute),
        ("dcs_stop", "E01", lambda: there.dcs.stopped),
    ):
        assert not broken()
        incident = board.begin(name, at, START)
        assert broken()
        incident.undo()
        assert not broken()
