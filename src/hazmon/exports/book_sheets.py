"""A thin typed hand on xlsxwriter: rows of cells that are text, whole numbers, days or percentages, and nothing else."""

# xlsxwriter is not typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter

from hazmon.exports.scale import STEPS, Step

LONGEST = 32_767  # characters of a cell
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@dataclass(frozen=True, slots=True)
class Cut:
    """A percentage in hundredths of a percent, shown as one; `step` colours it."""

    hundredths: int
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Legend:
    """The label of a step, in its colour."""

    step: Step


class Workbook:
    """A workbook that is written to `out` when it is closed."""

    def __init__(self, out: io.BytesIO) -> None:
        self.book: Any = xlsxwriter.Workbook(out, _OPTIONS)

    def sheet(self, name: str, styles: Styles) -> Sheet:
        """A new sheet at the end."""
        return Sheet(self.book.add_worksheet(name), styles)

    def close(self, title: str, author: str, created: datetime) -> None:
        """Write everything."""
        self.book.set_properties({"title": title, "author": author, "created": created})
        self.book.close()


class Styles:
    """The looks that a cell may have."""

    def __init__(self, book: Workbook) -> None:
        font = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "vcenter"}
        add = book.book.add_format
        self.text = add(font)
        self.title = add({**font, "bold": True, "font_size": 14})
        self.head = add({**font, "bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True, "align": "center"})
        self.head_day = add(
            {**font, "bold": True, "bg_color": "#DCE6F1", "border": 1, "num_format": "yyyy-mm-dd", "align": "center"}
        )
        self.whole = add({**font, "num_format": "#,##0"})
        self.percent = add({**font, "num_format": "0.00%"})
        self.day = add({**font, "num_format": "yyyy-mm-dd"})
        self.heat = {
            step.least: add(
                {**font, "num_format": "0.00%", "bg_color": f"#{step.colour}", "font_color": f"#{step.ink}", "align": "center"}
            )
            for step in STEPS
        }


class Sheet:
    """A sheet that is filled row by row."""

    def __init__(self, sheet: Any, styles: Styles) -> None:
        self.sheet = sheet
        self.styles = styles
        self.at = 0
        self.headed = (0, 0)  # row and columns of the last heads
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)

    def line(self, *cells: object, title: bool = False) -> None:
        """The next row; None leaves a cell empty."""
        for column, cell in enumerate(cells):
            self._write(column, cell, title)
        self.at += 1

    def heads(self, *titles: object, freeze: bool = True, columns: int = 1) -> None:
        """A row of column heads; frozen with the first `columns`, and repeated on every printed page."""
        for column, title in enumerate(titles):
            if isinstance(title, date):
                self.sheet.write_datetime(self.at, column, datetime(title.year, title.month, title.day), self.styles.head_day)  # noqa: DTZ001
            else:
                self.sheet.write_string(self.at, column, str(title), self.styles.head)
        if freeze:
            self.sheet.set_row(self.at, 44)
            self.sheet.freeze_panes(self.at + 1, columns)
            self.sheet.repeat_rows(self.at)
        self.headed = (self.at, len(titles))
        self.at += 1

    def filter(self) -> None:
        """Filter buttons on the heads."""
        row, columns = self.headed
        self.sheet.autofilter(row, 0, max(row, self.at - 1), columns - 1)

    def widths(self, *widths: int) -> None:
        """Columns from the first on, in characters (a Chinese one counts two)."""
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)

    def percent(self, hundredths: int | None) -> Cut | None:
        """A cell of a percentage."""
        return None if hundredths is None else Cut(hundredths)

    def heat(self, hundredths: int | None, step: Step) -> Cut | None:
        """A cell of a percentage in the colour of its step."""
        return None if hundredths is None else Cut(hundredths, step)

    def legend(self, step: Step) -> Legend:
        """A cell that explains a colour."""
        return Legend(step)

    def _write(self, column: int, cell: object, title: bool) -> None:
        sheet, styles = self.sheet, self.styles
        match cell:
            case None:
                pass
            case Cut(hundredths, step):
                look = styles.percent if step is None else styles.heat[step.least]
                sheet.write_number(self.at, column, hundredths / 10_000, look)
            case Legend(step):
                sheet.write_string(self.at, column, step.label, styles.heat[step.least])
            case int():
                sheet.write_number(self.at, column, cell, styles.whole)
            case date():
                sheet.write_datetime(self.at, column, datetime(cell.year, cell.month, cell.day), styles.day)  # noqa: DTZ001
            case _:
                text = _ILLEGAL.sub("�", str(cell))[:LONGEST]
                sheet.write_string(self.at, column, text, styles.title if title else styles.text)
