"""A CSV file as engineers keep it: the exact header, and rows numbered as the spreadsheet shows them."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from math import inf, isinf
from pathlib import Path

from hazmon.registry.document import read_text
from hazmon.registry.report import Report, number

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)


@dataclass(slots=True)
class Row:
    """One row of a table. Reading a cell that is wrong notes a finding, yields None, and clears `sound`."""

    report: Report
    file: str
    row: int
    cells: dict[str, str]
    sound: bool = True

    def add(self, key: str, expected: str, found: str | None = None) -> None:
        """Note a finding about the cell in column `key`; `found` is the cell itself where nothing better is said."""
        self.sound = False
        cell = self.cells[key]
        self.report.add(self.file, self.row, key, expected, found or (f'"{cell}"' if cell else "an empty cell"))

    def text(self, key: str) -> str | None:
        """A cell that must say something, without blanks around it."""
        cell = self.cells[key]
        if not cell or cell != cell.strip():
            self.add(key, "a text")
            return None
        return cell

    def number(self, key: str, *, above: float | None = None, least: float | None = None) -> float | None:
        """A number greater than `above` and not below `least`; None for an empty cell."""
        cell = self.cells[key]
        if not cell:
            return None
        value = float(cell) if _NUMBER.fullmatch(cell) else inf
        if isinf(value) or (above is not None and value <= above) or (least is not None and value < least):
            bound = f" > {number(above)}" if above is not None else f" >= {number(least)}" if least is not None else ""
            self.add(key, f"a number{bound}")
            return None
        return value

    def owed(self, key: str, *, above: float | None = None) -> float | None:
        """As `number`, but an empty cell is a finding."""
        if not self.cells[key]:
            self.add(key, "a number" if above is None else f"a number > {number(above)}")
        return self.number(key, above=above)


def read_table(report: Report, root: Path, file: str, header: tuple[str, ...]) -> list[Row] | None:
    """Rows of the CSV file `root / file`; None and a finding when it is absent, not UTF-8 or of another header.

    A row with another number of cells than the header is a finding and is left out.
    """
    text = read_text(report, root, file)
    if text is None:
        return None
    records: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), strict=True):
            records.append(record)
    except csv.Error as error:
        report.add(file, len(records) + 1, "row", "comma-separated values", str(error))
        return None
    if not _header_is(report, file, header, records[0] if records else []):
        return None
    rows: list[Row] = []
    for at, record in enumerate(records[1:], start=2):
        if not any(record):
            report.add(file, at, "row", "a filled row", "an empty row")
        elif len(record) != len(header):
            report.add(file, at, "row", f"{len(header)} cells", f"{len(record)} cells")
        else:
            rows.append(Row(report, file, at, dict(zip(header, record, strict=True))))
    return rows


def _header_is(report: Report, file: str, header: tuple[str, ...], found: list[str]) -> bool:
    if tuple(found) == header:
        return True
    missing = [name for name in header if name not in found]
    extra = [name for name in found if name not in header]
    doubled = sorted({name for name in found if found.count(name) > 1})
    faults = [
        f"{words} {', '.join(repr(name) for name in names)}"
        for words, names in (("no column", missing), ("unknown column", extra), ("twice the column", doubled))
        if names
    ]
    report.add(file, 1, "header", ",".join(header), "; ".join(faults) or "the columns in another order")
    return False
