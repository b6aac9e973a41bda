"""The two tables: total, and drawn as they are."""

from __future__ import annotations

import re

import pytest

from hazmon.alarms.drawing import LETTERS, document
from hazmon.alarms.states import AlarmState, Stimulus, Suppression
from hazmon.alarms.transitions import SWITCH_OF, SWITCHES, TABLE, Ignored, Move, Never

STATE_ROWS, SWITCH_ROWS = len(Stimulus), len(SWITCH_OF)


def test_the_table_is_total_and_says_why_it_refuses() -> None:
    assert set(TABLE) == {(state, stimulus) for state in AlarmState for stimulus in Stimulus}
    for cell in TABLE.values():
        assert isinstance(cell, Move | Never) or cell.why


def test_each_switch_is_turned_on_by_one_stimulus_and_off_by_others() -> None:
    assert set(SWITCHES) == {(SWITCH_OF[stimulus], on, stimulus) for stimulus in SWITCH_OF for on in (False, True)}
    for suppression in Suppression:
        stimuli = [stimulus for stimulus, of in SWITCH_OF.items() if of is suppression]
        turning_on = [stimulus for stimulus in stimuli if SWITCHES[suppression, False, stimulus] is True]
        turning_off = [stimulus for stimulus in stimuli if SWITCHES[suppression, True, stimulus] is False]
        assert len(turning_on) == 1
        assert sorted(turning_on + turning_off) == sorted(stimuli)


def test_an_alarm_is_over_only_by_the_process_and_a_person_or_by_what_was_never_heard() -> None:
    """No way leads from a standing alarm to normal but its clearing, and that only from acknowledged."""
    ways = {(state, stimulus) for (state, stimulus), cell in TABLE.items() if cell == Move(AlarmState.NORMAL)}
    standing = {(state, stimulus) for state, stimulus in ways if state in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)}
    assert standing == {(AlarmState.ACKNOWLEDGED, Stimulus.CLEAR)}
    latched = {way for way in ways if way[0] in (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED_ACKNOWLEDGED)}
    assert latched == {(AlarmState.LATCHED_ACKNOWLEDGED, Stimulus.RESET)}


@pytest.mark.parametrize("stimulus", [Stimulus.COMMENT, Stimulus.VERIFY, Stimulus.DISPOSE, Stimulus.HEALTH, Stimulus.SHELVE])
def test_what_is_said_and_what_is_hidden_moves_nothing(stimulus: Stimulus) -> None:
    assert all(TABLE[state, stimulus] == Move(state) for state in AlarmState)


def rows(table: int) -> list[list[str]]:
    """The cells of the first or second table of the document, without its head."""
    found: list[list[list[str]]] = [[]]
    for line in document().splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return found[table][2:]


def test_the_drawn_table_has_a_row_a_stimulus_and_a_cell_a_state() -> None:
    drawn = rows(0)
    assert [row[0] for row in drawn] == list(Stimulus)
    for stimulus, row in zip(Stimulus, drawn, strict=True):
        for state, text in zip(AlarmState, row[1:], strict=True):
            match TABLE[state, stimulus]:
                case Move(to):
                    assert text == ("·" if to is state else f"→ {LETTERS[to]}")
                case Ignored(why):
                    assert text == f"× {why}"
                case Never():
                    assert text == ""


def test_the_drawn_switches_say_what_they_do() -> None:
    drawn = rows(1)
    assert len(drawn) == SWITCH_ROWS
    for suppression, stimulus, off, on in drawn:
        for is_on, text in ((False, off), (True, on)):
            cell = SWITCHES[Suppression(suppression), is_on, Stimulus(stimulus)]
            assert text == (f"× {cell.why}" if isinstance(cell, Ignored) else "" if isinstance(cell, Never) else _word(cell))


def test_the_diagram_has_every_move_that_changes_the_state_and_no_other() -> None:
    arrows = {
        (AlarmState(before), AlarmState(after), Stimulus(stimulus))
        for before, after, stimuli in re.findall(r"^    (\w+) --> (\w+): (.+)$", document(), re.MULTILINE)
        for stimulus in stimuli.split(", ")
    }
    assert arrows == {
        (state, cell.to, stimulus) for (state, stimulus), cell in TABLE.items() if isinstance(cell, Move) and cell.to is not state
    }


def _word(on: bool) -> str:
    return "→ on" if on else "→ off"
