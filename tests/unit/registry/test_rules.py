"""What rules.toml adds to a sound folder: rules and handling of points, named rules, suppressions by design, the park's terms."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hazmon.cli import app
from hazmon.errors import ConfigError
from hazmon.model import Park, Point
from hazmon.registry import config_digest, load
from hazmon.rulebook import All, ByDesign, Deviation, Escalation, Handling, Kind, Not, Rule, Signal, Some, Term, Travel, Vote

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CONFIG / "good" / "one_tank", tmp_path / "config")
    return Path(shutil.copytree(CONFIG / "good" / "rules", tmp_path / "config", dirs_exist_ok=True))


@pytest.fixture
def park(folder: Path) -> Park:
    return load(folder)


def point(park: Park, tag: str) -> Point:
    return park.points[park.by_id[f"E01/{tag}"]]


def test_the_parks_terms(park: Park) -> None:
    assert park.settings.escalation == Escalation((3.0, 10.0, 20.0), (20.5,), 45.0)
    assert park.settings.shelve_max_h == 6


def test_a_point_says_more_than_its_quantity(park: Park) -> None:
    limits = point(park, "LT-1101").limits
    assert (limits.forecast_min, limits.stuck_s, limits.stuck_band, limits.signal) == (15, 600, 0.004, Signal.CURRENT)
    assert point(park, "LT-1101").handling == Handling(
        priority=1, response="停止进料，确认液位 / stop filling, confirm the level"
    )
    assert limits.hh == 12, "what points.csv says stays"


def test_a_quantity_speaks_for_its_points(park: Park) -> None:
    limits = point(park, "LT-1201").limits
    assert (limits.forecast_min, limits.stuck_s, limits.stuck_band) == (10, 600, pytest.approx(0.001))
    limits = point(park, "TT-1101").limits
    trend = (limits.rate_deadband, limits.rate_on_delay_s, limits.rate_off_delay_s, limits.rate_samples, limits.rate_span)
    assert trend == (0.2, 5, 10, 8, 0.8)


def test_zero_takes_a_default_away(park: Park) -> None:
    limits = point(park, "LT-1102").limits
    assert (limits.forecast_min, limits.stuck_s, limits.stuck_band, limits.signal) == (None, None, 0, Signal.DIGITAL)
    assert point(park, "TT-1101").handling == Handling(latch=True)


def test_a_default_is_left_out_where_the_point_cannot_have_it(park: Park) -> None:
    assert point(park, "LT-1103").limits.forecast_min is None, "it has no HH and no LL"
    assert point(park, "P-1101").limits.stuck_s is None, "a contact may rest"


def test_the_named_rules(park: Park) -> None:
    vote, deviation, travel, state, condition = park.named
    assert (vote.id, vote.rule, vote.unit, vote.priority, vote.off_delay_s) == ("E01/AT-1100-2OO3", Rule.VOTE, "A-1100", 1, 10)
    assert vote.test == Vote(tuple(Term(f"E01/AT-110{n}", ">=", 25.0) for n in (1, 2, 3)), 2, "vote")
    assert (deviation.rule, deviation.test) == (Rule.DEVIATION, Deviation("E01/LT-1101", "E01/LT-1102", 0.3, 0.05))
    assert (travel.rule, travel.test, travel.on_delay_s) == (Rule.STATE, Travel("E01/ZC-1101", "E01/ZS-1101", 2.0, 15.0), 0.0)
    assert (travel.unit, travel.handling) == ("", Handling(latch=True, priority=2, realarm_min=30))
    assert (state.rule, state.test, state.on_delay_s) == (Rule.STATE, Term("E01/PW-1101", "==", 0.0), 3)
    low = Some((Term("E01/LT-1101", "<=", 1.5), Term("E01/LT-1102", "<=", 1.5)))
    running = Not(Term("E01/P-1101", "==", 0.0))
    assert (condition.rule, condition.test) == (Rule.CONDITION, All((Term("E01/FT-1102", "<", 5.0), running, low)))
    assert [park.rows[rule.id] for rule in park.named] == [16, 17, 18, 19, 20]


def test_the_suppressions_by_design(park: Park) -> None:
    alarms = (("E01/FT-1102", Kind.LOW), ("E01/LT-1101", Kind.FORECAST_DOWN), ("E01/P-1101-DRY", Kind.CONDITION))
    reason = "泵停，低流量无意义 / pump stopped: low flow means nothing"
    assert park.by_design == (ByDesign("E01", "P-1101-STOPPED", Term("E01/P-1101", "==", 0.0), alarms, reason),)


def test_the_digest_covers_the_optional_files(folder: Path) -> None:
    seen = {config_digest(folder)}
    for file in ("rules.toml", "E01/rules.toml"):
        (folder / file).write_bytes((folder / file).read_bytes() + b"\n")
        seen.add(config_digest(folder))
        (folder / file).unlink()
        seen.add(config_digest(folder))
    assert len(seen) == 5


def test_a_refused_point_is_blamed_once(folder: Path) -> None:
    """Rules over a point whose row is wrong say nothing of their own: it is named where it is wrong."""
    points = folder / "E01" / "points.csv"
    points.write_text(points.read_text("utf-8").replace("FT-1102,E01-S1,V-1101,", "FT-1102,E01-S1,V-1101,x", 1), "utf-8")
    assert load(folder), "the change is harmless by itself"
    points.write_text(points.read_text("utf-8").replace("flow,m³/h,0,60,,5,", "flow,m³/h,0,60,,five,"), "utf-8")
    with pytest.raises(ConfigError) as refused:
        load(folder)
    assert [finding.key for finding in refused.value.findings] == ["L"]


def test_rules_are_read_without_points(folder: Path) -> None:
    (folder / "E01" / "points.csv").unlink()
    with pytest.raises(ConfigError) as refused:
        load(folder)
    assert {finding.file for finding in refused.value.findings} == {"E01/points.csv"}


def test_check_counts_them(folder: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(folder)])
    wanted = (
        "1 enterprise, 2 sources (一级 0, 二级 0, 三级 2, 四级 0), 16 points, 5 named rules, 1 suppression by design: sound.\n"
    )
    assert (result.exit_code, result.output) == (0, wanted)
