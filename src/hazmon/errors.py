"""The errors of the park service.

HazmonError
├── ConfigError        the configuration is refused; carries every finding
├── BatchError         a batch that cannot be read at all
├── CommandRefused     somebody's command that is not allowed now
├── NotFound           no such object
├── ExportUnavailable  an export that this installation cannot make; the text says what is missing
├── LedgerError        the record, a proof, a note or a checkpoint does not hold
└── StoreUnavailable   the database does not answer; nothing was recorded
"""

from __future__ import annotations

from dataclasses import dataclass


class HazmonError(Exception):
    """Any error that hazmon raises on purpose."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a configuration: where, what was expected, what was found."""

    file: str
    row: int | None
    key: str
    expected: str
    found: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.row}" if self.row is not None else self.file
        return f"{place}  {self.key}: expected {self.expected}, found {self.found}"


class ConfigError(HazmonError):
    """The configuration is refused; `findings` holds all that is wrong, not the first."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))


class BatchError(HazmonError):
    """A batch that cannot be read at all: truncated, of another version, or not a batch."""


class CommandRefused(HazmonError):
    """A command that is not allowed, by who gave it or by the state that its object is in; the text says why."""


class NotFound(HazmonError):
    """No object of that name."""


class LedgerError(HazmonError):
    """Something of the append-only record does not hold, or is not what it must be; the text says what, in a plain sentence."""


class ExportUnavailable(HazmonError):
    """An export cannot be made by this installation; the text says what is missing and how to mend it."""


class StoreUnavailable(HazmonError):
    """The database does not answer; what was asked is not recorded."""
