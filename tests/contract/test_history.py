"""hazmon-sim history against a park that decodes with the boxes' own wire and keeps an account of its own."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from contract.auditing_park import AuditingPark
from hazmon_sim.cli import app
from hazmon_sim.errors import SimulatorError
from hazmon_sim.history.ledger import read_ledger
from hazmon_sim.history.park import load_park
from hazmon_sim.history.running import Options, Tally, write_history
from typer.testing import CliRunner

COVERAGE = """\
cap = 0.05
grace_h = 2
late_deadline_h = 24
prompt_s = 60
clock_limit_s = 30
[group.level]
quantities = ["level"]
[group.pressure]
quantities = ["pressure"]
[group.temperature]
quantities = ["temperature"]
[group.gas]
quantities = ["combustible_gas", "toxic_gas", "oxygen"]
[unit.pressure_tank]
required = ["level", "pressure"]
[unit.process_unit]
required = ["pressure", "temperature"]
[unit.area]
required = ["gas"]
"""
HEAD = "tag,source,unit,name,name_en,quantity,uom,range_low,range_high,LL,L,H,HH"


def small_park(folder: Path, enterprises: int = 3) -> Path:
    """A configuration of so many enterprises, three sources each, one of them without a gas detector in its area."""
    folder.mkdir()
    (folder / "park.toml").write_text('timezone = "Asia/Shanghai"\n')
    (folder / "coverage.toml").write_text(COVERAGE)
    for number in range(1, enterprises + 1):
        edge = f"E{number:02d}"
        rows: list[str] = []
        tags: list[str] = []
        text = f'id = "{edge}"\nname = "x"\n'
        for s, kind in enumerate(("pressure_tank", "process_unit", "pressure_tank"), 1):
            source = f"{edge}-S{s}"
            text += f'[[source]]\nid = "{source}"\nname = "x"\n'
            for unit, of in ((f"V-{s}01", kind), (f"V-{s}02", kind), (f"A-{s}00", "area")):
                text += f'[[source.unit]]\nid = "{unit}"\nname = "x"\nkind = "{of}"\n'
            for unit in (f"{s}01", f"{s}02"):
                first = ("LT", "level", "m", 0, 7.2) if kind == "pressure_tank" else ("TT", "temperature", "℃", -40, 80)
                members = (first, ("PT", "pressure", "MPa", 0, 2.5), ("XV", "valve", "0/1", 0, 1))
                for at, (letters, quantity, uom, low, high) in enumerate(members):
                    rows.append(f"{letters}-{unit},{source},V-{unit},x,x,{quantity},{uom},{low},{high},,,,")
                    tags.append(f"{letters}-{unit},{('plc1', 'plc2', 'plc2')[at]}")
            for detector in () if (number, s) == (2, 3) else (1, 2):
                rows.append(f"AT-{s}0{detector},{source},A-{s}00,x,x,toxic_gas,ppm,0,100,,,42,84")
                tags.append(f"AT-{s}0{detector},mqtt")
        (folder / edge).mkdir()
        (folder / edge / "enterprise.toml").write_text(text)
        (folder / edge / "points.csv").write_text("\n".join([HEAD, *rows, ""]))
        (folder / edge / "tags.csv").write_text("\n".join(["tag,connection", *tags, ""]))
    return folder


@pytest.fixture
def options(tmp_path: Path) -> Options:
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    for number in range(1, 4):
        (tokens / f"E{number:02d}.token").write_text(f"secret{number}\n")
    return Options("", tokens, tmp_path / "ledger.jsonl", 1, date(2026, 3, 30), seed=5)


@pytest.fixture
def auditor(tmp_path: Path) -> AuditingPark:
    tokens = {f"Bearer secret{number}": f"E{number:02d}" for number in range(1, 4)}
    return AuditingPark(small_park(tmp_path / "config"), tokens=tokens)


async def test_two_accounts_of_three_days_are_equal(auditor: AuditingPark, options: Options) -> None:
    told: list[Tally] = []
    async with auditor.served() as url:
        # the last day is April's, so that the answer is asked for in two parts
        verdict, tally = await write_history(load_park(auditor.config), replace(options, park_url=url, days=3), told.append)
    assert verdict.differences == []
    assert verdict.rows == 27
    assert len(auditor.chain_breaks()) == 3  # the very first batch of each box
    assert tally.resent == auditor.duplicates >= 2
    assert auditor.out_of_order > 3
    assert auditor.largest > 20
    assert len({boot for _, boot, _ in auditor.seen}) > 3
    assert auditor.beats > 3 * 1440 * 2
    assert len(told) == 3 * 24 + 1
    assert told[-1].minutes == 3 * 1440
    assert tally.filed == len(auditor.exemptions) >= 8
    kinds = set(auditor.facts.values())
    assert kinds >= {1, 2, 6, 7, 9, 21, 23, 24, 25, 26, 27, 28, 29, 64, 65}
    rows = auditor.coverage(options_from(options), options_from(options) + 3 * 86_400_000_000)
    for count in ("covered", "prompt", "excused"):
        assert sum(row[count] for row in rows) > 0
    in_march: dict[str, int] = {}
    for row in rows:
        if not row["from"].startswith("2026-03-31T16"):
            in_march[row["of"]] = in_march.get(row["of"], 0) + row["excused"]
    assert max(in_march.values()) == 31 * 72  # one source is over its cap
    for factor in ("connect", "online", "complete", "valid"):
        assert sum(row["lost"][factor] for row in rows) > 0


async def test_the_command_says_equal_or_names_the_first_differences(auditor: AuditingPark, options: Options) -> None:
    command = ["history", "--days", "1", "--from", "2026-03-30", "--config", str(auditor.config), "--tokens", str(options.tokens)]
    command += ["--seed", "5", "--ledger"]
    async with auditor.served() as url:
        run = CliRunner().invoke
        equal = await asyncio.to_thread(run, app, [*command, str(options.ledger), "--park", url])
    assert equal.exit_code == 0, equal.output
    assert equal.stdout.splitlines()[-1] == "equal: 9 rows"

    again = AuditingPark(auditor.config, tokens=auditor.tokens, cheat=1)
    other = options.ledger.with_name("other.jsonl")
    async with again.served() as url:
        used = await asyncio.to_thread(run, app, [*command, str(options.ledger), "--park", url])
        different = await asyncio.to_thread(run, app, [*command, str(other), "--park", url])
    assert used.exit_code == 2
    assert "is there already" in used.output
    assert different.exit_code == 1
    lines = different.stdout.splitlines()
    assert re.fullmatch(r"E01-S1 2026-03-30 covered: expected \d+, the service says \d+", lines[1])
    assert lines[-1] == "different: 9 counts in 9 rows"
    assert other.read_bytes() == options.ledger.read_bytes()  # one seed is one history


async def test_a_rejected_batch_ends_the_run(auditor: AuditingPark, options: Options) -> None:
    auditor.refuse_at = 500
    async with auditor.served() as url:
        with pytest.raises(SimulatorError, match=r"batch \d+ is rejected, not accepted: seq-conflict"):
            await write_history(load_park(auditor.config), replace(options, park_url=url), lambda _: None)
    assert next(line["kind"] for line in read_ledger(options.ledger)) == "run"


async def test_a_park_that_is_busy_or_hangs_up_is_asked_again(auditor: AuditingPark, options: Options) -> None:
    auditor.close_after, auditor.busy_at = 101, 77
    async with auditor.served() as url:
        verdict, tally = await write_history(load_park(auditor.config), replace(options, park_url=url), lambda _: None)
    assert verdict.differences == []
    assert tally.busy == 1


async def test_without_a_date_it_begins_at_the_parks_next_midnight(auditor: AuditingPark, options: Options) -> None:
    auditor.now = options_from(options) - 3_600_000_000
    async with auditor.served() as url:
        await write_history(load_park(auditor.config), replace(options, park_url=url, start=None), lambda _: None)
    assert next(read_ledger(options.ledger))["from_us"] == options_from(options)


def options_from(options: Options) -> int:
    """2026-03-30 00:00 in Shanghai."""
    assert options.start == date(2026, 3, 30)
    return 1_774_800_000_000_000
