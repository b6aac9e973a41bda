"""The shapes of the tables in a plants file, in the words of the vendors' manuals (Modicon numbers, topics, headers)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]
Noise = Annotated[float, Meta(ge=0)]
Range = tuple[float, float]


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a plants file: every key known."""


class TankTable(Strict, frozen=True):
    """`[tank.V-1101]`: levels in m, times in minutes."""

    height: Positive
    bottom: Positive
    top: Positive
    fill_min: Positive
    hold_min: Positive
    drain_min: Positive
    rest_min: Positive
    shift_min: float


class LevelShown(Strict, frozen=True, tag_field="is", tag="level"):
    of: str
    noise: Noise


class FlowShown(Strict, frozen=True, tag_field="is", tag="flow"):
    of: str
    side: Literal["inlet", "outlet"]
    rate: Positive
    noise: Noise


class ValveShown(Strict, frozen=True, tag_field="is", tag="valve"):
    of: str
    side: Literal["inlet", "outlet"]


class DailyShown(Strict, frozen=True, tag_field="is", tag="daily"):
    mean: float
    swing: Noise
    drift: Noise
    noise: Noise
    peak_hour: float = 15.0


class SteadyShown(Strict, frozen=True, tag_field="is", tag="steady"):
    mean: float
    swing: Noise
    period_min: Positive
    noise: Noise
    floor: float = float("-inf")


class TraceShown(Strict, frozen=True, tag_field="is", tag="trace"):
    gas: Literal["combustible", "toxic"]
    mean: Noise
    noise: Noise


class VapourShown(Strict, frozen=True, tag_field="is", tag="vapour"):
    over: str  # the tag of the liquid's temperature
    at_mean: float
    per_degree: float
    noise: Noise


class ConstantShown(Strict, frozen=True, tag_field="is", tag="constant"):
    value: float


Shown = LevelShown | FlowShown | ValveShown | DailyShown | SteadyShown | TraceShown | VapourShown | ConstantShown


class RegisterTable(Strict, frozen=True):
    """A line of a PLC's register list; value = raw * gain + zero.

    `at` is a Modicon number: 0xxxx coil, 1xxxx input bit, 3xxxx input register, 4xxxx holding register.
    """

    tag: str
    at: Annotated[str, Meta(pattern=r"^[0134]\d{4}$")]
    type: Literal["BOOL", "INT", "WORD", "DINT", "REAL"]
    range: Range
    digits: int
    signal: Shown
    gain: Positive = 1.0
    zero: float = 0.0


class PlcTable(Strict, frozen=True):
    """`[[plc]]`. `size` counts the registers that exist, by the first digit of their numbers."""

    name: str
    model: str
    port: int
    unit: int
    byte_order: Literal["big-endian", "word-swapped", "byte-swapped", "little-endian"]
    size: dict[Literal["0", "1", "3", "4"], int]
    registers: tuple[RegisterTable, ...]


class SensorTable(Strict, frozen=True):
    """A sensor of the gateway.

    payload: plain `3.2`; flat `{"ts": ms, "value": 3.2}`; nested `{"time": ISO 8601, "data": {"v": 3.2}}`.
    """

    tag: str
    topic: str
    payload: Literal["plain", "flat", "nested"]
    range: Range
    digits: int
    signal: Shown


class MqttTable(Strict, frozen=True):
    """`[mqtt]`."""

    gateway: str
    sensors: tuple[SensorTable, ...]


class ColumnTable(Strict, frozen=True):
    """A column of the DCS export."""

    tag: str
    header: str
    range: Range
    digits: int
    signal: Shown


class DcsTable(Strict, frozen=True):
    """`[dcs]`: a row each `row_s`, a file each `file_s`, in `folder` below the home's `plant/`."""

    folder: str
    file: str
    time_header: str
    time_format: str
    row_s: int
    file_s: int
    columns: tuple[ColumnTable, ...]


class PlantTable(Strict, frozen=True):
    """A whole file."""

    site: str
    name: str
    utc_offset_h: float
    seed: int
    relay_port: int
    tank: dict[str, TankTable]
    plc: tuple[PlcTable, ...]
    mqtt: MqttTable
    dcs: DcsTable
