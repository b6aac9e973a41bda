"""Collectors: each knows one way to reach devices. They yield scans or misses and know no schedule."""

from __future__ import annotations

from typing import Protocol

from hazmon_edge.errors import Cause
from hazmon_edge.scans import Collected
from hazmon_edge.wire import Miss


class Collector(Protocol):
    """What the runner of a connection asks of a collector."""

    @property
    def interval_ns(self) -> int:
        """How often it wants to be asked."""
        ...

    @property
    def connected(self) -> bool:
        """Whether `collect` has any hope."""
        ...

    def first_ns(self, proposed_ns: int) -> int:
        """Monotonic instant of the first tick, near the proposed one."""
        ...

    async def connect(self) -> None:
        """Reach the device. Raises NotConnected."""
        ...

    async def collect(self, deadline_ns: int) -> Collected:
        """What is there now, misses included. Takes no longer than the deadline. Raises CollectError when all of it failed."""
        ...

    def owe(self, cause: Cause, at_us: int, ticks: int) -> list[Miss]:
        """The misses of ticks from `at_us` on that brought nothing."""
        ...

    async def close(self) -> None:
        """Let go of the device. Never raises."""
        ...
