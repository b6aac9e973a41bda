"""All rules of points in plain words, a point and a sample at a time, with polyfit for lines: what the kernels are judged by."""

# numpy types what polyfit finds as unknown
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from hazmon.model import Point, Quality
from hazmon.rulebook import Limits, Rule, Signal
from hazmon.rules.frame import Floats, ScanBlock

MS = 1000
TIE = 1e-6
NAN = float("nan")


@dataclass(frozen=True)
class Turn:
    """What a Change says, without its evidence."""

    point: int
    rule: Rule
    at: int
    on: bool
    value: float
    limit: float


@dataclass
class Sample:
    """A usable reading: its scan's time and its own, in microseconds."""

    scan: int
    at: int
    value: float


@dataclass
class Line:
    """A fitted line: per minute, value at the end, and how sure."""

    slope: float
    ended: float
    sure: float


@dataclass
class One:
    """One point on its way through its samples."""

    number: int
    point: Point
    held: set[Rule] = field(default_factory=set[Rule])
    since: dict[Rule, int] = field(default_factory=dict[Rule, int])
    turns: list[Turn] = field(default_factory=list[Turn])
    seen: list[Sample] = field(default_factory=list[Sample])
    moved: int = 0  # the stuck rule counts buckets from here on
    still: list[float] = field(default_factory=list[float])

    def turn(self, rule: Rule, at: int, value: float, limit: float) -> None:
        self.held ^= {rule}
        self.turns.append(Turn(self.number, rule, at, rule in self.held, value, limit))

    def judge(
        self, rule: Rule, at: int, raising: bool, clearing: bool, value: float, limit: float, delays: tuple[float, float]
    ) -> None:
        if not (clearing if rule in self.held else raising):
            self.since.pop(rule, None)
            return
        since = self.since.setdefault(rule, at)
        if at - since >= delays[rule in self.held] * 1e6 - 50_000:
            self.turn(rule, at, value, limit)
            self.since.pop(rule, None)

    def reading(self, scan: int, at: int, value: float, code: int) -> None:
        if code == Quality.ABSENT:
            return
        good = code in (Quality.GOOD, Quality.CLOCK_SUSPECT)
        self.judge(Rule.QUALITY, at, not good, good, code, NAN, (0, 0))
        if good and not self.range(at, value):
            self.seen.append(Sample(scan, at, value))
            self.limits(at, value)
            self.trend()
            self.stuck()

    def range(self, at: int, value: float) -> bool:
        """True for a signal that says a fault."""
        low, high = self.point.range_low, self.point.range_high
        current = self.point.limits.signal is Signal.CURRENT
        if current:
            milliamperes = 4 + 16 * (value - low) / (high - low)
            out = milliamperes <= 3.6 + 1e-7 or milliamperes >= 21 - 1e-7
            back = 3.8 - 1e-7 <= milliamperes <= 20.5 + 1e-7
            low, high = low - (high - low) / 40, high + (high - low) / 16
        else:
            back = low <= value <= high
            low, high = low - (high - low) / 80, high + (high - low) / 32
            out = not low <= value <= high
        self.judge(Rule.RANGE, at, out, back, value, low if value - low < high - value else high, (0, 0))
        return out and current

    def limits(self, at: int, value: float) -> None:
        rules = self.point.limits
        for rule, limit in ((Rule.LL, rules.ll), (Rule.L, rules.l), (Rule.H, rules.h), (Rule.HH, rules.hh)):
            if limit is not None:
                low = rule in (Rule.LL, Rule.L)
                beyond = value <= limit if low else value >= limit
                clearing = not beyond and (value >= limit + rules.deadband if low else value <= limit - rules.deadband)
                self.judge(rule, at, beyond, clearing, value, limit, (rules.on_delay_s, rules.off_delay_s))

    def trend(self) -> None:
        rules = self.point.limits
        found = lines(self.seen, rules)
        if found is None:
            return
        at, value, (every, fewer) = self.seen[-1].at, self.seen[-1].value, found
        for rule, sign, limit in ((Rule.RATE_UP, 1, rules.rate_up), (Rule.RATE_DOWN, -1, rules.rate_down)):
            if limit is not None:
                weaker, stronger = sorted((sign * every.slope, sign * fewer.slope))
                raising = weaker >= limit * (1 - TIE)
                clearing = stronger <= limit * (1 - rules.rate_deadband + TIE) and stronger <= limit * (1 - TIE)
                delays = rules.rate_on_delay_s, rules.rate_off_delay_s
                self.judge(rule, at, raising, clearing, every.slope, sign * limit, delays)
        for rule, sign, target in ((Rule.FORECAST_UP, 1, rules.hh), (Rule.FORECAST_DOWN, -1, rules.ll)):
            if target is None or rules.forecast_min is None:
                continue
            ahead = rules.forecast_min
            due = [ending(sign * (target - line.ended), sign * line.slope) for line in found]
            raising = sign * (target - value) > 0 and all(
                sign * (target - line.ended) > 0 and minutes <= ahead * (1 + TIE) and line.sure >= 5 * (1 - TIE)
                for line, minutes in zip(found, due, strict=True)
            )
            clearing = all(
                minutes > 1.2 * ahead * (1 + TIE) or line.sure < 2 * (1 - TIE) for line, minutes in zip(found, due, strict=True)
            )
            self.judge(rule, at, raising, clearing, NAN if math.isinf(due[0]) else due[0], ahead, (0, 0))

    def stuck(self) -> None:
        rules, sample = self.point.limits, self.seen[-1]
        if rules.stuck_s is None:
            return
        bucket = round(rules.stuck_s * 1e6) // 8
        now = sample.scan // bucket
        if Rule.STUCK in self.held:
            self.still.append(sample.value)
            if max(self.still) - min(self.still) > rules.stuck_band:
                self.moved = now
                self.turn(Rule.STUCK, sample.at, sample.value, rules.stuck_band)
            return
        inside = [each for each in self.seen if each.scan // bucket >= max(now - 9, self.moved)]
        values = [each.value for each in inside if each.scan // bucket >= now - 8]
        full = {each.scan // bucket for each in inside} == set(range(now - 9, now + 1))
        if full and max(values) - min(values) <= rules.stuck_band:
            self.still = values
            self.turn(Rule.STUCK, sample.at, sample.value, rules.stuck_band)


def ending(distance: float, slope: float) -> float:
    """Minutes."""
    return max(distance, 0) / slope if slope > 1e-12 else float("inf")


def lines(seen: list[Sample], rules: Limits) -> tuple[Line, Line] | None:
    """Through the window of the newest sample, and without the sample furthest off; None with too little in it."""
    end, window = seen[-1], round(rules.rate_window_s * 1e6)
    inside = [sample for sample in seen if sample.scan > end.scan - window]
    x = np.array([(sample.at - end.at) / 60e6 for sample in inside])
    y = np.array([sample.value - end.value for sample in inside])
    if len(inside) < max(rules.rate_samples, 2) or end.scan - inside[0].scan < rules.rate_span * window or np.ptp(x) == 0:
        return None
    every, residual = line(x, y, end.value)
    worst = int(np.flatnonzero(residual >= residual.max() * (1 - TIE))[0])
    rest = np.arange(x.size) != worst
    if len(inside) == rules.rate_samples or np.ptp(x[rest]) == 0:
        return every, every
    return every, line(x[rest], y[rest], end.value)[0]


def line(x: Floats, y: Floats, height: float) -> tuple[Line, Floats]:
    """The line and how far each sample lies from it."""
    middle = x.mean()
    slope, offset = float(np.polyfit(x - middle, y, 1)[0]), float(y.mean())
    residual = np.abs(y - offset - slope * (x - middle))
    freedom, left = x.size - 2, float((residual**2).sum())
    least = (
        resolution(y, 1e-9 * (abs(height) + float(np.abs(y).max())))
        / 2
        * float(np.abs(x - middle).sum())
        / float(((x - middle) ** 2).sum())
    )
    moved = max(0.0, abs(slope) - least)
    if freedom < 1:
        sure = NAN
    elif left < 1e-20:
        sure = 0.0 if moved < 1e-9 else float("inf")
    else:
        t = moved / math.sqrt(left / freedom / float(((x - middle) ** 2).sum()))
        sure = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log(1 + t * t / freedom))
    return Line(slope, height + offset - slope * float(middle), sure), residual


def resolution(y: Floats, tie: float) -> float:
    """The smallest distance of two levels, if need be without one sample that stands alone between them."""
    heights: list[list[float]] = []
    for each in sorted(y.tolist()):
        if heights and each - heights[-1][-1] <= tie:
            heights[-1].append(each)
        else:
            heights.append([each])

    def smallest(of: list[list[float]]) -> float:
        return min((b[0] - a[-1] for a, b in pairwise(of)), default=0.0)

    whole = smallest(heights)
    ends = [k for k in range(1, len(heights)) if heights[k][0] - heights[k - 1][-1] == whole][:1]
    others = [heights[:k] + heights[k + 1 :] for end in ends for k in (end - 1, end) if len(heights[k]) == 1]
    return max(whole, *map(smallest, others)) if others else whole


def naive(points: list[Point], block: ScanBlock) -> list[Turn]:
    """The turns of every known point through the block."""
    turns: list[Turn] = []
    for column, number in enumerate(list[int](block.points.tolist())):
        if number < 0:
            continue
        one = One(number, points[number])
        for row, scan in enumerate(list[int](block.times.tolist())):
            code = 0 if block.quality is None else int(block.quality[row, column])
            offset = 0 if block.offsets is None else int(block.offsets[row, column])
            one.reading(scan, scan + offset * MS, float(block.values[row, column]), code)
        turns += one.turns
    return turns
