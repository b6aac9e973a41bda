"""The line between a scenario's box and the park: what arrives when, with cuts, repetitions and a clock that jumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hazmon.clock import US
from hazmon.delivery import Delivery, ScanGroup
from hazmon.model import Point, Quality, Settings
from hazmon.rules.frame import ScanBlock
from hazmon.scenario.reading import Sample, Scenario

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
_NONE: Sample = (float("nan"), int(Quality.ABSENT))


@dataclass(slots=True)
class Line:
    """A delivery a sample and group, but for what the scenario says."""

    scenario: Scenario
    points: Sequence[Point]
    held: list[tuple[int, Delivery]] = field(default_factory=list[tuple[int, Delivery]])  # by number of the group
    groups: list[ScanGroup] = field(default_factory=list[ScanGroup])

    def __post_init__(self) -> None:
        edge = self.points[0].enterprise
        for number, named in enumerate(self.scenario.groups, 1):
            indices = [index for index, point in enumerate(self.points) if point.tag in named]
            tags = tuple(self.points[index].tag for index in indices)
            self.groups.append(ScanGroup(number, edge, f"plc{number}", self.scenario.step_us, b"", tags, np.array(indices)))

    def deliver(self, k: int) -> list[Delivery]:
        """The deliveries that arrive with sample k."""
        at = k * self.scenario.step_us
        newest = [(number, self._delivery(k, group, boot=1)) for number, group in enumerate(self.groups)]
        if any(begin <= at < end for begin, end in self.scenario.cut):
            self.held += newest
            return []
        arriving = [delivery for _, delivery in newest]
        for when, begin, end in self.scenario.again:
            if when == at:
                repeated = [n for n in range(k) if begin <= n * self.scenario.step_us < end]
                arriving += [self._delivery(n, group, boot=2) for n in repeated for group in self.groups]
        arriving = self._backlog(at, arriving[0].made_at) + arriving
        for delivery in arriving:
            delivery.arrived = START_US + at
        return arriving

    def _backlog(self, at: int, made_at: int) -> list[Delivery]:
        """What a cut held back and comes now: all that a short one did, else group by group behind the newest sample."""
        if not self.held:
            return []
        short = made_at - self.held[0][1].made_at <= Settings("", "").live_window_s * US
        if any(end == at for _, end in self.scenario.cut) and not short:
            return []
        first = min(number for number, _ in self.held)
        coming = [delivery for number, delivery in self.held if short or number == first]
        self.held = [] if short else [(number, delivery) for number, delivery in self.held if number != first]
        return coming

    def offset(self, at: int) -> int:
        """Microseconds to add to the box's clock at that time, as its heartbeats say."""
        return -sum(by for when, by in self.scenario.clock if when <= at)

    def _delivery(self, k: int, group: ScanGroup, boot: int) -> Delivery:
        at = k * self.scenario.step_us
        now = START_US + at - self.offset(at)
        row = [(self.scenario.series[tag][k : k + 1] or [_NONE])[0] for tag in group.tags]
        quality = np.array([[code for _, code in row]], np.uint8)
        seq = k * len(self.groups) + group.id - 1
        delivery = Delivery(group.edge, boot, seq, b"", b"", now, START_US + at)
        if (quality != Quality.ABSENT).any():
            delivery.groups[group.id] = group
            values = np.array([[value for value, _ in row]])
            delivery.blocks.append(ScanBlock(group.id, np.array([now]), values, quality, None, group.points))
        return delivery
