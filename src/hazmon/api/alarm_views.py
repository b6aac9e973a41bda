"""The shapes of alarms, their events and what is asked of them: what each field is, with an example of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from hazmon.alarms.commands import Role
from hazmon.alarms.states import AlarmState, Health, Stimulus, Suppression, Verdict
from hazmon.rulebook import Kind, Rule

Time = str  # RFC 3339, UTC, microseconds
AlarmName = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
By = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$", description="who; claimed, until log-in exists")
]
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
Note = Annotated[str, Field(max_length=500, pattern=_TEXT)]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=_TEXT)]

_MARK = {"rule": "H", "at": "2026-01-01T08:00:00.000000Z", "value": 10.6, "limit": 10.5}
ALARM: dict[str, Any] = {
    "id": "9f3c1a70b24d5e86",
    "enterprise": "E01",
    "source": "E01-S1",
    "tag": "LT-1101",
    "point": "E01/LT-1101",
    "name": "1#球罐液位",
    "kind": "HIGH",
    "rule": "H",
    "active": True,
    "priority": 3,
    "state": "unacknowledged",
    "suppressions": [],
    "health": "ok",
    "latching": False,
    "first_out": True,
    "opened_at": "2026-01-01T08:00:00.000000Z",
    "raised_at": "2026-01-01T08:00:00.000000Z",
    "raised_count": 1,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "cleared_at": None,
    "value": 10.6,
    "limit": 10.5,
    "unit": "m",
    "first": _MARK,
    "worst": _MARK,
    "peak": 10.8,
    "peak_at": "2026-01-01T08:00:07.000000Z",
    "overdue": 0,
    "verified": None,
    "disposed": None,
    "shelf": None,
    "by_design": None,
    "out_of_service": None,
    "late": False,
    "recorded": True,
    "event": 1234,
}


class MarkView(BaseModel):
    """A status that was reached."""

    rule: Rule
    at: Time
    value: float | None
    limit: float | None


class VerifiedView(BaseModel):
    """The enterprise's finding (核实)."""

    at: Time
    by: str
    verdict: Verdict
    note: str


class StatementView(BaseModel):
    """What somebody said of it, and when."""

    at: Time
    by: str
    note: str


class ShelfView(BaseModel):
    """Put aside until then."""

    until: Time
    by: str
    reason: str


class AlarmView(BaseModel):
    """An alarm as it stands: one record through its whole rise and fall. `source` is empty where more than one is served."""

    model_config = ConfigDict(json_schema_extra={"example": ALARM})

    id: str = Field(description="16 hex digits, a function of point, kind and the instant it opened")
    enterprise: str
    source: str
    tag: str
    point: str = Field(description="the point, named rule, connection or box")
    name: str
    kind: Kind = Field(description="what the record follows; HIGH rises from H to HH and falls back")
    rule: Rule = Field(description="the status that holds, or held last")
    active: bool = Field(description="the condition holds, as far as anybody knows")
    priority: int = Field(ge=1, le=4, description="1 紧急 .. 4 低, of the worst status")
    state: AlarmState
    suppressions: list[Suppression] = Field(description="why it is not heard; empty = it is")
    health: Health = Field(description="not ok: it keeps its state, for its condition cannot be judged")
    latching: bool
    first_out: bool = Field(description="nothing else of its source stood when it was raised")
    opened_at: Time
    raised_at: Time
    raised_count: int
    acknowledged_at: Time | None
    acknowledged_by: str | None
    cleared_at: Time | None
    value: float | None
    limit: float | None
    unit: str = Field(description="of value and limit; a rate is per minute, a forecast in minutes")
    first: MarkView | None
    worst: MarkView | None
    peak: float | None = Field(description="the furthest its value went")
    peak_at: Time | None
    overdue: int = Field(description="steps of the escalation taken: 1 操作, 2 技术, 3 主要负责人")
    verified: VerifiedView | None
    disposed: StatementView | None
    shelf: ShelfView | None
    by_design: str | None = Field(description="why it means nothing now")
    out_of_service: StatementView | None = Field(description="by whom it was taken out of service, when and why")
    late: bool = Field(description="found in readings that came late: part of the record, never rung")
    recorded: bool = Field(description="false while the database has not confirmed it (记录待补)")
    event: int = Field(description="number of the newest event of this alarm")


class AlarmEventView(BaseModel):
    """One step in an alarm's life. `event` numbers the events of the park in the order in which the room saw them."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "event": 1234,
                "alarm": "9f3c1a70b24d5e86",
                "at": "2026-01-01T08:00:00.000000Z",
                "stimulus": "raise",
                "rule": "H",
                "from": "normal",
                "to": "unacknowledged",
                "rings": True,
                "suppressed": False,
                "by": None,
                "value": 10.6,
                "limit": 10.5,
                "reason": "",
                "evidence": {},
                "recorded": True,
            }
        }
    )

    event: int
    alarm: str
    at: Time
    stimulus: Stimulus
    rule: Rule = Field(description="the status that the event concerns")
    before: AlarmState = Field(alias="from")
    to: AlarmState
    rings: bool = Field(description="the room hears it")
    suppressed: bool
    by: str | None
    value: float | None
    limit: float | None = Field(description="of the status that the alarm is in after it")
    reason: str
    evidence: dict[str, float]
    recorded: bool


class _Body(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True, extra="forbid")
    by: By


class AcknowledgeBody(_Body):
    """Who has seen the alarm, and what they say of it."""

    model_config = ConfigDict(json_schema_extra={"example": {"by": "值班员", "note": "已通知现场"}})
    note: Note = ""


class AcknowledgeSeveralBody(AcknowledgeBody):
    """A selection of alarms; there is no "all"."""

    model_config = ConfigDict(json_schema_extra={"example": {"alarms": ["9f3c1a70b24d5e86"], "by": "值班员", "note": ""}})
    alarms: list[AlarmName] = Field(min_length=1, max_length=20)


class CommentBody(_Body):
    """A word for the record."""

    note: Reason


class VerifyBody(_Body):
    """What was found behind the alarm: 真实 real, 误报 false, 检修 maintenance, 测试 test, 仪表故障 instrument_fault."""

    model_config = ConfigDict(json_schema_extra={"example": {"by": "工艺员", "verdict": "real", "note": "进料阀未关"}})
    verdict: Verdict
    note: Note = ""


class ShelveBody(_Body):
    """For how long, and why. Toxic gas and priority 1 need a shift leader (班长)."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"by": "班长", "role": "shift_leader", "reason": "变送器校验", "minutes": 60}}
    )
    role: Role = Role.OPERATOR
    reason: Reason
    minutes: float = Field(gt=0, le=24 * 60)


class SwitchBody(_Body):
    """Who, in which capacity, and why."""

    model_config = ConfigDict(json_schema_extra={"example": {"by": "班长", "role": "shift_leader", "reason": "检修结束"}})
    role: Role = Role.OPERATOR
    reason: Reason


class OutcomeView(BaseModel):
    """What became of one alarm of a selection."""

    model_config = ConfigDict(json_schema_extra={"example": {"alarm": "9f3c1a70b24d5e86", "done": True, "why": None}})

    alarm: str
    done: bool
    why: str | None = Field(description="why not")


class SuppressedView(BaseModel):
    """What is not heard now. `by_design` names alarms that would not be, also those that are normal."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "alarms": [],
                "shelved": 0,
                "suppressed_by_design": 0,
                "out_of_service": 0,
                "by_design": {"E01/FT-1101.LOW": "泵停，低流量无意义 / pump stopped: low flow means nothing"},
            }
        }
    )

    alarms: list[AlarmView]
    shelved: int
    suppressed_by_design: int
    out_of_service: int
    by_design: dict[str, str] = Field(description="`E01/FT-1101.LOW` -> why")
