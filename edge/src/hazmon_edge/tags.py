"""The rows of tags.csv: where each tag's value comes from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hazmon_edge.errors import Finding
from hazmon_edge.registers import ORDERS, TYPES, Area, Register
from hazmon_edge.settings import CsvDrop, Modbus, Mqtt

HEADER = ["tag", "connection", "address", "type", "word_order", "scale", "offset", "path", "time_path", "source"]

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class ModbusTag:
    """A value in a device's registers."""

    tag: str
    connection: str
    register: Register


@dataclass(frozen=True, slots=True)
class MqttTag:
    """A value in a topic's messages. `path` is None for plain payloads. Both paths are steps: keys and list indices."""

    tag: str
    connection: str
    topic: str
    source: str
    path: tuple[str | int, ...] | None
    time_path: tuple[str | int, ...] | None
    scale: float
    offset: float


@dataclass(frozen=True, slots=True)
class CsvTag:
    """A column of a DCS export."""

    tag: str
    connection: str
    column: str
    scale: float
    offset: float


Tag = ModbusTag | MqttTag | CsvTag


class TagFile:
    """Reads the rows and notes findings with their line."""

    def __init__(self, file: str, connections: Mapping[str, Modbus | Mqtt | CsvDrop], findings: list[Finding]) -> None:
        self._file = file
        self._connections = connections
        self._findings = findings
        self._row = 0
        self._cells: dict[str, str] = {}

    def read(self, rows: Iterable[list[str]]) -> list[Tag]:
        """All tags that are right; what is not is among the findings."""
        tags: list[Tag] = []
        seen: dict[str, int] = {}
        for self._row, cells in enumerate(rows, 1):
            if self._row == 1:
                if [cell.strip() for cell in cells] != HEADER:
                    self._wrong("header", ",".join(cells), ",".join(HEADER))
                    return []
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(HEADER):
                self._wrong("row", f"{len(cells)} cells", f"{len(HEADER)} cells")
                continue
            self._cells = dict(zip(HEADER, (cell.strip() for cell in cells), strict=True))
            name = self._cells["tag"]
            if not _TAG.fullmatch(name):
                self._wrong("tag", repr(name), "letters, digits, - _ and .")
            elif name in seen:
                self._wrong("tag", name, f"a tag of its own; it is in row {seen[name]} too")
            seen.setdefault(name, self._row)
            tag = self._tag(name)
            if tag is not None:
                tags.append(tag)
        return tags

    def _wrong(self, key: str, found: str, expected: str) -> None:
        self._findings.append(Finding(self._file, self._row, key, found, expected))

    def _tag(self, name: str) -> Tag | None:
        link = self._cells["connection"]
        match self._connections.get(link):
            case Modbus():
                self._empty("path", "time_path", "source")
                return self._modbus(name, link)
            case Mqtt():
                self._empty("word_order")
                return self._mqtt(name, link)
            case CsvDrop():
                self._empty("word_order", "path", "time_path", "source")
                self._type(("", "number"))
                if not self._cells["address"]:
                    self._wrong("address", "nothing", "a column of the export")
                return CsvTag(name, link, self._cells["address"], self._number("scale", 1.0), self._number("offset", 0.0))
            case None:
                known = ", ".join(self._connections) or "none"
                self._wrong("connection", link or "nothing", f"a connection of edge.toml ({known})")
                return None

    def _modbus(self, name: str, link: str) -> Tag | None:
        area_name, colon, digits = self._cells["address"].partition(":")
        if not colon or area_name not in Area.__members__ or not digits.isascii() or not digits.isdigit():
            self._wrong("address", self._cells["address"] or "nothing", "holding:N, input:N, coil:N or discrete:N")
            return None
        area, address = Area[area_name], int(digits)
        kind = self._type(("bool",) if area.is_bits else tuple(TYPES))
        order = self._cells["word_order"] or "ABCD"
        if order not in ORDERS:
            self._wrong("word_order", order, "one of " + ", ".join(ORDERS))
            order = "ABCD"
        scale, offset = self._number("scale", 1.0), self._number("offset", 0.0)
        register = Register(area, address, kind, order, scale, offset)
        if address + register.width > 65536:
            self._wrong("address", self._cells["address"], f"an address up to {65536 - register.width}")
            return None
        return ModbusTag(name, link, register)

    def _mqtt(self, name: str, link: str) -> Tag:
        topic = self._cells["address"]
        if not topic or "+" in topic or "#" in topic:
            self._wrong("address", topic or "nothing", "a topic without wildcards")
        kind = self._type(("number", "json"))
        if not self._cells["source"]:
            self._wrong("source", "nothing", "the source of the point, such as E01-S1")
        path = time_path = None
        if kind == "json":
            path = self._path("path")
            time_path = self._path("time_path") if self._cells["time_path"] else None
        else:
            self._empty("path", "time_path")
        scale, offset = self._number("scale", 1.0), self._number("offset", 0.0)
        return MqttTag(name, link, topic, self._cells["source"], path, time_path, scale, offset)

    def _path(self, key: str) -> tuple[str | int, ...]:
        """`$.a.b[0]` as ("a", "b", 0)."""
        text = self._cells[key]
        steps: list[str | int] = []
        at = 1
        while at < len(text) and (step := _STEP.match(text, at)):
            steps.append(step[1] if step[1] is not None else int(step[2]))
            at = step.end()
        if not text.startswith("$") or at != len(text):
            self._wrong(key, text or "nothing", "a path such as $.value or $.data[0].v")
        return tuple(steps)

    def _type(self, options: tuple[str, ...]) -> str:
        found = self._cells["type"]
        if found in options:
            return found
        self._wrong("type", found or "nothing", "one of " + ", ".join(option or "nothing" for option in options))
        return options[0]

    def _number(self, key: str, default: float) -> float:
        text = self._cells[key]
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (key == "scale" and value == 0):
            self._wrong(key, text, "a number" if key == "offset" else "a number other than 0")
            return default
        return value

    def _empty(self, *keys: str) -> None:
        for key in keys:
            if self._cells[key]:
                self._wrong(key, self._cells[key], "nothing for this kind of connection")
