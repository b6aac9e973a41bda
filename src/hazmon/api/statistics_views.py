"""The shapes of the alarm statistics: every share with its numerator and denominator, every target with whose it is."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hazmon.alarms.advice import Setting
from hazmon.alarms.targets import Trust
from hazmon.api.views import Time
from hazmon.rulebook import Kind


class TargetView(BaseModel):
    """What a measure is held against. None of these was read in a standard's own text."""

    at_least: float | None
    at_most: float | None
    trust: Trust = Field(
        description="published: read on a public page that tells the practice; recalled: generally known, not verified; own: ours"
    )
    basis: str


_MEASURE: dict[str, Any] = {
    "id": "per_10_min_mean",
    "name": "每 10 分钟报警数（平均）",
    "name_en": "alarms per 10 minutes, mean",
    "unit": "alarms",
    "value": 0.25,
    "numerator": 36,
    "denominator": 144,
    "target": {"at_least": None, "at_most": 1, "trust": "published", "basis": "EEMUA 191 / ISA-18.2 practice"},
    "met": True,
}


class MeasureView(BaseModel):
    """One line of the scoreboard. A share of time is in seconds; what is no share has the denominator 1."""

    model_config = ConfigDict(json_schema_extra={"example": _MEASURE})

    id: str
    name: str
    name_en: str
    unit: str
    value: float | None = Field(description="null of nothing")
    numerator: float
    denominator: float
    target: TargetView | None
    met: bool | None


class ActorView(BaseModel):
    """What alarms: a point, a named rule, a connection or a box, and the kind of its alarm."""

    point: str
    name: str = Field(description="empty of what the configuration does not know any more")
    kind: Kind


class TopView(ActorView):
    """One of the ten most frequent."""

    alarms: int
    share: float


class FloodView(BaseModel):
    """A flood: from the eleventh alarm in ten minutes until fewer than five were left."""

    begun_at: Time
    ended_at: Time | None = Field(description="null: it ran on at the end of the range")
    alarms: int
    peak: int = Field(description="most alarms within ten minutes")


class FloodsView(BaseModel):
    """Floods that ran in the range, the newest 50 by name."""

    count: int
    seconds: float
    alarms: int
    peak: int
    items: list[FloodView]


class PriorityView(BaseModel):
    """Alarms of a priority, and how long those waited that were acknowledged in the range."""

    priority: int = Field(ge=1, le=4, description="1 紧急 .. 4 低; of the alarm's worst status")
    alarms: int
    acknowledged: int
    p50_s: float | None
    p95_s: float | None


class ChattererView(ActorView):
    """Raised three times within a minute, or more."""

    raises: int
    most_per_minute: int


class StaleView(ActorView):
    """Stood for more than 24 h."""

    since: Time
    until: Time | None = Field(description="null: it stood at the end of the range")


class ProposalView(BaseModel):
    """A setting with another value, all else as it is."""

    setting: Setting
    value: float
    unit: str
    observed: float = Field(description="the 95th percentile of the recorded signal that was rounded up")
    remaining: int = Field(description="alarms that would have been left of those recounted")


class AdviceView(ActorView):
    """Advice for a bad actor from its recorded signal. Nothing changes by itself."""

    note: str = Field(description="why there is nothing to propose; empty if there is")
    start: Time | None = Field(description="from here to `end` its readings were looked at")
    end: Time | None
    readings: int
    recounted: int = Field(description="raises of the limit found in these readings, as it is set now")
    proposals: list[ProposalView]
    preferred: Setting | None


class StatisticsView(BaseModel):
    """The measures of alarm management over [start, end): what is recorded, for what was asked."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "start": "2026-01-01T00:00:00.000000Z",
                "end": "2026-01-02T00:00:00.000000Z",
                "enterprise": None,
                "source": None,
                "annunciated": 36,
                "late": 2,
                "measures": [_MEASURE],
                "floods": {"count": 0, "seconds": 0.0, "alarms": 0, "peak": 0, "items": []},
                "top": [{"point": "E01/LT-1101", "name": "1#球罐液位", "kind": "HIGH", "alarms": 9, "share": 0.25}],
                "priorities": [
                    {"priority": number, "alarms": 9, "acknowledged": 9, "p50_s": 31.0, "p95_s": 140.5} for number in (1, 2, 3, 4)
                ],
                "chattering": [],
                "stale": [],
                "standing": 3,
                "standing_silent": 1,
                "shelved": 2,
                "suppressed": 0,
                "removed": 0,
                "advice": None,
            }
        }
    )

    start: Time
    end: Time = Field(description="not after the present")
    enterprise: str | None
    source: str | None
    annunciated: int = Field(description="what the room heard: neither late nor shelved, suppressed or out of service")
    late: int = Field(description="alarms found in readings that came late; they are in nothing else here")
    measures: list[MeasureView]
    floods: FloodsView
    top: list[TopView]
    priorities: list[PriorityView]
    chattering: list[ChattererView]
    stale: list[StaleView]
    standing: int = Field(description="conditions that hold at the end")
    standing_silent: int = Field(description="of them kept from being heard")
    shelved: int
    suppressed: int
    removed: int = Field(description="taken out of service")
    advice: list[AdviceView] | None = Field(description="with advice=true; the chattering and the most frequent, at most 10")
