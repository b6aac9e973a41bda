"""What went out to the world, for whoever wants to check what arrived: one JSON object a line, flushed with each line.

    {"k":"modbus","t":us,"plc":"E01/plc1","unit":1,"fc":3,"address":0,"count":8,"words":"hex"}
    {"k":"mqtt","t":us,"tag":"E01/AT-1101","topic":"...","payload":"...","confirmed":true}
    {"k":"dcs","t":us,"site":"E01","file":"trend_20260501_1200.csv","row":"2026/05/01 12:00:00,..."}
    {"k":"fault","t":us,"name":"fast_fill","at":"E01/LT-1101","until":us,"value":null,"active":true}

A Modbus answer is written as it is sent, a message after the broker's PUBACK (or its absence), a row when its file is there, a
fault at its beginning and, with active false, at its end.
`t` is microseconds UTC: of the answer, of the values in the payload, of the row. fc 1 and 2 carry the bits packed as on the
wire, `count` bits; fc 3 and 4 carry `count` big-endian registers. A publish that the broker did not confirm may have arrived.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from hazmon_sim.plant import Plant, Plc, Register
from hazmon_sim.words import decode


class ModbusAnswer(Struct, frozen=True, tag_field="k", tag="modbus", forbid_unknown_fields=True):
    """One answer of a PLC."""

    t: int
    plc: str
    unit: int
    fc: int
    address: int
    count: int
    words: str


class Publish(Struct, frozen=True, tag_field="k", tag="mqtt", forbid_unknown_fields=True):
    """One message of a sensor."""

    t: int
    tag: str
    topic: str
    payload: str
    confirmed: bool


class DcsRow(Struct, frozen=True, tag_field="k", tag="dcs", forbid_unknown_fields=True):
    """One row of an export file."""

    t: int
    site: str
    file: str
    row: str


class FaultNote(Struct, frozen=True, tag_field="k", tag="fault", forbid_unknown_fields=True):
    """The beginning or the end of a fault; `until` is the end of its last effect."""

    t: int
    name: str
    at: str
    until: int
    value: float | None
    active: bool


Record = ModbusAnswer | Publish | DcsRow | FaultNote


class Ledger:
    """Appends records; with no path it keeps nothing, at no cost."""

    def __init__(self, path: Path | None) -> None:
        self._file: int | None = None
        self._encode = msgspec.json.Encoder().encode
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    @property
    def keeps(self) -> bool:
        """Whether anything is written at all."""
        return self._file is not None

    def write(self, record: Record) -> None:
        """One line, handed to the system before this returns."""
        if self._file is not None:
            os.write(self._file, self._encode(record) + b"\n")

    def close(self) -> None:
        """No more records."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read(path: Path) -> Iterator[Record]:
    """The records of a ledger, in the order of writing. A line that a killed simulator left half written ends the reading."""
    decoder = msgspec.json.Decoder(Record)
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield decoder.decode(line)


def registers_by_plc(plants: Iterable[Plant]) -> dict[str, Plc]:
    """PLCs by their name in the park, for `expand`."""
    return {plc.id: plc for plant in plants for plc in plant.plcs}


def expand(answer: ModbusAnswer, plcs: Mapping[str, Plc]) -> list[tuple[str, float]]:
    """(tag, value in the instrument's unit) for every register that the answer holds whole; the tag without its site."""
    data = bytes.fromhex(answer.words)
    end = answer.address + answer.count
    found: list[tuple[str, float]] = []
    for register in plcs[answer.plc].registers:
        if register.function == answer.fc and answer.address <= register.address and register.address + register.width <= end:
            found.append((register.instrument.tag, _value(register, data, register.address - answer.address)))
    return found


def _value(register: Register, data: bytes, place: int) -> float:
    if register.type == "BOOL":
        return float(data[place // 8] >> place % 8 & 1)
    cells = data[2 * place : 2 * (place + register.width)]
    return decode(cells, register.type, register.byte_order, register.gain, register.zero)
