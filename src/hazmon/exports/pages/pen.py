"""A thin typed hand on reportlab: A4, points from the top left, the embedded Chinese typeface and a monospaced one."""

# reportlab is not typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
from __future__ import annotations

import io
from functools import cache
from typing import Any, Literal

from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from hazmon.errors import ExportUnavailable
from hazmon.exports import typeface

MM = 72 / 25.4
WIDTH, HEIGHT = 210 * MM, 297 * MM
INK, GREY, RULE, SHADE, STRONG = "1A1A1A", "595959", "B5B5B5", "EEF1F5", "1F3A5F"
Align = Literal["left", "centre", "right"]
Face = Literal["regular", "bold", "mono"]
MISSING = "□"
_NAMES = {"regular": "HazmonSans", "bold": "HazmonSans-Bold", "mono": "Courier"}


@cache
def _font(face: Face) -> Any:
    """A face of the typeface, read once a process. Raises ExportUnavailable when it was not built into this installation."""
    if face == "mono":
        return pdfmetrics.getFont("Courier")
    file = typeface.FONTS / (typeface.BOLD if face == "bold" else typeface.REGULAR)
    try:
        font = TTFont(_NAMES[face], str(file))
    except (OSError, TTFError) as error:
        raise ExportUnavailable(f"{file.name}: {typeface.REPAIR}") from error
    pdfmetrics.registerFont(font)
    return font


@cache
def _advances(face: Face) -> tuple[dict[int, float], float]:
    """Widths of characters in thousandths of the size, by code point."""
    found = _font(face).face
    return found.charWidths, found.defaultWidth


def width(text: str, size: float, face: Face = "regular") -> float:
    """How wide text is, in points."""
    if face == "mono":
        return len(text) * 0.6 * size
    widths, other = _advances(face)
    return sum(widths.get(ord(character), other) for character in text) * size / 1000


def printable(text: str, face: Face) -> str:
    """Text with a box for every character that the face does not have."""
    if face == "mono":
        return "".join(c if " " <= c <= "~" or c == "—" else MISSING for c in text)
    widths, _ = _advances(face)
    return text if all(ord(c) in widths for c in text) else "".join(c if ord(c) in widths else MISSING for c in text)


class Pen:
    """Draws on the pages of one document, one after another."""

    def __init__(self, title: str, subject: str) -> None:
        self.out = io.BytesIO()
        for face in ("regular", "bold"):
            _font(face)
        first: Any = _NAMES["regular"]  # else the first page asks for a face that is not embedded
        self.canvas: Any = Canvas(
            self.out, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1, lang="zh-CN", initialFontName=first
        )
        self.canvas.setTitle(title)
        self.canvas.setSubject(subject)
        self.canvas.setAuthor("hazmon")
        self.canvas.setCreator("hazmon")

    def text(
        self, x: float, y: float, text: str, size: float, face: Face = "regular", colour: str = INK, align: Align = "left"
    ) -> None:
        """A line of text whose base line is at y."""
        text = printable(text, face)
        if face == "mono" and MISSING in text:
            face = "regular"
        if align != "left":
            wide = width(text, size, face)
            x -= wide if align == "right" else wide / 2
        self.canvas.setFillColor(_colour(colour))
        self.canvas.setFont(_NAMES[face], size)
        self.canvas.drawString(x, HEIGHT - y, text)

    def box(
        self, x: float, y: float, w: float, h: float, fill: str | None = None, line: str | None = None, thick: float = 0.4
    ) -> None:
        """A rectangle with its upper left corner at x, y."""
        if fill:
            self.canvas.setFillColor(_colour(fill))
        if line:
            self.canvas.setStrokeColor(_colour(line))
            self.canvas.setLineWidth(thick)
        self.canvas.rect(x, HEIGHT - y - h, w, h, stroke=int(line is not None), fill=int(fill is not None))

    def rule(self, x: float, y: float, to_x: float, to_y: float, colour: str = RULE, thick: float = 0.4) -> None:
        """A straight line."""
        self.canvas.setStrokeColor(_colour(colour))
        self.canvas.setLineWidth(thick)
        self.canvas.line(x, HEIGHT - y, to_x, HEIGHT - to_y)

    def corner(self, x: float, y: float, side: float, fill: str) -> None:
        """A small triangle in the upper right corner at x, y."""
        path = self.canvas.beginPath()
        path.moveTo(x - side, HEIGHT - y)
        path.lineTo(x, HEIGHT - y)
        path.lineTo(x, HEIGHT - y - side)
        path.close()
        self.canvas.setFillColor(_colour(fill))
        self.canvas.drawPath(path, stroke=0, fill=1)

    def mark(self, key: str, title: str) -> None:
        """A bookmark of this page in the viewer's outline."""
        self.canvas.bookmarkPage(key)
        self.canvas.addOutlineEntry(title, key, 0)

    def page(self) -> None:
        """Go on to the next page."""
        self.canvas.showPage()

    def close(self) -> bytes:
        """The document."""
        self.canvas.save()
        return self.out.getvalue()


@cache
def _colour(name: str) -> Any:
    return HexColor(f"#{name}")
