"""The simulated boxes: what is made of a script, and what their account says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hazmon_edge import wire
from hazmon_sim.errors import SimulatorError
from hazmon_sim.history.box import Made, SimulatedBox
from hazmon_sim.history.ledger import Account, facts_of
from hazmon_sim.history.park import Park, load_park, load_terms
from hazmon_sim.history.script import FAULTS, Bad, GroupDown, LinkDown, Off, Script, Swapped, Twice, write_script
from hazmon_sim.history.world import World

from .conftest import CONFIG

START = 1_767_196_800_000_000  # 2026-01-01 00:00 in Shanghai
MINUTE_US = 60_000_000
TERMS = "[group.level]\nquantities = ['level']\n[unit.pressure_tank]\nrequired = ['level']\n"


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Park:
    """The real park; what must be covered does not matter here."""
    folder = tmp_path_factory.mktemp("config")
    for path in CONFIG.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "coverage.toml").unlink(missing_ok=True)
    (folder / "coverage.toml").write_text(TERMS)
    return load_park(folder)


def simulated(park: Park, script: Script, days: int = 1) -> tuple[SimulatedBox, list[list[list[Made]]]]:
    """E01 through its days, everything delivered; the bodies of every minute."""
    box = SimulatedBox(park.boxes[0], script, 3, START, days * 1440, 30, park.terms)
    sent: list[list[list[Made]]] = []
    for day in range(days):
        box.begin_day(day)
        for minute in range(day * 1440, (day + 1) * 1440):
            sent.append(box.minute(minute))
            for body in sent[-1]:
                for made in body:
                    box.arrived(made, START + (minute + 1) * MINUTE_US)
        box.end_day()
    return box, sent


def facts(box: SimulatedBox, tag: str, day: int = 0) -> list[int]:
    return facts_of(box.account.runs(day))[tag].tolist()


def test_the_whole_park_is_there(park: Park) -> None:
    assert len(park.boxes) == 11
    assert len(park.sources) == 42
    assert sum(len(box.tags) for box in park.boxes) == 1295
    assert {group.name for group in park.boxes[0].groups} == {"plc1", "plc2", "plc3", "mqtt", "dcs"}


@pytest.mark.parametrize("seed", [1, 2])
def test_values_move_and_stay_within_their_limits(park: Park, seed: int) -> None:
    times = START + np.arange(2880, dtype=np.int64) * 30_000_000
    for box in park.boxes:
        world = World(box, seed)
        numbers = world.day(0, times)
        values = world.values(numbers)
        for column, tag in enumerate(box.tags):
            if tag.rest is not None:
                assert set(values[:, column]) == {tag.rest}
                continue
            low, high = tag.band
            assert low <= values[:, column].min()
            assert values[:, column].max() <= high
            still = np.diff(np.flatnonzero(np.diff(numbers[:, column], prepend=2**30))).max()
            assert still <= 8, tag
            windows = np.lib.stride_tricks.sliding_window_view(values[:, column], 20)  # ten minutes
            moved = (windows.max(axis=1) - windows.min(axis=1)).min()
            assert moved > min(0.002 * (tag.high - tag.low), 0.04 * (high - low)), tag
        assert len({column.tobytes() for column, tag in zip(numbers.T, box.tags, strict=True) if tag.rest is None}) == sum(
            tag.rest is None for tag in box.tags
        )
        assert (world.day(0, times) == World(box, seed).day(0, times)).all()
        assert (world.day(0, times) != World(box, seed + 1).day(0, times)).any()


def test_an_undisturbed_day_is_prompt_everywhere_and_one_chain(park: Park) -> None:
    box, sent = simulated(park, Script())
    assert [runs for runs, _ in box.account.runs(0)] == ["1440*65"]
    assert all(len(bodies) == 1 and len(bodies[0]) == 1 for bodies in sent)
    previous = bytes(8)
    for (body,) in sent:
        batch = wire.decode(body[0].canonical)
        assert batch.previous == previous
        assert sum(block.scans * block.points for block in batch.blocks) == 2 * len(park.boxes[0].tags)
        previous = wire.link(wire.digest(body[0].canonical))
    assert box.readings == 1440 * 2 * len(park.boxes[0].tags)


def test_a_box_without_power_comes_back_as_a_new_boot_and_says_so(park: Park) -> None:
    box, sent = simulated(park, Script(off=[Off("E01", 10, 25), Off("E02", 0, 1440)]))
    assert facts(box, "LT-1101")[8:27] == [65, 65, *[6] * 15, 65, 65]
    assert sent[10:25] == [[]] * 15
    declaring, live = (wire.decode(made.canonical) for made in sent[25][0])
    assert (declaring.seq, live.seq, declaring.boot) == (1, 2, live.boot)
    assert len(declaring.groups) == 5
    assert declaring.boot != wire.decode(sent[9][0][0].canonical).boot


def test_a_backlog_is_late_and_after_a_day_too_late(park: Park) -> None:
    script = Script(link=[LinkDown("E01", 100, 100 + 1500), LinkDown("E01", 1700, 1710, keeps=False)])
    box, sent = simulated(park, script, 2)
    now = 1600
    assert facts(box, "LT-1101")[99] == 65
    assert facts(box, "LT-1101")[100 : now - 1440 + 1] == [29] * (now - 1440 - 100 + 1)  # the last of them 24 h and 25 s old
    assert facts(box, "LT-1101")[now - 1440 + 1 :] == [64] * (1440 - (now - 1440) - 1)
    assert facts(box, "LT-1101", 1)[1700 - 1440 : 1711 - 1440] == [*[7] * 10, 65]
    bodies = sent[1600]
    assert bodies[0][0].how == "live"
    assert [len(body) for body in bodies[1:]] == [60, 60, 30]
    assert wire.decode(bodies[1][0].canonical).blocks[0].scans == 20


def test_a_connection_and_instruments(park: Park) -> None:
    bad = [Bad("E01", ("LT-1101",), 5 * at, 5 * at + 2, fault) for at, fault in enumerate(FAULTS, 1)]
    box, sent = simulated(park, Script(bad=bad, groups=[GroupDown("E01", "plc1", 200, 203, 2)]))
    found = facts(box, "LT-1101")
    by_fault = {fault: found[5 * at] for at, fault in enumerate(FAULTS, 1)}
    assert by_fault == {
        "D": 23, "M": 21, "C": 24, "X": 26, "K": 28, "B": 25, "S": 22, "T": 27,
        "above": 27, "below": 27, "near": 65, "hole": 9, "refused": 9, "decode": 9,
    }  # fmt: skip
    assert all(found[5 * at + 2] == 65 for at in range(1, len(FAULTS) + 1))
    assert found[199:204] == [65, 2, 2, 2, 65]
    assert facts(box, "TT-1101A")[199:204] == [65, 2, 2, 2, 65]
    batch = wire.decode(sent[200][0][0].canonical)
    assert len(batch.blocks) == 4
    assert [(miss.column, miss.count, miss.cause) for miss in batch.misses] == [(wire.WHOLE_GROUP, 2, 2)]
    refused = wire.decode(sent[5 * (FAULTS.index("refused") + 1)][0][0].canonical)
    assert [(miss.count, miss.cause) for miss in refused.misses] == [(2, 3)]


def test_twice_and_out_of_order(park: Park) -> None:
    script = Script(twice=[Twice("E01", 20, later=False), Twice("E01", 30, later=True)], swapped=[Swapped("E01", 40)])
    box, sent = simulated(park, script)
    assert [made.canonical for made in sent[20][0]] == [sent[20][0][0].canonical] * 2
    assert sent[31][1][0].canonical == sent[30][0][0].canonical
    assert sent[31][1][0].is_duplicate
    assert sent[40] == []
    assert [made.seq for body in sent[41] for made in body] == [42, 41]
    assert facts(box, "LT-1101")[39:42] == [65, 64, 65]


def test_a_script_is_of_its_seed_and_has_one_of_everything(park: Park) -> None:
    script = write_script(park, 3, 8)
    assert list(script.happenings()) == list(write_script(park, 3, 8).happenings())
    assert list(script.happenings()) != list(write_script(park, 3, 9).happenings())
    kinds = {what for what, _ in script.happenings()}
    assert kinds == {"Off", "Lost", "LinkDown", "GroupDown", "Bad", "Twice", "Swapped", "Filing"}
    assert {bad.fault for bad in script.bad} >= set(FAULTS)
    assert {filing.decision for filing in script.filings} == {"approve", "refuse", "none"}
    assert any(filing.withdrawn for filing in script.filings)
    assert any(filing.whole_source and filing.until - filing.start > 2232 for filing in script.filings)
    late = {filing.filed - filing.start for filing in script.filings}
    assert {120, 185} <= late
    assert max(link.end - link.start for link in script.link) > 1440


def test_a_demand_for_an_unknown_group_is_named(tmp_path: Path) -> None:
    path = tmp_path / "coverage.toml"
    path.write_text("[unit.area]\nrequired = ['gas']\n")
    with pytest.raises(SimulatorError, match=r"coverage.toml: \[unit.area\] required names gas, there is no \[group.gas\]"):
        load_terms(path)


def test_account_merges_by_the_greatest(park: Park) -> None:
    account = Account(park.boxes[0], START, park.terms)
    tag = park.boxes[0].tags[0]
    times = np.array([START + 5_000_000, START + 35_000_000])
    middle = np.full((2, 1), (tag.low + tag.high) / 2)
    quality = np.array([[4], [1]], np.uint8)
    account.miss(0, 1, START, 3, 30_000_000, 7)
    account.samples(0, times, middle, quality, times + 20_000_000)
    account.samples(0, times[1:], middle[1:], None, times[1:] + 90_000_000)
    account.samples(0, times[1:], middle[1:], quality[1:], times[1:])
    assert facts_of(account.runs(0))[tag.name][:3].tolist() == [64, 7, 0]
