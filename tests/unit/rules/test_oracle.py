"""The oracle that judges real runs says of a signal what the rules say: it would be no judge otherwise."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from acceptance.oracle import expected
from unit.rules.signals import START, Signal, point

from hazmon.clock import US
from hazmon.rulebook import Limits
from hazmon.rulebook import Signal as Speech
from hazmon.rules.walk import Change


def config(folder: Path, limits: Limits) -> None:
    row = {
        "tag": "LT-1",
        "range_low": 0,
        "range_high": 20,
        "LL": "",
        "L": "",
        "H": limits.h,
        "HH": limits.hh,
        "deadband": limits.deadband,
        "on_delay_s": limits.on_delay_s,
        "off_delay_s": limits.off_delay_s,
        "rate_up": limits.rate_up,
        "rate_down": limits.rate_down,
        "rate_window_s": limits.rate_window_s,
        "signal": limits.signal.value,
    }
    (folder / "E01").mkdir()
    with (folder / "E01" / "points.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)


def pairs(changes: list[Change]) -> list[tuple[str, float, float | None]]:
    """Rule, raised, cleared, in seconds after START."""
    found: list[tuple[str, float, float | None]] = []
    raised: dict[str, float] = {}
    for change in changes:
        at = (change.at - START) / US
        if change.on:
            raised[change.rule] = at
        else:
            found.append((change.rule, raised.pop(change.rule), at))
    return found + [(rule, at, None) for rule, at in raised.items()]


@pytest.mark.parametrize("signal", Speech)
@pytest.mark.parametrize("seed", range(4))
def test_the_oracle_and_the_rules_agree(tmp_path: Path, seed: int, signal: Speech) -> None:
    random = np.random.default_rng(seed)
    limits = Limits(
        h=15, hh=18, deadband=0.5, on_delay_s=3, off_delay_s=5, rate_up=3, rate_down=4, rate_window_s=30, signal=signal
    )
    values = 10 + np.repeat(random.choice([0.0, 0.04, -0.05, 0.1, -0.1], 10), 60).cumsum() + random.normal(0, 0.1, 600)
    values[random.integers(0, 600, 12)] += random.choice([-15.0, 15.0], 12)
    values[random.random(600) < 0.05] = np.nan
    config(tmp_path, limits)
    readings = [(float(at), float(value)) for at, value in enumerate(values)]
    wanted = [(e.rule, e.raised, e.cleared) for e in expected(tmp_path, {"E01/LT-1": readings})]
    found = pairs(Signal(point(limits)).feed(values))
    assert sorted(found, key=str) == sorted(wanted, key=str)
    rules = {rule for rule, _, _ in found}
    assert "RANGE" in rules
    assert rules & {"RATE_UP", "RATE_DOWN"}
