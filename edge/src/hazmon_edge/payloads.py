"""PURE: what an MQTT message says. Plain numbers, or JSON with a path to the value and one to the device's time."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

from hazmon_edge.clock import SECOND_US
from hazmon_edge.tags import MqttTag
from hazmon_edge.words import is_bad_word

LARGEST = 64 * 1024


def read_payload(payload: bytes, tag: MqttTag) -> tuple[float, int | None]:
    """(raw value, device time in µs or None) of a message. NaN means the device itself said bad. Raises ValueError."""
    if len(payload) > LARGEST:
        raise ValueError(f"{len(payload)} bytes, {LARGEST} at most")
    text = payload.decode("utf-8-sig").strip()
    if tag.path is None:
        return _number(text), None
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    value = _step_into(document, tag.path)
    time_us = None
    if tag.time_path is not None:
        with suppress(ValueError):  # a message without its time is still a reading
            time_us = _time_us(_step_into(document, tag.time_path))
    if value is None:
        return math.nan, time_us
    if isinstance(value, str):
        return _number(value.strip()), time_us
    if isinstance(value, int | float):
        return value, time_us
    raise ValueError(f"{type(value).__name__} where a number should be")


def _number(text: str) -> float:
    if is_bad_word(text):
        return math.nan
    if "_" in text:
        raise ValueError(f"{text[:40]!r} is not a number")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a number") from None


def _step_into(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(step, str) and isinstance(document, Mapping) and step in document:
            document = cast("Mapping[str, Any]", document)[step]
        elif isinstance(step, int) and isinstance(document, list) and step < len(cast("list[Any]", document)):
            document = cast("list[Any]", document)[step]
        else:
            raise ValueError(f"{step!r} is not in the message")
    return document


def _time_us(value: object) -> int | None:
    """Milliseconds since 1970, or ISO 8601 with a zone; None for anything else, which is no reason to lose the value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) and math.isfinite(value):
        return round(value * 1_000)
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return None
        if time.tzinfo is not None:
            return round((time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * SECOND_US)
    return None
