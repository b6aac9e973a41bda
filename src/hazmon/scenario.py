"""The driver of step over a scenario file: readings in a short notation, and the complete transcript they must give.

    title  = "H waits out its delay"
    points = "points.csv"            # same columns as a configuration's
    step   = "1s"
    do     = [{ at = "12s", acknowledge = "LT-1101.H", by = "op7" }]
    cut    = [{ from = "20s", to = "90s" }]               # the box's line to the park
    again  = [{ at = "95s", from = "3s", to = "9s" }]     # the box sends these samples a second time
    expect = '''
     8s  LT-1101.H  normal -> unacknowledged  10.6
    '''
    [series]
    "LT-1101" = "9.0*3 10.6*8 10.4 _*5 !9.0 9.0..12.0*10"

`a*n` is exactly n samples, `a..b*n` a ramp of n samples from a to b, `_` nothing arrived, `!a` a reading of bad quality. Sample k
is at k steps. What a cut held back comes in order when it was short, else behind the newest sample, as boxes do it.
Every event, and every refusal of what was asked, must be in the transcript; one that is not listed is a failure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hazmon.alarms.book import AlarmEvent
from hazmon.alarms.commands import Acknowledge, Command
from hazmon.clock import US
from hazmon.delivery import Delivery, ScanGroup
from hazmon.errors import NotFound
from hazmon.model import Enterprise, Park, Point, Quality, Settings
from hazmon.plant import Plant
from hazmon.rulebook import Rule
from hazmon.rules.frame import ScanBlock
from hazmon.step import step

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
_NUMBER = r"-?\d+(?:\.\d+)?"
_SAMPLES = re.compile(rf"(?P<bad>!?)(?P<a>_|{_NUMBER})(?:\.\.(?P<b>{_NUMBER}))?(?:\*(?P<n>\d+))?$")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, read. Series by tag: (value, quality) a sample; quality ABSENT where nothing arrives."""

    title: str
    step_us: int
    series: dict[str, list[tuple[float, int]]]
    do: list[tuple[int, str, Rule, str]]  # at, tag, rule, by
    cut: list[tuple[int, int]]  # from, to
    again: list[tuple[int, int, int]]  # at, from, to
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
        cut=[(seconds(entry["from"]), seconds(entry["to"])) for entry in raw.get("cut", [])],
        again=[(seconds(e["at"]), seconds(e["from"]), seconds(e["to"])) for e in raw.get("again", [])],
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
    """The transcript that the scenario gives with those of the points that have a series in it."""
    points = [point for point in points if point.tag in scenario.series]
    edge = points[0].enterprise
    park = Park(Settings("scenario", "scenario"), (Enterprise(edge, edge, edge, 0, ()),), tuple(points))
    plant = Plant.of(park, START_US)
    line = _Line(scenario, points)
    told: dict[tuple[str, Rule], str] = {}
    transcript: list[str] = []
    for k in range(max(len(series) for series in scenario.series.values())):
        at = k * scenario.step_us
        asked = [(tag, rule, by) for when, tag, rule, by in scenario.do if when == at]
        commands: list[Command] = [Acknowledge(told.get((tag, rule), ""), by, "") for tag, rule, by in asked]
        events, outcomes = step(plant, line.deliver(k), commands, START_US + at)
        for event in events:
            told[event.alarm.subject.tag, event.alarm.rule] = event.alarm.id
            transcript.append(_told(event))
        for (tag, rule, _), outcome in zip(asked, outcomes, strict=True):
            match outcome.refusal:
                case None:
                    pass
                case NotFound():
                    transcript.append(f"{at / US:g}s {tag}.{rule} refused: no open alarm")
                case refusal:
                    transcript.append(f"{at / US:g}s {tag}.{rule} refused: {refusal}")
    return transcript


@dataclass(slots=True)
class _Line:
    """What reaches the park when: a delivery a sample, but for cuts and repetitions."""

    scenario: Scenario
    points: Sequence[Point]
    held: list[Delivery] = field(default_factory=list[Delivery])
    group: ScanGroup = field(init=False)

    def __post_init__(self) -> None:
        tags = tuple(point.tag for point in self.points)
        edge = self.points[0].enterprise
        self.group = ScanGroup(1, edge, "plc1", self.scenario.step_us, b"", tags, np.arange(len(tags)))

    def deliver(self, k: int) -> list[Delivery]:
        """The deliveries that arrive with sample k."""
        at = k * self.scenario.step_us
        newest = self._delivery(k, boot=1)
        if any(begin <= at < end for begin, end in self.scenario.cut):
            self.held.append(newest)
            return []
        arriving = [newest]
        for when, begin, end in self.scenario.again:
            if when == at:
                arriving += [self._delivery(n, boot=2) for n in range(k) if begin <= n * self.scenario.step_us < end]
        back = any(end == at for _, end in self.scenario.cut)
        if self.held and (not back or newest.made_at - self.held[0].made_at <= Settings("", "").live_window_s * US):
            arriving, self.held = self.held + arriving, []
        for delivery in arriving:
            delivery.arrived = newest.made_at
        return arriving

    def _delivery(self, k: int, boot: int) -> Delivery:
        now = START_US + k * self.scenario.step_us
        none = (float("nan"), int(Quality.ABSENT))
        row = [
            (self.scenario.series[p.tag][k : k + 1] or [none])[0] if p.tag in self.scenario.series else none for p in self.points
        ]
        quality = np.array([[code for _, code in row]], np.uint8)
        delivery = Delivery(self.group.edge, boot, k, b"", b"", now, now)
        if (quality != Quality.ABSENT).any():
            delivery.groups[self.group.id] = self.group
            values = np.array([[value for value, _ in row]])
            delivery.blocks.append(ScanBlock(self.group.id, np.array([now]), values, quality, None, self.group.points))
        return delivery


def seconds(text: str) -> int:
    """Microseconds of `8s` or `0.5s`. Raises ValueError."""
    if not text.endswith("s"):
        raise ValueError(f"not a time: {text!r}")
    return round(float(text[:-1]) * US)


def _told(event: AlarmEvent) -> str:
    at = (event.at - START_US) / US
    value = "" if event.value is None else f" {event.value:.6g}"
    by = "" if event.by is None else f" by={event.by}"
    return f"{at:g}s {event.alarm.subject.tag}.{event.alarm.rule} {event.before} -> {event.alarm.state}{value}{by}"
