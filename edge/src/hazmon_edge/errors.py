"""What can go wrong on the box, and who has to care.

EdgeError
├── ConfigError          the start is refused; every finding in one report
├── CollectError         nothing was read; `cause` is the byte the park records for the readings that are missing
│   ├── NotConnected     no connection to the device, or it was just lost
│   ├── TimedOut         the device did not answer in time
│   ├── Refused          the device answered that it will not (Modbus exception)
│   └── Undecodable      the answer was not an answer to this question
├── OutboxError          the disk did not take a batch
└── UplinkError          the park did not take a bundle; `retry_after_s` says when to ask again
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Cause(IntEnum):
    """Why a reading that was owed is not there. The numbers are wire format."""

    NOT_CONNECTED = 1
    TIMEOUT = 2
    REFUSED = 3
    DECODE = 4
    QUALITY = 5
    BOX_OFF = 6
    LINK_OFF = 7
    EXEMPT = 8


class EdgeError(Exception):
    """Anything the box raises on purpose."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong in one place of a configuration file. `row` counts lines of the file from 1; None means the whole file."""

    file: str
    row: int | None
    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        return f"{place}: {self.key}: found {self.found}, expected {self.expected}"


class ConfigError(EdgeError):
    """The configuration is refused. The text is the full report, a line per finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class CollectError(EdgeError):
    """Nothing was read. The message says what happened in words for the person at the box."""

    cause: Cause


class NotConnected(CollectError):
    """There is no connection, or it went away in the middle."""

    cause = Cause.NOT_CONNECTED


class TimedOut(CollectError):
    """No answer before the deadline."""

    cause = Cause.TIMEOUT


class Refused(CollectError):
    """The device said no."""

    cause = Cause.REFUSED


class Undecodable(CollectError):
    """Something came that cannot be read as what was asked for."""

    cause = Cause.DECODE


class OutboxError(EdgeError):
    """The disk did not take it; the caller still has it."""


class UplinkError(EdgeError):
    """A request to the park failed. `answered` tells a park that said no from a line that is dead."""

    def __init__(self, text: str, *, answered: bool, status: int = 0, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.answered = answered
        self.status = status
        self.retry_after_s = retry_after_s
