"""The demo day, and how a script is followed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hazmon_sim.errors import SimulatorError
from hazmon_sim.faults import FAULTS
from hazmon_sim.plant import Plant
from hazmon_sim.script import OpeningStep, ProgrammeStep, Script, load_script

from .conftest import ROOT

DEMO = ROOT / "simulators" / "demo-day.toml"
ALL = frozenset(f"E{n:02d}" for n in range(1, 12))


def test_the_first_minute_shows_what_was_promised():
    first = {step.fault: step for step in load_script(DEMO).opening}
    assert set(first) == {"toxic_leak", "fast_fill", "plc_silent", "frozen", "link_down"}
    assert first["toxic_leak"].at_s + 20 <= 60
    assert first["fast_fill"].at_s + 40 <= 60
    assert first["link_down"].at_s + (first["link_down"].for_s or 0) <= 60


def test_afterwards_a_fault_each_two_to_four_minutes_that_is_over_when_it_comes_again():
    script = load_script(DEMO)
    assert all(120 <= step.after_s <= 240 for step in script.programme)
    cycle = sum(step.after_s for step in script.programme)
    assert cycle > 1800
    assert all((FAULTS[step.fault].for_s if step.for_s is None else step.for_s) < cycle / 4 for step in script.programme)


def test_every_target_exists(plants: list[Plant]):
    sites = {plant.site: plant for plant in plants}
    script = load_script(DEMO)
    for step in (*script.opening, *script.programme):
        site, _, thing = step.at.partition("/")
        assert not thing or thing in {*sites[site].instruments, *(plc.name for plc in sites[site].plcs)}, step.at


def test_the_programme_repeats_for_ever_with_its_distances_kept():
    script = Script(
        (OpeningStep(9, "frozen", "E01/A"),), (ProgrammeStep(60, "frozen", "E01/B"), ProgrammeStep(30, "frozen", "E02/C"))
    )
    assert [step.at_s for step in islice(script.steps(ALL), 5)] == [9, 69, 99, 159, 189]
    assert [step.at_s for step in islice(script.steps(frozenset({"E02"})), 2)] == [99, 189]
    assert list(script.steps(frozenset({"E03"}))) == []


def test_a_wrong_script_is_told_with_its_place(tmp_path: Path):
    path = tmp_path / "day.toml"
    path.write_text('[[opening]]\nat_s = "soon"\nfault = "frozen"\nat = "E01/A"\n', "utf-8")
    with pytest.raises(SimulatorError, match=r"day.toml.*opening\[0\].at_s"):
        load_script(path)
