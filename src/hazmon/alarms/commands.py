"""What people ask of alarms: who, what, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody has seen the alarm."""

    alarm: str
    by: str
    note: str


Command = Acknowledge
