"""points.csv: WHAT each tag means, a row a point, and the limits that are evaluated on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from hazmon.model import Point, Quantity
from hazmon.registry.report import Report, choice, number
from hazmon.registry.table import Row, read_table
from hazmon.rulebook import Limits

HEADER = (
    "tag",
    "source",
    "unit",
    "name",
    "name_en",
    "quantity",
    "uom",
    "range_low",
    "range_high",
    "LL",
    "L",
    "H",
    "HH",
    "deadband",
    "on_delay_s",
    "off_delay_s",
    "rate_up",
    "rate_down",
    "rate_window_s",
    "period_s",
    "stale_s",
)
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
GAS = frozenset({Quantity.COMBUSTIBLE_GAS, Quantity.TOXIC_GAS, Quantity.OXYGEN})
UOMS: MappingProxyType[Quantity, tuple[str, ...]] = MappingProxyType(
    {
        Quantity.LEVEL: ("m", "mm", "cm", "%"),
        Quantity.TEMPERATURE: ("℃", "°C", "K"),
        Quantity.PRESSURE: ("MPa", "kPa", "Pa", "bar", "mbar"),
        Quantity.FLOW: ("m³/h", "m3/h", "Nm³/h", "Nm3/h", "L/h", "L/min", "kg/h", "t/h"),
        Quantity.COMBUSTIBLE_GAS: ("%LEL", "LEL·m"),
        Quantity.TOXIC_GAS: ("ppm", "mg/m³", "mg/m3"),
        Quantity.OXYGEN: ("%VOL",),
        Quantity.VALVE: ("%", "0/1"),
        Quantity.WIND_SPEED: ("m/s",),
        Quantity.WIND_DIRECTION: ("°",),
        Quantity.AIR_TEMPERATURE: ("℃", "°C"),
        Quantity.HUMIDITY: ("%RH", "%"),
        Quantity.SMOKE: ("%obs/m", "dB/m", "0/1"),
        Quantity.POWER: ("V", "kW", "Hz", "%", "0/1"),
    }
)
LOW, HIGH = ("LL", "L"), ("H", "HH")


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point as far as its row tells, for the join with tags.csv; `point` is None where the row is refused."""

    row: Row
    source: str
    period_s: float | None
    point: Point | None


def read_points(report: Report, root: Path, folder: str, units: dict[str, set[str]] | None) -> dict[str, PointRow] | None:
    """Points of `<folder>/points.csv` by tag; None when the file cannot be read at all.

    `units` maps the enterprise's sources to their units. Where enterprise.toml tells none, references are not checked: the
    fault is reported there, once.
    """
    rows = read_table(report, root, f"{folder}/points.csv", HEADER)
    if rows is None:
        return None
    points: dict[str, PointRow] = {}
    for row in rows:
        tag = row.cells["tag"]
        if not TAG.fullmatch(tag):
            row.add("tag", "letters, digits, dot, - and _, at most 64, the first a letter or digit")
        elif tag in points:
            row.add("tag", "a tag of its own", f'"{tag}", which row {points[tag].row.row} has')
        _references(row, units)
        found = _point(row, folder)
        if tag not in points:
            points[tag] = found
    return points


def _references(row: Row, units: dict[str, set[str]] | None) -> None:
    if not units:
        return
    source, unit = row.cells["source"], row.cells["unit"]
    if source not in units:
        row.add("source", choice(sorted(units)))
    elif units[source] and unit not in units[source]:
        row.add("unit", f"{choice(sorted(units[source]))} (units of {source})")


def _point(row: Row, folder: str) -> PointRow:
    source, unit, name, name_en = (row.text(key) for key in ("source", "unit", "name", "name_en"))
    quantity = _quantity(row)
    low, high = row.owed("range_low"), row.owed("range_high")
    if low is not None and high is not None and low >= high:
        row.add("range_low", f"less than range_high {number(high)}")
        low = high = None
    period = row.owed("period_s", above=0)
    limits = _limits(row, quantity, low, high, period)
    if not (row.sound and source and unit and name and name_en and quantity) or low is None or high is None or period is None:
        return PointRow(row, row.cells["source"], period, None)
    tag, uom = row.cells["tag"], row.cells["uom"]
    point = Point(folder, tag, source, unit, name, name_en, quantity, uom, low, high, period, limits)
    return PointRow(row, row.cells["source"], period, point)


def _quantity(row: Row) -> Quantity | None:
    word = row.cells["quantity"]
    if word not in tuple(Quantity):
        row.add("quantity", choice(Quantity))
        return None
    quantity = Quantity(word)
    if row.cells["uom"] not in UOMS[quantity]:
        row.add("uom", f"{choice(UOMS[quantity])} (for {word})")
    return quantity


def _limits(row: Row, quantity: Quantity | None, low: float | None, high: float | None, period: float | None) -> Limits:
    values = {key: row.number(key) for key in (*LOW, *HIGH)}
    _ordered(row, values)
    if low is not None and high is not None:
        for key, value in values.items():
            if value is not None and not low <= value <= high:
                row.add(key, f"a limit within the range {number(low)} to {number(high)}")
    deadband = row.number("deadband", least=0)
    if deadband:
        _deadband(row, deadband, values, low, high)
    on_delay, off_delay = row.number("on_delay_s", least=0), row.number("off_delay_s", least=0)
    if quantity in GAS and on_delay:
        row.add("on_delay_s", f"0 or an empty cell, because {quantity} rings at once")
    rate_up, rate_down = row.number("rate_up", above=0), row.number("rate_down", above=0)
    window = row.number("rate_window_s", above=0)
    stale = row.number("stale_s", above=0)
    for key, value, most in (("on_delay_s", on_delay, 86400), ("off_delay_s", off_delay, 86400), ("rate_window_s", window, 3600)):
        if value is not None and value > most:
            row.add(key, f"at most {most} s")
    defaults = Limits()
    window = defaults.rate_window_s if window is None else window
    if period is not None:
        if (rate_up or rate_down) and window < 2 * period:
            found = None if row.cells["rate_window_s"] else f"an empty cell, which means {number(window)}"
            row.add("rate_window_s", f"at least two periods of {number(period)} s, to see a slope", found)
        if stale is not None and stale <= period:
            row.add("stale_s", f"longer than period_s {number(period)}")
        stale = max(3 * period, defaults.stale_s) if stale is None else stale
    return Limits(
        values["LL"],
        values["L"],
        values["H"],
        values["HH"],
        deadband or 0.0,
        on_delay or 0.0,
        off_delay or 0.0,
        rate_up,
        rate_down,
        window,
        defaults.stale_s if stale is None else stale,
    )


def _ordered(row: Row, values: dict[str, float | None]) -> None:
    """LL <= L < H <= HH, of the limits that are there."""
    there = [(key, value) for key, value in values.items() if value is not None]
    for (key, value), (next_key, next_value) in pairwise(there):
        if key in LOW and next_key in HIGH:
            if value >= next_value:
                row.add(key, f"less than {next_key} {number(next_value)}")
        elif value > next_value:
            row.add(key, f"at most {next_key} {number(next_value)}")


def _deadband(row: Row, deadband: float, values: dict[str, float | None], low: float | None, high: float | None) -> None:
    """A deadband that reaches the next limit, or the end of the range, makes an alarm that cannot clear or clears too late."""
    there = [(key, value) for key, value in (("range_low", low), *values.items(), ("range_high", high)) if value is not None]
    for (key, value), (next_key, next_value) in pairwise(there):
        distance = next_value - value
        low_side = key == "range_low" and next_key in LOW
        high_side = key in HIGH and next_key == "range_high"
        if distance > 0 and deadband > distance and not low_side and not high_side:
            row.add("deadband", f"at most {number(distance)}, the distance from {key} to {next_key}")
            return
