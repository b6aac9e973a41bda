"""Pages that are laid out before they are drawn, so that each can say which of how many it is; and the wrapping of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from hazmon.exports.pages.pen import GREY, HEIGHT, INK, MM, RULE, STRONG, WIDTH, Face, Pen, width

LEFT, RIGHT = 15 * MM, WIDTH - 15 * MM
SPAN = RIGHT - LEFT
TOP, BOTTOM = 22 * MM, HEIGHT - 17 * MM
Drawing: TypeAlias = Callable[[Pen], None]
_WORDS = re.compile(r"[0-9][0-9.,]* %|[A-Za-z0-9_.:/%+@#&()\[\]{}'\"<>=,-]+|\s+|.", re.DOTALL)
_NOT_FIRST = frozenset("，。、；：！？）》」』】％…·")


@lru_cache(maxsize=20_000)
def wrap(text: str, room: float, size: float, face: Face = "regular") -> tuple[str, ...]:
    """Text as lines of at most `room` points: Chinese breaks anywhere but before punctuation, a word only when it must."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line, used = "", 0.0
        for piece in _pieces(paragraph, room, size, face):
            wide = width(piece, size, face)
            if used + wide > room and line and not (piece in _NOT_FIRST and used + wide <= room + size):
                lines.append(line.rstrip())
                line, used = "", 0.0
                if piece.isspace():
                    continue
            line, used = line + piece, used + wide
        lines.append(line.rstrip())
    return tuple(lines)


def _pieces(text: str, room: float, size: float, face: Face) -> Iterator[str]:
    for match in _WORDS.finditer(text):
        word = match[0]
        if len(word) > 1 and width(word, size, face) > room:
            yield from _cut(word, room, size, face)
        else:
            yield word


def _cut(word: str, room: float, size: float, face: Face) -> Iterator[str]:
    """A word that fits on no line, in pieces; cut after a sign where there is one."""
    part = ""
    for character in word:
        if part and width(part + character, size, face) > room:
            at = max(part.rfind(sign) for sign in "/@:-T_") + 1
            at = at if at > len(part) // 2 else len(part)
            yield part[:at]
            part = part[at:]
        part += character
    yield part


@dataclass(slots=True)
class Paper:
    """What will stand on which page; `y` is where the next thing goes, in points from the top."""

    title: str
    right: str  # of the header
    foot: str
    simulated: bool
    pages: list[list[Drawing]] = field(default_factory=lambda: [[]])
    y: float = TOP
    contents: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])  # heading, page; whole once all is laid out

    def put(self, drawing: Drawing) -> None:
        """Draw this on the present page."""
        self.pages[-1].append(drawing)

    def turn(self) -> None:
        """Begin a page, unless this one is still empty."""
        if self.pages[-1]:
            self.pages.append([])
        self.y = TOP

    def need(self, height: float) -> bool:
        """Whether a page had to be begun for something of that height."""
        if self.y + height <= BOTTOM:
            return False
        self.turn()
        return True

    def heading(self, title: str, english: str, room: float = 30 * MM) -> None:
        """A numbered heading that does not stand alone at the foot of a page."""
        self.need(room)
        number = len(self.contents) + 1
        key, text, y = f"s{number}", f"{number}　{title}", self.y + 5 * MM
        self.contents.append((text, len(self.pages)))

        def draw(pen: Pen) -> None:
            pen.mark(key, text)
            pen.box(LEFT, y - 4 * MM, 1.2 * MM, 5 * MM, fill=STRONG)
            pen.text(LEFT + 3 * MM, y, text, 12, "bold", STRONG)
            pen.text(RIGHT, y, english, 7.5, colour=GREY, align="right")
            pen.rule(LEFT, y + 2 * MM, RIGHT, y + 2 * MM, STRONG, 0.6)

        self.put(draw)
        self.y = y + 5 * MM

    def prose(self, text: str, size: float = 8.5, colour: str = INK, face: Face = "regular", indent: float = 0) -> None:
        """A paragraph over the whole width."""
        leading = size * 1.5
        for line in wrap(text, SPAN - indent, size, face):
            self.need(leading)
            self.put(_line(LEFT + indent, self.y + size, line, size, face, colour))
            self.y += leading

    def skip(self, height: float) -> None:
        """Leave room."""
        self.y += height

    def draw(self, pen: Pen) -> bytes:
        """The document, with a header and `page n / N` on every page."""
        for number, page in enumerate(self.pages, 1):
            self._margins(pen, number)
            for drawing in page:
                drawing(pen)
            pen.page()
        return pen.close()

    def _margins(self, pen: Pen, number: int) -> None:
        pen.text(LEFT, 13 * MM, self.title, 8, colour=GREY)
        pen.text(RIGHT, 13 * MM, self.right, 8, colour=GREY, align="right")
        if self.simulated:
            pen.box(WIDTH / 2 - 21 * MM, 8.6 * MM, 42 * MM, 6 * MM, fill="FFFFFF", line="B00020", thick=0.9)
            pen.text(WIDTH / 2, 12.9 * MM, "模拟数据 SIMULATED", 9, "bold", "B00020", "centre")
        pen.rule(LEFT, 16 * MM, RIGHT, 16 * MM, RULE, 0.5)
        pen.rule(LEFT, HEIGHT - 13 * MM, RIGHT, HEIGHT - 13 * MM, RULE, 0.5)
        pen.text(LEFT, HEIGHT - 9 * MM, self.foot, min(7, (SPAN - 30 * MM) / max(1.0, width(self.foot, 1))), colour=GREY)
        pen.text(RIGHT, HEIGHT - 9 * MM, f"第 {number} / {len(self.pages)} 页", 8, colour=INK, align="right")


def _line(x: float, y: float, text: str, size: float, face: Face, colour: str) -> Drawing:
    return lambda pen: pen.text(x, y, text, size, face, colour)
