"""The only place of the service that reads the time.

Stamps are integer microseconds since 1970 in UTC; cadence uses seconds of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

US = 1_000_000
MINUTE_US = 60 * US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What loops ask instead of the machine."""

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep_until(self, monotonic: float) -> None:
        """Return when `monotonic()` has reached the given second."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep_until(self, monotonic: float) -> None:
        """Return when `monotonic()` has reached the given second."""
        await asyncio.sleep(max(0.0, monotonic - time.monotonic()))


class SteppedClock(SystemClock):
    """Time that is told: it stands still until it is set forward. For a past that goes through the real ingest path."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us

    def now(self) -> int:
        """Microseconds since 1970, UTC: as last told."""
        return self.now_us

    def set_forward(self, now_us: int) -> None:
        """Never back."""
        self.now_us = max(self.now_us, now_us)


class ManualClock:
    """A clock that moves only when told; for tests and scenarios."""

    def __init__(self, now_us: int = 0) -> None:
        self.now_us = now_us

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        return self.now_us

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self.now_us / US

    async def sleep_until(self, monotonic: float) -> None:
        """Move the clock to that second and let the other tasks run."""
        self.now_us = max(self.now_us, round(monotonic * US))
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now_us += round(seconds * US)


def as_datetime(us: int) -> datetime:
    """Aware UTC datetime of a stamp, exact to the microsecond."""
    return EPOCH + timedelta(microseconds=us)


def as_us(moment: datetime) -> int:
    """Stamp of an aware datetime, exact to the microsecond. Raises ValueError on a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone is no instant")
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * US + delta.microseconds


def iso(us: int) -> str:
    """RFC 3339 text of a stamp, UTC, to the microsecond."""
    return as_datetime(us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
