"""What could quieten a bad actor: a deadband or a delay taken from the signal that was recorded, and what would have been left.

Advice only: nothing changes a limit by itself. How the numbers are taken is ours, and said beside each; TR18.2.3 and the
standards name starting values by quantity, which know nothing of the instrument at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import floor, inf, log10

import numpy as np
from numpy.typing import NDArray

from hazmon.clock import MINUTE_US, US
from hazmon.model import Point, Quantity
from hazmon.rulebook import Kind
from hazmon.rules.walk import JITTER_US

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AROUND_US = 30 * US  # to each side of a crossing
CROSSINGS = 500  # looked at, spread evenly over all
PERCENTILE = 95
SHORT_US = MINUTE_US  # what ended within it ended before anybody could have ended it
DEADBAND_SHARE = 0.05  # of the instrument's range: the largest that is proposed
_UNDELAYED = frozenset({Quantity.COMBUSTIBLE_GAS, Quantity.TOXIC_GAS, Quantity.OXYGEN})
_STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_SECONDS = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60)


class Setting(StrEnum):
    """What may be set otherwise. The first two never make an alarm later than it is."""

    DEADBAND = "deadband"
    OFF_DELAY = "off_delay_s"
    ON_DELAY = "on_delay_s"


@dataclass(frozen=True, slots=True)
class Present:
    """A limit as it is set: `high` or low, deadband in the point's unit, delays in seconds."""

    limit: float
    high: bool
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A setting with a value of its own, all else as it is.

    `observed`: what it was rounded up from: the 95th percentile of the movement within a minute around the crossings of the
    limit (deadband), of the excursions that ended by themselves within a minute (on-delay), or of the pauses between excursions
    of no more than a minute (off-delay). `remaining`: alarms that would have been left of those recounted.
    """

    setting: Setting
    value: float
    observed: float
    remaining: int


@dataclass(frozen=True, slots=True)
class Advice:
    """The recount of a recording as the limit is set, and what would have made fewer; `preferred` is the one to try first."""

    readings: int
    recounted: int
    proposals: tuple[Proposal, ...]

    @property
    def preferred(self) -> Proposal | None:
        """The mildest that takes away half of the alarms or more, else the one that leaves the fewest."""
        enough = (proposal for proposal in self.proposals if 2 * proposal.remaining <= self.recounted)
        return next(enough, None) or min(self.proposals, key=lambda proposal: proposal.remaining, default=None)


def limit_of(point: Point, kind: Kind) -> Present | None:
    """The limit through which the point's alarms of that kind begin: the milder of the side. None if there is none."""
    rules = point.limits
    sides = {Kind.HIGH: (rules.h, rules.hh), Kind.LOW: (rules.l, rules.ll)}
    limit = next((limit for limit in sides.get(kind, ()) if limit is not None), None)
    if limit is None:
        return None
    return Present(limit, kind is Kind.HIGH, rules.deadband, rules.on_delay_s, rules.off_delay_s)


def advise_on(point: Point, now: Present, times: Ints, values: Floats) -> Advice:
    """Advice for a limit of a point from its recording, as `advise` has it."""
    most = DEADBAND_SHARE * (point.range_high - point.range_low)
    return advise(times, values, now, most, delayable=point.quantity not in _UNDELAYED)


def advise(times: Ints, values: Floats, now: Present, most_deadband: float = inf, delayable: bool = True) -> Advice:
    """Advice for one limit from its recording: int64[N] microseconds ascending, float64[N] with NaN where no value is usable.

    No deadband above `most_deadband` is proposed: a signal that moves so far does so for a reason. An on-delay only if
    `delayable`: gas alarms have none.
    """
    usable = ~np.isnan(values)
    times, values = times[usable], values[usable]
    raised, cleared = turns(times, values, now)
    found = {
        Setting.DEADBAND: _deadband(times, values, now, most_deadband),
        Setting.OFF_DELAY: _delay(times[raised[1:]] - times[cleared[: raised.size - 1]], now.off_delay_s),
        Setting.ON_DELAY: _delay(times[cleared] - times[raised[: cleared.size]], now.on_delay_s) if delayable else None,
    }
    proposals: list[Proposal] = []
    for setting, pair in found.items():
        if pair is not None and raised.size:
            left, _ = turns(times, values, _with(now, setting, pair[0]))
            if left.size < raised.size:
                proposals.append(Proposal(setting, *pair, left.size))
    return Advice(times.size, raised.size, tuple(proposals))


def turns(times: Ints, values: Floats, now: Present) -> tuple[Ints, Ints]:
    """Numbers of the readings at which the limit is raised and cleared, by turns, quiet to begin with. No value may be NaN.

    The very conditions of the limit rule: a run of readings beyond the limit turns it on if it lasts the on-delay, a run behind
    limit and deadband turns it off if it lasts the off-delay.
    """
    value, limit = (values, now.limit) if now.high else (-values, -now.limit)
    on = _lasting(times, value >= limit, now.on_delay_s)
    off = _lasting(times, (value < limit) & (value <= limit - now.deadband), now.off_delay_s)
    at = np.concatenate((on, off))
    order = np.argsort(at)
    at, is_on = at[order], order < on.size
    turning = is_on != np.concatenate(([False], is_on[:-1]))
    return at[turning & is_on], at[turning & ~is_on]


def _lasting(times: Ints, holds: NDArray[np.bool_], delay_s: float) -> Ints:
    """For each run of readings at which it holds for as long as the delay, the reading at which that is reached."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(np.int8)))
    first, beyond = edges[::2], edges[1::2]
    reached = np.maximum(np.searchsorted(times, times[first] + round(delay_s * US) - JITTER_US), first)
    return reached[reached < beyond]


def _deadband(times: Ints, values: Floats, now: Present, most: float) -> tuple[float, float] | None:
    beyond = values >= now.limit if now.high else values <= now.limit
    crossings = np.flatnonzero(beyond[1:] & ~beyond[:-1]) + 1
    if not crossings.size:
        return None
    crossings = crossings[:: -(-crossings.size // CROSSINGS)]
    low = np.searchsorted(times, times[crossings] - AROUND_US)
    high = np.searchsorted(times, times[crossings] + AROUND_US, "right")
    moved = [float(np.ptp(values[a:b])) for a, b in zip(low, high, strict=True)]
    observed = float(np.percentile(moved, PERCENTILE))
    value = rounded_up(observed)
    return (value, observed) if value <= most else None


def _delay(lasted: Ints, present_s: float) -> tuple[float, float] | None:
    short = lasted[lasted <= SHORT_US]
    if not short.size:
        return None
    observed = present_s + float(np.percentile(short, PERCENTILE)) / US
    value = next((float(seconds) for seconds in _SECONDS if seconds >= observed), None)
    return None if value is None else (value, observed)


def _with(now: Present, setting: Setting, value: float) -> Present:
    deadband, on, off = now.deadband, now.on_delay_s, now.off_delay_s
    match setting:
        case Setting.DEADBAND:
            deadband = value
        case Setting.OFF_DELAY:
            off = value
        case Setting.ON_DELAY:
            on = value
    return Present(now.limit, now.high, deadband, on, off)


def rounded_up(value: float) -> float:
    """The next number that an engineer would write: 1, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 of a power of ten; 0 of 0."""
    if value <= 0:
        return 0.0
    power = floor(log10(value))
    return next(float(f"{step}e{power}") for step in (*_STEPS, 20) if float(f"{step}e{power}") >= value)
