"""The text of a configuration file: UTF-8 or refused, and TOML that still knows its line numbers."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hazmon.registry.report import Report, shown

Where = tuple[str | int, ...]

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"^\s*({_DOTTED})\s*=")
_AT_LINE = re.compile(r"^(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)$")


def read_text(report: Report, root: Path, file: str) -> str | None:
    """Text of `root / file`; None, and a finding, when it is absent or not UTF-8. A leading byte order mark is allowed."""
    report.open(file)
    try:
        raw = (root / file).read_bytes()
    except OSError as error:
        report.add(file, None, "file", "a readable file", error.strerror.lower() if error.strerror else "none")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte, row = raw[error.start], raw.count(b"\n", 0, error.start) + 1
        how = ' (in a spreadsheet: save as "CSV UTF-8")' if file.endswith(".csv") else ""
        report.add(file, row, "encoding", f"UTF-8{how}", f"byte 0x{byte:02x}, not UTF-8")
        return None


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file: its data, and the line on which each key and table begins."""

    file: str
    data: dict[str, object]
    lines: dict[Where, int]

    def line(self, path: Where) -> int | None:
        """Line of the key at `path`, else of the nearest table around it; None for the file as a whole."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None

    def key(self, path: Where) -> str:
        """`source[E01-S1].chemical[2].tonnes`: an item of a list by its id, tag or name, else by its number from 1."""
        text, value = "", cast("object", self.data)
        for step in path:
            if isinstance(step, int):
                value = _item(value, step)
                text += f"[{_label(value, step)}]"
            else:
                value = cast("dict[str, object]", value).get(step) if isinstance(value, dict) else None
                text += f".{step}" if text else step
        return text

    def add(self, report: Report, path: Where, expected: str, found: str) -> None:
        """Note a finding about the key at `path`."""
        report.add(self.file, self.line(path), self.key(path), expected, found)

    def tables(self, report: Report, at: Where, table: dict[str, object], name: str) -> list[dict[str, object]]:
        """The `[[name]]` tables in `table`; anything else, and none at all, is a finding."""
        value = table.get(name)
        found = subtables(table, name)
        if not found or (isinstance(value, list) and len(found) != len(cast("list[object]", value))):
            header = ".".join(step for step in (*at, name) if isinstance(step, str))
            self.add(report, (*at, name), f"at least one table [[{header}]]", shown(cast("object", value)))
            return []
        return found


def read_document(report: Report, root: Path, file: str) -> Document | None:
    """The TOML file `root / file`, or None and a finding with the line of the syntax error."""
    text = read_text(report, root, file)
    if text is None:
        return None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.match(str(error))
        what, row = (at["what"], int(at["line"])) if at else (str(error), None)
        report.add(file, row, "syntax", "valid TOML", f"an error: {what[:1].lower()}{what[1:]}")
        return None
    return Document(file, data, _lines(text))


def subtables(table: dict[str, object], name: str) -> list[dict[str, object]]:
    """The tables in the list `table[name]`, whatever else is there."""
    value = table.get(name)
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, object]", item) for item in items if isinstance(item, dict)]


def _item(value: object, index: int) -> object:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return items[index] if index < len(items) else None


def _label(value: object, index: int) -> str:
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        for name in ("id", "tag", "name"):
            word = table.get(name)
            if isinstance(word, str) and word:
                return word
    return str(index + 1)


def _lines(text: str) -> dict[Where, int]:
    """Where each key and table begins. tomllib does not tell; the text is known to parse, so a scan of line starts is enough."""
    lines: dict[Where, int] = {}
    last: dict[Where, int] = {}
    table: Where = ()
    for row, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = ()
            names = _names(header[2])
            for depth, name in enumerate(names):
                table = (*table, name)
                if header[1] == "[[" and depth == len(names) - 1:
                    last[table] = last.get(table, -1) + 1
                    lines.setdefault(table, row)
                if table in last:
                    table = (*table, last[table])
                lines.setdefault(table, row)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_names(key[1])), row)
    return lines


def _names(dotted: str) -> list[str]:
    return [name.strip("\"'") for name in re.findall(_NAME, dotted)]
