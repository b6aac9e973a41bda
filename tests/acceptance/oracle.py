"""The alarms that readings must give, found again by the dullest means: one point, one reading at a time, polyfit for slopes.

Shares no code with the rules: it reads points.csv itself.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

DELAYED = ("LL", "L", "H", "HH")


@dataclass(frozen=True, slots=True)
class Expected:
    """A rule that began to hold, and when it ceased (None = it still holds)."""

    point: str
    rule: str
    raised: float
    cleared: float | None


@dataclass(slots=True)
class _Rule:
    active: bool = False
    since: float | None = None
    raised: float = 0.0
    found: list[tuple[float, float | None]] = field(default_factory=list[tuple[float, float | None]])

    def see(self, at: float, raising: bool, clearing: bool, on_delay: float, off_delay: float) -> None:
        wanted, delay = (clearing, off_delay) if self.active else (raising, on_delay)
        if not wanted:
            self.since = None
            return
        self.since = at if self.since is None else self.since
        if at - self.since < delay - 0.05:  # samples come a hair off the second
            return
        if self.active:
            self.found.append((self.raised, at))
        else:
            self.raised = at
        self.active, self.since = not self.active, None

    def all(self) -> list[tuple[float, float | None]]:
        return self.found + ([(self.raised, None)] if self.active else [])


def expected(config: Path, series: dict[str, list[tuple[float, float]]]) -> Iterator[Expected]:
    """What the limits and rates of the configuration say about the readings."""
    for file in sorted(config.glob("*/points.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                point = f"{file.parent.name}/{row['tag']}"
                yield from _of_point(point, row, series.get(point, []))


def _of_point(point: str, row: dict[str, str], readings: list[tuple[float, float]]) -> Iterator[Expected]:
    rules = {name: _Rule() for name in (*DELAYED, "RATE_UP", "RATE_DOWN") if _rated(row, name)}
    deadband, on, off = (_float(row[key], 0.0) for key in ("deadband", "on_delay_s", "off_delay_s"))
    window = _float(row["rate_window_s"], 60.0)
    good = [(at, value) for at, value in readings if value == value]
    for number, (at, value) in enumerate(good):
        for name in DELAYED:
            if name in rules:
                limit = float(row[name])
                if name in ("LL", "L"):
                    rules[name].see(at, value <= limit, value > limit and value >= limit + deadband, on, off)
                else:
                    rules[name].see(at, value >= limit, value < limit and value <= limit - deadband, on, off)
        if "RATE_UP" in rules or "RATE_DOWN" in rules:
            slope = _slope(good, number, window)
            for name, sign, column in (("RATE_UP", 1, "rate_up"), ("RATE_DOWN", -1, "rate_down")):
                if name in rules and slope is not None:
                    limit = float(row[column])
                    rules[name].see(at, sign * slope >= limit, sign * slope <= 0.9 * limit, 0.0, 0.0)
    for name, rule in rules.items():
        for raised, cleared in rule.all():
            yield Expected(point, name, raised, cleared)


def _rated(row: dict[str, str], name: str) -> bool:
    return bool(row[{"RATE_UP": "rate_up", "RATE_DOWN": "rate_down"}.get(name, name)])


def _slope(readings: list[tuple[float, float]], number: int, window: float) -> float | None:
    """Units per minute over the window that ends at this reading; None with too little in it."""
    end = readings[number][0]
    first = number
    while first > 0 and readings[first - 1][0] > end - window:
        first -= 1
    inside = readings[first : number + 1]
    if len(inside) < 4 or inside[-1][0] - inside[0][0] < window / 2:
        return None
    at = np.array([(reading[0] - end) / 60 for reading in inside])
    return float(np.polyfit(at, np.array([reading[1] for reading in inside]), 1)[0])


def _float(text: str, default: float) -> float:
    return float(text) if text else default
