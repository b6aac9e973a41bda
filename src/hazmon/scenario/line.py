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
    """A delivery a sample, but for what the scenario says."""

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
            delivery.arrived = START_US + at
        return arriving

    def offset(self, at: int) -> int:
        """Microseconds to add to the box's clock at that time, as its heartbeats say."""
        return -sum(by for when, by in self.scenario.clock if when <= at)

    def _delivery(self, k: int, boot: int) -> Delivery:
        at = k * self.scenario.step_us
        now = START_US + at - self.offset(at)
        row = [(self.scenario.series[point.tag][k : k + 1] or [_NONE])[0] for point in self.points]
        quality = np.array([[code for _, code in row]], np.uint8)
        delivery = Delivery(self.group.edge, boot, k, b"", b"", now, START_US + at)
        if (quality != Quality.ABSENT).any():
            delivery.groups[self.group.id] = self.group
            values = np.array([[value for value, _ in row]])
            delivery.blocks.append(ScanBlock(self.group.id, np.array([now]), values, quality, None, self.group.points))
        return delivery
