"""edge.toml: HOW a box reaches its devices. The box reads the same file; what it would choke on is refused here."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hazmon.registry.document import Document, Where, read_document, subtables
from hazmon.registry.report import Report, choice, number, shown
from hazmon.registry.shapes import CONNECTIONS, KINDS, CsvDropTable, EdgeTable, ModbusTable, MqttTable, shape

Connection = ModbusTable | MqttTable | CsvDropTable

_SAMPLE = datetime(2026, 11, 23, 17, 48, 59)  # noqa: DTZ001 - an export writes local times without a zone


@dataclass(frozen=True, slots=True)
class EdgeFile:
    """What edge.toml tells: its connections by name, None for a refused one."""

    document: Document
    connections: dict[str, Connection | None]

    def refuse_idle(self, report: Report, used: AbstractSet[str]) -> None:
        """A finding for every connection that no tag uses: a box with nothing to read there is wired by mistake."""
        for index, item in enumerate(subtables(self.document.data, "connection")):
            if item.get("name") not in used:
                self.document.add(report, ("connection", index), "at least one tag in tags.csv", "none")


def read_connections(report: Report, root: Path, folder: str) -> EdgeFile | None:
    """`<folder>/edge.toml`; None and a finding when it cannot be read at all."""
    document = read_document(report, root, f"{folder}/edge.toml")
    if document is None:
        return None
    table = shape(report, document, (), document.data, EdgeTable, nested=("connection",))
    if table is not None and table.edge != folder:
        document.add(report, ("edge",), f'"{folder}", the name of its folder', shown(table.edge))
    connections: dict[str, Connection | None] = {}
    for index, item in enumerate(document.tables(report, (), document.data, "connection")):
        at: Where = ("connection", index)
        connection = _connection(report, document, at, item)
        name = item.get("name")
        if isinstance(name, str):
            if name in connections:
                document.add(report, (*at, "name"), "a name of its own", f"{shown(name)} a second time")
            else:
                connections[name] = connection
    return EdgeFile(document, connections)


def _connection(report: Report, document: Document, at: Where, item: dict[str, object]) -> Connection | None:
    kind = item.get("kind")
    if not isinstance(kind, str) or kind not in CONNECTIONS:
        document.add(report, (*at, "kind"), choice(KINDS), shown(kind))
        return None
    connection = shape(report, document, at, item, CONNECTIONS[kind])
    if isinstance(connection, ModbusTable) and connection.timeout_s > connection.period_s:
        document.add(report, (*at, "timeout_s"), f"at most period_s {number(connection.period_s)}", shown(connection.timeout_s))
    if isinstance(connection, CsvDropTable):
        _export(report, document, at, connection)
    return connection


def _export(report: Report, document: Document, at: Where, drop: CsvDropTable) -> None:
    if not is_encoding(drop.encoding):
        document.add(report, (*at, "encoding"), "a text encoding like gb18030 or utf-8", shown(drop.encoding))
    if not is_time_zone(drop.timezone):
        document.add(report, (*at, "timezone"), "an IANA time zone like Asia/Shanghai", shown(drop.timezone))
    if not is_time_format(drop.time_format):
        expected = "a format with date, hour and minute like %Y/%m/%d %H:%M:%S"
        document.add(report, (*at, "time_format"), expected, shown(drop.time_format))


def is_encoding(name: str) -> bool:
    """Whether text can be written in the encoding of that name."""
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return True


def is_time_zone(name: str) -> bool:
    """Whether the machine's zone database has that zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def is_time_format(pattern: str) -> bool:
    """Whether a moment written in the format is read back to the minute."""
    try:
        read = datetime.strptime(_SAMPLE.strftime(pattern), pattern)  # noqa: DTZ007 - see _SAMPLE
    except ValueError:
        return False
    return read.replace(second=0, microsecond=0) == _SAMPLE.replace(second=0)
