"""The box, composed: collectors -> runners -> assembler -> outbox -> uplink. Opens, wires, closes."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from hazmon_edge.assembly import Assembler
from hazmon_edge.clock import SECOND_NS, SECOND_US, Clock, SystemClock
from hazmon_edge.collectors import Collector
from hazmon_edge.collectors.modbus import ModbusCollector
from hazmon_edge.config import EdgeConfig, ScanGroup, Wiring
from hazmon_edge.connection import ConnectionRunner
from hazmon_edge.errors import Cause, EdgeError, OutboxError
from hazmon_edge.outbox import Outbox
from hazmon_edge.park import Park
from hazmon_edge.scans import Stamps, whole_misses
from hazmon_edge.settings import CsvDrop, Modbus, Mqtt
from hazmon_edge.ticks import first_tick, next_second
from hazmon_edge.uplink import Uplink
from hazmon_edge.wire import Miss

TRIM_S = 60.0
STOP_S = 1.5
FIRST_READ_NS = SECOND_NS  # after the box is ready: as long as devices have to take the connections up

log = logging.getLogger("hazmon.edge")


async def run(config: EdgeConfig) -> None:
    """Run the box until SIGTERM or SIGINT. Raises EdgeError when it cannot start."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    config.data.mkdir(parents=True, exist_ok=True)
    with _lock(config.data / "edge.lock"):
        await Agent(config, SystemClock()).run(stop)


class Agent:
    """One box."""

    def __init__(self, config: EdgeConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Read, keep and ship until `stop`; then put what was read on disk and return."""
        config, clock = self._config, self._clock
        outbox = await Outbox.open(config.data / "outbox.sqlite", config.edge, clock, config.max_backlog_days)
        runners: list[ConnectionRunner] = []
        stamps = Stamps()
        uplink = Uplink(
            outbox,
            config.edge,
            lambda: Park(config.park_url, token_of(config)),
            clock,
            lambda: [runner.state for runner in runners],
            config.data,
            lambda: stamps.ahead_us(clock.now_us(), clock.monotonic_ns()),
        )
        assembler = Assembler(outbox, clock, uplink.offer)
        for wiring in config.wirings:
            collector = _collector(wiring, config.edge, outbox, clock, stamps)
            runners.append(ConnectionRunner(wiring.connection.name, wiring.points, collector, clock, assembler.keep))
        await self._introduce(outbox, uplink)
        log.info(
            "box %s: %d connections, %d points, boot %d, %d batches in the outbox",
            config.edge,
            len(runners),
            sum(wiring.points for wiring in config.wirings),
            outbox.boot,
            outbox.depth.batches,
        )
        start_ns = next_second(clock.monotonic_ns() + FIRST_READ_NS, clock.now_us() + FIRST_READ_NS // 1_000)
        readers = [
            asyncio.create_task(runner.run(first_tick(start_ns, index, len(runners), runner.interval_ns)), name="reader")
            for index, runner in enumerate(runners)
        ]
        others = [
            asyncio.create_task(assembler.run(), name="assembler"),
            asyncio.create_task(uplink.run(), name="uplink"),
            asyncio.create_task(self._trim(outbox), name="trim"),
        ]
        stopped = asyncio.create_task(_until(stop))
        done, _ = await asyncio.wait([stopped, outbox.writer, *readers, *others], return_when=asyncio.FIRST_COMPLETED)
        await _cancel(readers)
        if not outbox.writer.done():
            await assembler.flush()
        await _cancel([*others, stopped])
        await outbox.close()
        log.info("box %s stopped, %d batches in the outbox", config.edge, outbox.depth.batches)
        for task in done - {stopped}:
            task.result()  # nothing but the stop may end a task: let the supervisor start the box anew

    async def _introduce(self, outbox: Outbox, uplink: Uplink) -> None:
        """The first batch of a boot: all scan groups, and the time the box was off as misses."""
        before_us, now_us = outbox.last_head.made_us, self._clock.now_us()
        misses: list[Miss] = []
        if before_us:
            for wiring in self._config.wirings:
                misses += _off(wiring, before_us, now_us)
        entry, _ = await outbox.append(groups=[each.group for each in self._config.groups], misses=misses)
        uplink.offer(entry)

    async def _trim(self, outbox: Outbox) -> None:
        while True:
            try:
                while await outbox.trim():
                    pass
            except OutboxError as error:
                log.error("outbox: %s; looked after again in a minute", error)
            await self._clock.sleep_until(self._clock.monotonic_ns() + round(TRIM_S * SECOND_NS))


def token_of(config: EdgeConfig) -> Callable[[], str]:
    """The box's token, read when it is needed, so that a new token in the file needs no restart."""

    def read() -> str:
        if config.token:
            return config.token
        try:
            return config.token_file.read_text().strip()
        except OSError as error:
            log.error("token file %s: %s", config.token_file, error.strerror)
            return "missing"

    return read


def _off(wiring: Wiring, before_us: int, now_us: int) -> list[Miss]:
    """Ticks between the last batch of the boot before and now. A DCS goes on exporting: its files tell for themselves."""
    if isinstance(wiring.connection, CsvDrop):
        return []
    period_us = round(wiring.connection.period_s * SECOND_US)
    return whole_misses(wiring.groups, Cause.BOX_OFF, before_us + period_us, max(0, (now_us - before_us) // period_us))


def _collector(wiring: Wiring, edge: str, outbox: Outbox, clock: Clock, stamps: Stamps) -> Collector:
    groups: tuple[ScanGroup, ...] = wiring.groups
    match wiring.connection:
        case Modbus() as connection:
            return ModbusCollector(connection, groups, clock, stamps)
        case Mqtt() as connection:
            from hazmon_edge.collectors.mqtt import MqttCollector

            return MqttCollector(connection, groups, clock, stamps, edge, outbox.position(connection.name))
        case CsvDrop() as connection:
            from hazmon_edge.collectors.csv_drop import CsvCollector

            return CsvCollector(connection, groups, clock, outbox.position(connection.name))


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_S)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _lock(path: Path) -> TextIO:
    """Hold the data folder for this process alone. Raises EdgeError when another box has it."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise EdgeError(f"another box is running with {path.parent}") from None
    return file
