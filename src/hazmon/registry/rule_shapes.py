"""The shapes of the tables of rules.toml, the park's and an enterprise's. As in shapes.py, a description is what was expected."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hazmon.registry.report import choice
from hazmon.registry.shapes import Shape, Text
from hazmon.rulebook import Signal


def _ascending(minutes: list[float] | None) -> list[float] | None:
    if minutes and any(later <= earlier for earlier, later in pairwise(minutes)):
        raise ValueError("not ascending")
    return minutes


# A day at most, so that what a restart has to read again has an end; somebody's finding may wait for a week.
Time = Annotated[float | None, Field(gt=0, le=86400, allow_inf_nan=False, description="seconds, above 0 and at most 86400")]
TimeOrNone = Annotated[
    float | None,
    Field(ge=0, le=86400, allow_inf_nan=False, description="seconds, above 0 and at most 86400, or 0 for no such rule"),
]
Delay = Annotated[float | None, Field(ge=0, le=86400, allow_inf_nan=False, description="seconds, 0 to 86400")]
Wait = Annotated[float | None, Field(gt=0, le=1440, allow_inf_nan=False, description="minutes, above 0 and at most 1440")]
WaitOrNone = Annotated[
    float | None,
    Field(ge=0, le=1440, allow_inf_nan=False, description="minutes, above 0 and at most 1440, or 0 for no such rule"),
]
Verification = Annotated[
    float | None, Field(gt=0, le=10080, allow_inf_nan=False, description="minutes, above 0 and at most 10080")
]
Positive = Annotated[float | None, Field(gt=0, allow_inf_nan=False, description="a number > 0")]
Share = Annotated[float | None, Field(ge=0, lt=1, allow_inf_nan=False, description="a share, 0 or more and below 1")]
Span = Annotated[float | None, Field(gt=0, le=1, allow_inf_nan=False, description="a share, above 0 and at most 1")]
Samples = Annotated[int | None, Field(ge=2, le=10000, description="a whole number, 2 to 10000")]
Percent = Annotated[float | None, Field(gt=0, lt=100, allow_inf_nan=False, description="% of the range, above 0 and below 100")]
Speech = Annotated[Literal["digital", "4-20mA"] | None, Field(description=choice(Signal))]
Flag = Annotated[bool | None, Field(description="true or false")]
Word = Annotated[str | None, Field(min_length=1, pattern=r"^\S(.*\S)?$", description="a text")]
Seconds = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False, description="seconds, 0 to 86400")]
Over = Annotated[float, Field(gt=0, allow_inf_nan=False, description="a number > 0")]
Minutes = Annotated[
    list[Annotated[float, Field(gt=0, le=1440, allow_inf_nan=False)]] | None,
    Field(min_length=1, max_length=3, description="one to three ascending numbers of minutes, above 0 and at most 1440"),
    AfterValidator(_ascending),
]


class RulesTable(Shape):
    """The top of a rules.toml: tables only."""


class EscalationTable(Shape):
    """`[escalation]`: minutes."""

    urgent_min: Minutes = None
    other_min: Minutes = None
    verify_min: Verification = None


class ShelvingTable(Shape):
    """`[shelving]`: hours."""

    max_h: Annotated[float, Field(gt=0, le=8, allow_inf_nan=False, description="hours, above 0 and at most 8")] = 8.0


class SharedTable(Shape):
    """What a point and a quantity may both say."""

    rate_deadband: Share = None
    rate_on_delay_s: Delay = None
    rate_off_delay_s: Delay = None
    rate_samples: Samples = None
    rate_span: Span = None
    signal: Speech = None
    latch: Flag = None


class QuantityTable(SharedTable):
    """`[quantity.NAME]` of the park: what holds for every point of the quantity that says nothing itself."""

    forecast_min: Wait = None
    stuck_s: Time = None
    stuck_band_pct: Percent = None
    realarm_min: Wait = None


class PointTable(SharedTable):
    """`[point.TAG]` of an enterprise; 0 takes a default of the quantity away."""

    forecast_min: WaitOrNone = None
    stuck_s: TimeOrNone = None
    stuck_band: Positive = None
    realarm_min: WaitOrNone = None
    priority: Annotated[int | None, Field(ge=1, le=4, description="a priority, 1 to 4")] = None
    response: Word = None


class RuleTable(Shape):
    """What every `[[rule]]` says. Times in seconds."""

    tag: Text
    kind: str
    source: Text
    unit: Word = None
    name: Text
    name_en: Text
    priority: Annotated[int, Field(ge=1, le=4, description="a priority, 1 to 4")]
    response: Word = None
    latch: Annotated[bool, Field(description="true or false")] = False
    realarm_min: Wait = None
    off_delay_s: Seconds = 0.0


class VoteTable(RuleTable):
    """`kind = "vote"`; `of` is read apart."""

    need: Annotated[int, Field(ge=1, description="a whole number >= 1")]
    bad: Annotated[Literal["vote", "drop"], Field(description='one of "vote", "drop"')] = "vote"
    on_delay_s: Seconds = 0.0


class DeviationTable(RuleTable):
    """`kind = "deviation"`; limit and deadband in the points' unit."""

    a: Text
    b: Text
    limit: Over
    deadband: Annotated[float, Field(ge=0, allow_inf_nan=False, description="a number >= 0")] = 0.0
    on_delay_s: Seconds = 0.0


class ValveTable(RuleTable):
    """`kind = "valve"`: its on-delay is the travel."""

    command: Text
    feedback: Text
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False, description="a number >= 0")]
    travel_s: Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False, description="seconds, above 0 and at most 86400")]


class ExpressionTable(RuleTable):
    """`kind = "state"` and `kind = "condition"`; `when` is read apart."""

    on_delay_s: Seconds = 0.0


class DesignTable(Shape):
    """`[[by_design]]`; `when` and `alarms` are read apart."""

    tag: Text
    reason: Text


NAMED: dict[str, tuple[type[VoteTable | DeviationTable | ValveTable | ExpressionTable], tuple[str, ...]]] = {
    "vote": (VoteTable, ("of",)),
    "deviation": (DeviationTable, ()),
    "valve": (ValveTable, ()),
    "state": (ExpressionTable, ("when",)),
    "condition": (ExpressionTable, ("when",)),
}
