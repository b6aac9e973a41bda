"""The commands: `hazmon-sim run`, `fault`, `faults`, `history`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import signal
from collections.abc import Generator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
import uvloop

from hazmon_sim import clock, control
from hazmon_sim.control import Order
from hazmon_sim.errors import SimulatorError
from hazmon_sim.faults import FAULTS
from hazmon_sim.history.compare import SHOWN
from hazmon_sim.history.park import load_park
from hazmon_sim.history.progress import Bar
from hazmon_sim.history.running import Options as HistoryOptions
from hazmon_sim.history.running import write_history
from hazmon_sim.ledger import Ledger
from hazmon_sim.plant import load_plants
from hazmon_sim.script import Script, load_script
from hazmon_sim.simulation import HOST, Options, Simulation

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Home = Annotated[Path, typer.Option(envvar="HAZMON_HOME", help="Where the simulator's socket, status and exports live.")]
PLANTS = Path("simulators/plants")
HOME = Path(".hazmon")
MQTT = "mqtt://127.0.0.1:18830"
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")


@app.command()
def run(
    plants: Annotated[Path, typer.Option(help="Folder of the plants files.")] = PLANTS,
    home: Home = HOME,
    enterprise: Annotated[list[str] | None, typer.Option(help="Only this one, like E03; may be repeated.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="Record here what went out to the world.")] = None,
    script: Annotated[
        str | None, typer.Option(help="A day of faults, or none [default: demo-day.toml beside the plants].")
    ] = None,
    mqtt: Annotated[str, typer.Option(envvar="HAZMON_MQTT_URL", help="The broker.")] = MQTT,
    park_port: Annotated[int, typer.Option(envvar="HAZMON_PORT", help="Where the relays find the park.")] = 8080,
    port_offset: Annotated[int, typer.Option(help="Added to the port of every PLC and relay.")] = 0,
) -> None:
    """Run the plants: PLCs, sensors, DCS exports, the boxes' links to the park, and their faults."""
    with _plainly():
        day = Script() if script == "none" else load_script(Path(script) if script else plants.parent / "demo-day.toml")
        options = Options(home, _broker(mqtt), (HOST, park_port), port_offset)
        home.mkdir(parents=True, exist_ok=True)
        found = load_plants(plants, frozenset(enterprise or ()))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(Simulation(found, options, day, Ledger(ledger), clock.now)))


@app.command()
def fault(
    name: Annotated[str, typer.Argument(help="See hazmon-sim faults.")],
    at: Annotated[str, typer.Option(help="E03/LT-1101, E03/plc1 or E03, as the fault wants.")],
    for_: Annotated[str | None, typer.Option("--for", help="How long: 60s, 5m [default: the fault's own].")] = None,
    value: Annotated[float | None, typer.Option(help="The fault's number, if it takes one.")] = None,
    home: Home = HOME,
) -> None:
    """Make a fault happen in the running simulator."""
    with _plainly():
        reply = control.send(home, Order(name, at, None if for_ is None else _seconds(for_), value))
        if not reply.done:
            raise SimulatorError(reply.text)
        typer.echo(reply.text)


@app.command()
def faults() -> None:
    """List the faults."""
    for item in FAULTS.values():
        length = f"{item.for_s:g} s" if item.for_s else "1 sample"
        number = f"; --value: {item.value}" if item.value else ""
        typer.echo(f"{item.name:<15} {item.text} · {item.text_en}; --at {item.target}; {length}{number}")


@app.command()
def history(
    days: Annotated[int, typer.Option(min=1, help="How many days to write.")],
    park: Annotated[str, typer.Option(help="The park's address, like http://127.0.0.1:8080; its clock must be a simulated one.")],
    config: Annotated[Path, typer.Option(help="The park's configuration folder.")],
    tokens: Annotated[Path, typer.Option(help="Folder of the boxes' tokens, like E01.token.")],
    ledger: Annotated[Path, typer.Option(help="What was sent and filed is recorded here; must not exist.")],
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day [default: from the park's next midnight].")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another history.")] = 1,
    scan_s: Annotated[int, typer.Option("--scan-s", help="Seconds from scan to scan; divides 60.")] = 30,
) -> None:
    """Write days of the whole park through the real ingest path, and compare the coverage with what was sent."""
    with _plainly():
        if ledger.exists():
            raise SimulatorError(f"--ledger {ledger}: is there already; a ledger is of one run")
        first = None if from_ is None else from_.date()
        found = load_park(config)
        options = HistoryOptions(park, tokens, ledger, days, first, seed, scan_s)
        with Bar(days, clock.now) as bar, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            verdict, tally = runner.run(write_history(found, options, bar.tell))
        typer.echo(bar.sum_up(tally))
    if not verdict.differences:
        typer.echo(f"equal: {verdict.rows} rows")
        return
    for difference in verdict.differences[:SHOWN]:
        typer.echo(difference)
    typer.echo(f"different: {len(verdict.differences)} counts in {verdict.rows} rows")
    raise typer.Exit(1)


def main() -> None:
    """The console script."""
    app()


@contextlib.contextmanager
def _plainly() -> Generator[None]:
    try:
        yield
    except SimulatorError as error:
        typer.echo(f"hazmon-sim: {error}", err=True)
        raise typer.Exit(2) from error


async def _until_told(simulation: Simulation) -> None:
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_report)
    for number in (signal.SIGINT, signal.SIGTERM):
        if task is not None:
            loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await simulation.run()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """All as usual, but for a race in the MQTT client: it asks to write to a socket that a dying broker has closed meanwhile."""
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno == errno.EBADF and "add_writer" in context.get("message", "")):
        loop.default_exception_handler(context)


def _broker(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme != "mqtt" or not parts.hostname:
        raise SimulatorError(f"--mqtt {url}: expected mqtt://host:port")
    return parts.hostname, parts.port or 1883


def _seconds(text: str) -> float:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise SimulatorError(f"--for {text}: expected a time like 60s, 5m or 1h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]
