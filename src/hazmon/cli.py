"""The commands of the park service. What a command needs is imported inside it, so that `--help` answers at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from hazmon.model import Park

T = TypeVar("T")

app = typer.Typer(
    name="hazmon",
    help="Uninterrupted monitoring of the major hazard sources of a chemical park. 重大危险源在线监测",
    no_args_is_help=True,
    add_completion=False,
)

token = typer.Typer(help="Tokens of the boxes.", no_args_is_help=True)
app.add_typer(token, name="token")

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


@app.command("test")
def play_scenarios(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scenario files.", exists=True, dir_okay=False)],
    rewrite: Annotated[bool, typer.Option("--rewrite", help="Write the transcript into the file instead of judging it.")] = False,
) -> None:
    """Play scenario files: every event must be in the transcript, and nothing else.

    Exit codes: 0 all as written, 1 one differs or cannot be read, 2 the command line is wrong.
    """
    from hazmon.registry.rule_file import RULES_FILE
    from hazmon.scenario_files import judge

    files = [file for file in files if file.name != RULES_FILE]  # it may lie beside them
    faults = [text for file in files if (text := judge(file, rewrite=rewrite))]
    for text in faults:
        typer.echo(text)
    typer.echo(f"{len(files) - len(faults)} of {len(files)} scenarios as written")
    if faults:
        raise typer.Exit(1)


@app.command()
def transitions() -> None:
    """Print the alarm's state machine: the tables and the diagram that ARCHITECTURE.md shows."""
    from hazmon.alarms.drawing import document

    typer.echo(document())


@app.command()
def serve(
    config: Annotated[Path, typer.Option(help="The configuration folder.")] = Path("config"),
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="HAZMON_PORT", help="The port to listen on.")] = 8080,
) -> None:
    """Run the park service on the database of HAZMON_DATABASE_URL, until it is told to stop.

    Exit codes: 0 stopped in order, 1 could not start or a part of it died, 2 the command line is wrong.
    """
    import uvloop

    from hazmon.errors import ConfigError, HazmonError
    from hazmon.registry import load
    from hazmon.registry.listing import findings_text
    from hazmon.service import database_url
    from hazmon.service import serve as run

    try:
        uvloop.run(run(load(config), config, database_url(), host, port))
    except ConfigError as error:
        _give_up(findings_text(error.findings))
    except HazmonError as error:
        _give_up(str(error))
    except OSError as error:
        _give_up(f"port {port} of {host}: {error.strerror or error}")


@app.command()
def replay(
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="Like 2026-11-01T08:00, in the park's time zone.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The end, itself excluded.")],
    config: Annotated[Path, typer.Option(help="The configuration folder.")] = Path("config"),
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="POINT.FIELD=VALUE", help="What if: E01/LT-1101.H=10.2; none = no rule.")
    ] = None,
) -> None:
    """Run recorded readings through the rules again: what would have rung, and how that differs from the record.

    Exit codes: 0 replayed, 1 could not be, 2 the command line is wrong.
    """
    import asyncio

    from hazmon.clock import SystemClock
    from hazmon.commands.replay import replay as run
    from hazmon.commands.replay import report
    from hazmon.instants import instant
    from hazmon.replay.overrides import with_overrides
    from hazmon.service import database_url

    park = _park(config)
    zone = park.settings.timezone
    try:
        park = with_overrides(park, changes or [])
        start, stop = instant(begin, zone), instant(end, zone)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if stop <= start:
        raise typer.BadParameter("--to is not after --from")
    lines, readings = _done(lambda: asyncio.run(run(database_url(), park, start, stop, SystemClock())))
    for line in report(lines, readings, zone):
        typer.echo(line)


@app.command()
def explain(
    alarm: Annotated[str, typer.Argument(metavar="POINT.RULE", help="Like E01/LT-1101.HH, or E01/LT-1101.HIGH for both limits.")],
    time: Annotated[str, typer.Argument(metavar="TIME", help="Like 2026-03-01T10:02, in the park's time zone.")],
    config: Annotated[Path, typer.Option(help="The configuration folder.")] = Path("config"),
) -> None:
    """Why an alarm rang at that time, or did not: readings, rule, transitions, the record, and the batch that decided.

    Exit codes: 0 answered, 1 there is no such point or the record does not answer, 2 the command line is wrong.
    """
    import asyncio

    from hazmon.commands.explain import explain as run
    from hazmon.explain import asked
    from hazmon.instants import instant
    from hazmon.service import database_url

    park = _park(config)
    try:
        question, at = asked(alarm), instant(time, park.settings.timezone)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    for line in _done(lambda: asyncio.run(run(database_url(), park, question, at))):
        typer.echo(line)


@app.command()
def bundle(
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="Like 2026-11-01T00:00, in the park's time zone.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The end, itself excluded.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    source: Annotated[list[str] | None, typer.Option(metavar="ID", help="A source or enterprise; without it all.")] = None,
    batches: Annotated[
        bool | None, typer.Option("--batches/--no-batches", help="The boxes' own bytes too; unasked, up to seven days.")
    ] = None,
    home: Annotated[Path, typer.Option(envvar="HAZMON_HOME", help="The service's data, for its public keys.")] = Path(".hazmon"),
    config: Annotated[Path, typer.Option(help="The configuration folder.")] = Path("config"),
) -> None:
    """Write the figures of a time with all that proves them into a file that `hazmon verify` checks without us.

    Exit codes: 0 written, 1 could not be, 2 the command line is wrong.
    """
    import asyncio

    from hazmon.bundle.making import Question
    from hazmon.commands.bundle import bundle as run
    from hazmon.instants import instant
    from hazmon.service import database_url

    zone = _park(config).settings.timezone
    try:
        question = Question(instant(begin, zone), instant(end, zone), source, batches)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if question.end <= question.begin:
        raise typer.BadParameter("--to is not after --from")
    data = _done(lambda: asyncio.run(run(database_url(), home, question)))
    _done(lambda: out.write_bytes(data))
    typer.echo(f"{out}: {len(data):,} bytes")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="What `hazmon bundle` or the report made.", dir_okay=False)],
    key: Annotated[
        list[str] | None, typer.Option(metavar="VKEY|FILE", help="A verifier key that you got otherwise, or a file of such.")
    ] = None,
    witness: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The checkpoints that a witness kept.")] = None,
) -> None:
    """Check a bundle: signatures, proofs, and the figures recomputed from the evidence. No database and no network is used.

    Exit codes: 0 all holds, 1 something does not, 2 it is no bundle, or the command line is wrong.
    """
    from hazmon.commands.verify import verify as run
    from hazmon.errors import LedgerError

    try:
        verdict = run(file, key or [], witness)
    except (LedgerError, OSError) as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(2) from None
    for line in verdict.lines():
        typer.echo(line)
    if not verdict.holds:
        raise typer.Exit(1)


@app.command()
def coverage(
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="Like 2026-11-01, in the park's time zone.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The end, itself excluded.")],
    by: Annotated[str, typer.Option(help="park, enterprise, source, group or point.")] = "source",
    step: Annotated[str, typer.Option(help="all, day, week (from Monday) or month.")] = "all",
    of: Annotated[str | None, typer.Option(metavar="ID", help="Only of this source or enterprise.")] = None,
    config: Annotated[Path, typer.Option(help="The configuration folder.")] = Path("config"),
) -> None:
    """Which share of the time each source was really monitored: raw, net of exemptions, and real-time; from the database itself.

    Exit codes: 0 answered, 1 there is no such source or the record does not answer, 2 the command line is wrong.
    """
    import asyncio

    from rich.console import Console

    from hazmon.clock import SystemClock
    from hazmon.commands.coverage import coverage as run
    from hazmon.commands.coverage import factor_line, table
    from hazmon.coverage.calendar import Step
    from hazmon.coverage.figures import By
    from hazmon.instants import instant
    from hazmon.service import database_url

    park = _park(config)
    try:
        asked = instant(begin, park.settings.timezone), instant(end, park.settings.timezone)
        level, cut = By(by), Step(step)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if asked[1] <= asked[0]:
        raise typer.BadParameter("--to is not after --from")
    if level in (By.GROUP, By.POINT) and of is None:
        raise typer.BadParameter(f"--by {level} needs --of: one source or enterprise")
    answer = _done(lambda: asyncio.run(run(database_url(), park, asked, level, cut, of, SystemClock())))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=220)
    console.print(table(answer, cut))
    console.print(factor_line(answer))


@app.command()
def reload(
    by: Annotated[str, typer.Option(help="Who changes the configuration.")],
    why: Annotated[str, typer.Option(help="Why it is changed.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    url: Annotated[str, typer.Option(help="The park service.")] = "http://127.0.0.1:8080",
) -> None:
    """Let the running service read its configuration folder again: all of it, or nothing with every finding.

    Exit codes: 0 in force (or a dry run that would be), 1 refused or no answer, 2 the command line is wrong.
    """
    from hazmon.commands.reload import reload as run

    answer = _done(lambda: run(url, by, why, dry_run))
    for line in answer.lines:
        typer.echo(line)
    if not answer.accepted:
        raise typer.Exit(1)


@app.command()
def migrate() -> None:
    """Bring the schema of HAZMON_DATABASE_URL up to date.

    Exit codes: 0 it is, 1 it could not be, 2 the command line is wrong.
    """
    import asyncio

    from hazmon.errors import HazmonError
    from hazmon.service import database_url
    from hazmon.store.pool import migrate as run

    try:
        applied = asyncio.run(run(database_url()))
    except HazmonError as error:
        _give_up(str(error))
    typer.echo(f"applied: {', '.join(applied)}" if applied else "the schema is up to date")


@token.command("add")
def token_add(
    boxes: Annotated[list[str], typer.Argument(metavar="BOX...", help="Boxes, like E01 E02.")],
    out: Annotated[Path, typer.Option(help="Folder for the files BOX.token; they are shown nowhere else.")],
) -> None:
    """Make a token for each box: the secret into a file that only its owner reads, its hash into the database.

    Exit codes: 0 made, 1 could not be made, 2 the command line is wrong.
    """
    import asyncio

    from hazmon.errors import HazmonError
    from hazmon.service import add_tokens, database_url

    try:
        files = asyncio.run(add_tokens(database_url(), boxes, out))
    except (HazmonError, OSError) as error:
        _give_up(str(error))
    for file in files:
        typer.echo(str(file))


def _park(config: Path) -> Park:
    """The park of the folder; a refused one ends the command with its findings."""
    from hazmon.errors import ConfigError
    from hazmon.registry import load
    from hazmon.registry.listing import findings_text

    try:
        return load(config)
    except ConfigError as error:
        _give_up(findings_text(error.findings))


def _done(work: Callable[[], T]) -> T:
    """What the work gives; its failure ends the command in a sentence."""
    from hazmon.errors import HazmonError

    try:
        return work()
    except (HazmonError, OSError) as error:
        _give_up(str(error))


def _give_up(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)


def main() -> None:
    """Entry point of the `hazmon` command."""
    app()
