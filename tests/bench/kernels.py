"""What the rules cost on one core: readings judged in a second of CPU at 2,000 points in groups of 40, by kernel and together.

Two shapes: `backlog`, blocks of 125 scans (5,000 readings, as a box sends them that was away, and as replay reads them), and
`live`, a scan a block. Every point has every rule. The plant is alive: a point in a hundred crosses its limits all the time,
one stands in alarm, one is stuck, one ramps; a reading in ten thousand is a spike, and every tenth block has holes.

The plain loop that they are compared with does less: limits with deadband and delays, and a slope from running sums, one
Python object a point.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.figures import Figure, figure
from hazmon.clock import US
from hazmon.model import Point, Quality, Quantity
from hazmon.rulebook import Limits
from hazmon.rules.evaluate import evaluate
from hazmon.rules.fit import follow
from hazmon.rules.frame import ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.rate import rates
from hazmon.rules.threshold import thresholds
from hazmon.rules.trail import Trail
from hazmon.rules.walk import RuleState

POINTS, GROUP = 2000, 40
BACKLOG, LIVE = 125, 1  # scans a block
WARM_S, RUNS, RUN_S = 125, 5, 250
LIVE_S = 10  # seconds of the plant in a run of the live shape
START = 1_767_225_600_000_000
LIMITS = Limits(
    ll=1,
    l=2,
    h=17,
    hh=18,
    deadband=0.1,
    on_delay_s=3,
    off_delay_s=5,
    rate_up=6,
    rate_down=6,
    rate_window_s=60,
    forecast_min=1,
    stuck_s=80,
    stuck_band=0.02,
)
FIGURES = (
    "kernel_limits_backlog",
    "kernel_slope_backlog",
    "kernel_limits_slope_backlog",
    "kernels_backlog",
    "kernel_limits_slope_live",
    "kernels_live",
    "plain_loop",
    "kernels_over_plain_loop",
)

Kernel = Callable[[RuleState, LimitTable, ScanBlock, Trail], None]


def limits(state: RuleState, table: LimitTable, block: ScanBlock, trail: Trail) -> None:
    """LL, L, H, HH."""
    usable = block.usable()
    thresholds(state, table, block, usable, block.extremes(usable))


def slope(state: RuleState, table: LimitTable, block: ScanBlock, trail: Trail) -> None:
    """Slopes, and the two rate rules on them."""
    trends = follow(table, block, trail, block.usable())
    rates(state, table, trends)
    trail.trim(int(trends.window.max()))


def both(state: RuleState, table: LimitTable, block: ScanBlock, trail: Trail) -> None:
    """Limits and slopes."""
    limits(state, table, block, trail)
    slope(state, table, block, trail)


def everything(state: RuleState, table: LimitTable, block: ScanBlock, trail: Trail) -> None:
    """All rules, by the package's own door."""
    evaluate(state, table, block, trail)


@dataclass(slots=True)
class Plain:
    """A point of the plain loop."""

    active: list[bool] = field(default_factory=lambda: [False] * 4)
    since: list[float | None] = field(default_factory=lambda: [None] * 4)
    window: deque[tuple[float, float]] = field(default_factory=deque[tuple[float, float]])
    sx: float = 0.0
    sy: float = 0.0
    sxx: float = 0.0
    sxy: float = 0.0
    fast: bool = False

    def see(self, at: float, value: float) -> int:
        """How many rules turned. `at` in seconds."""
        turned = 0
        for k, limit in enumerate((LIMITS.ll, LIMITS.l, LIMITS.h, LIMITS.hh)):
            assert limit is not None
            beyond = limit - value if k < 2 else value - limit
            wanted = beyond <= -LIMITS.deadband if self.active[k] else beyond >= 0
            if not wanted:
                self.since[k] = None
                continue
            began = self.since[k]
            if began is None:
                began = self.since[k] = at
            if at - began >= (LIMITS.off_delay_s if self.active[k] else LIMITS.on_delay_s):
                self.active[k], self.since[k] = not self.active[k], None
                turned += 1
        return turned + self._slope(at / 60, value)

    def _slope(self, x: float, value: float) -> int:
        self.window.append((x, value))
        self.sx, self.sy = self.sx + x, self.sy + value
        self.sxx, self.sxy = self.sxx + x * x, self.sxy + x * value
        while self.window[0][0] <= x - LIMITS.rate_window_s / 60:
            old, was = self.window.popleft()
            self.sx, self.sy = self.sx - old, self.sy - was
            self.sxx, self.sxy = self.sxx - old * old, self.sxy - old * was
        n = len(self.window)
        spread = n * self.sxx - self.sx * self.sx
        if n < LIMITS.rate_samples or spread <= 0:
            return 0
        found = abs(n * self.sxy - self.sx * self.sy) / spread
        assert LIMITS.rate_up is not None
        if found >= LIMITS.rate_up * (1 - LIMITS.rate_deadband if self.fast else 1) != self.fast:
            self.fast = not self.fast
            return 1
        return 0


def signals(seconds: int) -> list[ScanBlock]:
    """The plant's scans, a block a group."""
    random = np.random.default_rng(1)
    blocks: list[ScanBlock] = []
    times = START + np.arange(seconds, dtype=np.int64) * US
    for group in range(POINTS // GROUP):
        points = np.arange(group * GROUP, (group + 1) * GROUP)
        values = 10 + random.normal(0, 0.05, (seconds, GROUP))
        for column in np.flatnonzero(points % 100 < 4).tolist():
            kind = points[column] % 100
            wave = np.sin(np.arange(seconds) / 20)
            values[:, column] = (17 + wave, 17.5 + 0.01 * wave, np.full(seconds, 10.0), 10 + 6 * np.abs(wave))[kind]
        values[random.random(values.shape) < 1e-4] = 19.0
        quality = np.zeros(values.shape, np.uint8)
        holes = (np.arange(seconds) // BACKLOG % 10 == group % 10)[:, None] & (random.random(values.shape) < 0.01)
        quality[holes] = Quality.ABSENT
        values[holes] = np.nan
        blocks.append(ScanBlock(group + 1, times, values, quality, None, points))
    return blocks


def cut(blocks: Sequence[ScanBlock], first: int, last: int, scans: int) -> Iterator[tuple[int, ScanBlock]]:
    """The blocks of so many scans each from second `first` to `last`, group by group as they come; good ones bear no codes."""
    for row in range(first, last, scans):
        for group, whole in enumerate(blocks):
            block = whole.rows(np.arange(row, min(row + scans, last)))
            block.quality = block.quality if block.quality is not None and block.quality.any() else None
            yield group, block


def rate_of(kernel: Kernel, blocks: Sequence[ScanBlock], table: LimitTable, scans: int, seconds: int) -> list[float]:
    """Millions of readings a second of CPU, a run an entry, after the windows have been filled."""
    state = RuleState.quiet(POINTS)
    trails = [Trail.of(block.points, table) for block in blocks]
    for group, block in cut(blocks, 0, WARM_S, WARM_S):
        evaluate(state, table, block, trails[group])
    found: list[float] = []
    for run in range(RUNS):
        first = WARM_S + run * seconds
        parts = list(cut(blocks, first, first + seconds, scans))
        began = time.process_time()
        for group, block in parts:
            kernel(state, table, block, trails[group])
        found.append(sum(block.readings for _, block in parts) / (time.process_time() - began) / 1e6)
    return found


def plain_loop(blocks: Sequence[ScanBlock]) -> list[float]:
    """The same of the plain loop, over two groups."""
    points = [[Plain() for _ in range(GROUP)] for _ in range(2)]
    found: list[float] = []
    for run in range(RUNS + 1):
        readings = 0
        rows = slice(run * WARM_S, (run + 1) * WARM_S)
        cells = [(block.times[rows] / US, block.values[rows]) for block in blocks[:2]]
        parts = [(((times - START / US).tolist()), values.tolist()) for times, values in cells]
        began = time.process_time()
        for own, (times, values) in zip(points, parts, strict=True):
            for at, scan in zip(times, values, strict=True):
                for one, value in zip(own, scan, strict=True):
                    if not math.isnan(value):
                        one.see(at, value)
                        readings += 1
        found.append(readings / (time.process_time() - began) / 1e6)
    return found[1:]


def measure() -> list[Figure]:
    """All figures, in millions of readings a second."""
    table = LimitTable.of(
        [Point("E01", f"T-{k}", "E01-S1", "V", "点", "point", Quantity.LEVEL, "m", 0, 20, 1, LIMITS) for k in range(POINTS)]
    )
    blocks = signals(WARM_S + RUNS * RUN_S)
    unit = "M readings/s"
    plain = plain_loop(blocks)
    every = rate_of(everything, blocks, table, BACKLOG, RUN_S)
    return [
        figure("kernel_limits_backlog", rate_of(limits, blocks, table, BACKLOG, RUN_S), unit, "higher"),
        figure("kernel_slope_backlog", rate_of(slope, blocks, table, BACKLOG, RUN_S), unit, "higher"),
        figure("kernel_limits_slope_backlog", rate_of(both, blocks, table, BACKLOG, RUN_S), unit, "higher", 3.0),
        figure("kernels_backlog", every, unit, "higher", 1.0),
        figure("kernel_limits_slope_live", rate_of(both, blocks, table, LIVE, LIVE_S), unit, "higher"),
        figure("kernels_live", rate_of(everything, blocks, table, LIVE, LIVE_S), unit, "higher"),
        figure("plain_loop", plain, unit, "higher"),
        figure("kernels_over_plain_loop", [fast / slow for fast, slow in zip(every, plain, strict=True)], "times", "higher"),
    ]
