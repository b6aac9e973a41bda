"""Every scenario gives exactly its transcript, and together they visit the whole transition table."""

from __future__ import annotations

from pathlib import Path

import pytest

from hazmon.alarms import book
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.alarms.transitions import TABLE, Ignored, Move, table_text
from hazmon.model import Point
from hazmon.registry.points import read_points
from hazmon.registry.report import Report
from hazmon.scenario import play, read_scenario, samples, seconds

ROOT = Path(__file__).resolve().parents[3]
SCENARIOS = ROOT / "tests/scenarios"
FILES = sorted(SCENARIOS.glob("*/*.toml"))
Cell = tuple[AlarmState, Stimulus]

# The step never asks these: an over alarm has left the book (an unknown id is not found), and a rule that stands turns on again
# only after it turned off. The table answers them all the same; tests/unit/alarms asks it.
NEVER_ASKED: set[Cell] = {
    (AlarmState.NORMAL, Stimulus.CLEAR),
    (AlarmState.NORMAL, Stimulus.ACKNOWLEDGE),
    (AlarmState.UNACKNOWLEDGED, Stimulus.RAISE),
    (AlarmState.ACKNOWLEDGED, Stimulus.RAISE),
}


class VisitedTable(dict[Cell, Move | Ignored]):
    """The table, and the cells that were looked up."""

    def __init__(self) -> None:
        super().__init__(TABLE)
        self.visited: set[Cell] = set()

    def __getitem__(self, cell: Cell) -> Move | Ignored:
        self.visited.add(cell)
        return super().__getitem__(cell)


def points_of(folder: Path) -> list[Point]:
    report = Report()
    rows = read_points(report, folder.parent, folder.name, None)
    assert rows is not None, report.sorted()
    assert report.sorted() == []
    return [row.point for row in rows.values() if row.point is not None]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_transcript(file: Path) -> None:
    scenario = read_scenario(file)
    assert play(scenario, points_of(file.parent)) == scenario.expect, scenario.title


def test_the_scenarios_visit_every_cell_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    table = VisitedTable()
    monkeypatch.setattr(book, "TABLE", table)
    for file in FILES:
        play(read_scenario(file), points_of(file.parent))
    assert set(TABLE) - table.visited == NEVER_ASKED


def test_the_architecture_shows_the_table_as_it_is() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    _, begin, rest = text.partition("<!-- transitions -->\n")
    shown, end, _ = rest.partition("\n<!-- /transitions -->")
    assert begin
    assert end
    assert shown == table_text()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("9", [9.0]),
        ("9*3", [9.0, 9.0, 9.0]),
        ("0..1*3 -1.5", [0.0, 0.5, 1.0, -1.5]),
        ("1..2*2", [1.0, 2.0]),
    ],
)
def test_samples_are_exactly_as_many_as_are_written(text: str, values: list[float]) -> None:
    assert samples(text) == [(value, 0) for value in values]


def test_bad_and_absent_samples() -> None:
    codes = [code for _, code in samples("!9*2 _ 9")]
    assert codes == [4, 4, 128, 0]


@pytest.mark.parametrize("text", ["x", "9*", "*3", "9..", "9 !", "--9", "1.2.3"])
def test_what_is_no_sample_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"sample|convert"):
        samples(text)


@pytest.mark.parametrize("text", ["8", "s", "8 min"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|convert"):
        seconds(text)
