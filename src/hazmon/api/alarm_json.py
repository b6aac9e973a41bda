"""Alarms and their events as the API, the alarm stream and the page all show them."""

from __future__ import annotations

from typing import Any

from hazmon.alarms.book import Alarm, AlarmEvent
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
        "rule": alarm.rule,
        "priority": alarm.priority,
        "state": alarm.state,
        "raised_at": iso(alarm.raised_at),
        "acknowledged_at": iso_or_none(alarm.acknowledged_at),
        "acknowledged_by": alarm.acknowledged_by,
        "cleared_at": iso_or_none(alarm.cleared_at),
        "value": alarm.value,
        "limit": alarm.limit,
        "unit": subject.uom,
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
        "from": event.before,
        "to": event.alarm.state,
        "by": event.by,
        "value": event.value,
        "reason": event.reason,
        "recorded": recorded,
    }


def iso_or_none(us: int | None) -> str | None:
    """RFC 3339 text of a stamp that may be missing."""
    return None if us is None else iso(us)
