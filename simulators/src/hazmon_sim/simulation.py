"""Everything outside the park service in one process: opens it, keeps the clock of its faults, closes it."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path

from hazmon_sim import control, status
from hazmon_sim.clock import Now
from hazmon_sim.control import Order, Reply
from hazmon_sim.dcs_export import DcsExport
from hazmon_sim.errors import FaultError, PortBusyError, SimulatorError
from hazmon_sim.ledger import FaultNote, Ledger
from hazmon_sim.modbus import PlcServer
from hazmon_sim.mqtt import Gateway
from hazmon_sim.plant import Plant
from hazmon_sim.relay import Relay
from hazmon_sim.script import OpeningStep, Script, site_of
from hazmon_sim.switchboard import Incident, Site, Switchboard

HOST = "127.0.0.1"
NAMED = 4  # busy ports told one by one


@dataclass(frozen=True, slots=True)
class Options:
    """`mqtt` and `park` are (host, port); `port_offset` moves every PLC and relay."""

    home: Path
    mqtt: tuple[str, int]
    park: tuple[str, int]
    port_offset: int = 0


class Simulation:
    """Open, run until cancelled, close."""

    def __init__(self, plants: list[Plant], options: Options, script: Script, ledger: Ledger, now: Now) -> None:
        self.options = options
        self._now = now
        self._ledger = ledger
        self._script = script
        self._sites = [self._site(plant, index / len(plants)) for index, plant in enumerate(plants)]
        self._here = frozenset(plant.site for plant in plants)
        self._board = Switchboard(self._sites)
        self._incidents: list[Incident] = []
        self._started = now()
        self._next: status.Coming | None = None
        self._check_script()

    def _site(self, plant: Plant, phase_s: float) -> Site:
        options, now, ledger = self.options, self._now, self._ledger
        plcs = {plc.name: PlcServer(plc, now, ledger, HOST, plc.port + options.port_offset) for plc in plant.plcs}
        gateway = Gateway(plant, now, ledger, *options.mqtt, phase_s)
        relay = Relay(plant.site, HOST, plant.relay_port + options.port_offset, options.park)
        return Site(plant, plcs, gateway, DcsExport(plant, now, ledger, options.home), relay)

    def _check_script(self) -> None:
        for step in (*self._script.opening, *self._script.programme):
            if site_of(step.at) in self._here:
                self._board.find(step.fault, step.at)

    async def run(self) -> None:
        """Until cancelled. Raises PortBusyError, SimulatorError."""
        servers = [*chain.from_iterable(site.plcs.values() for site in self._sites), *(site.relay for site in self._sites)]
        try:
            await _open(servers)
            orders = await control.listen(self.options.home, self._obey)
        except SimulatorError:
            for server in servers:
                server.close()
            raise
        self._started = self._now()
        self._write_status()
        print(self._ready(), flush=True)
        try:
            async with asyncio.TaskGroup() as tasks:
                for site in self._sites:
                    tasks.create_task(site.gateway.run())
                    tasks.create_task(site.dcs.run())
                tasks.create_task(self._follow())
        finally:
            orders.close()
            (self.options.home / control.SOCKET).unlink(missing_ok=True)
            for server in servers:
                server.close()
            self._ledger.close()

    def _ready(self) -> str:
        plants = [site.plant for site in self._sites]
        plcs = [server for site in self._sites for server in site.plcs.values()]
        host, port = self.options.mqtt
        return (
            f"hazmon-sim ready: {len(plants)} enterprises, {len(plcs)} PLCs on ports {min(plc.port for plc in plcs)}"
            f"-{max(plc.port for plc in plcs)}, {sum(len(plant.sensors) for plant in plants)} sensors to {host}:{port}, "
            f"{len(plants)} DCS exports in {self.options.home / 'plant'}, "
            f"{sum(len(plant.instruments) for plant in plants)} points"
        )

    async def _follow(self) -> None:
        for step in self._script.steps(self._here):
            due = self._started + step.at_s
            self._next = status.coming(due, step.fault, step.at)
            self._write_status()
            await asyncio.sleep(max(0.0, due - self._now()))
            print(self._take(step).text, flush=True)
        self._next = None
        self._write_status()

    def _take(self, step: OpeningStep) -> Reply:
        return self._obey(Order(step.fault, step.at, step.for_s, step.value))

    def _obey(self, order: Order) -> Reply:
        now = self._now()
        try:
            self._free(order, now)
            incident = self._board.begin(order.fault, order.at, now, order.for_s, order.value)
        except FaultError as error:
            return Reply(False, str(error))
        self._incidents.append(incident)
        self._note(incident, now, active=True)
        loop = asyncio.get_running_loop()
        loop.call_later(incident.stop - now, incident.undo)
        loop.call_later(incident.until - now, self._over, incident)
        self._write_status()
        return Reply(True, self._told(incident))

    def _free(self, order: Order, now: float) -> None:
        for item in self._incidents:
            if item.at == order.at and item.stop > now:
                raise FaultError(f"{item.at} has {item.fault.name} until {self._clock(item.stop)}")

    def _over(self, incident: Incident) -> None:
        now = self._now()
        self._incidents.remove(incident)
        for site in self._sites:
            if site.plant.site == site_of(incident.at):
                for instrument in site.plant.instruments.values():
                    instrument.forget(now)
        self._note(incident, now, active=False)
        self._write_status()

    def _note(self, item: Incident, now: float, *, active: bool) -> None:
        until = int(item.until * 1e6)
        self._ledger.write(FaultNote(int(now * 1e6), item.fault.name, item.at, until, item.value, active))

    def _write_status(self) -> None:
        status.write(self.options.home, self._started, self._next, self._incidents)

    def _told(self, item: Incident) -> str:
        after = f", effects until {self._clock(item.until)}" if item.until > item.stop + 1 else ""
        return (
            f"{self._clock(item.since)} {item.fault.name} at {item.at}: {item.fault.text} ({item.fault.text_en}), "
            f"until {self._clock(max(item.stop, item.since + 1))}{after}"
        )

    def _clock(self, t: float) -> str:
        zone = timedelta(hours=self._sites[0].plant.utc_offset_h)
        return status.local(t, zone)


async def _open(servers: list[PlcServer | Relay]) -> None:
    """All of them, or PortBusyError with every port that is taken."""
    busy: list[str] = []
    for server in servers:
        try:
            await server.open()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            of = server.plc.id if isinstance(server, PlcServer) else f"{server.site}'s link to the park"
            busy.append(f"port {server.port} ({of}) is held by another program")
    if busy:
        more = f"; and {len(busy) - NAMED} more" if len(busy) > NAMED else ""
        raise PortBusyError("; ".join(busy[:NAMED]) + more)
