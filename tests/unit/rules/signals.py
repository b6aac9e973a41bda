"""One point and its signal, a sample a second, through the rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hazmon.clock import US
from hazmon.model import Point, Quality, Quantity
from hazmon.rulebook import Limits, Rule
from hazmon.rules.evaluate import evaluate
from hazmon.rules.frame import Floats, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Change, RuleState

START = 1_767_225_600_000_000  # a multiple of every bucket that the tests use


def point(limits: Limits, low: float = 0, high: float = 20, quantity: Quantity = Quantity.LEVEL) -> Point:
    """A level in metres."""
    return Point("E01", "LT-1", "E01-S1", "V", "名", "name", quantity, "m", low, high, 1, limits)


class Signal:
    """A point that is fed stretch by stretch; NaN is a reading that never came."""

    def __init__(self, of: Point) -> None:
        self.table = LimitTable.of([of])
        self.state = RuleState.quiet(1)
        self.trail = Trail.of(np.array([0]), self.table)
        self.now = 0.0

    def feed(self, values: Sequence[float] | Floats, period: float = 1.0) -> list[Change]:
        """The changes through these samples, which follow the last ones."""
        cells = np.asarray(values, float)[:, None]
        times = START + np.round((self.now + np.arange(cells.size) * period) * US).astype(np.int64)
        self.now += cells.size * period
        absent = np.isnan(cells)
        quality = np.where(absent, np.uint8(Quality.ABSENT), np.uint8(0)) if absent.any() else None
        return evaluate(self.state, self.table, ScanBlock(1, times, cells, quality, None, np.array([0])), self.trail)

    def wait(self, seconds: float) -> None:
        """Nothing comes."""
        self.now += seconds


def told(changes: Sequence[Change], *rules: Rule) -> list[str]:
    """Changes of these rules, or of all, as `10 H on`."""
    chosen = [c for c in changes if not rules or c.rule in rules]
    return [f"{(c.at - START) / US:g} {c.rule} {'on' if c.on else 'off'}" for c in chosen]
