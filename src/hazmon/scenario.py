"""The driver of step over a scenario file: readings in a short notation, and the complete transcript they must give.

    title  = "H waits out its delay"
    points = "points.csv"            # same columns as a configuration's
    step   = "1s"
    do     = [{ at = "12s", acknowledge = "LT-1101.H", by = "op7" }]
    expect = '''
     8s  LT-1101.H  normal -> unacknowledged  10.6
    '''
    [series]
    "LT-1101" = "9.0*3 10.6*8 10.4 _*5 !9.0 9.0..12.0*10"

`a*n` is exactly n samples, `a..b*n` a ramp of n samples from a to b, `_` nothing arrived, `!a` a reading of bad quality. Sample k
is at k steps. Every event must be in the transcript; one that is not listed is a failure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hazmon.alarms.book import AlarmEvent
from hazmon.alarms.commands import Acknowledge, Command
from hazmon.clock import US
from hazmon.delivery import Delivery, ScanGroup
from hazmon.model import Enterprise, Park, Point, Quality, Rule, Settings
from hazmon.plant import Plant
from hazmon.rules.frame import ScanBlock
from hazmon.step import step

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
_SAMPLES = re.compile(r"(?P<bad>!?)(?P<a>_|-?[\d.]+)(?:\.\.(?P<b>-?[\d.]+))?(?:\*(?P<n>\d+))?$")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, read. Series by tag: (value, quality) a sample; quality ABSENT where nothing arrives."""

    title: str
    step_us: int
    series: dict[str, list[tuple[float, int]]]
    do: list[tuple[int, str, Rule, str]]  # at, tag, rule, by
    expect: list[str]


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises ValueError naming what cannot be read."""
    raw = tomllib.loads(path.read_text("utf-8"))
    do: list[tuple[int, str, Rule, str]] = []
    for entry in raw.get("do", []):
        tag, _, rule = entry["acknowledge"].rpartition(".")
        do.append((seconds(entry["at"]), tag, Rule(rule), entry["by"]))
    return Scenario(
        title=raw["title"],
        step_us=seconds(raw["step"]),
        series={tag: samples(text) for tag, text in raw["series"].items()},
        do=do,
        expect=[" ".join(line.split()) for line in raw["expect"].splitlines() if line.strip()],
    )


def samples(text: str) -> list[tuple[float, int]]:
    """Samples of the series notation: (value, quality code) each. Raises ValueError."""
    found: list[tuple[float, int]] = []
    for word in text.split():
        match = _SAMPLES.match(word)
        if match is None:
            raise ValueError(f"not a sample: {word!r}")
        count = int(match["n"] or 1)
        if match["a"] == "_":
            found += [(float("nan"), Quality.ABSENT)] * count
            continue
        quality = Quality.DEVICE_FAULT if match["bad"] else Quality.GOOD
        first = float(match["a"])
        last = float(match["b"]) if match["b"] else first
        found += [(value, quality) for value in np.linspace(first, last, count).tolist()]
    return found


def play(scenario: Scenario, points: Sequence[Point]) -> list[str]:
    """The transcript that the scenario gives with these points."""
    edge = points[0].enterprise
    park = Park(Settings("scenario", "scenario"), (Enterprise(edge, edge, edge, 0, ()),), tuple(points))
    plant = Plant.of(park, START_US)
    group = ScanGroup(1, edge, "plc1", scenario.step_us, b"", tuple(p.tag for p in points), np.arange(len(points)))
    length = max(len(series) for series in scenario.series.values())
    transcript: list[str] = []
    for k in range(length):
        now = START_US + k * scenario.step_us
        row = [scenario.series[p.tag][k : k + 1] or [(float("nan"), int(Quality.ABSENT))] for p in points]
        events, _ = step(plant, [_delivery(edge, group, row, k, now)], _due(scenario, plant, edge, k), now)
        transcript += [_line(event) for event in events]
    return transcript


def seconds(text: str) -> int:
    """Microseconds of `8s` or `0.5s`. Raises ValueError."""
    if not text.endswith("s"):
        raise ValueError(f"not a time: {text!r}")
    return round(float(text[:-1]) * US)


def _delivery(edge: str, group: ScanGroup, row: list[list[tuple[float, int]]], k: int, now: int) -> Delivery:
    quality = np.array([[cell[0][1] for cell in row]], np.uint8)
    values = np.array([[cell[0][0] for cell in row]])
    delivery = Delivery(edge, 1, k, b"", b"", now, now)
    if (quality != Quality.ABSENT).any():
        delivery.groups[group.id] = group
        delivery.blocks.append(ScanBlock(group.id, np.array([now]), values, quality, None, group.points))
    return delivery


def _due(scenario: Scenario, plant: Plant, edge: str, k: int) -> list[Command]:
    """Commands of this sample, addressed to the alarm that stands when they are given."""
    at = k * scenario.step_us
    due: list[Command] = []
    for when, tag, rule, by in scenario.do:
        if when == at:
            identity = plant.book.live.get((f"{edge}/{tag}", rule), "none")
            due.append(Acknowledge(identity, by, ""))
    return due


def _line(event: AlarmEvent) -> str:
    at = (event.at - START_US) / US
    value = "" if event.value is None else f" {event.value:.6g}"
    by = "" if event.by is None else f" by={event.by}"
    return f"{at:g}s {event.alarm.subject.tag}.{event.alarm.rule} {event.before} -> {event.alarm.state}{value}{by}"
