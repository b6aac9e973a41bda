"""Every scenario gives exactly its transcript, and together they reach every cell of both tables that can be reached."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from hazmon.alarms import book, drawing, obey
from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.states import AlarmState, Stimulus, Suppression
from hazmon.alarms.transitions import SWITCH_OF, SWITCHES, TABLE, Ignored, Move, Never
from hazmon.registry.alone import load_points
from hazmon.scenario import play, playing, read_scenario
from hazmon.scenario.reading import samples, seconds
from hazmon.scenario_files import judge

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(file for file in (ROOT / "tests/scenarios").glob("*/*.toml") if file.name != "rules.toml")
Cell = tuple[AlarmState, Stimulus]
Switch = tuple[Suppression, bool, Stimulus]
K = TypeVar("K")
V = TypeVar("V")


class Asked(dict[K, V]):
    """A table, and the cells that were looked up."""

    def __init__(self, table: dict[K, V]) -> None:
        super().__init__(table)
        self.cells: set[K] = set()

    def __getitem__(self, cell: K) -> V:
        self.cells.add(cell)
        return super().__getitem__(cell)


@dataclass
class Seen:
    """What all scenarios reached: cells that were asked, moves that were told, and where they led."""

    cells: set[Cell] = field(default_factory=set[Cell])
    switches: set[Switch] = field(default_factory=set[Switch])
    moves: dict[Cell, set[AlarmState]] = field(default_factory=dict[Cell, set[AlarmState]])
    turns: dict[Switch, set[bool]] = field(default_factory=dict[Switch, set[bool]])

    def note(self, event: AlarmEvent, positions: dict[str, tuple[Suppression, ...]]) -> None:
        """An event, as the transcript has it. The switches' positions before it are those after the alarm's last event."""
        self.moves.setdefault((event.before, event.stimulus), set()).add(event.alarm.state)
        before = positions.get(event.alarm.id, ())
        if event.stimulus in SWITCH_OF:
            suppression = SWITCH_OF[event.stimulus]
            turn = suppression, suppression in before, event.stimulus
            self.turns.setdefault(turn, set()).add(suppression in event.alarm.suppressions)
            others = {other for other in Suppression if other is not suppression}
            assert others.intersection(before) == others.intersection(event.alarm.suppressions)
        elif event.alarm.id in positions:
            assert event.alarm.suppressions == before
        positions[event.alarm.id] = event.alarm.suppressions


@pytest.fixture(scope="module")
def seen() -> Seen:
    """All scenarios played, with both tables watched."""
    found = Seen()
    table, switches = Asked(TABLE), Asked(SWITCHES)
    text = playing.event_text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book, "TABLE", table)
        patch.setattr(obey, "TABLE", table)
        patch.setattr(obey, "SWITCHES", switches)
        for file in FILES:
            scenario = read_scenario(file)
            positions: dict[str, tuple[Suppression, ...]] = {}

            def noted(event: AlarmEvent, positions: dict[str, tuple[Suppression, ...]] = positions) -> str:
                found.note(event, positions)
                return text(event)

            patch.setattr(playing, "event_text", noted)
            play(scenario, load_points(scenario.points))
    found.cells, found.switches = table.cells, switches.cells
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_transcript(file: Path) -> None:
    assert judge(file, rewrite=False) is None


def test_there_are_sixty_and_each_says_what_it_proves() -> None:
    titles = Counter(read_scenario(file).title for file in FILES)
    assert len(FILES) >= 60
    assert [title for title, count in titles.items() if count > 1] == []
    assert [title for title in titles if len(title.split()) < 5] == []


def test_every_move_of_the_table_is_made_and_leads_where_it_says(seen: Seen) -> None:
    assert seen.moves == {cell: {to.to} for cell, to in TABLE.items() if isinstance(to, Move)}


def test_every_refusal_of_the_table_is_asked_and_what_cannot_be_never_is(seen: Seen) -> None:
    asked = {cell for cell in seen.cells if not isinstance(TABLE[cell], Move)}
    assert asked == {cell for cell, found in TABLE.items() if isinstance(found, Ignored)}
    assert [cell for cell in seen.cells if isinstance(TABLE[cell], Never)] == []


def test_every_switch_is_turned_as_its_table_says(seen: Seen) -> None:
    """The automatic ones move without asking the table, so what counts is what the events show."""
    assert seen.turns == {switch: {to} for switch, to in SWITCHES.items() if isinstance(to, bool)}


def test_every_refusal_of_a_switch_is_asked(seen: Seen) -> None:
    refused = {switch for switch in seen.switches if not isinstance(SWITCHES[switch], bool)}
    assert refused == {switch for switch, found in SWITCHES.items() if isinstance(found, Ignored)}


def test_the_architecture_shows_the_tables_as_they_are() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    _, begin, rest = text.partition("<!-- transitions -->\n")
    shown, end, _ = rest.partition("\n<!-- /transitions -->")
    assert begin
    assert end
    assert shown == drawing.document()


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


def test_noise_stays_within_its_band_and_is_the_same_in_every_run() -> None:
    values = [value for value, _ in samples("5~0.1*50", "LT-1")]
    assert len(values) == 50
    assert len(set(values)) > 40
    assert max(abs(value - 5) for value in values) <= 0.1
    assert values == [value for value, _ in samples("5~0.1*50", "LT-1")]
    assert values != [value for value, _ in samples("5~0.1*50", "LT-2")]


def test_noise_of_bad_quality_is_bad() -> None:
    assert {code for _, code in samples("!5~0.1*10")} == {4}


@pytest.mark.parametrize("text", ["x", "9*", "*3", "9..", "9 !", "--9", "1.2.3", "9~", "~0.1", "9~-1", "9..10~1"])
def test_what_is_no_sample_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"sample|convert"):
        samples(text)


@pytest.mark.parametrize(
    ("text", "micros"),
    [("8s", 8_000_000), ("0.5s", 500_000), ("10min", 600_000_000), ("1.5h", 5_400_000_000), ("-30s", -30_000_000), ("0s", 0)],
)
def test_times_have_their_unit(text: str, micros: int) -> None:
    assert seconds(text) == micros


@pytest.mark.parametrize("text", ["8", "s", "8 min", "+8s", "8d", "--8s", "8s8s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|convert"):
        seconds(text)
