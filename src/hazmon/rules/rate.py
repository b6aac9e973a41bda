"""Rate of change, up and down: the slope of the window that ends at each sample, sure against one wrong sample.

With s the slope of the window and s' that without its sample of largest residual (s itself while the window holds no more
than `rate_samples`), the rule is raised when both reach the limit and cleared when both have fallen below
limit * (1 - deadband), each for its delay. The plain slopes of the block are the screen: no pair whose s stays below the
limit can be raised, so s' is asked only of the few that are left.
"""

# numpy types the result of where() over masks as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

import numpy as np

from hazmon.rulebook import RULES, Rule
from hazmon.rules.fit import SCREEN, Looks, Trends
from hazmon.rules.frame import NEVER
from hazmon.rules.limits import RATE_TIE, LimitTable
from hazmon.rules.trail import Trail
from hazmon.rules.walk import Change, Pairs, RuleState, from_first, walk

__all__ = ["Trail", "rates"]

_UP = RULES.index(Rule.RATE_UP)
_DOWN = RULES.index(Rule.RATE_DOWN)


def rates(state: RuleState, table: LimitTable, trends: Trends) -> list[Change]:
    """Changes of the two rate rules through the block."""
    point, slope = trends.point, trends.slope
    limit = table.rate[point]
    known = ~np.isnan(slope)
    peak = np.where(known, slope, -np.inf).max(axis=0)
    trough = np.where(known, slope, np.inf).min(axis=0)
    reached = limit * (1 - SCREEN)
    hot = np.stack((peak >= reached[:, 0], trough <= -reached[:, 1]), axis=1)
    hot |= state.active[point, _UP : _DOWN + 1] | (state.since[point, _UP : _DOWN + 1] != NEVER)
    columns, direction = np.nonzero(hot)
    if not columns.size:
        return []
    subject, rule = point[columns], direction + _UP
    sign = np.where(direction == 0, 1.0, -1.0)
    limits = limit[columns, direction]
    signed = np.where(known[:, columns], slope[:, columns] * sign, np.nan)
    lower = np.minimum(limits * (1 - table.rate_deadband[subject] + RATE_TIE), limits * (1 - RATE_TIE))
    looks, raising = Looks.at(trends, columns), np.zeros(signed.shape, bool)
    rows, pairs = np.nonzero(signed >= limits * (1 - SCREEN))
    if rows.size:
        every, fewer = looks.fits(rows, pairs)
        weaker = np.minimum(every.slope * sign[pairs], fewer.slope * sign[pairs])
        raising[rows, pairs] = weaker >= limits[pairs] * (1 - RATE_TIE)
    active = state.active[subject, rule]
    clearing = np.zeros(signed.shape, bool)
    rows, pairs = np.nonzero((signed <= lower + limits * SCREEN) & from_first(active, raising))
    if rows.size:
        every, fewer = looks.fits(rows, pairs)
        stronger = np.maximum(every.slope * sign[pairs], fewer.slope * sign[pairs])
        clearing[rows, pairs] = stronger <= lower[pairs]
    return walk(
        state,
        Pairs(
            point=subject,
            rule=rule,
            at=trends.at[:, columns],
            usable=known[:, columns],
            raising=raising,
            clearing=clearing,
            value=looks.slope,
            limit=limits * sign,
            on_delay=table.rate_on_delay[subject],
            off_delay=table.rate_off_delay[subject],
            evidence=looks.evidence,
        ),
    )
