"""The alarms that readings must give, found again by the dullest means: one point, one reading at a time, polyfit for slopes.

Limits, rates and ranges. A rate is raised and cleared by what the slope says with and without the reading furthest off it.

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
    rules["RANGE"] = _Rule()
    deadband, on, off = (_float(row[key], 0.0) for key in ("deadband", "on_delay_s", "off_delay_s"))
    rate = _Rate(
        window=_float(row["rate_window_s"], 60.0),
        deadband=_float(row.get("rate_deadband", ""), 0.1),
        on=_float(row.get("rate_on_delay_s", ""), 0.0),
        off=_float(row.get("rate_off_delay_s", ""), 0.0),
        samples=round(_float(row.get("rate_samples", ""), 4.0)),
        span=_float(row.get("rate_span", ""), 0.5),
    )
    good: list[tuple[float, float]] = []
    for at, value in readings:
        if value != value or _range(rules["RANGE"], row, at, value):
            continue
        good.append((at, value))
        for name in DELAYED:
            if name in rules:
                limit = float(row[name])
                if name in ("LL", "L"):
                    rules[name].see(at, value <= limit, value > limit and value >= limit + deadband, on, off)
                else:
                    rules[name].see(at, value >= limit, value < limit and value <= limit - deadband, on, off)
        if "RATE_UP" in rules or "RATE_DOWN" in rules:
            slopes = _slopes(good, rate)
            for name, sign, column in (("RATE_UP", 1, "rate_up"), ("RATE_DOWN", -1, "rate_down")):
                if name in rules and slopes is not None:
                    limit = float(row[column])
                    raising = all(sign * slope >= limit for slope in slopes)
                    clearing = all(sign * slope <= (1 - rate.deadband) * limit for slope in slopes)
                    rules[name].see(at, raising, clearing, rate.on, rate.off)
    for name, rule in rules.items():
        for raised, cleared in rule.all():
            yield Expected(point, name, raised, cleared)


def _rated(row: dict[str, str], name: str) -> bool:
    return bool(row[{"RATE_UP": "rate_up", "RATE_DOWN": "rate_down"}.get(name, name)])


def _range(rule: _Rule, row: dict[str, str], at: float, value: float) -> bool:
    """Judge RANGE; True for a current by which the instrument says that it is at fault (NAMUR NE 43)."""
    low, high = float(row["range_low"]), float(row["range_high"])
    share = (value - low) / (high - low)
    if row.get("signal", "") == "4-20mA":
        current = 4 + 16 * share
        fault = current <= 3.6 or current >= 21
        rule.see(at, fault, 3.8 <= current <= 20.5, 0.0, 0.0)
        return fault
    rule.see(at, share < -0.0125 or share > 1.03125, 0 <= share <= 1, 0.0, 0.0)
    return False


@dataclass(frozen=True, slots=True)
class _Rate:
    """How a point's slopes are made: window and delays in seconds, the others as shares and counts."""

    window: float
    deadband: float
    on: float
    off: float
    samples: int
    span: float


def _slopes(readings: list[tuple[float, float]], rate: _Rate) -> tuple[float, float] | None:
    """Units per minute over the window that ends at the last reading: of all readings, and without the one furthest off
    (the oldest, where several are). None with too little in the window."""
    end = readings[-1][0]
    first = len(readings) - 1
    while first > 0 and readings[first - 1][0] > end - rate.window:
        first -= 1
    inside = np.array(readings[first:])
    if len(inside) < max(rate.samples, 2) or end - inside[0][0] < rate.span * rate.window:
        return None
    at, values = (inside[:, 0] - end) / 60, inside[:, 1]
    slope, height = np.polyfit(at, values, 1)
    if len(inside) == rate.samples:
        return float(slope), float(slope)
    off = np.abs(values - height - slope * at)
    rest = np.arange(len(inside)) != np.flatnonzero(off >= off.max() * (1 - 1e-6))[0]
    return float(slope), float(np.polyfit(at[rest], values[rest], 1)[0])


def _float(text: str, default: float) -> float:
    return float(text) if text else default
