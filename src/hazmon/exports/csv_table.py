"""The report as a CSV file that Excel opens: a line a source and day, then the totals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from hazmon.coverage.report import Report, Row
from hazmon.exports.columns import FIGURES, counts, rates
from hazmon.exports.words import Zone, kind_of_data, zone_of

HEADER = ("行别 line", "编号 id", "名称 name", "英文名称 name (en)", "起 from", "止 to", "时区 timezone", "数据 data", *FIGURES)
# the full-width forms too: a spreadsheet with a Chinese input method takes them for the same signs
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_table(report: Report) -> bytes:
    """UTF-8 with BOM, CRLF; lines of days, then totals of sources, enterprises and the park. Times local, percent cut off."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    zone = zone_of(report)
    kinds: tuple[tuple[str, Iterable[Row]], ...] = (
        ("日 day", report.days),
        ("危险源合计 source total", report.sources),
        ("企业合计 enterprise total", report.enterprises),
        ("园区合计 park total", (report.total,)),
    )
    for kind, rows in kinds:
        writer.writerows(_line(report, zone, kind, row) for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def _line(report: Report, zone: Zone, kind: str, row: Row) -> Iterator[str]:
    yield kind
    yield from map(inert, (row.of, row.name, row.name_en))
    yield from (zone.minute(row.begin), zone.minute(row.end), inert(report.timezone), kind_of_data(report))
    yield from map(str, counts(row.tally))
    for numerator, denominator, cut in rates(row.tally):
        yield from (str(numerator), str(denominator), "" if cut is None else f"{cut // 100}.{cut % 100:02d}")
