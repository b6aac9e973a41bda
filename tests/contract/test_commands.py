"""The commands as an engineer types them, against a service that runs: reload, explain, replay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from bench.bench_park import cells, write_config
from bench.stand import ROOT
from contract.rooms import Service, running, until
from hazmon_edge import wire
from typer.testing import CliRunner, Result

from hazmon.cli import app
from hazmon.clock import US, iso
from hazmon.registry import load
from hazmon.store.coverage import CoverageKeeper
from hazmon.store.pool import connect

POINT = "E01/LT-0000"
HOUR_US = 3600 * US


class Shell:
    """A folder, the service that was started from it, and somebody at a prompt."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder, self.service = folder, service
        self.cell = cells(sources=1, points=2, boxes=1)[0]

    async def run(self, *words: str) -> Result:
        environment = {"HAZMON_DATABASE_URL": self.service.database, "COLUMNS": "200"}
        return await asyncio.to_thread(CliRunner().invoke, app, list(words), env=environment)

    async def reload(self, *more: str) -> Result:
        return await self.run("reload", "--by", "eng1", "--why", "高报改低", "--url", self.service.url, *more)

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "E01" / "points.csv"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    async def level(self, *levels: float) -> int:
        """Scans a second apart that end now, in one batch; the time of the last of them."""
        now = self.service.room.clock.now()
        times = [now - (len(levels) - 1 - k) * US for k in range(len(levels))]
        block = wire.Block(self.cell.group.digest, times, [v for level in levels for v in (level, 5.0)], 2)
        batch = wire.Batch("E01", 7, 0, made_us=now, groups=(self.cell.group,), blocks=(wire.pack_block(block),))
        response = await self.service.box("E01").post(wire.encode(batch))
        assert response.json()["receipts"][0]["outcome"] == "accepted"
        return now


@pytest.fixture
async def shell(database: str, tmp_path: Path) -> AsyncGenerator[Shell]:
    folder = tmp_path / "config"
    write_config(folder, cells(sources=1, points=2, boxes=1))
    async with running(database, load(folder), config=folder) as service:
        yield Shell(folder, service)


async def test_reload_tells_what_it_changed(shell: Shell) -> None:
    shell.edit("0,15,1,2,12,13", "0,15,1,2,10.2,")
    dry = await shell.reload("--dry-run")
    assert (dry.exit_code, dry.stdout.splitlines()) == (
        0,
        [f"{POINT}  H: 12.0 -> 10.2", f"{POINT}  HH: 13.0 -> none", "2 changes; a dry run: nothing was taken over."],
    )
    done = await shell.reload()
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "2 changes; configuration 1 is in force.")
    assert shell.service.room.park.points[0].limits.h == 10.2


async def test_reload_tells_findings_as_check_does(shell: Shell) -> None:
    shell.edit("0,15,1,2,12,13", "0,15,1,2,14,13")
    refused, checked = await shell.reload(), await shell.run("check", str(shell.folder))
    assert (refused.exit_code, checked.exit_code) == (1, 1)
    assert refused.stdout == checked.stdout
    assert "Refused: 1 finding in 1 file." in refused.stdout


async def test_reload_tells_what_needs_a_restart(shell: Shell) -> None:
    path = shell.folder / "park.toml"
    path.write_text(path.read_text("utf-8").replace("raw_days = 90", "raw_days = 30"), "utf-8")
    found = await shell.reload()
    assert (found.exit_code, found.stdout) == (1, "needs a restart: park: raw_days\n")


async def test_reload_says_when_nobody_answers(shell: Shell) -> None:
    found = await shell.run("reload", "--by", "eng1", "--why", "x", "--url", "http://127.0.0.1:1")
    assert found.exit_code == 1
    assert "http://127.0.0.1:1 does not answer" in found.stderr
    found = await shell.run("reload", "--by", "eng1", "--why", "x", "--url", "park")
    assert "expected an address like http://127.0.0.1:8080" in found.stderr


async def test_explain_and_replay_of_an_alarm(shell: Shell) -> None:
    last = await shell.level(5, 5, 11.5, 12.5, 5)
    await until(lambda: not shell.service.room.engine.unrecorded and shell.service.room.engine.plant.book.next_event == 3)
    config = ("--config", str(shell.folder))
    explained = await shell.run("explain", f"{POINT}.H", iso(last - US), *config)
    assert explained.exit_code == 0, explained.output
    assert "raise H: normal -> unacknowledged  at 12.5  (limit 12)" in explained.stdout
    assert "batch       E01, boot 7, seq 0, digest" in explained.stdout

    stretch = ("--from", iso(last - 60 * US), "--to", iso(last + US))
    same = await shell.run("replay", *stretch, *config)
    assert same.exit_code == 0, same.output
    assert [line[0] for line in same.stdout.splitlines()][:1] == ["="]
    assert "1 would have rung: 1 as in the record (=), 0 only in the replay (+);" in same.stdout
    assert "100%  10 readings" in same.stderr
    other = await shell.run("replay", *stretch, *config, "--set", f"{POINT}.H=11")
    assert [line.split()[0] for line in other.stdout.splitlines()][:2] == ["+", "-"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("replay", "--from", "2026-01-02", "--to", "2026-01-01"), "--to is not after --from"),
        (("replay", "--from", "x", "--to", "2026-01-01"), "expected a time like"),
        (("replay", "--from", "2026-01-01", "--to", "2026-01-02", "--set", "E01/LT-0000.X=1"), "no field X; there are LL,"),
        (("explain", "E01/LT-0000", "2026-01-01"), "expected POINT.RULE"),
        (("coverage", "--from", "2026-01-02", "--to", "2026-01-01"), "--to is not after --from"),
        (("coverage", "--from", "2026-01-01", "--to", "2026-01-02", "--by", "moon"), "'moon' is not a valid By"),
        (("coverage", "--from", "2026-01-01", "--to", "2026-01-02", "--by", "point"), "--by point needs --of"),
    ],
)
async def test_a_command_line_that_is_wrong_says_what_is_expected(shell: Shell, words: tuple[str, ...], message: str) -> None:
    found = await shell.run(*words, "--config", str(shell.folder))
    assert found.exit_code == 2
    assert message in " ".join(found.stderr.replace("│", "").split())


async def test_explain_of_a_stranger(shell: Shell) -> None:
    found = await shell.run("explain", "E01/XX-1.H", "2026-01-01", "--config", str(shell.folder))
    assert (found.exit_code, "no point or named rule E01/XX-1" in found.stderr) == (1, True)


async def test_coverage_at_a_prompt_is_what_the_api_answers(shell: Shell) -> None:
    config = ("--config", str(shell.folder))
    (shell.folder / "coverage.toml").write_text((ROOT / "config" / "coverage.toml").read_text("utf-8"), "utf-8")
    park = load(shell.folder)
    assert park.coverage is not None
    now = shell.service.room.clock.now()
    hour = (now // HOUR_US - 3) * HOUR_US
    async with await connect(shell.service.database) as connection, connection.transaction():
        since = hour - HOUR_US
        await CoverageKeeper(park, park.coverage, since).keep(connection, [], [], [], since)
    when = ("--from", iso(hour), "--to", iso(hour + HOUR_US))
    found = await shell.run("coverage", *when, *config)
    assert found.exit_code == 0, found.output
    line = next(line for line in found.stdout.splitlines() if "E01-S0" in line)
    cells = [cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]]
    assert cells == ["E01-S0 液氨球罐区", "60", "0/60 0.0000%", "0/60 0.0000%", "0/60 0.0000%", "0", "60", "0", "0", "0"]
    assert "接入 connect 0/60 0.0000%" in found.stdout  # a level alone is not what a pressurised tank must have
    assert "连续监测覆盖率 coverage" in found.stdout
    groups = await shell.run("coverage", *when, *config, "--by", "group", "--of", "E01-S0", "--step", "day")
    assert [row in groups.stdout for row in ("E01-S0/level", "E01-S0/pressure", "E01-S0/temperature")] == [True] * 3
    stranger = await shell.run("coverage", *when, *config, "--of", "E09")
    assert (stranger.exit_code, stranger.stderr) == (1, "no source or enterprise E09\n")


async def test_coverage_of_a_park_that_has_not_said_what_must_be_monitored(shell: Shell) -> None:
    found = await shell.run("coverage", "--from", "2026-01-01", "--to", "2026-01-02", "--config", str(shell.folder))
    assert found.exit_code == 1
    assert "coverage.toml" in found.stderr
