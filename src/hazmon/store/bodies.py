"""Alarms as JSON, the way the record keeps them."""

from __future__ import annotations

from typing import Any

import msgspec

from hazmon.alarms.alarm import Alarm

_encoder = msgspec.json.Encoder()


def body_of(alarm: Alarm) -> str:
    """JSON text of an alarm."""
    return _encoder.encode(alarm).decode()


def alarm_of(body: Any) -> Alarm:
    """The alarm of a jsonb value. Raises msgspec.ValidationError on what is no alarm."""
    return msgspec.convert(body, Alarm)


def evidence_text(evidence: tuple[tuple[str, float], ...]) -> str | None:
    """JSON text of an event's evidence, None for none."""
    return _encoder.encode(dict(evidence)).decode() if evidence else None
