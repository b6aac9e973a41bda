"""The command line of the box."""

from __future__ import annotations

import gc
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

from hazmon_edge import config
from hazmon_edge.errors import ConfigError, EdgeError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def box() -> None:
    """The collector box: reads PLCs, sensors and DCS exports, keeps every reading until the park has it."""


@app.command()
def run(folder: Annotated[Path, typer.Argument(metavar="CONFIG", help="The folder with edge.toml and tags.csv.")]) -> None:
    """Read, keep and ship until stopped."""
    _log_to_stderr()
    try:
        box_config = config.load(folder)
    except ConfigError as error:
        _refuse(f"{folder}: {len(error.findings)} findings\n{error}")
    _leave_out_command_lines()
    import uvloop

    from hazmon_edge import agent

    gc.freeze()
    try:
        uvloop.run(agent.run(box_config))
    except EdgeError as error:
        _refuse(str(error))


def main() -> None:
    """Entry point of `hazmon-edge`."""
    app()


def _leave_out_command_lines() -> None:
    """httpx brings a command line of its own, with rich and pygments, where those are installed: 7 MB that a box never uses.
    It does without when the module cannot be imported, which None in sys.modules says."""
    cast("dict[str, object]", sys.modules).setdefault("httpx._main", None)


def _refuse(text: str) -> NoReturn:
    sys.stderr.write(text + "\n")
    raise typer.Exit(2)


class _Line(logging.Formatter):
    """One plain line an event: time in UTC, level, what happened."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("hazmon").setLevel(logging.INFO)


if __name__ == "__main__":
    main()
