"""What the simulators' ledger says was due, what the record holds, and the comparison: reading by reading, in order.

Values are equal to nine digits: raw * gain is rounded one way by a plant and may be rounded another way by a box.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from hazmon_sim import ledger
from hazmon_sim.plant import Plant, load_plants

Series = dict[str, list[tuple[float, float]]]  # point -> (Unix second, value), in time order
APART_S = 0.9  # a box stamps a reading when it reads; the ledger when it was sent


@dataclass(frozen=True, slots=True)
class Difference:
    """A reading on one side only; kind is lost or made-up."""

    point: str
    kind: str
    at: float
    value: float


def due(path: Path, plants: Path) -> Series:
    """Every value that left the plants, by point. A publish that the broker did not confirm is not due."""
    loaded = load_plants(plants)
    plcs = ledger.registers_by_plc(loaded)
    columns = {plant.site: _columns(plant) for plant in loaded}
    series: Series = defaultdict(list)
    for record in ledger.read(path):
        match record:
            case ledger.ModbusAnswer():
                site = record.plc.partition("/")[0]
                for tag, value in ledger.expand(record, plcs):
                    series[f"{site}/{tag}"].append((record.t / 1e6, value))
            case ledger.Publish(confirmed=True):
                series[record.tag].append((record.t / 1e6, _number(record.payload)))
            case ledger.DcsRow():
                for tag, value in zip(columns[record.site], next(csv.reader(io.StringIO(record.row)))[1:], strict=True):
                    series[f"{record.site}/{tag}"].append((record.t / 1e6, _value(value)))
            case _:
                pass
    for readings in series.values():
        readings.sort(key=lambda reading: reading[0])
    return series


def recorded(url: str) -> Series:
    """Every reading in the record, through the view that SQL users have."""
    series: Series = defaultdict(list)
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT enterprise || '/' || tag, ts, value FROM reading ORDER BY 1, 2")
        for point, at, value in rows:
            assert isinstance(at, datetime)
            series[point].append((at.timestamp(), float("nan") if value is None else value))
    return series


def differences(wanted: Series, found: Series) -> list[Difference]:
    """Walk both in time order; a reading matches one of the same value less than APART_S away, each at most once."""
    result: list[Difference] = []
    for point in sorted(wanted.keys() | found.keys()):
        left, right = wanted.get(point, []), found.get(point, [])
        i = j = 0
        while i < len(left) or j < len(right):
            if i < len(left) and j < len(right) and _same(left[i], right[j]):
                i, j = i + 1, j + 1
            elif j == len(right) or (i < len(left) and left[i][0] <= right[j][0]):
                result.append(Difference(point, "lost", *left[i]))
                i += 1
            else:
                result.append(Difference(point, "made-up", *right[j]))
                j += 1
    return result


def _same(left: tuple[float, float], right: tuple[float, float]) -> bool:
    equal = math.isclose(left[1], right[1], rel_tol=1e-9) or (left[1] != left[1] and right[1] != right[1])
    return equal and abs(left[0] - right[0]) < APART_S


def _columns(plant: Plant) -> list[str]:
    return [instrument.tag for _, instrument in plant.columns]


def _number(payload: str) -> float:
    """The one number of a payload that is its value: plain, flat or nested JSON."""
    if not payload.startswith("{"):
        return _value(payload)
    found: dict[str, Any] = json.loads(payload)
    value = found["value"] if "value" in found else found["data"]["v"]
    return float("nan") if value is None else float(value)


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
