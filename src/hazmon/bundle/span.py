"""Which time a head can speak for: until when its pages are sealed, and when nothing can come any more."""

from __future__ import annotations

from hazmon.clock import MINUTE_US, US
from hazmon.coverage.facts import SLOT_US
from hazmon.model import CoverageRules

HOUR_US = 60 * MINUTE_US
GRACE_US = 2 * MINUTE_US  # after its end a page is sealed
SEALED_AFTER_US = HOUR_US + GRACE_US


def sealed_until(head: int) -> int:
    """Microsecond until which the pages under a checkpoint of that time are sealed: the end of an hour."""
    return -((SEALED_AFTER_US - head) // HOUR_US) * HOUR_US


def covered_at(end: int, rules: CoverageRules) -> int:
    """From then on (microseconds) a checkpoint covers the slots before `end` for good: what comes later is too late to count."""
    return end * SLOT_US + rules.late_deadline_s * US + SEALED_AFTER_US + HOUR_US
