"""The two tables as text: what `hazmon transitions` prints and ARCHITECTURE.md holds."""

from __future__ import annotations

from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.alarms.transitions import SWITCHES, TABLE, Cell, Ignored, Move, Never

LETTERS = dict(zip(AlarmState, "ABCDEF", strict=True))


def document() -> str:
    """Both tables and the diagram, as Markdown."""
    return "\n\n".join((_states(), _switches(), "```mermaid\n" + _diagram() + "\n```"))


def _states() -> str:
    lines = [
        "| stimulus | " + " | ".join(f"{LETTERS[state]} {state.replace('_', ' ')}" for state in AlarmState) + " |",
        "|---" * (len(AlarmState) + 1) + "|",
    ]
    for stimulus in Stimulus:
        cells = [_text(state, TABLE[state, stimulus]) for state in AlarmState]
        lines.append(f"| {stimulus} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\nAn arrow moves, `·` stays and is written down, `×` is refused, empty cannot happen."


def _text(state: AlarmState, cell: Cell) -> str:
    match cell:
        case Move(to) if to is state:
            return "·"
        case Move(to):
            return f"→ {LETTERS[to]}"
        case Ignored(why):
            return f"× {why}"
        case _:
            return ""


def _switches() -> str:
    lines = ["| switch | stimulus | when off | when on |", "|---|---|---|---|"]
    for suppression, is_on, stimulus in SWITCHES:
        if not is_on:
            off, on = (SWITCHES[suppression, position, stimulus] for position in (False, True))
            lines.append(f"| {suppression} | {stimulus} | {_position(off)} | {_position(on)} |")
    return "\n".join(lines)


def _position(cell: bool | Ignored | Never) -> str:
    match cell:
        case Ignored(why):
            return f"× {why}"
        case Never():
            return ""
        case _:
            return "→ on" if cell else "→ off"


def _diagram() -> str:
    arrows: dict[tuple[str, str], list[str]] = {}
    for stimulus in Stimulus:
        for state in AlarmState:
            cell = TABLE[state, stimulus]
            if isinstance(cell, Move) and cell.to is not state:
                arrows.setdefault((state, cell.to), []).append(stimulus)
    lines = ["stateDiagram-v2", "    [*] --> normal"]
    lines += [f"    {before} --> {after}: {', '.join(stimuli)}" for (before, after), stimuli in arrows.items()]
    return "\n".join(lines)
