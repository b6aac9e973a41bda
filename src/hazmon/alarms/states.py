"""The words of the alarm's life, after ISA-18.2 / IEC 62682."""

from __future__ import annotations

from enum import StrEnum


class AlarmState(StrEnum):
    """Where an alarm stands. Normal is where it starts and ends."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned_unacknowledged"


class Stimulus(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"
    RAISE_LATE = "raise_late"  # found in readings that came late: told to the room, never rung
    CLEAR = "clear"
    ACKNOWLEDGE = "acknowledge"
