"""Alarms and their events as the API, the alarm stream and the page all show them."""

from __future__ import annotations

from typing import Any

from hazmon.alarms.alarm import Alarm, AlarmEvent, Mark
from hazmon.clock import iso


def alarm_json(alarm: Alarm, recorded: bool) -> dict[str, Any]:
    """The fields of an AlarmView."""
    subject = alarm.subject
    return {
        "id": alarm.id,
        "enterprise": subject.enterprise,
        "source": subject.source,
        "tag": subject.tag,
        "point": subject.id,
        "name": subject.name,
        "kind": alarm.kind,
        "rule": alarm.rule,
        "active": alarm.active,
        "priority": alarm.priority,
        "state": alarm.state,
        "suppressions": list(alarm.suppressions),
        "health": alarm.health,
        "latching": alarm.latching,
        "first_out": alarm.first_out,
        "opened_at": iso(alarm.opened_at),
        "raised_at": iso(alarm.opened_at if alarm.raised_at is None else alarm.raised_at),
        "raised_count": alarm.raised,
        "acknowledged_at": iso_or_none(alarm.acknowledged_at),
        "acknowledged_by": alarm.acknowledged_by,
        "cleared_at": iso_or_none(alarm.cleared_at),
        "value": alarm.value,
        "limit": alarm.limit,
        "unit": subject.uom,
        "first": _mark(alarm.first),
        "worst": _mark(alarm.worst),
        "peak": alarm.peak,
        "peak_at": iso_or_none(alarm.peak_at),
        "overdue": alarm.overdue,
        "verified": None
        if alarm.verified is None
        else {
            "at": iso(alarm.verified.at),
            "by": alarm.verified.by,
            "verdict": alarm.verified.verdict,
            "note": alarm.verified.note,
        },
        "disposed": None
        if alarm.disposed is None
        else {"at": iso(alarm.disposed.at), "by": alarm.disposed.by, "note": alarm.disposed.text},
        "shelf": None
        if alarm.shelf is None
        else {"until": iso(alarm.shelf.until), "by": alarm.shelf.by, "reason": alarm.shelf.reason},
        "by_design": alarm.by_design,
        "out_of_service": None
        if alarm.out_of_service is None
        else {"at": iso(alarm.out_of_service.at), "by": alarm.out_of_service.by, "note": alarm.out_of_service.text},
        "late": alarm.late,
        "recorded": recorded,
        "event": alarm.event,
    }


def event_json(event: AlarmEvent, recorded: bool) -> dict[str, Any]:
    """The fields of an AlarmEventView."""
    return {
        "event": event.number,
        "alarm": event.alarm.id,
        "at": iso(event.at),
        "stimulus": event.stimulus,
        "rule": event.rule,
        "from": event.before,
        "to": event.alarm.state,
        "rings": event.rings,
        "suppressed": event.suppressed,
        "by": event.by,
        "value": event.value,
        "limit": event.alarm.limit,
        "reason": event.reason,
        "evidence": dict(event.evidence),
        "recorded": recorded,
    }


def _mark(mark: Mark | None) -> dict[str, Any] | None:
    return None if mark is None else {"rule": mark.rule, "at": iso(mark.at), "value": mark.value, "limit": mark.limit}


def iso_or_none(us: int | None) -> str | None:
    """RFC 3339 text of a stamp that may be missing."""
    return None if us is None else iso(us)
