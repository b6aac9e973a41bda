"""The colours of the calendar: paler is better, darker is worse, so that it can be read in grey and by the colour-blind.

The hues run from pale yellow over green to dark blue (like ColorBrewer's YlGnBu), so that no step is taken for a warning colour.
"""

from __future__ import annotations

from dataclasses import dataclass

from hazmon.coverage.account import Tally


@dataclass(frozen=True, slots=True)
class Step:
    """Raw coverage of at least `least` hundredths of a percent; the colours are RRGGBB."""

    least: int
    label: str
    colour: str
    ink: str


STEPS = (
    Step(10_000, "100 %", "F7FBE8", "333333"),
    Step(9_900, "≥ 99 %", "D9EFC0", "222222"),
    Step(9_500, "≥ 95 %", "9ED8B8", "111111"),
    Step(9_000, "≥ 90 %", "52B9C1", "000000"),
    Step(7_500, "≥ 75 %", "2C8DBB", "FFFFFF"),
    Step(1, "> 0 %", "2558A0", "FFFFFF"),
    Step(0, "0 %", "0A1F5C", "FFFFFF"),
)


def step_of(tally: Tally) -> Step:
    """The step of a tally that has slots."""
    if tally.covered == 0:
        return STEPS[-1]
    cut = tally.covered * 10_000 // tally.slots
    return next(step for step in STEPS if max(cut, 1) >= step.least)
