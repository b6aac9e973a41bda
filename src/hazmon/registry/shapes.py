"""The shapes of the TOML tables. The description of a field is what a finding says was expected.

Bounds and defaults of edge.toml are those of the box, which reads the same file without the park.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hazmon.model import Level, UnitKind, UnitType
from hazmon.registry.document import Document, Where
from hazmon.registry.report import Report, choice, shown

Text = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$", description="a text")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, description="a number > 0")]
Port = Annotated[int, Field(ge=1, le=65535, description="a port, 1 to 65535")]
Host = Annotated[str, Field(pattern=r"^[^\s/]+$", description="a host name or address")]
ConnectionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", description="a name of letters, digits, - and _")]

KINDS = ("modbus_tcp", "mqtt", "csv_drop")


class Shape(BaseModel):
    """One table: every key known, every type exact."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ParkTable(Shape):
    """The top of park.toml."""

    name: Text
    name_en: Text
    timezone: Text


class LiveTable(Shape):
    """`[live]`: what counts as live, seconds."""

    window_s: Positive = 30.0
    future_s: Positive = 60.0


class RetentionTable(Shape):
    """`[retention]`: days kept."""

    raw_days: Annotated[int, Field(ge=30, description="whole days, at least 30 (order 40, article 13)")] = 90
    minute_days: Annotated[int, Field(ge=30, description="whole days, at least 30")] = 1095


class IngestTable(Shape):
    """`[ingest]`: batches that may wait for a commit."""

    queue_batches: Annotated[int, Field(ge=1, description="a whole number >= 1")] = 512


class AlarmTable(Shape):
    """`[alarm]`: no key yet."""


class EnterpriseTable(Shape):
    """The top of enterprise.toml."""

    id: Text
    name: Text
    name_en: Text
    residents_500m: Annotated[int, Field(ge=0, description="a whole number >= 0")]


class SourceTable(Shape):
    """`[[source]]`."""

    id: Text
    name: Text
    name_en: Text
    unit_type: Annotated[Literal["storage", "production"], Field(description=choice(UnitType))]
    level: Annotated[Literal["一级", "二级", "三级", "四级"], Field(description=choice(Level))]
    position: Annotated[
        list[Annotated[float, Field(allow_inf_nan=False)]],
        Field(min_length=2, max_length=2, description="[longitude, latitude] in degrees"),
    ]


class ChemicalTable(Shape):
    """`[[source.chemical]]`."""

    name: Text
    cas: Annotated[str, Field(pattern=r"^[1-9]\d{1,6}-\d\d-\d$", description="a CAS number like 7664-41-7")]
    tonnes: Annotated[float, Field(gt=0, allow_inf_nan=False, description="tonnes > 0, the design maximum")]
    hazard_class: Annotated[str | None, Field(alias="class", description="a class of GB 18218 tables 2 and 4")] = None


class UnitTable(Shape):
    """`[[source.unit]]`."""

    id: Text
    name: Text
    kind: Annotated[
        Literal["pressure_tank", "atmospheric_tank", "process_unit", "warehouse", "gas_holder", "area"],
        Field(description=choice(UnitKind)),
    ]


class EdgeTable(Shape):
    """The top of edge.toml."""

    edge: Text
    park_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$", description="http://host:port or https://host:port")]
    token_file: Text
    data: Text
    max_backlog_days: Annotated[float, Field(ge=0.01, le=3660, description="days, 0.01 to 3660")] = 7.0


class ModbusTable(Shape):
    """`[[connection]]` of kind modbus_tcp; times in seconds, gaps and requests in registers."""

    name: ConnectionName
    kind: str
    host: Host
    port: Port = 502
    unit_id: Annotated[int, Field(ge=0, le=255, description="a Modbus unit, 0 to 255")] = 1
    period_s: Annotated[float, Field(ge=0.05, le=3600, description="seconds, 0.05 to 3600")]
    timeout_s: Annotated[float, Field(ge=0.01, le=60, description="seconds, 0.01 to 60")] = 0.8
    max_gap: Annotated[int, Field(ge=0, le=124, description="registers, 0 to 124")] = 8
    max_registers: Annotated[int, Field(ge=4, le=125, description="registers, 4 to 125")] = 120


class MqttTable(Shape):
    """`[[connection]]` of kind mqtt; the period is that of the gathered scan, seconds."""

    name: ConnectionName
    kind: str
    host: Host
    port: Port = 1883
    version: Annotated[Literal["5", "3.1.1"], Field(description='one of "5", "3.1.1"')] = "5"
    period_s: Annotated[float, Field(ge=1, le=3600, description="seconds, 1 to 3600")]


class CsvDropTable(Shape):
    """`[[connection]]` of kind csv_drop; the period is that of the rows in the files, seconds."""

    name: ConnectionName
    kind: str
    folder: Text
    pattern: Text = "*.csv"
    encoding: Text = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1, description="one character")] = ","
    time_column: Text
    time_format: Text = "%Y-%m-%d %H:%M:%S"
    timezone: Text
    period_s: Annotated[float, Field(ge=1, le=86400, description="seconds, 1 to 86400")]


CONNECTIONS: dict[str, type[ModbusTable | MqttTable | CsvDropTable]] = {
    "modbus_tcp": ModbusTable,
    "mqtt": MqttTable,
    "csv_drop": CsvDropTable,
}

T = TypeVar("T", bound=Shape)


def shape(
    report: Report, document: Document, at: Where, table: dict[str, object], of: type[T], nested: tuple[str, ...] = ()
) -> T | None:
    """`table`, found at `at`, as the shape `of`; None and a finding for each key that is unknown, absent or wrong.

    Keys in `nested` hold tables of their own, which the caller shapes one by one.
    """
    try:
        return of.model_validate({key: value for key, value in table.items() if key not in nested})
    except ValidationError as error:
        fields = {field.alias or name: field for name, field in of.model_fields.items()}
        problems = {str(problem["loc"][0]): problem for problem in error.errors(include_url=False, include_context=False)}
        for key, problem in problems.items():
            if problem["type"] == "extra_forbidden":
                expected, found = _known(fields, nested), "an unknown key"
            else:
                expected, found = fields[key].description or "a value", shown(table.get(key))
            document.add(report, (*at, key), expected, found)
        return None


def _known(fields: dict[str, Any], nested: tuple[str, ...]) -> str:
    words = (*fields, *nested)
    return choice(words) if words else "no key here"
