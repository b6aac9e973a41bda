"""Lives of alarms made up for statistics: plain rows, walked through the transition table, and their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hazmon.alarms.episodes import STATES, STIMULI, Actor, EventColumns
from hazmon.alarms.states import AlarmState, Stimulus, Suppression
from hazmon.alarms.transitions import SWITCH_OF, TABLE, Move
from hazmon.clock import US
from hazmon.rulebook import Kind

START = 1_767_225_600 * US


class Row(NamedTuple):
    """One event."""

    event: int
    at: int
    alarm: int
    actor: Actor
    stimulus: Stimulus
    before: AlarmState
    after: AlarmState
    priority: int
    late: bool
    suppressed: bool


def actor(number: int) -> Actor:
    return Actor(f"E01/LT-{number}", Kind.HIGH if number % 2 else Kind.LOW)


@dataclass(slots=True)
class Life:
    """An alarm to which things happen in the order in which they are said; what its state does not allow is no event."""

    rows: list[Row]
    alarm: int
    actor: Actor
    priority: int = 3
    late: bool = False
    state: AlarmState = AlarmState.NORMAL
    switches: frozenset[Suppression] = frozenset()

    def at(self, second: float, stimulus: Stimulus) -> Life:
        """So many seconds after START."""
        cell = TABLE[self.state, stimulus]
        if isinstance(cell, Move):
            switch = SWITCH_OF.get(stimulus)
            if switch is not None:
                self.switches ^= {switch}
            at = START + round(second * US)
            row = (len(self.rows), at, self.alarm, self.actor, stimulus, self.state, cell.to, self.priority, self.late)
            self.rows.append(Row(*row, bool(self.switches)))
            self.state = cell.to
        return self

    def raised(self, *seconds: float, lasting: float = 30, seen: bool = True) -> Life:
        """Raised at each of these seconds, acknowledged (if seen) after a third of its time, and cleared."""
        for second in seconds:
            self.at(second, Stimulus.RAISE)
            if seen:
                self.at(second + lasting / 3, Stimulus.ACKNOWLEDGE)
            self.at(second + lasting, Stimulus.CLEAR)
        return self


def columns(rows: Sequence[Row]) -> EventColumns:
    """The rows as columns, in the order given."""
    actors = tuple(sorted({row.actor for row in rows}))

    def numbers(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, np.int64)

    def codes(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        return np.array(values, np.uint8)

    return EventColumns(
        event=numbers([row.event for row in rows]),
        at=numbers([row.at for row in rows]),
        alarm=numbers([row.alarm for row in rows]),
        actor=numbers([actors.index(row.actor) for row in rows]),
        stimulus=codes([STIMULI.index(row.stimulus) for row in rows]),
        before=codes([STATES.index(row.before) for row in rows]),
        after=codes([STATES.index(row.after) for row in rows]),
        priority=codes([row.priority for row in rows]),
        late=np.array([row.late for row in rows], bool),
        suppressed=np.array([row.suppressed for row in rows], bool),
        actors=actors,
    )
