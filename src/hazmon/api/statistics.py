"""GET /api/v1/alarms/statistics: how well the alarms can be handled, and what could quieten the worst of them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime

from hazmon.alarms.advice import Advice, Setting, advise_on, limit_of
from hazmon.alarms.episodes import Actor, EventColumns
from hazmon.alarms.statistics import LOOK_BACK_US, Statistics, statistics
from hazmon.alarms.targets import Measure, measures
from hazmon.api.alarm_json import iso_or_none
from hazmon.api.instants import instant
from hazmon.api.paging import Only
from hazmon.api.room import Room, TheRoom
from hazmon.api.statistics_views import StatisticsView
from hazmon.clock import MINUTE_US, US, iso
from hazmon.model import Park
from hazmon.store import statistics as record

router = APIRouter(tags=["alarms"])
LONGEST_US = 366 * 86_400 * US
DEFAULT_US = 86_400 * US
MOST_EVENTS = 500_000
MOST_READINGS = 50_000  # of one point, for advice
MOST_ADVISED = 10
_AFTER_US = 5 * MINUTE_US  # of the signal, behind the last alarm
_NO_LIMIT = "仅限值报警可据记录信号给出建议 only alarms of a limit have a signal to take advice from"
_NO_HELP = "调整死区或延时无明显作用 neither a deadband nor a delay would have helped"


@router.get("/alarms/statistics", response_model=StatisticsView)
async def alarm_statistics(
    room: TheRoom,
    start: Annotated[AwareDatetime | None, Query(description="with a time zone; 24 h before `end` if not given")] = None,
    end: Annotated[AwareDatetime | None, Query(description="excluded; with a time zone; now if not given")] = None,
    enterprise: Only = None,
    source: Only = None,
    advice: Annotated[bool, Query(description="look at the recorded signals of the worst as well")] = False,
) -> dict[str, Any]:
    """The measures of alarm management (after IEC 62682 / ISA-18.2) over [start, end), at most 366 days, from the record.

    The targets beside them say whose they are and how far to trust them. 422 if the range holds too many events.
    """
    first, last = _range(room, start, end)
    async with room.connection() as connection:
        wanted = record.Wanted(enterprise, source)
        events = await record.events(connection, first - LOOK_BACK_US, last, wanted, MOST_EVENTS)
    if events.event.size > MOST_EVENTS:
        raise HTTPException(422, f"more than {MOST_EVENTS} events: ask for a shorter range")
    found = await asyncio.to_thread(statistics, events, first, last)
    advised = [await _advised(room, actor, events, first, last) for actor in _worst(found)] if advice else None
    names = _names(room.park)
    return {
        "start": iso(first),
        "end": iso(last),
        "enterprise": enterprise,
        "source": source,
        "annunciated": found.annunciated,
        "late": found.late,
        "measures": [_measure(measure) for measure in measures(found)],
        "floods": _floods(found),
        "top": [_actor(who, names) | {"alarms": int(share.numerator), "share": share.value} for who, share in found.top],
        "priorities": [
            {
                "priority": number,
                "alarms": int(share.numerator),
                "acknowledged": waited.acknowledged,
                "p50_s": waited.p50_s,
                "p95_s": waited.p95_s,
            }
            for number, (share, waited) in enumerate(zip(found.priorities, found.waiting, strict=True), 1)
        ],
        "chattering": [
            _actor(one.actor, names) | {"raises": one.raises, "most_per_minute": one.most} for one in found.chatterers
        ],
        "stale": [
            _actor(one.actor, names) | {"since": iso(one.begun), "until": iso_or_none(one.ended)} for one in found.stale_alarms
        ],
        "standing": found.standing,
        "standing_silent": found.standing_silent,
        "shelved": found.shelved,
        "suppressed": found.suppressed,
        "removed": found.removed,
        "advice": None if advised is None else [_actor(who, names) | body for who, body in advised],
    }


def _range(room: Room, start: datetime | None, end: datetime | None) -> tuple[int, int]:
    now = room.clock.now()
    last = now if end is None else min(now, instant(end, "end"))
    first = last - DEFAULT_US if start is None else instant(start, "start")
    if first >= last:
        raise HTTPException(422, "start must be before end, and not in the future")
    if last - first > LONGEST_US:
        raise HTTPException(422, "366 days at most")
    return first, last


def _worst(found: Statistics) -> list[Actor]:
    """Those that chatter, then the most frequent."""
    actors = [one.actor for one in found.chatterers] + [actor for actor, _ in found.top]
    return list(dict.fromkeys(actors))[:MOST_ADVISED]


async def _advised(room: Room, actor: Actor, events: EventColumns, start: int, end: int) -> tuple[Actor, dict[str, Any]]:
    """Advice for an actor, from its signal up to its last alarm in the range."""
    index = room.park.by_id.get(actor.subject)
    point = None if index is None else room.park.points[index]
    now = None if point is None else limit_of(point, actor.kind)
    raised = events.newest_raise(actor)
    if point is None or now is None or raised is None:
        return actor, _advice(Advice(0, 0, ()), None, "", _NO_LIMIT)
    end = min(end, raised + _AFTER_US)
    async with room.connection() as connection:
        times, values = await record.signal(connection, point.enterprise, point.tag, start, end, MOST_READINGS)
    advice = await asyncio.to_thread(advise_on, point, now, times, values)
    span = (int(times[0]), end) if times.size else None
    return actor, _advice(advice, span, point.uom, "" if advice.proposals else _NO_HELP)


def _advice(advice: Advice, span: tuple[int, int] | None, uom: str, note: str) -> dict[str, Any]:
    return {
        "note": note,
        "start": None if span is None else iso(span[0]),
        "end": None if span is None else iso(span[1]),
        "readings": advice.readings,
        "recounted": advice.recounted,
        "proposals": [
            {
                "setting": proposal.setting,
                "value": proposal.value,
                "unit": uom if proposal.setting is Setting.DEADBAND else "s",
                "observed": proposal.observed,
                "remaining": proposal.remaining,
            }
            for proposal in advice.proposals
        ],
        "preferred": None if advice.preferred is None else advice.preferred.setting,
    }


def _measure(measure: Measure) -> dict[str, Any]:
    share, target = measure.share, measure.target
    return {
        "id": measure.id,
        "name": measure.name,
        "name_en": measure.name_en,
        "unit": measure.unit,
        "value": share.value,
        "numerator": share.numerator,
        "denominator": share.denominator,
        "target": None
        if target is None
        else {"at_least": target.at_least, "at_most": target.at_most, "trust": target.trust, "basis": target.basis},
        "met": measure.met,
    }


def _floods(found: Statistics) -> dict[str, Any]:
    floods = found.floods
    return {
        "count": floods.count,
        "seconds": floods.time.numerator,
        "alarms": int(floods.alarms.numerator),
        "peak": floods.peak,
        "items": [
            {"begun_at": iso(span.begun), "ended_at": iso_or_none(span.ended), "alarms": span.alarms, "peak": span.peak}
            for span in floods.listed
        ],
    }


def _names(park: Park) -> dict[str, str]:
    return {subject.id: subject.name for subject in (*park.points, *park.named)}


def _actor(actor: Actor, names: dict[str, str]) -> dict[str, Any]:
    return {"point": actor.subject, "name": names.get(actor.subject, ""), "kind": actor.kind}
