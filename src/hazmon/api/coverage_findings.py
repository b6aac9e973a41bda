"""GET /api/v1/coverage/findings: stretches that do not count as monitored, with what was found in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from hazmon.api.alarm_json import iso_or_none
from hazmon.api.instants import instant
from hazmon.api.paging import Only
from hazmon.api.room import TheRoom
from hazmon.api.views import Time
from hazmon.clock import US, iso
from hazmon.coverage.book import Veto
from hazmon.store.vetoes import vetoes_between

router = APIRouter(tags=["coverage"])
LONGEST_US = 366 * 86_400 * US
MOST = 5000

_EXAMPLE: dict[str, Any] = {
    "id": "replay/E01/LT-1101/E01/LT-1101/1767225600000000",
    "kind": "replay",
    "point": "E01/LT-1101",
    "source": "E01-S1",
    "from": "2026-01-01T00:00:00.000000Z",
    "to": "2026-01-01T00:12:00.000000Z",
    "text": "与本位号 2025-12-31T00:00:00.000000Z 起的记录逐值相同：720 个样本、411 次升降转折、9 个不同值，"
    "偶然相同的可能性低于 2 的 -1893 次方",
    "text_en": "the same, value by value, as what this point showed from 2025-12-31T00:00:00.000000Z on: 720 samples, 411 turns,"
    " 9 levels; by chance less likely than 2^-1893",
    "evidence": {"of": "E01/LT-1101", "shift_us": 86400000000, "samples": 720, "turns": 411, "levels": 9, "bits": 1893},
}


class FindingView(BaseModel):
    """A stretch [from, to) of a point that does not count as monitored. `to` is null while it goes on."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: str
    kind: str = Field(description="frozen | replay | identical | clock")
    point: str
    source: str | None = Field(description="null of a point that the configuration does not know any more")
    start: Time = Field(alias="from")
    end: Time | None = Field(alias="to")
    text: str
    text_en: str
    evidence: dict[str, Any] = Field(description="what was found, in numbers; `_us` are microseconds")


class FindingsView(BaseModel):
    """The findings of a range, by their beginning."""

    start: Time = Field(alias="from")
    end: Time = Field(alias="to")
    source: str | None
    items: list[FindingView]


@router.get("/coverage/findings", response_model=FindingsView)
async def coverage_findings(
    room: TheRoom,
    start: Annotated[AwareDatetime, Query(alias="from", description="with a time zone")],
    end: Annotated[AwareDatetime, Query(alias="to", description="excluded; with a time zone")],
    source: Only = None,
) -> dict[str, Any]:
    """Findings that touch [from, to), at most 366 days. 422 if there are more than 5,000: ask for less."""
    first, last = instant(start, "from"), instant(end, "to")
    if first >= last:
        raise HTTPException(422, "from must be before to")
    if last - first > LONGEST_US:
        raise HTTPException(422, "366 days at most")
    source_of = {point.id: point.source for point in room.park.points}
    wanted = None if source is None else [point for point, of in source_of.items() if of == source]
    async with room.connection() as connection:
        found = await vetoes_between(connection, first, last, wanted, MOST + 1)
    if len(found) > MOST:
        raise HTTPException(422, f"more than {MOST} findings: ask for a shorter range or one source")
    items = [_finding(veto, source_of.get(veto.point)) for veto in found]
    return {"from": iso(first), "to": iso(last), "source": source, "items": items}


def _finding(veto: Veto, source: str | None) -> dict[str, Any]:
    text, text_en = words(veto)
    return {
        "id": veto.id,
        "kind": veto.kind,
        "point": veto.point,
        "source": source,
        "from": iso(veto.begin),
        "to": iso_or_none(veto.end),
        "text": text,
        "text_en": text_en,
        "evidence": dict(veto.evidence),
    }


def words(veto: Veto) -> tuple[str, str]:
    """What was found, in Chinese and in English."""
    told = veto.evidence
    match veto.kind:
        case "replay":
            whose = (
                ("本位号", "this point")
                if told.get("of") == veto.point
                else (f"位号 {told.get('of')}", f"point {told.get('of')}")
            )
            since = iso(veto.begin - _number(told, "shift_us"))
            return (
                f"与{whose[0]} {since} 起的记录逐值相同：{_life(told)[0]}",
                f"the same, value by value, as what {whose[1]} showed from {since} on: {_life(told)[1]}",
            )
        case "identical":
            shift = _number(told, "shift_us") / US
            late, late_en = (f"（相差 {shift:+g} s）", f" ({shift:+g} s)") if shift else ("", "")
            return (
                f"与位号 {told.get('with')} 逐值相同{late}，无法判断哪一个是复制：{_life(told)[0]}",
                f"the same, value by value, as point {told.get('with')}{late_en}; either may be the copy: {_life(told)[1]}",
            )
        case "clock":
            step, earlier, later = _number(told, "step_us") / US, told.get("earlier_seq"), told.get("later_seq")
            return (
                f"采集箱 {told.get('edge')} 的时钟在第 {earlier} 批与第 {later} 批之间倒退 {step:g} s，这段时间记录了两次",
                f"the clock of box {told.get('edge')} went back by {step:g} s between batches {earlier} and {later}:"
                " it has this time twice",
            )
        case _:
            still, low, high = told.get("since_s"), told.get("lowest"), told.get("highest")
            return (
                f"数值停滞：发现时已 {still} s 未超出 {low} 至 {high}",
                f"the value stands still: when found, it had kept from {low} to {high} for {still} s",
            )


def _life(told: Mapping[str, object]) -> tuple[str, str]:
    samples, turns, levels, bits = (told.get(name) for name in ("samples", "turns", "levels", "bits"))
    return (
        f"{samples} 个样本；所比一段有 {turns} 次升降转折、{levels} 个不同值，偶然相同的可能性低于 2 的 -{bits} 次方",
        f"{samples} samples; the stretch compared has {turns} turns and {levels} levels, by chance less likely than 2^-{bits}",
    )


def _number(told: Mapping[str, object], name: str) -> int:
    found = told.get(name, 0)
    return found if isinstance(found, int) else 0
