"""The report as files: which formats there are, and who makes them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from hazmon.coverage.report import Report


class Format(StrEnum):
    """Of a report."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"
    BUNDLE = "bundle"


MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PDF: "application/pdf",
    Format.BUNDLE: "application/zip",
}
REPORT_CONTENT: dict[str, Any] = {
    kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA.values()
}


def exported(report: Report, kind: Format) -> bytes:
    """The file of a report, which a bundle is not; what makes it is heavy, and loaded when it is first asked for."""
    match kind:
        case Format.CSV:
            from hazmon.exports.csv_table import csv_table

            return csv_table(report)
        case Format.XLSX:
            from hazmon.exports.workbook import workbook

            return workbook(report)
        case _:
            from hazmon.exports.pdf import pdf

            return pdf(report)
