"""`hazmon check` and `hazmon grade`, as a shell sees them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hazmon.cli import app

CONFIG = Path(__file__).parents[2] / "config"
ONE_TANK = CONFIG / "good" / "one_tank"


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(ONE_TANK, tmp_path / "config"))
    shutil.copytree(CONFIG / "bad" / "everything_at_once", folder, dirs_exist_ok=True)
    return folder


def test_check_says_what_it_found() -> None:
    assert run("check", str(ONE_TANK)) == (0, "1 enterprise, 1 source (一级 0, 二级 0, 三级 1, 四级 0), 6 points: sound.\n")


def test_check_groups_findings_by_file_and_aligns_them(refused: Path) -> None:
    code, output = run("check", str(refused))
    lines = output.splitlines()
    assert code == 1
    assert lines[:4] == [
        "park.toml",
        '  line 3   timezone            expected an IANA time zone like Asia/Shanghai; found "Shandong"',
        "  line 10  retention.raw_days  expected whole days, at least 30 (order 40, article 13); found 7",
        "",
    ]
    assert '  row 6  HH          expected a limit within the range 0 to 100; found "150"' in lines
    assert lines[-1] == "Refused: 15 findings in 5 files."


def test_grade_prints_the_working() -> None:
    code, output = run("grade", str(ONE_TANK), "E01-S1")
    cells = [line.split() for line in output.splitlines()]
    assert code == 0
    assert ["液氨", "7664-41-7", "60", "10", "6", "2", "12", "table", "1;", "beta", "of", "table", "3"] in cells
    assert "  α = 1.2   (40 residents within 500 m: 30 to 49)" in output
    assert "  R = α · Σ β·q/Q = 1.2 × 12 = 14.4\n  level 三级   (50 > R ≥ 10); configured: 三级\n" in output


def test_grade_shows_the_working_of_a_level_that_check_refuses(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ONE_TANK, tmp_path / "config"))
    shutil.copytree(CONFIG / "bad" / "source_level_disagrees", folder, dirs_exist_ok=True)
    code, output = run("grade", str(folder))
    assert code == 1
    assert "  REFUSED: GB 18218 gives 三级\n" in output


def test_grade_knows_no_such_source() -> None:
    code, output = run("grade", str(ONE_TANK), "E01-S9")
    assert code == 2
    assert "no source E01-S9" in output


def test_help_tells_the_exit_codes() -> None:
    for command in ("check", "grade"):
        assert "Exit codes: 0" in run(command, "--help")[1]
