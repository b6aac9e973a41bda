"""Time to limit: the trend reaches HH, or LL, within N minutes (预警), while the value is still short of it.

The line through the window, carried on from its value at the window's end, says when. The rule is raised when it says within
N minutes and the slope is sure (SURE), and cleared when it says later than AGAIN * N, or never, or the slope is no longer
sure (UNSURE). As with the rate, what one wrong sample could change is not believed: each must be so with and without the
sample furthest off the line. Sure is what the slope has beyond the one that a coarse instrument's steps alone can show of a value
at rest: one step is no trend. A point that is beyond the limit already is no forecast, its HH or LL speaks; a forecast that
stands when the limit is reached stays until the trend turns.
"""

# numpy types the result of where() over masks as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.rulebook import RULES, Rule
from hazmon.rules.fit import SCREEN, Fit, Looks, Trends
from hazmon.rules.frame import Bools, Floats, Ints
from hazmon.rules.limits import RATE_TIE, LimitTable
from hazmon.rules.walk import Change, Pairs, RuleState, from_first, walk

SURE = 5.0  # standard errors: noise asked every second over a minute's window gets to 4 once a day, to 5 once in a season
UNSURE = 2.0  # standard errors: one window of noise in 40 has more; far enough from SURE that the rule does not chatter
AGAIN = 1.2  # of N: a trend at the very edge of N moves by less than a fifth from sample to sample

_UP = RULES.index(Rule.FORECAST_UP)
_TARGETS = np.array([3, 0])  # columns of HH and LL in the limit table


@dataclass(frozen=True, slots=True)
class _Ahead:
    """K pairs of a trended column and a direction. `sign` is 1 towards HH, -1 towards LL; `minutes` is N."""

    column: Ints
    sign: Floats
    target: Floats
    minutes: Floats

    def due(self, pairs: Ints, fit: Fit) -> Floats:
        """Minutes until the line reaches the limit: 0 beyond it, inf when it leads away from it."""
        distance, slope = (self.target[pairs] - fit.ended) * self.sign[pairs], fit.slope * self.sign[pairs]
        return np.where(slope > 0, np.maximum(distance, 0) / np.where(slope > 0, slope, 1.0), np.inf)

    def raising(self, pairs: Ints, fit: Fit) -> Bools:
        """The line is short of the limit, reaches it soon, and is sure."""
        short = (self.target[pairs] - fit.ended) * self.sign[pairs] > 0
        return short & (self.due(pairs, fit) <= self.minutes[pairs] * (1 + RATE_TIE)) & (fit.sureness >= SURE * (1 - RATE_TIE))

    def clearing(self, pairs: Ints, fit: Fit) -> Bools:
        """The line reaches the limit late or never, or is not sure."""
        late = self.due(pairs, fit) > AGAIN * self.minutes[pairs] * (1 + RATE_TIE)
        return late | (fit.sureness < UNSURE * (1 - RATE_TIE))


def forecasts(state: RuleState, table: LimitTable, trends: Trends) -> list[Change]:
    """Changes of the two forecast rules through the block. The value is in minutes, NaN where the trend leads nowhere near."""
    point = trends.point
    if np.isnan(table.forecast[point]).all():
        return []
    target, ahead = table.limit[point][:, _TARGETS].T, table.forecast[point]
    signs = np.array([1.0, -1.0])
    with np.errstate(invalid="ignore"):
        distance = (target[:, None] - trends.ended) * signs[:, None, None]  # float64[2,T,C]
        covered = trends.slope * ahead * signs[:, None, None]
        near = (distance > -SCREEN * covered) & (covered * (1 + SCREEN) >= distance)
    direction, columns = np.nonzero(near.any(axis=1) | (state.active[point, _UP : _UP + 2].T & ~np.isnan(target)))
    if not columns.size:
        return []
    pairs_of = _Ahead(columns, signs[direction], target[direction, columns], ahead[columns])
    value, sign = trends.values[:, columns], pairs_of.sign
    looks, raising = Looks.at(trends, columns), np.zeros(value.shape, bool)
    rows, pairs = np.nonzero(near[direction, :, columns].T & ((pairs_of.target - value) * sign > 0))
    if rows.size:
        every, fewer = looks.fits(rows, pairs)
        may: Bools = pairs_of.raising(pairs, every) & pairs_of.raising(pairs, fewer)
        rows, pairs = rows[may], pairs[may]
        every, fewer = trends.fits(rows, columns[pairs], resolve=True)
        raising[rows, pairs] = pairs_of.raising(pairs, every) & pairs_of.raising(pairs, fewer)
    subject, rule = point[columns], direction + _UP
    active = state.active[subject, rule]
    if not (active.any() or raising.any()):
        return []
    known = ~np.isnan(trends.slope[:, columns])
    clearing, due = np.zeros(value.shape, bool), np.full(value.shape, np.nan)
    rows, pairs = np.nonzero(known & from_first(active, raising))
    if rows.size:
        every, fewer = looks.fits(rows, pairs)
        due[rows, pairs] = pairs_of.due(pairs, every)
        clearing[rows, pairs] = pairs_of.clearing(pairs, every) & pairs_of.clearing(pairs, fewer)
        rows, pairs = (cells[~clearing[rows, pairs]] for cells in (rows, pairs))  # resolution makes nothing surer
        every, fewer = trends.fits(rows, columns[pairs], resolve=True)
        clearing[rows, pairs] = pairs_of.clearing(pairs, every) & pairs_of.clearing(pairs, fewer)
    none = np.zeros(columns.size, np.int64)
    return walk(
        state,
        Pairs(
            point=subject,
            rule=rule,
            at=trends.at[:, columns],
            usable=known,
            raising=raising,
            clearing=clearing,
            value=np.where(np.isinf(due), np.nan, due),
            limit=pairs_of.minutes,
            on_delay=none,
            off_delay=none,
            evidence=looks.evidence,
        ),
    )
