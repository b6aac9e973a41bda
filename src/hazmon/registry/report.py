"""What was found wrong, gathered over every file before anything is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from hazmon.errors import Finding

LONGEST_FOUND = 60


@dataclass(slots=True)
class Report:
    """Findings of one configuration, in the order of the files first looked at and of the rows in each."""

    findings: list[Finding] = field(default_factory=list[Finding])
    files: list[str] = field(default_factory=list[str])

    def open(self, file: str) -> None:
        """Fix the place of `file` (relative to the configuration folder) in the report."""
        if file not in self.files:
            self.files.append(file)

    def add(self, file: str, row: int | None, key: str, expected: str, found: str) -> None:
        """Note one finding. `row` counts from 1: the header of a CSV file is row 1, a TOML file has lines."""
        self.open(file)
        self.findings.append(Finding(file, row, key, expected, found))

    def sorted(self) -> list[Finding]:
        """Every finding, by file and row; findings of one row keep the order in which they were made."""
        place = {file: index for index, file in enumerate(self.files)}
        return sorted(self.findings, key=lambda finding: (place[finding.file], finding.row or 0))


def shown(value: object) -> str:
    """A configured value as the engineer wrote it, short enough for one line."""
    match value:
        case None:
            return "nothing"
        case "":
            return "an empty text"
        case bool():
            return "true" if value else "false"
        case str():
            quoted = f'"{value}"'.replace("\n", "\\n").replace("\t", "\\t")
            return quoted if len(quoted) <= LONGEST_FOUND else f'{quoted[:LONGEST_FOUND]}…"'
        case float():
            return repr(value)
        case list():
            text = "[" + ", ".join(shown(item) for item in cast("list[object]", value)) + "]"
            return text if len(text) <= LONGEST_FOUND else f"a list of {len(cast('list[object]', value))}"
        case dict():
            return "a table"
        case _:
            return str(value)


def number(value: float) -> str:
    """Shortest text of a number: 15.0 is 15, 0.35 stays."""
    return f"{value:.10g}"


def choice(words: Iterable[str]) -> str:
    """`one of a, b, c`, the way every finding lists what is allowed."""
    return "one of " + ", ".join(words)
