"""Brings faults about: finds the target, disturbs it, and knows how to undo it. Knows no schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hazmon_sim.dcs_export import DcsExport
from hazmon_sim.disturbance import FastFill, Held, Leak
from hazmon_sim.errors import FaultError
from hazmon_sim.faults import FAULTS, LATE_S, Fault, Target
from hazmon_sim.instrument import Disturbance, Instrument
from hazmon_sim.modbus import PlcServer
from hazmon_sim.mqtt import Gateway
from hazmon_sim.plant import Plant
from hazmon_sim.relay import Mode, Relay
from hazmon_sim.signal import Level, Trace

TOXIC = (0.5, 0.92)  # of a toxic detector's range: above its first and its second set point
COMBUSTIBLE = (0.36, 0.70)  # the same of a combustible gas detector
SPIKE = 0.98  # of an instrument's range

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Incident:
    """A fault that is happening, Unix seconds: `stop` ends its cause, `until` its last effect."""

    fault: Fault
    at: str
    since: float
    stop: float
    until: float
    value: float | None
    undo: Undo


@dataclass(frozen=True, slots=True)
class Site:
    """What the faults of one site act upon."""

    plant: Plant
    plcs: dict[str, PlcServer]
    gateway: Gateway
    dcs: DcsExport
    relay: Relay


class Switchboard:
    """All sites."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self._sites = {site.plant.site: site for site in sites}

    def find(self, name: str, at: str) -> tuple[Fault, Site, str]:
        """The fault, the site and the name within the site. Raises FaultError with what is valid."""
        fault = FAULTS.get(name)
        if fault is None:
            raise FaultError(f'no fault "{name}": there are {", ".join(FAULTS)}')
        where, _, thing = at.partition("/")
        site = self._sites.get(where)
        if site is None:
            raise FaultError(f'no site "{where}": there are {", ".join(self._sites)}')
        names = _targets(fault.target, site)
        if thing not in names:
            valid = ", ".join(f"{where}/{item}" if item else where for item in names) or "none at this site"
            raise FaultError(f'{name} wants {fault.target}; "{at}" is none. There are: {valid}')
        return fault, site, thing

    def begin(self, name: str, at: str, now: float, for_s: float | None = None, value: float | None = None) -> Incident:
        """From `now` on. Raises FaultError."""
        fault, site, thing = self.find(name, at)
        if value is not None and fault.value is None:
            raise FaultError(f"{name} takes no value")
        length = fault.for_s if for_s is None else for_s
        until, undo = now + length, _nothing
        match fault.target:
            case Target.TANK | Target.TOXIC | Target.COMBUSTIBLE | Target.INSTRUMENT:
                until = _disturb(fault, site.plant.instruments[thing], site, now, length, value)
            case Target.PLC:
                undo = _break_plc(fault, site.plcs[thing], value)
            case Target.GATEWAY:
                undo = _silence(site.gateway, thing)
            case Target.DCS:
                undo = _stop_export(site.dcs)
            case Target.LINK:
                undo = _cut(site.relay, Mode.CLOSED if name == "link_down" else Mode.BLACK_HOLE)
        return Incident(fault, at, now, now + length, until, value, undo)


def _targets(target: Target, site: Site) -> list[str]:
    """Names within the site that the fault can happen to; empty for the site as a whole."""
    instruments = site.plant.instruments
    match target:
        case Target.TANK:
            return [tag for tag, item in instruments.items() if isinstance(item.signal, Level)]
        case Target.TOXIC | Target.COMBUSTIBLE:
            gas = target.name.lower()
            return [tag for tag, item in instruments.items() if isinstance(item.signal, Trace) and item.signal.gas == gas]
        case Target.INSTRUMENT:
            return list(instruments)
        case Target.PLC:
            return list(site.plcs)
        case Target.GATEWAY:
            return ["", *(sensor.instrument.tag for sensor in site.plant.sensors)]
        case Target.DCS | Target.LINK:
            return [""]


def _disturb(fault: Fault, item: Instrument, site: Site, now: float, length: float, value: float | None) -> float:
    """Disturbs the instrument, and with a tank every gauge on it; answers when the last effect is over."""
    low, high = item.range
    change: Disturbance
    match fault.name:
        case "fast_fill":
            return _overfill(item, site, now, length)
        case "toxic_leak":
            change = Leak(now, now + length, *(share * high for share in TOXIC))
        case "gas_leak":
            change = Leak(now, now + length, *(share * high for share in COMBUSTIBLE))
        case "frozen":
            change = Held(now, now + length, item.read(now))
        case "spike":
            change = Held(now, now + (length or item.period_s), low + SPIKE * (high - low) if value is None else value)
        case _:
            change = Held(now, now + length, math.nan if value is None else value)
    item.disturbances.append(change)
    return change.until


def _overfill(item: Instrument, site: Site, now: float, length: float) -> float:
    assert isinstance(item.signal, Level)  # noqa: S101 - _targets names no other
    tank = item.signal.tank
    fill = FastFill(now, now + length, tank.balance(now)[0], tank.height)
    for gauge in site.plant.instruments.values():
        if isinstance(gauge.signal, Level) and gauge.signal.tank is tank:
            gauge.disturbances.append(fill)
    return fill.over_at(tank.bottom)


def _break_plc(fault: Fault, plc: PlcServer, value: float | None) -> Undo:
    match fault.name:
        case "plc_silent":
            plc.silent = True

            def undo() -> None:
                plc.silent = False

        case "slow_plc":
            plc.late_s = LATE_S if value is None else value

            def undo() -> None:
                plc.late_s = 0.0

        case _:
            plc.close()
            undo = plc.reopen
    return undo


def _silence(gateway: Gateway, tag: str) -> Undo:
    if tag:
        gateway.mute.add(tag)
        return lambda: gateway.mute.discard(tag)
    gateway.silent = True

    def undo() -> None:
        gateway.silent = False

    return undo


def _stop_export(dcs: DcsExport) -> Undo:
    dcs.stopped = True

    def undo() -> None:
        dcs.stopped = False

    return undo


def _cut(relay: Relay, mode: Mode) -> Undo:
    relay.switch(mode)
    return lambda: relay.switch(Mode.PASS)


def _nothing() -> None:
    return None
