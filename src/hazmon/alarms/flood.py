"""Alarm floods: more alarms than an operator can read.

A flood begins at the instant of the alarm that is the eleventh within ten minutes, and ends at the instant at which fewer than
five are left of the last ten minutes. Both follow from the instants of the alarms alone, however often the question is asked.
The two numbers are the usual practice of alarm management as published by vendors; no standard's own text was read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from hazmon.clock import MINUTE_US

WINDOW_US = 10 * MINUTE_US
BEGINS_ABOVE = 10
ENDS_BELOW = 5


@dataclass(frozen=True, slots=True)
class FloodTurn:
    """A flood begins or ends at microsecond `at`.

    `first_at` is its oldest alarm, `count` its alarms up to this turn, `peak` the most within ten minutes. An alarm belongs to
    one flood only.
    """

    at: int
    begins: bool
    begun_at: int
    first_at: int
    count: int
    peak: int


@dataclass(slots=True)
class Flood:
    """Whether a flood runs; times in microseconds. At instant t the window is (t - ten minutes, t]."""

    begun_at: int | None = None
    first_at: int = 0
    count: int = 0
    peak: int = 0
    recent: deque[int] = field(default_factory=deque[int])  # alarms of the last ten minutes, ascending
    taken: int = 0  # the newest so many of `recent` are in no flood that is over
    latest: int | None = None  # nothing happens before it any more
    due: deque[FloodTurn] = field(default_factory=deque[FloodTurn])

    @classmethod
    def of(cls, instants: Iterable[int]) -> Flood:
        """As it is after these alarms, in whatever order; their turns count as told.

        They must reach back to a time when no flood ran, at least ten minutes.
        """
        flood = cls()
        for at in sorted(instants):
            flood.note(at)
        flood.due.clear()
        return flood

    def copy(self) -> Flood:
        """An independent copy."""
        copied = (deque(self.recent), self.taken, self.latest, deque(self.due))
        return Flood(self.begun_at, self.first_at, self.count, self.peak, *copied)

    def note(self, at: int) -> None:
        """An alarm was annunciated. One older than the last one noted, or than a turn that was told, counts as of then."""
        at = at if self.latest is None else max(at, self.latest)
        self._end_before(at)
        self._forget(at)
        self.latest = at
        self.recent.append(at)
        self.taken += 1
        if self.begun_at is not None:
            self.count += 1
            self.peak = max(self.peak, len(self.recent))
        elif len(self.recent) > BEGINS_ABOVE:
            self.begun_at, self.first_at = at, self.recent[-self.taken]
            self.count, self.peak = self.taken, len(self.recent)
            self.due.append(FloodTurn(at, True, at, self.first_at, self.count, self.peak))

    def watch(self, now: int) -> FloodTurn | None:
        """The next turn that has come and was not told; ask until None. Note the alarms up to `now` before asking."""
        self._end_before(now + 1)
        return self.due.popleft() if self.due else None

    def turns(self, now: int) -> list[FloodTurn]:
        """Every turn that has come and was not told."""
        return list(iter(lambda: self.watch(now), None))

    def _end_before(self, at: int) -> None:
        if self.begun_at is None:
            return
        ends = self.recent[-ENDS_BELOW] + WINDOW_US  # when the fifth newest leaves the window
        if ends < at:
            self._forget(ends)
            self.due.append(FloodTurn(ends, False, self.begun_at, self.first_at, self.count, self.peak))
            self.latest, self.begun_at, self.taken = ends, None, 0

    def _forget(self, at: int) -> None:
        while self.recent and self.recent[0] <= at - WINDOW_US:
            self.recent.popleft()
        self.taken = min(self.taken, len(self.recent))
