"""Times as people write and read them: in the park's time zone unless they name another."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hazmon.clock import as_datetime, as_us


def instant(text: str, zone: str) -> int:
    """Microseconds of `2026-11-01T08:00`, in that zone when it names none. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text}: expected a time like 2026-11-01T08:00 or 2026-11-01T00:00Z") from None
    return as_us(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone)))


def clock_text(at: int, zone: str) -> str:
    """`2026-11-01 08:00:00.250` in that zone."""
    return as_datetime(at).astimezone(ZoneInfo(zone)).isoformat(" ", "milliseconds")[:23]
