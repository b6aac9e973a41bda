"""PURE: the text of a DCS export, a wide CSV with a time column, into rows of values.

Encoding ladder: a byte order mark says it; else the configured encoding, strictly. A file that is not what the configuration
says is refused whole; a row or a cell that is not is named and the rest is kept.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO

from hazmon_edge.clock import SECOND_US
from hazmon_edge.registers import Scaling
from hazmon_edge.settings import CsvDrop
from hazmon_edge.tags import CsvTag
from hazmon_edge.wire import ABSENT, BAD
from hazmon_edge.words import is_bad_word

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_US = 946_684_800 * SECOND_US  # 2000: a clock before that is dead


@dataclass(slots=True)
class Row:
    """One line: time in µs UTC, value and quality per point, and the columns whose cell could not be read."""

    at_us: int
    values: list[float]
    quality: bytearray
    undecodable: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class Export:
    """What a file holds, rows in order of time, and in words what it does not."""

    rows: list[Row]
    bad_lines: list[str]  # "line 7: ..." for lines that are no row
    missing_columns: list[str]  # configured, not in the file


def parse_export(data: bytes, link: CsvDrop, tags: Sequence[CsvTag]) -> Export:
    """Rows of a whole file. Raises ValueError, with the reason, for a file that is not such an export."""
    lines = csv.reader(StringIO(_decode(data, link.encoding), newline=""), delimiter=link.delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(lines, list[str]())]
        time_at, columns, missing = _columns(header, link, tags)
        rows: list[Row] = []
        bad_lines: list[str] = []
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                bad_lines.append(f"line {lines.line_num}: {len(cells)} cells, {len(header)} in the header")
                continue
            try:
                at_us = _time_us(cells[time_at].strip(), link)
            except ValueError:
                bad_lines.append(f"line {lines.line_num}: {cells[time_at]!r} is not a time like {link.time_format}")
                continue
            rows.append(_row(at_us, cells, columns))
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num}: {error}") from None
    rows.sort(key=lambda row: row.at_us)
    return Export(rows, bad_lines, missing)


def _decode(data: bytes, encoding: str) -> str:
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), encoding)
    try:
        return data.decode(marked)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not {marked}") from None


def _columns(header: list[str], link: CsvDrop, tags: Sequence[CsvTag]) -> tuple[int, list[tuple[int | None, Scaling]], list[str]]:
    """Where the time is, where each point is (None: nowhere), and what is missing."""
    wanted = {link.time_column, *(tag.column for tag in tags)}
    twice = sorted({name for name in header if header.count(name) > 1} & wanted)
    if twice:
        raise ValueError(f"two columns are called {twice[0]}")
    if link.time_column not in header:
        raise ValueError(f"there is no column {link.time_column}; the header is {link.delimiter.join(header)[:200]!r}")
    places = {name: at for at, name in enumerate(header)}
    columns = [(places.get(tag.column), Scaling(tag.scale, tag.offset)) for tag in tags]
    return places[link.time_column], columns, [tag.column for tag in tags if tag.column not in places]


def _time_us(text: str, link: CsvDrop) -> int:
    time = datetime.strptime(text, link.time_format)  # noqa: DTZ007 (most exports leave the zone to the configuration)
    if time.tzinfo is None:
        time = time.replace(tzinfo=link.timezone)
    at_us = round((time - _EPOCH).total_seconds() * SECOND_US)
    if at_us < _EARLIEST_US:
        raise ValueError("a time before 2000")
    return at_us


def _row(at_us: int, cells: list[str], columns: list[tuple[int | None, Scaling]]) -> Row:
    row = Row(at_us, [math.nan] * len(columns), bytearray([ABSENT]) * len(columns))
    for point, (place, scaling) in enumerate(columns):
        text = "" if place is None else cells[place].strip()
        if place is None:
            row.undecodable.append(point)
        elif is_bad_word(text):
            row.quality[point] = BAD
        elif (number := _number(text)) is None:
            row.undecodable.append(point)
        else:
            scaling.put(number, point, row.values, row.quality)
    return row


def _number(text: str) -> float | None:
    """The number; None for anything else, also for `1_000`, which only Python takes for one."""
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None
