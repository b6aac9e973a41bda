"""The alarm's state machine as two tables: every state meets every stimulus, in a move, a refusal to move, or a plain never.

The first table is the alarm itself; the second are the switches that keep it from being heard. Both are data: documentation,
diagram and tests are made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hazmon.alarms.states import AlarmState, Stimulus, Suppression

NORMAL, UNACK, ACKED, RETURNED, LATCHED_UNACK, LATCHED_ACK = AlarmState


@dataclass(frozen=True, slots=True)
class Move:
    """The alarm goes to another state, or stays with something written down."""

    to: AlarmState


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing happens; `why` is the answer to whoever asked."""

    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """The stimulus cannot meet this state, by what it means."""


Cell: TypeAlias = Move | Ignored | Never
_NEVER = Never()
_OVER = Ignored("the alarm is over")
_STANDS = Ignored("the alarm stands already")
_STAY: dict[AlarmState, Cell] = {state: Move(state) for state in AlarmState}


def _row(
    normal: Cell, unacknowledged: Cell, acknowledged: Cell, returned: Cell, latched_unack: Cell, latched_ack: Cell
) -> dict[AlarmState, Cell]:
    cells = (normal, unacknowledged, acknowledged, returned, latched_unack, latched_ack)
    return dict(zip(AlarmState, cells, strict=True))


_RING = Move(UNACK)
_NOT_LATCHED = Ignored("there is nothing to reset: the alarm is not latched")
_HEARD_AGAIN = _row(Move(NORMAL), _RING, _RING, Move(NORMAL), Move(LATCHED_UNACK), Move(LATCHED_UNACK))

_ROWS: dict[Stimulus, dict[AlarmState, Cell]] = {
    Stimulus.RAISE: _row(_RING, _NEVER, _NEVER, _RING, _RING, _RING),
    # a late alarm is told once and stays told; only its record grows
    Stimulus.ESCALATE: _row(_NEVER, _RING, _RING, Move(RETURNED), _NEVER, _NEVER),
    Stimulus.EASE: _row(_NEVER, Move(UNACK), Move(ACKED), Move(RETURNED), _NEVER, _NEVER),
    Stimulus.CLEAR: _row(_NEVER, Move(RETURNED), Move(NORMAL), Move(RETURNED), _NEVER, _NEVER),
    Stimulus.LATCH: _row(_NEVER, Move(LATCHED_UNACK), Move(LATCHED_ACK), _NEVER, _NEVER, _NEVER),
    Stimulus.RAISE_LATE: _row(Move(RETURNED), _NEVER, _NEVER, _NEVER, _NEVER, _NEVER),
    Stimulus.ACKNOWLEDGE: _row(
        Ignored("the alarm is over: there is nothing to acknowledge"),
        Move(ACKED),
        Ignored("the alarm is acknowledged already"),
        Move(NORMAL),
        Move(LATCHED_ACK),
        Ignored("the alarm is acknowledged already: it waits for a reset"),
    ),
    Stimulus.RESET: _row(_OVER, _NOT_LATCHED, _NOT_LATCHED, _NOT_LATCHED, Move(RETURNED), Move(NORMAL)),
    Stimulus.REALARM: _row(_NEVER, _NEVER, _RING, _NEVER, _NEVER, _NEVER),
    Stimulus.SHELVE: _STAY,
    # who takes it from the shelf has seen it; a shelf that ends by itself must not hide what nobody saw
    Stimulus.UNSHELVE: _row(Move(NORMAL), Move(ACKED), Move(ACKED), Move(NORMAL), Move(LATCHED_ACK), Move(LATCHED_ACK)),
    Stimulus.EXPIRE: _HEARD_AGAIN,
    Stimulus.SUPPRESS: _STAY,
    Stimulus.RELEASE: _HEARD_AGAIN,
    Stimulus.REMOVE: _STAY,
    Stimulus.RETURN: _HEARD_AGAIN,
    Stimulus.HEALTH: _STAY,
    Stimulus.OVERDUE: _row(_NEVER, *(Move(state) for state in list(AlarmState)[1:])),
    Stimulus.COMMENT: _STAY,
    Stimulus.VERIFY: _STAY,
    Stimulus.DISPOSE: _STAY,
}
TABLE: dict[tuple[AlarmState, Stimulus], Cell] = {
    (state, stimulus): _ROWS[stimulus][state] for state in AlarmState for stimulus in Stimulus
}

SWITCHES: dict[tuple[Suppression, bool, Stimulus], bool | Ignored | Never] = {
    (Suppression.SHELVED, False, Stimulus.SHELVE): True,
    (Suppression.SHELVED, True, Stimulus.SHELVE): Ignored("the alarm is shelved already"),
    (Suppression.SHELVED, False, Stimulus.UNSHELVE): Ignored("the alarm is not shelved"),
    (Suppression.SHELVED, True, Stimulus.UNSHELVE): False,
    (Suppression.SHELVED, False, Stimulus.EXPIRE): _NEVER,
    (Suppression.SHELVED, True, Stimulus.EXPIRE): False,
    (Suppression.BY_DESIGN, False, Stimulus.SUPPRESS): True,
    (Suppression.BY_DESIGN, True, Stimulus.SUPPRESS): _NEVER,
    (Suppression.BY_DESIGN, False, Stimulus.RELEASE): _NEVER,
    (Suppression.BY_DESIGN, True, Stimulus.RELEASE): False,
    (Suppression.OUT_OF_SERVICE, False, Stimulus.REMOVE): True,
    (Suppression.OUT_OF_SERVICE, True, Stimulus.REMOVE): Ignored("the alarm is out of service already"),
    (Suppression.OUT_OF_SERVICE, False, Stimulus.RETURN): Ignored("the alarm is in service"),
    (Suppression.OUT_OF_SERVICE, True, Stimulus.RETURN): False,
}
SWITCH_OF: dict[Stimulus, Suppression] = {stimulus: suppression for suppression, _, stimulus in SWITCHES}
