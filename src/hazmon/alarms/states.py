"""The words of the alarm's life, after ISA-18.2 / IEC 62682, on two axes: where an alarm stands, and whether it may be heard."""

from __future__ import annotations

from enum import StrEnum


class AlarmState(StrEnum):
    """Where an alarm stands. Normal is where it starts and ends; the letters are those of the standards' diagram."""

    NORMAL = "normal"  # A
    UNACKNOWLEDGED = "unacknowledged"  # B
    ACKNOWLEDGED = "acknowledged"  # C
    RETURNED = "returned_unacknowledged"  # D
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"  # E
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"  # F


class Suppression(StrEnum):
    """Why an alarm is not to be heard: three switches, each on or off by itself; what goes on underneath is not forgotten."""

    SHELVED = "shelved"  # G
    BY_DESIGN = "suppressed_by_design"  # H
    OUT_OF_SERVICE = "out_of_service"  # I


class Health(StrEnum):
    """Whether the condition can be judged. An alarm that is not ok keeps its state: silence is no recovery."""

    OK = "ok"
    STALE = "stale"
    BAD_QUALITY = "bad_quality"
    ERROR = "error"


class Verdict(StrEnum):
    """What the enterprise found behind an alarm."""

    REAL = "real"  # 真实
    FALSE = "false"  # 误报
    MAINTENANCE = "maintenance"  # 检修
    TEST = "test"  # 测试
    INSTRUMENT = "instrument_fault"  # 仪表故障


class Stimulus(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"  # a rule began to hold where none did
    ESCALATE = "escalate"  # a worse one than those that hold
    EASE = "ease"  # the worst ceased, a milder one holds
    CLEAR = "clear"  # none holds any more
    LATCH = "latch"  # the same, of an alarm that stays until it is reset
    RAISE_LATE = "raise_late"  # found in readings that came late: told to the room, never rung
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    REALARM = "realarm"  # it has stood acknowledged for too long
    SHELVE = "shelve"
    UNSHELVE = "unshelve"  # by hand
    EXPIRE = "expire"  # the shelf's time is over
    SUPPRESS = "suppress"  # by design
    RELEASE = "release"
    REMOVE = "remove"  # out of service
    RETURN = "return"
    HEALTH = "health"
    OVERDUE = "overdue"  # nobody acknowledged, or verified, in time
    COMMENT = "comment"
    VERIFY = "verify"
    DISPOSE = "dispose"
