"""Tables that go on over pages: heads repeated, rows never cut in two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hazmon.exports.pages.paper import LEFT, RIGHT, Drawing, Paper, wrap
from hazmon.exports.pages.pen import GREY, INK, MM, RULE, SHADE, STRONG, Align, Face, Pen

PAD = 1.1 * MM
MOST_LINES = 24  # of a cell: a row must fit on a page, whatever somebody typed; the workbook has the whole text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, `wide` in millimetres; the columns of a table make up 180 mm."""

    title: str
    wide: float
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table; lines of a cell are parted by line breaks. `strong` for a total."""

    cells: Sequence[str]
    strong: bool = False


def table(paper: Paper, columns: Sequence[Column], lines: Iterable[Line], size: float = 7) -> None:
    """Set a table from the paper's present place on."""
    heads = _heads(columns, size)
    first = True
    for number, line in enumerate(lines):
        height, drawing = _laid(columns, line, size, shaded=number % 2 == 1)
        if first:
            paper.need(heads[0] + height)
        if paper.need(height) or first:
            _place(paper, *heads)
            first = False
        _place(paper, height, drawing)
    if first:
        _place(paper, *heads)
        _place(paper, *_laid([Column("", 180)], Line(["（无）"]), size, shaded=False))
    paper.skip(3 * MM)


def _place(paper: Paper, height: float, drawing: _Block) -> None:
    paper.put(drawing.at(paper.y))
    paper.y += height


@dataclass(frozen=True, slots=True)
class _Block:
    texts: tuple[tuple[float, float, str, Align], ...]  # x, y within, text, align
    height: float
    size: float
    face: Face
    colour: str
    fill: str | None
    under: str

    def at(self, y: float) -> Drawing:
        def draw(pen: Pen) -> None:
            if self.fill:
                pen.box(LEFT, y, RIGHT - LEFT, self.height, fill=self.fill)
            for x, down, text, align in self.texts:
                pen.text(x, y + down, text, self.size, self.face, self.colour, align)
            pen.rule(LEFT, y + self.height, RIGHT, y + self.height, self.under, 0.3)

        return draw


def _heads(columns: Sequence[Column], size: float) -> tuple[float, _Block]:
    texts, height = _texts(columns, [column.title for column in columns], size, "bold")
    return height, _Block(texts, height, size, "bold", "FFFFFF", STRONG, STRONG)


def _laid(columns: Sequence[Column], line: Line, size: float, shaded: bool) -> tuple[float, _Block]:
    face: Face = "bold" if line.strong else "regular"
    texts, height = _texts(columns, line.cells, size, face)
    fill = "DDE4EC" if line.strong else SHADE if shaded else None
    return height, _Block(texts, height, size, face, INK, fill, GREY if line.strong else RULE)


def _texts(
    columns: Sequence[Column], cells: Sequence[str], size: float, face: Face
) -> tuple[tuple[tuple[float, float, str, Align], ...], float]:
    leading, most, x = size * 1.32, 1, LEFT
    found: list[tuple[float, float, str, Align]] = []
    for column, cell in zip(columns, cells, strict=True):
        room = column.wide * MM
        lines = wrap(cell, room - 2 * PAD, size, face)
        if len(lines) > MOST_LINES:
            lines = (*lines[: MOST_LINES - 1], "……（全文见工作簿）")
        at = {"left": x + PAD, "right": x + room - PAD, "centre": x + room / 2}[column.align]
        for number, text in enumerate(lines):
            if text:
                found.append((at, PAD + size * 0.95 + number * leading, text, column.align))
        most = max(most, len(lines))
        x += room
    return tuple(found), 2 * PAD + size * 1.1 + (most - 1) * leading
