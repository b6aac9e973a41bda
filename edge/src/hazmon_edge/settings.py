"""The `[[connection]]` tables of edge.toml: how the box reaches each device. Unknown keys are findings."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hazmon_edge.errors import Finding


@dataclass(frozen=True, slots=True)
class Modbus:
    """A Modbus TCP device."""

    name: str
    period_s: float
    host: str
    port: int
    unit_id: int
    timeout_s: float
    max_gap: int
    max_registers: int


@dataclass(frozen=True, slots=True)
class Mqtt:
    """An MQTT broker. `version` is the protocol spoken: "5" or "3.1.1"."""

    name: str
    period_s: float
    host: str
    port: int
    version: str


@dataclass(frozen=True, slots=True)
class CsvDrop:
    """A folder that a DCS drops its exports into."""

    name: str
    period_s: float
    folder: Path
    pattern: str
    encoding: str
    delimiter: str
    time_column: str
    time_format: str
    timezone: ZoneInfo


class Table:
    """Takes typed values out of a TOML table and notes what is missing, wrong or unknown."""

    def __init__(self, file: str, prefix: str, values: Mapping[str, object], findings: list[Finding]) -> None:
        self.file = file
        self.findings = findings
        self._prefix = prefix
        self._values = dict(values)

    def wrong(self, key: str, found: str, expected: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(self.file, None, self._prefix + key, found, expected))

    def take(self, key: str) -> object | None:
        """The raw value, None if absent."""
        return self._values.pop(key, None)

    def text(self, key: str, default: str | None = None) -> str:
        """A string that is not empty; "" after a finding."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and value:
            return value
        self.wrong(key, _shown(value), "a text")
        return ""

    def number(self, key: str, *, low: float, high: float, default: float | None = None) -> float:
        """A number within bounds; `low` after a finding."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self.wrong(key, _shown(value), f"a number from {low:g} to {high:g}")
        return low

    def whole(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        """A whole number within bounds; `low` after a finding."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.wrong(key, _shown(value), f"a whole number from {low} to {high}")
        return low

    def choice(self, key: str, options: tuple[str, ...], default: str | None = None) -> str:
        """One of the options; the first after a finding."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and value in options:
            return value
        self.wrong(key, _shown(value), "one of " + ", ".join(options))
        return options[0]

    def no_more(self) -> None:
        """Whatever was not taken is a finding: a mistyped key must not be ignored."""
        for key, value in self._values.items():
            self.wrong(key, _shown(value), "no such key")


def parse_connection(table: Table, home: Path, environ: Mapping[str, str]) -> Modbus | Mqtt | CsvDrop | None:
    """One connection; None when its kind is not known."""
    kind = table.take("kind")
    name = table.text("name")
    if any(letter in name for letter in ":#\x1f"):
        table.wrong("name", name, "a name without ':' and '#'")
    match kind:
        case "modbus_tcp":
            return _modbus(table, name)
        case "mqtt":
            return _mqtt(table, name, environ)
        case "csv_drop":
            return _csv_drop(table, name, home)
        case _:
            table.wrong("kind", _shown(kind), "one of modbus_tcp, mqtt, csv_drop")
            return None


def _modbus(table: Table, name: str) -> Modbus:
    connection = Modbus(
        name=name,
        period_s=table.number("period_s", low=0.05, high=3600),
        host=table.text("host"),
        port=table.whole("port", low=1, high=65535, default=502),
        unit_id=table.whole("unit_id", low=0, high=255, default=1),
        timeout_s=table.number("timeout_s", low=0.01, high=60, default=0.8),
        max_gap=table.whole("max_gap", low=0, high=124, default=8),
        max_registers=table.whole("max_registers", low=4, high=125, default=120),
    )
    if connection.timeout_s > connection.period_s:
        table.wrong("timeout_s", f"{connection.timeout_s:g}", f"at most period_s ({connection.period_s:g})")
    table.no_more()
    return connection


def _mqtt(table: Table, name: str, environ: Mapping[str, str]) -> Mqtt:
    host = table.text("host")
    port = table.whole("port", low=1, high=65535, default=1883)
    if address := environ.get("HAZMON_MQTT_URL"):
        url = urlsplit(address)
        if url.scheme != "mqtt" or not url.hostname:
            table.wrong("host", f"HAZMON_MQTT_URL={address}", "mqtt://host:port")
        else:
            host, port = url.hostname, url.port or 1883
    connection = Mqtt(
        name=name,
        period_s=table.number("period_s", low=1, high=3600),
        host=host,
        port=port,
        version=table.choice("version", ("5", "3.1.1"), default="5"),
    )
    table.no_more()
    return connection


def _csv_drop(table: Table, name: str, home: Path) -> CsvDrop:
    encoding = table.text("encoding", default="utf-8")
    try:
        codecs.lookup(encoding)
    except LookupError:
        table.wrong("encoding", encoding, "an encoding, such as gb18030 or utf-8")
    delimiter = table.text("delimiter", default=",")
    if len(delimiter) > 1:
        table.wrong("delimiter", repr(delimiter), "one character")
    time_format = table.text("time_format", default="%Y-%m-%d %H:%M:%S")
    sample = datetime(2024, 12, 31, 23, 58, 59, tzinfo=UTC)
    try:
        read_back = datetime.strptime(sample.strftime(time_format), time_format).replace(tzinfo=UTC)
        if abs((read_back - sample).total_seconds()) >= 60:
            table.wrong("time_format", time_format, "a format that tells date, hour and minute")
    except ValueError as error:
        table.wrong("time_format", time_format, f"a strptime format ({error})")
    zone = table.text("timezone")
    try:
        timezone = ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        table.wrong("timezone", zone, "a time zone, such as Asia/Shanghai")
        timezone = ZoneInfo("UTC")
    connection = CsvDrop(
        name=name,
        period_s=table.number("period_s", low=1, high=86400),
        folder=home / table.text("folder"),
        pattern=table.text("pattern", default="*.csv"),
        encoding=encoding,
        delimiter=delimiter[:1] or ",",
        time_column=table.text("time_column"),
        time_format=time_format,
        timezone=timezone,
    )
    table.no_more()
    return connection


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)
