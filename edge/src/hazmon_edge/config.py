"""Reads `edge.toml` and `tags.csv` of one box. Refuses, never repairs: every finding of both files in one ConfigError."""

from __future__ import annotations

import csv
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from hazmon_edge.errors import ConfigError, Finding
from hazmon_edge.settings import CsvDrop, Modbus, Mqtt, Table, parse_connection
from hazmon_edge.tags import CsvTag, ModbusTag, MqttTag, Tag, TagFile
from hazmon_edge.wire import Group

MAX_POINTS = 200  # of one scan group

AnyConnection = Modbus | Mqtt | CsvDrop


@dataclass(frozen=True, slots=True)
class ScanGroup:
    """A wire group with the tags behind its points, in the same order."""

    group: Group
    digest: bytes
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Wiring:
    """One connection and everything that is read through it."""

    connection: AnyConnection
    groups: tuple[ScanGroup, ...]

    @property
    def points(self) -> int:
        """How many points it brings."""
        return sum(len(group.tags) for group in self.groups)


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """Everything a box needs to know. Paths are absolute."""

    edge: str
    park_url: str
    token: str | None  # from HAZMON_EDGE_TOKEN; else in token_file, read when it is needed
    token_file: Path
    data: Path
    max_backlog_days: float
    wirings: tuple[Wiring, ...]

    @property
    def groups(self) -> tuple[ScanGroup, ...]:
        """All scan groups of the box."""
        return tuple(group for wiring in self.wirings for group in wiring.groups)


def load(folder: Path, environ: Mapping[str, str] = os.environ) -> EdgeConfig:
    """Read the box's two files. Raises ConfigError with all findings at once."""
    findings: list[Finding] = []
    document = _read_toml(folder / "edge.toml", findings)
    home = Path(environ.get("HAZMON_HOME", ".hazmon")).absolute()
    top = Table("edge.toml", "", document, findings)
    edge = top.text("edge")
    configured_url = top.text("park_url")
    park_url = environ.get("HAZMON_PARK_URL") or configured_url
    if park_url and urlsplit(park_url).scheme not in ("http", "https"):
        top.wrong("park_url", park_url, "an http:// or https:// address")
    token_file = top.text("token_file")
    data = top.text("data")
    days = top.number("max_backlog_days", default=7.0, low=0.01, high=3660)
    connections = _connections(top, home, environ)
    top.no_more()
    names = {connection.name: connection for connection in connections}
    tags = _read_tags(folder / "tags.csv", names, findings)
    wirings = [Wiring(c, tuple(_groups(c, [t for t in tags if t.connection == c.name]))) for c in connections]
    findings += [
        Finding("edge.toml", None, f"connection {wiring.connection.name}", "no tag in tags.csv", "at least one")
        for wiring in wirings
        if not wiring.groups and not findings
    ]
    if findings:
        raise ConfigError(findings)
    return EdgeConfig(
        edge=edge,
        park_url=park_url.rstrip("/"),
        token=environ.get("HAZMON_EDGE_TOKEN") or None,
        token_file=home / token_file,
        data=home / data,
        max_backlog_days=days,
        wirings=tuple(wirings),
    )


def _read_toml(path: Path, findings: list[Finding]) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        findings.append(Finding(path.name, None, "file", error.strerror or str(error), "a readable file"))
    except UnicodeDecodeError as error:
        findings.append(Finding(path.name, None, "file", f"byte {error.start} is not UTF-8", "UTF-8 text"))
    except tomllib.TOMLDecodeError as error:
        findings.append(Finding(path.name, None, "file", str(error), "TOML"))
    raise ConfigError(findings)


def _connections(top: Table, home: Path, environ: Mapping[str, str]) -> list[AnyConnection]:
    found = top.take("connection")
    entries = cast("list[object]", found) if isinstance(found, list) else []
    if not entries:
        top.wrong("connection", "nothing" if found is None else "no table", "at least one [[connection]]")
    connections: list[AnyConnection] = []
    for index, entry in enumerate(entries, 1):
        values = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
        table = Table(top.file, f"connection {values.get('name', index)}.", values, top.findings)
        connection = parse_connection(table, home, environ)
        if connection is None:
            continue
        if any(connection.name == other.name for other in connections):
            table.wrong("name", connection.name, "a name of its own")
        connections.append(connection)
    return connections


def _read_tags(path: Path, connections: Mapping[str, AnyConnection], findings: list[Finding]) -> list[Tag]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        findings.append(Finding(path.name, None, "file", error.strerror or str(error), "a readable file"))
        return []
    except UnicodeDecodeError as error:
        findings.append(Finding(path.name, None, "file", f"byte {error.start} is not UTF-8", "UTF-8 text"))
        return []
    return TagFile(path.name, connections, findings).read(csv.reader(StringIO(text)))


def _groups(connection: AnyConnection, tags: Sequence[Tag]) -> list[ScanGroup]:
    """Scan groups of one connection: by source for MQTT, else one; split when larger than MAX_POINTS."""
    families: dict[str, list[Tag]] = {}
    for tag in tags:
        name = f"{connection.name}:{tag.source}" if isinstance(tag, MqttTag) else connection.name
        families.setdefault(name, []).append(tag)
    groups: list[ScanGroup] = []
    period_us = round(connection.period_s * 1_000_000)
    for name, members in families.items():
        for part, start in enumerate(range(0, len(members), MAX_POINTS), 1):
            some = tuple(members[start : start + MAX_POINTS])
            group = Group(name if part == 1 else f"{name}#{part}", period_us, tuple(tag.tag for tag in some))
            groups.append(ScanGroup(group, group.digest, some))
    return groups


__all__ = ["AnyConnection", "CsvTag", "EdgeConfig", "ModbusTag", "MqttTag", "ScanGroup", "Tag", "Wiring", "load"]
