"""The plants files, one site each, as instruments and the devices that show them to the world."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from hazmon_sim import signal, vendor
from hazmon_sim.errors import PlantError
from hazmon_sim.instrument import Instrument
from hazmon_sim.signal import Pumping, Signal, Tank, phase_of, seed_of
from hazmon_sim.words import WIDTH

FUNCTION = {"0": 1, "1": 2, "4": 3, "3": 4}  # the first digit of a Modicon number -> the function code that reads it


@dataclass(frozen=True, slots=True)
class Register:
    """A value in a PLC: `function` code that reads it, `address` from 0, `width` in registers."""

    instrument: Instrument
    function: int
    address: int
    width: int
    type: str
    byte_order: str
    gain: float
    zero: float


@dataclass(frozen=True, slots=True)
class Plc:
    """A PLC as its manual describes it; `size` by function code."""

    site: str
    name: str
    port: int
    unit: int
    size: dict[int, int]
    registers: tuple[Register, ...]

    @property
    def id(self) -> str:
        """Name in the park: `E01/plc1`."""
        return f"{self.site}/{self.name}"


@dataclass(frozen=True, slots=True)
class Sensor:
    """A value on the broker."""

    instrument: Instrument
    topic: str
    payload: Literal["plain", "flat", "nested"]


@dataclass(frozen=True, slots=True)
class Plant:
    """One site: its instruments by tag, and the ways out to the world."""

    site: str
    name: str
    relay_port: int
    utc_offset_h: float
    tanks: dict[str, Tank]
    instruments: dict[str, Instrument]
    plcs: tuple[Plc, ...]
    gateway: str
    sensors: tuple[Sensor, ...]
    dcs: vendor.DcsTable
    columns: tuple[tuple[str, Instrument], ...]


def load_plants(folder: Path, only: frozenset[str] = frozenset()) -> list[Plant]:
    """Every `*.toml` of the folder, by name; with `only`, those sites. Raises PlantError."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise PlantError(f"no plants in {folder}: --plants names the folder of the plants files")
    known = {file.stem for file in files}
    if unknown := sorted(only - known):
        raise PlantError(f"no plant {', '.join(unknown)} in {folder}: there are {', '.join(sorted(known))}")
    return [load_plant(file) for file in files if not only or file.stem in only]


def load_plant(file: Path) -> Plant:
    """One file. Raises PlantError with the file and the place in it."""
    try:
        table = msgspec.convert(tomllib.loads(file.read_text("utf-8")), vendor.PlantTable)
        return _Builder(table).plant()
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, PlantError) as error:
        raise PlantError(f"{file}: {error}") from error


class _Builder:
    def __init__(self, table: vendor.PlantTable) -> None:
        self.table = table
        self.tanks = {name: _tank(name, tank) for name, tank in table.tank.items()}
        self.instruments: dict[str, Instrument] = {}
        self.daily: dict[str, vendor.DailyShown] = {}
        rows = (*(row for plc in table.plc for row in plc.registers), *table.mqtt.sensors, *table.dcs.columns)
        for row in rows:
            if isinstance(row.signal, vendor.DailyShown):
                self.daily[row.tag] = row.signal

    def plant(self) -> Plant:
        table = self.table
        return Plant(
            table.site,
            table.name,
            table.relay_port,
            table.utc_offset_h,
            self.tanks,
            self.instruments,
            tuple(self._plc(plc) for plc in table.plc),
            table.mqtt.gateway,
            tuple(Sensor(self._instrument(row, f"{table.site}/mqtt", 1.0), row.topic, row.payload) for row in table.mqtt.sensors),
            table.dcs,
            tuple((row.header, self._instrument(row, f"{table.site}/dcs", table.dcs.row_s)) for row in table.dcs.columns),
        )

    def _plc(self, plc: vendor.PlcTable) -> Plc:
        size = {FUNCTION[digit]: count for digit, count in plc.size.items()}
        taken: dict[tuple[int, int], str] = {}
        registers: list[Register] = []
        for row in plc.registers:
            function, address = FUNCTION[row.at[0]], int(row.at[1:]) - 1
            if (function <= 2) != (row.type == "BOOL"):
                raise PlantError(f"{plc.name} {row.tag}: {row.type} cannot be at {row.at}")
            width = WIDTH.get(row.type, 1)
            if address < 0 or address + width > size.get(function, 0):
                raise PlantError(f"{plc.name} {row.tag}: {row.at} is outside the registers that exist")
            for cell in range(address, address + width):
                if (other := taken.setdefault((function, cell), row.tag)) != row.tag:
                    raise PlantError(f"{plc.name} {row.tag}: {row.at} belongs to {other}")
            instrument = self._instrument(row, f"{self.table.site}/{plc.name}", 1.0)
            registers.append(Register(instrument, function, address, width, row.type, plc.byte_order, row.gain, row.zero))
        return Plc(self.table.site, plc.name, plc.port, plc.unit, size, tuple(registers))

    def _instrument(
        self, row: vendor.RegisterTable | vendor.SensorTable | vendor.ColumnTable, device: str, period_s: float
    ) -> Instrument:
        if row.tag in self.instruments:
            raise PlantError(f"{row.tag} a second time")
        found = Instrument(self.table.site, row.tag, device, period_s, row.range, row.digits, self._signal(row.tag, row.signal))
        self.instruments[row.tag] = found
        return found

    def _signal(self, tag: str, shown: vendor.Shown) -> Signal:
        seed = seed_of(self.table.seed, self.table.site, tag)
        match shown:
            case vendor.LevelShown(of=of):
                return signal.Level(self._of(tag, of), shown.noise, seed)
            case vendor.FlowShown(of=of):
                return signal.Flow(self._of(tag, of), _side(shown.side), shown.rate, shown.noise, seed)
            case vendor.ValveShown(of=of):
                return signal.Valve(self._of(tag, of), _side(shown.side))
            case vendor.DailyShown():
                return self._daily(tag, shown)
            case vendor.SteadyShown():
                period_s = shown.period_min * 60.0
                return signal.Steady(shown.mean, shown.swing, period_s, shown.noise, shown.floor, phase_of(seed), seed)
            case vendor.TraceShown():
                return signal.Trace(shown.gas, shown.mean, shown.noise, seed)
            case vendor.VapourShown(over=over):
                if over not in self.daily:
                    raise PlantError(f"{tag}: no daily temperature {over}")
                liquid = self._daily(over, self.daily[over])
                return signal.Vapour(liquid, shown.at_mean, shown.per_degree, shown.noise, seed)
            case vendor.ConstantShown():
                return signal.Constant(shown.value)

    def _daily(self, tag: str, shown: vendor.DailyShown) -> signal.Daily:
        seed = seed_of(self.table.seed, self.table.site, tag)
        offset = self.table.utc_offset_h
        mean, swing, drift = shown.mean, shown.swing, shown.drift
        return signal.Daily(mean, swing, drift, shown.noise, shown.peak_hour, offset, phase_of(seed), seed)

    def _of(self, tag: str, tank: str) -> Tank:
        if tank not in self.tanks:
            raise PlantError(f"{tag}: no tank {tank}")
        return self.tanks[tank]


def _tank(name: str, table: vendor.TankTable) -> Tank:
    if not table.bottom < table.top < table.height:
        raise PlantError(f"tank {name}: bottom < top < height")
    minutes = (table.fill_min, table.hold_min, table.drain_min, table.rest_min, table.shift_min)
    return Tank(name, table.height, table.bottom, table.top, *(60.0 * value for value in minutes))


def _side(side: str) -> Pumping:
    return Pumping.FILLING if side == "inlet" else Pumping.DRAINING
