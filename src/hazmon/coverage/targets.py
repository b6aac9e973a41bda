"""The county's two targets: how many sources are monitored on line, how many are equipped, and what the others lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from hazmon.coverage.account import Tally
from hazmon.coverage.layout import Scheme
from hazmon.coverage.report import Lacking, Targets
from hazmon.model import ParameterGroup


def targets(
    figures: Sequence[tuple[str, Tally]], scheme: Scheme | None, online_min: Fraction, groups: Mapping[str, ParameterGroup]
) -> Targets:
    """The two rates of these sources (with their figures in the period), by the scheme that is in force at its end.

    Of the figures only those of sources that the scheme knows count. None: nothing had to be measured yet.
    """
    duties = {} if scheme is None else scheme.duties
    own = [(source, tally) for source, tally in figures if source in duties]
    lacking = tuple(
        Lacking(
            source, duties[source].units[item.unit], item.group, groups[item.group].name if item.group in groups else item.group
        )
        for source, _ in own
        for item in duties[source].lacking
    )
    offline = tuple((source, tally) for source, tally in own if not on_line(tally, online_min))
    return Targets(
        sources=len(own),
        online=len(own) - len(offline),
        equipped=len(own) - len({each.source for each in lacking}),
        offline=offline,
        lacking=lacking,
    )


def on_line(tally: Tally, online_min: Fraction) -> bool:
    """Net coverage reaches the least share; exact. A source of which no slot counts was not monitored."""
    covered, due = tally.net
    return tally.slots > 0 and covered >= online_min * due
