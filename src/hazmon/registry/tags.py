"""tags.csv: HOW each tag is read, joined with WHAT it means (points.csv) and with the connections (edge.toml)."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from hazmon.registry.connections import Connection, EdgeFile
from hazmon.registry.points import PointRow
from hazmon.registry.registers import BITS, LAST, WORD_ORDERS, WORDS, Claim, conflicts, parse_address
from hazmon.registry.report import Report, choice, number
from hazmon.registry.shapes import CsvDropTable, ModbusTable, MqttTable
from hazmon.registry.table import Row, read_table

_PATH = re.compile(r"\$(\.[^.\[\]]+|\[\d+\])*", re.ASCII)
HEADER = ("tag", "connection", "address", "type", "word_order", "scale", "offset", "path", "time_path", "source")


def check_tags(
    report: Report,
    root: Path,
    folder: str,
    points: dict[str, PointRow] | None,
    edge: EdgeFile | None,
) -> None:
    """Findings of `<folder>/tags.csv`. What is None could not be read; nothing is blamed on it here."""
    rows = read_table(report, root, f"{folder}/tags.csv", HEADER)
    if rows is None:
        return
    wiring = _Wiring(points, edge.connections if edge else {})
    for row in rows:
        wiring.read(row)
    wiring.fights()
    if edge is not None:
        edge.refuse_idle(report, {row.cells["connection"] for row in rows})
    for tag, point in (points or {}).items():
        if tag and tag not in wiring.rows:
            point.row.add("tag", "a row of that tag in tags.csv", "none")


class _Wiring:
    """The rows read so far, and what each claims."""

    def __init__(self, points: dict[str, PointRow] | None, connections: dict[str, Connection | None]) -> None:
        self.points = points
        self.connections = connections
        self.rows: dict[str, Row] = {}
        self.claims: defaultdict[str, list[tuple[Claim, Row]]] = defaultdict(list)
        self.taken: dict[tuple[str, str, str], Row] = {}

    def read(self, row: Row) -> None:
        tag, name = row.cells["tag"], row.cells["connection"]
        if tag in self.rows:
            row.add("tag", "a tag of its own", f'"{tag}", which row {self.rows[tag].row} has')
        else:
            self.rows[tag] = row
        if self.points is not None and tag not in self.points:
            row.add("tag", "a tag of points.csv")
        scale, offset = row.number("scale"), row.number("offset")
        if scale == 0:
            row.add("scale", "a number other than 0")
        if not self.connections:
            return
        if name not in self.connections:
            row.add("connection", choice(self.connections))
            return
        connection = self.connections[name]
        if connection is None:
            return
        point = self.points.get(tag) if self.points else None
        if point is not None and point.period_s is not None and connection.period_s > point.period_s:
            expected = f"a connection read every {number(point.period_s)} s, the point's period_s"
            row.add("connection", expected, f'"{name}", read every {number(connection.period_s)} s')
        match connection:
            case ModbusTable():
                self._modbus(row, 1.0 if scale is None else scale, offset or 0.0)
            case MqttTable():
                self._mqtt(row, point)
            case CsvDropTable():
                self._csv_drop(row, connection)

    def _modbus(self, row: Row, scale: float, offset: float) -> None:
        _empty(row, "modbus_tcp", "path", "time_path", "source")
        address, kind, order = parse_address(row.cells["address"]), row.cells["type"], row.cells["word_order"]
        if address is None:
            row.add("address", f"holding:N, input:N, coil:N or discrete:N, N from 0 to {LAST}")
        if kind not in WORDS:
            row.add("type", choice(WORDS))
        elif address is not None and address[0] in BITS and kind != "bool":
            row.add("type", f"bool, because a {address[0]} is one bit")
        elif kind == "bool" and order:
            row.add("word_order", "an empty cell, because a bool has no words")
        if order and order not in WORD_ORDERS:
            row.add("word_order", choice(WORD_ORDERS))
        if address is None or kind not in WORDS:
            return
        space, first = address
        last = first + WORDS[kind] - 1
        if last > LAST:
            row.add("address", f"room for the {WORDS[kind]} registers of {kind} up to {LAST}")
            return
        claim = Claim(row.row, row.cells["tag"], space, first, last, kind, (order or "ABCD", scale, offset))
        self.claims[row.cells["connection"]].append((claim, row))

    def _mqtt(self, row: Row, point: PointRow | None) -> None:
        _empty(row, "mqtt", "word_order")
        topic, kind, path, time_path = (row.cells[key] for key in ("address", "type", "path", "time_path"))
        if not topic or topic != topic.strip() or any(sign in topic for sign in "+#\0"):
            row.add("address", "a topic without + and #")
        match kind:
            case "json":
                if not _is_path(path):
                    row.add("path", "a path like $.value, because type is json")
                if time_path and not _is_path(time_path):
                    row.add("time_path", "a path like $.ts, or an empty cell")
            case "number":
                for key in ("path", "time_path"):
                    if row.cells[key]:
                        row.add(key, "an empty cell, because type is number")
            case _:
                row.add("type", choice(("number", "json")))
        if point is not None and row.cells["source"] != point.source:
            row.add("source", f'"{point.source}", the source of this tag in points.csv')
        self._alone(row, topic, path)

    def _csv_drop(self, row: Row, connection: CsvDropTable) -> None:
        _empty(row, "csv_drop", "word_order", "path", "time_path", "source")
        column = row.cells["address"]
        if not column:
            row.add("address", "the header of a column")
        elif column == connection.time_column:
            row.add("address", "the header of a column of values", f'"{column}", the time column')
        if row.cells["type"] not in ("", "number"):
            row.add("type", "number or an empty cell")
        self._alone(row, column, "")

    def _alone(self, row: Row, address: str, path: str) -> None:
        """One topic and path, or one column, is one point: the same series under two tags is no second measurement."""
        key = (row.cells["connection"], address, path)
        if address and (other := self.taken.setdefault(key, row)) is not row:
            row.add("address", "an address of its own", f'"{address}", which {other.cells["tag"]} in row {other.row} reads')

    def fights(self) -> None:
        """A finding for every row whose registers another row reads as well."""
        for claimed in self.claims.values():
            rows = {claim.row: row for claim, row in claimed}
            for later, earlier in conflicts(claim for claim, _ in claimed):
                by = f"{earlier.tag} in row {earlier.row}"
                row = rows[later.row]
                if (later.first, later.type) != (earlier.first, earlier.type):
                    span = f"{earlier.space}:{earlier.first}" + (f"..{earlier.last}" if earlier.last > earlier.first else "")
                    found = f'"{row.cells["address"]}" {later.type}, which overlaps {span} {earlier.type} of {by}'
                    row.add("address", "registers of its own", found)
                elif later.reading != earlier.reading:
                    row.add("address", "a register of its own", f"the register of {by} with another scale, offset or word order")
                else:
                    row.add("address", "a register of its own", f"the register of {by}")


def _empty(row: Row, kind: str, *keys: str) -> None:
    for key in keys:
        if row.cells[key]:
            row.add(key, f"an empty cell, because the connection is {kind}")


def _is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None
