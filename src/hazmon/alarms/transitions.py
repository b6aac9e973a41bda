"""The alarm's state machine as a table: every state meets every stimulus, in a move or in an explicit refusal to move."""

from __future__ import annotations

from dataclasses import dataclass

from hazmon.alarms.states import AlarmState, Stimulus

NORMAL, UNACK, ACKED, RETURNED = AlarmState
RAISE, LATE, CLEAR, ACK = Stimulus


@dataclass(frozen=True, slots=True)
class Move:
    """The alarm goes to another state, or stays with something written down."""

    to: AlarmState


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing happens; `why` is the answer to whoever asked."""

    why: str


TABLE: dict[tuple[AlarmState, Stimulus], Move | Ignored] = {
    (NORMAL, RAISE): Move(UNACK),
    (NORMAL, LATE): Move(RETURNED),
    (NORMAL, CLEAR): Ignored("the alarm is over"),
    (NORMAL, ACK): Ignored("the alarm is over: there is nothing to acknowledge"),
    (UNACK, RAISE): Ignored("the alarm stands already"),
    (UNACK, LATE): Ignored("the alarm stands already"),
    (UNACK, CLEAR): Move(RETURNED),
    (UNACK, ACK): Move(ACKED),
    (ACKED, RAISE): Ignored("the alarm stands already"),
    (ACKED, LATE): Ignored("the alarm stands already"),
    (ACKED, CLEAR): Move(NORMAL),
    (ACKED, ACK): Ignored("the alarm is acknowledged already"),
    (RETURNED, RAISE): Move(UNACK),
    (RETURNED, LATE): Ignored("the alarm is told already"),
    (RETURNED, CLEAR): Move(RETURNED),
    (RETURNED, ACK): Move(NORMAL),
}


def table_text() -> str:
    """The table as Markdown, a row a state; ARCHITECTURE.md holds exactly this."""
    lines = [
        "| state | " + " | ".join(Stimulus) + " |",
        "|---" * (len(Stimulus) + 1) + "|",
    ]
    for state in AlarmState:
        cells = [TABLE[state, stimulus] for stimulus in Stimulus]
        texts = [f"**{cell.to}**" if isinstance(cell, Move) else f"– ({cell.why})" for cell in cells]
        lines.append(f"| {state} | " + " | ".join(texts) + " |")
    return "\n".join(lines)
