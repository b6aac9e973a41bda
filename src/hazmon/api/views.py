"""The shapes of the API's answers: what each field is, with an example of it. Times are RFC 3339 in UTC."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from hazmon.colour import Colour
from hazmon.model import Level, Quantity, UnitKind, UnitType

T = TypeVar("T")

Time = str  # RFC 3339, UTC, microseconds


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": fields})


class Page(BaseModel, Generic[T]):
    """A part of a list. `next` is the `cursor` of the part after it; null at the end."""

    items: list[T]
    next: str | None = None


class ChemicalView(BaseModel):
    """A hazardous chemical of a source, at its design maximum."""

    name: str
    cas: str
    tonnes: float


class UnitView(BaseModel):
    """A thing in a source."""

    id: str
    name: str
    kind: UnitKind


class EnterpriseView(BaseModel):
    """企业."""

    model_config = _example(
        id="E01", name="示例企业01", name_en="Example enterprise 01", residents_500m=40, sources=["E01-S1"], points=26
    )

    id: str
    name: str
    name_en: str
    residents_500m: int
    sources: list[str]
    points: int


class ColourView(BaseModel):
    """Warning colour 红橙黄蓝 by the park's own rule set; neither hazard level nor priority. `exempt`: an exemption holds."""

    colour: Colour
    rule: str
    version: str
    reason: str
    reason_en: str
    exempt: bool


class SourceLive(BaseModel):
    """A source now. `connection`: ok; partial or down where scans of its points are missed; else the box's state."""

    worst_priority: int | None = Field(ge=1, le=4, description="of the alarms whose condition holds; null = none")
    active: int = Field(description="alarms whose condition holds")
    unacknowledged: int = Field(description="alarms that nobody has acknowledged, whether they hold or not")
    suppressed: int = Field(description="alarms that are not heard: shelved, by design, out of service; in no other count")
    colour: ColourView | None = Field(description="null: the configuration has no colour.toml")
    connection: Literal["ok", "partial", "down", "silent", "never"]
    newest_at: Time | None = Field(description="newest reading of any of its points")


class SourceView(BaseModel):
    """重大危险源, with its level by GB 18218-2018 and what it is like now."""

    model_config = _example(
        id="E01-S1",
        enterprise="E01",
        name="液氨球罐区",
        name_en="Liquid ammonia spheres",
        unit_type="storage",
        level="三级",
        s=6.0,
        r=14.4,
        position=[116.3123, 35.0621],
        chemicals=[{"name": "液氨", "cas": "7664-41-7", "tonnes": 60.0}],
        units=[{"id": "V-1101", "name": "1#液氨球罐", "kind": "pressure_tank"}],
        points=26,
        live={
            "worst_priority": 3,
            "active": 1,
            "unacknowledged": 1,
            "suppressed": 0,
            "colour": {
                "colour": "黄",
                "rule": "standing",
                "version": "2026-1",
                "reason": "有报警未消除",
                "reason_en": "an alarm stands",
                "exempt": False,
            },
            "connection": "ok",
            "newest_at": "2026-01-01T08:00:00.000000Z",
        },
    )

    id: str
    enterprise: str
    name: str
    name_en: str
    unit_type: UnitType
    level: Level
    s: float
    r: float
    position: tuple[float, float] = Field(description="longitude, latitude")
    chemicals: list[ChemicalView]
    units: list[UnitView]
    points: int
    live: SourceLive


class LimitsView(BaseModel):
    """The rules of a point: limits in its unit, rates in that unit per minute, times in seconds."""

    ll: float | None
    l: float | None  # noqa: E741 - the field's own word
    h: float | None
    hh: float | None
    deadband: float
    on_delay_s: float
    off_delay_s: float
    rate_up: float | None
    rate_down: float | None
    rate_window_s: float
    stale_s: float


class PointView(BaseModel):
    """监测指标."""

    model_config = _example(
        id="E01/LT-1101",
        enterprise="E01",
        tag="LT-1101",
        source="E01-S1",
        unit="V-1101",
        name="1#球罐液位",
        name_en="Sphere 1 level",
        quantity="level",
        uom="m",
        range_low=0,
        range_high=15,
        period_s=1,
        limits={
            "ll": 1.0,
            "l": 1.5,
            "h": 10.5,
            "hh": 12,
            "deadband": 0.1,
            "on_delay_s": 5,
            "off_delay_s": 5,
            "rate_up": 0.3,
            "rate_down": 0.3,
            "rate_window_s": 60,
            "stale_s": 10,
        },
    )

    id: str
    enterprise: str
    tag: str
    source: str
    unit: str
    name: str
    name_en: str
    quantity: Quantity
    uom: str
    range_low: float
    range_high: float
    period_s: float
    limits: LimitsView


class LatestView(BaseModel):
    """The newest reading of a point; `at` is null when there was none since the service knows."""

    point: str
    value: float | None
    quality: int = Field(description="0 good; see the box's protocol. 128 = no reading")
    at: Time | None
    stale: bool = Field(description="older than the point's stale time")


class SourceLatest(BaseModel):
    """The newest readings of all points of a source, at one instant of the service."""

    model_config = _example(
        source="E01-S1",
        server_time="2026-03-01T02:00:09.120000Z",
        readings=[{"point": "E01/LT-1101", "value": 3.194, "quality": 0, "at": "2026-03-01T02:00:08.744741Z", "stale": False}],
    )

    source: str
    server_time: Time
    readings: list[LatestView]


class RawReading(BaseModel):
    """A reading as it was delivered."""

    at: Time
    value: float | None
    quality: int


class BucketReading(BaseModel):
    """The good readings of a span of time, from `at` on. `last` is the newest of them, `good` their count."""

    at: Time
    low: float
    high: float
    mean: float
    last: float
    good: int


class ReadingsView(BaseModel):
    """Readings of a point in [start, end), never more than asked for.

    `form` raw: each reading. `form` buckets: spans of `bucket_s` seconds, those without a good reading left out; made of the
    readings themselves (`made_of` readings) or, over long spans, of whole minutes (`made_of` minutes).
    """

    model_config = _example(
        point="E01/LT-1101",
        uom="m",
        start="2026-01-01T08:00:00.000000Z",
        end="2026-01-01T09:00:00.000000Z",
        form="buckets",
        made_of="readings",
        bucket_s=3.6,
        readings=[{"at": "2026-01-01T08:00:00.000000Z", "low": 9.8, "high": 9.9, "mean": 9.85, "last": 9.9, "good": 4}],
    )

    point: str
    uom: str
    start: Time
    end: Time
    form: Literal["raw", "buckets"]
    made_of: Literal["readings", "minutes"]
    bucket_s: float | None
    readings: list[RawReading] | list[BucketReading]


class ConnectionView(BaseModel):
    """How a box reaches one of its devices."""

    name: str
    state: str
    last_error: str | None
    since: Time | None


class EdgeView(BaseModel):
    """A box. never: no heartbeat since the service started; silent: none for ten seconds."""

    model_config = _example(
        edge="E01",
        state="ok",
        last_heartbeat="2026-01-01T08:00:00.000000Z",
        outbox_batches=2,
        outbox_bytes=2048,
        oldest=None,
        disk_free_bytes=80_000_000_000,
        clock_offset_ms=-3,
        version="0.1.0",
        connections=[{"name": "plc1", "state": "ok", "last_error": None, "since": "2026-01-01T07:00:00.000000Z"}],
    )

    edge: str
    state: Literal["ok", "silent", "never"]
    last_heartbeat: Time | None
    outbox_batches: int
    outbox_bytes: int
    oldest: Time | None = Field(description="when the oldest batch in the outbox was made")
    disk_free_bytes: int | None
    clock_offset_ms: int | None = Field(description="the park's clock minus the box's")
    version: str | None
    connections: list[ConnectionView]


class Problem(BaseModel):
    """RFC 9457: what went wrong."""

    model_config = _example(type="about:blank", title="Not Found", status=404, detail="no point E01/LT-9999")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] | None = Field(default=None, description="the fields that were refused, of a 422")
