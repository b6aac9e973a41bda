"""What people ask of alarms: who, what, and why. `target` is an alarm's id, or what may be alarmed about: `E01/LT-1101.HIGH`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from hazmon.alarms.states import Verdict


class Role(StrEnum):
    """In which capacity somebody acts."""

    OPERATOR = "operator"  # 值班员
    SHIFT_LEADER = "shift_leader"  # 班长
    ENTERPRISE = "enterprise"  # 企业


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody has seen the alarm."""

    target: str
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A word for the record."""

    target: str
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Verify:
    """The enterprise looked, and found this."""

    target: str
    by: str
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True)
class Dispose:
    """What was done about it (处置)."""

    target: str
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Reset:
    """Let go of an alarm that latched."""

    target: str
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Shelve:
    """Keep it from being heard until then (microseconds); it comes back by itself."""

    target: str
    by: str
    role: Role
    note: str
    until: int


@dataclass(frozen=True, slots=True)
class Unshelve:
    """Take it from the shelf by hand."""

    target: str
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Take it out of service, for maintenance of the instrument."""

    target: str
    by: str
    role: Role
    note: str


@dataclass(frozen=True, slots=True)
class Return:
    """Put it back into service."""

    target: str
    by: str
    role: Role
    note: str


Command: TypeAlias = Acknowledge | Comment | Verify | Dispose | Reset | Shelve | Unshelve | Remove | Return
