"""The shapes of exemptions and of what is done to them: what each field is, with an example of it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from hazmon.alarms.commands import Role
from hazmon.api.alarm_views import By, Reason, Time
from hazmon.coverage.filing import ExemptionKind, ExemptionState

_NAME = "[A-Za-z0-9][A-Za-z0-9._-]*"
Claimed = Annotated[Role, Field(description="in which capacity; claimed, until log-in exists")]


class _Body(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True, extra="forbid")


class ExemptionBody(_Body):
    """What an enterprise files, of a unit or of a whole source."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "unit": "E01/V-1101",
                "kind": "检修",
                "reason": "清罐检修",
                "from": "2026-01-01T08:00:00+08:00",
                "until": "2026-01-02T08:00:00+08:00",
                "by": "企业安全员",
                "role": "enterprise",
            }
        }
    )
    unit: Annotated[str | None, Field(max_length=130, pattern=f"^{_NAME}/{_NAME}$", description="or `source`")] = None
    source: Annotated[str | None, Field(max_length=64, pattern=f"^{_NAME}$", description="the whole source; or `unit`")] = None
    kind: ExemptionKind = Field(description="停用 stopped, 检修 maintenance, 离线报备 no data will come, which silences no alarm")
    reason: Reason
    begins: AwareDatetime | None = Field(None, alias="from", description="now if not given; at most 31 days back")
    until: AwareDatetime = Field(description="excluded; at most 366 days after `from`")
    by: By
    role: Claimed

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.unit is None) == (self.source is None):
            raise PydanticCustomError("target", "either unit or source")
        return self


class StepBody(_Body):
    """Who decides or withdraws, in which capacity, and why."""

    model_config = ConfigDict(json_schema_extra={"example": {"by": "园区班长", "role": "shift_leader", "reason": "检修票已核对"}})
    by: By
    role: Claimed
    reason: Reason


class SpanView(BaseModel):
    """A stretch of time, its end excluded."""

    begins: Time = Field(alias="from")
    to: Time


class ExemptionView(BaseModel):
    """An exemption as the record has it, and what it means now."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 7,
                "enterprise": "E01",
                "source": "E01-S1",
                "unit": "E01/V-1101",
                "kind": "检修",
                "reason": "清罐检修",
                "from": "2026-01-01T00:00:00.000000Z",
                "until": "2026-01-02T00:00:00.000000Z",
                "filed_at": "2025-12-31T08:00:00.000000Z",
                "filed_by": "企业安全员",
                "filed_late": False,
                "within_grace": True,
                "state": "approved",
                "in_force": True,
                "suppresses": True,
                "valid": {"from": "2026-01-01T00:00:00.000000Z", "to": "2026-01-02T00:00:00.000000Z"},
                "approved_at": "2025-12-31T09:00:00.000000Z",
                "refused_at": None,
                "decided_by": "园区班长",
                "decided_why": "检修票已核对",
                "withdrawn_at": None,
                "withdrawn_by": None,
                "withdrawn_why": None,
            }
        }
    )

    id: int
    enterprise: str
    source: str = Field(description="empty only of an old exemption whose unit the configuration no longer has")
    unit: str | None = Field(description="null: the whole source")
    kind: ExemptionKind
    reason: str
    begins: Time = Field(alias="from")
    until: Time
    filed_at: Time
    filed_by: str
    filed_late: bool = Field(description="filed after `from`")
    within_grace: bool = Field(description="filed no later than the grace after `from`: counts from `from`, else from its filing")
    state: ExemptionState = Field(
        description="filed: waits for the park, also when its time is over; approved: planned or in force; over: was approved"
    )
    in_force: bool = Field(description="approved, begun, and neither over nor withdrawn")
    suppresses: bool = Field(description="alarms of its unit or source are suppressed by design because of it, now")
    valid: SpanView | None = Field(description="when it counts; null while not approved, or when it never counts")
    approved_at: Time | None
    refused_at: Time | None
    decided_by: str | None
    decided_why: str | None
    withdrawn_at: Time | None
    withdrawn_by: str | None
    withdrawn_why: str | None
