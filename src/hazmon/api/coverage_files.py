"""The report as files: which formats there are, and who makes them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import Any

from hazmon.coverage.report import Report


class Format(StrEnum):
    """Of a report."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PDF: "application/pdf",
}
REPORT_CONTENT: dict[str, Any] = {
    kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA.values()
}
_MAKERS = {Format.CSV: ("csv_table", "csv_table"), Format.XLSX: ("workbook", "workbook"), Format.PDF: ("pdf", "pdf")}


def exported(report: Report, kind: Format) -> bytes:
    """The file; what makes it is heavy, and loaded when it is first asked for."""
    module, name = _MAKERS[kind]
    make: Callable[[Report], bytes] = getattr(import_module(f"hazmon.exports.{module}"), name)
    return make(report)
