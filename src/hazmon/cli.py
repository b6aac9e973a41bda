"""The commands of the park service. What a command needs is imported inside it, so that `--help` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="hazmon",
    help="Uninterrupted monitoring of the major hazard sources of a chemical park. 重大危险源在线监测",
    no_args_is_help=True,
    add_completion=False,
)

Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The folder with park.toml and a folder for each enterprise.", show_default=False)
]
OneSource = Annotated[str | None, typer.Argument(metavar="SOURCE", help="One source, like E01-S1; without it all.")]


@app.command()
def check(config: Config) -> None:
    """Read the whole configuration and refuse it with every finding: file, row, key, expected, found.

    Exit codes: 0 the configuration is sound, 1 it is refused, 2 the command line is wrong.
    """
    from hazmon.errors import ConfigError
    from hazmon.registry import load
    from hazmon.registry.listing import findings_text, summary_text

    try:
        park = load(config)
    except ConfigError as error:
        typer.echo(findings_text(error.findings))
        raise typer.Exit(1) from None
    typer.echo(summary_text(park))


@app.command()
def grade(config: Config, source: OneSource = None) -> None:
    """Print the working of the level of each source by GB 18218-2018: q, Q, beta, S, alpha, R.

    Exit codes: 0 every configured level agrees, 1 one disagrees or a file is refused, 2 the command line is wrong.
    """
    from rich.console import Console

    from hazmon.errors import ConfigError
    from hazmon.registry import grade_sources
    from hazmon.registry.listing import findings_text
    from hazmon.registry.working import NOTE, working

    try:
        graded = [item for item in grade_sources(config) if source in (None, item.source.id)]
    except ConfigError as error:
        typer.echo(findings_text(error.findings))
        raise typer.Exit(1) from None
    if not graded:
        raise typer.BadParameter(f"no source {source} in {config}", param_hint="SOURCE")
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)
    for item in graded:
        console.print(working(item))
    console.print(NOTE)
    if any(item.fault for item in graded):
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the `hazmon` command."""
    app()
