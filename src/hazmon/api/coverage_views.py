"""The shapes of the auditor's answers: every rate with its numerator and denominator, in slots of 60 s."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hazmon.api.views import Time
from hazmon.coverage.calendar import Step
from hazmon.coverage.figures import By


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": fields})


class RateView(BaseModel):
    """A share of slots. `rate` is its percentage, cut off (never rounded up) after 4 digits; null where nothing is counted."""

    model_config = _example(numerator=1431, denominator=1440, rate="99.3750")

    numerator: int
    denominator: int
    rate: str | None


class LostView(BaseModel):
    """Slots lost, each to the first factor that failed: 接入, 在线, 完整, 有效."""

    connect: int
    online: int
    complete: int
    valid: int


class FactorsView(BaseModel):
    """接入 x 在线 x 完整 x 有效, each of what those before it left; their product is `raw`."""

    connect: RateView
    online: RateView
    complete: RateView
    valid: RateView


class PointCountView(BaseModel):
    """A point's slots: owed == good + bad + the sum of missed + exempt. `missed`: by cause, reported or inferred."""

    owed: int
    good: int
    prompt: int
    bad: int
    exempt: int
    missed: dict[str, int]


class FiguresView(BaseModel):
    """slots == covered + the four lost. raw = covered/slots, net = covered/(slots - excused), real_time = prompt/slots."""

    slots: int
    covered: int
    prompt: int
    excused: int
    lost: LostView
    raw: RateView
    net: RateView
    real_time: RateView


class CoverageRow(FiguresView):
    """Figures of one over [from, to)."""

    of: str = Field(description='"" = the park; E01; E01-S1; E01-S1/level; E01/LT-1101')
    name: str
    name_en: str
    begin: Time = Field(alias="from")
    to: Time
    point: PointCountView | None = Field(default=None, description="by=point only")


class CoverageTotal(FiguresView):
    """Sum over sum of all rows, never an average of averages."""

    factors: FactorsView


class CoverageView(BaseModel):
    """连续监测覆盖率. A slot counts when it is over and what was on its way has had time to come."""

    begin: Time = Field(alias="from", description="as asked")
    to: Time = Field(description="as asked")
    counted_to: Time = Field(description="the end of the last slot that counts")
    timezone: str = Field(description="in which days, weeks (from Monday) and months begin")
    simulated: bool = Field(description="this record was written on a simulated clock")
    by: By
    step: Step
    rows: list[CoverageRow]
    total: CoverageTotal


class OfflineView(FiguresView):
    """A source that does not count as monitored in the period."""

    source: str
    name: str
    name_en: str


class LackingView(BaseModel):
    """A group that a unit must have measured, and that no configured point measures."""

    source: str
    unit: str
    group: str
    group_name: str


class TargetsView(BaseModel):
    """The county's two rates. A source is monitored on line in the period when its net coverage reaches `online_min`."""

    begin: Time = Field(alias="from")
    to: Time
    counted_to: Time
    period: Literal["asked", "today", "yesterday"] = Field(
        description="today so far; from yesterday while no slot of today counts"
    )
    timezone: str
    simulated: bool
    online_min: RateView
    online: RateView = Field(description="在线监测率: sources")
    equipped: RateView = Field(description="接入（装备）率: sources")
    offline: list[OfflineView]
    lacking: list[LackingView]


class BatchNameView(BaseModel):
    """A batch of the record; `digest` is of its bytes as received, hex."""

    edge: str
    boot: str
    seq: str
    digest: str
    arrived_at: Time


class GapView(BaseModel):
    """A stretch that a source lost to one cause; one that begins before the range is told from the range's beginning on."""

    id: str = Field(description="source and first minute", examples=["E01-S1@2026-11-24T02:15Z"])
    source: str
    units: list[str]
    groups: list[str]
    points: list[str] = Field(description="those that would have had to measure; none where none is configured")
    begin: Time = Field(alias="from")
    to: Time
    minutes: int
    factor: Literal["connect", "online", "complete", "valid"]
    cause: str = Field(examples=["timeout", "device_fault", "flagged:replay", "park_down", "box_silent", "not_equipped"])
    excused: int = Field(description="minutes of it that count as exempt")
    exemption: int | None = Field(description="the exemption that was filed over a part of it, whether it excuses or not")
    filed: Literal["before", "after"] | None = Field(description="than the gap began")
    before: BatchNameView | None = Field(description="the box's last batch with readings from before the gap")
    after: BatchNameView | None = Field(description="the box's first batch with readings from its end on")


class GapsView(BaseModel):
    """A part of the gaps of a range. `next` is the `cursor` of the part after it; null at the end."""

    begin: Time = Field(alias="from")
    to: Time
    counted_to: Time
    timezone: str
    simulated: bool
    items: list[GapView]
    next: str | None
