"""Events of alarms as columns, and what they delimit: excursions of the process, and waits for somebody to acknowledge."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from hazmon.alarms.alarm import RINGING, UNSEEN
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.rulebook import Kind

Ints = NDArray[np.int64]
Codes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

STIMULI: tuple[Stimulus, ...] = tuple(Stimulus)
STATES: tuple[AlarmState, ...] = tuple(AlarmState)
NOT_YET = np.iinfo(np.int64).max  # an end that has not come

_HEARD = frozenset({Stimulus.RAISE, Stimulus.ESCALATE, Stimulus.REALARM, Stimulus.EXPIRE, Stimulus.RELEASE, Stimulus.RETURN})
_STIMULUS_CODE = {stimulus: code for code, stimulus in enumerate(STIMULI)}
_STATE_CODE = {state: code for code, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True, order=True)
class Actor:
    """What alarms: a subject (`E01/LT-1101`) and the kind of its alarm."""

    subject: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class EventColumns:
    """N events of alarms, in any order; an event may be there twice.

    event       int64[N]  the event's number, which orders the events of an alarm
    at          int64[N]  microseconds UTC
    alarm       int64[N]  which alarm, by any numbering
    actor       int64[N]  index into `actors`
    stimulus    uint8[N]  index into STIMULI
    before      uint8[N]  state before, index into STATES
    after       uint8[N]  state after
    priority    uint8[N]  1..4, of the alarm's worst status
    late        bool[N]   the alarm was found in readings that came late: it never rang
    suppressed  bool[N]   after the event the alarm was shelved, suppressed by design or out of service
    """

    event: Ints
    at: Ints
    alarm: Ints
    actor: Ints
    stimulus: Codes
    before: Codes
    after: Codes
    priority: Codes
    late: Bools
    suppressed: Bools
    actors: tuple[Actor, ...]

    def ordered(self, end: int) -> EventColumns:
        """The events before microsecond `end`, each once, alarm by alarm in the order of their numbers."""
        _, once = np.unique(self.event, return_index=True)
        once = once[self.at[once] < end]
        return self.rows(once[np.lexsort((self.event[once], self.alarm[once]))])

    def rows(self, picked: Ints | Bools) -> EventColumns:
        """The events of these numbers, in that order, or those at which the mask is true."""
        columns = {field.name: getattr(self, field.name)[picked] for field in fields(self) if field.name != "actors"}
        return EventColumns(**columns, actors=self.actors)

    def of(self, *stimuli: Stimulus) -> Bools:
        """bool[N]: events of any of these stimuli."""
        return np.isin(self.stimulus, [_STIMULUS_CODE[stimulus] for stimulus in stimuli])

    def left_in(self, *states: AlarmState) -> Bools:
        """bool[N]: events that left their alarm in any of these states."""
        return np.isin(self.after, [_STATE_CODE[state] for state in states])

    def newest_raise(self, actor: Actor) -> int | None:
        """When the actor was last raised, live."""
        at = self.at[(self.actor == self.actors.index(actor)) & self.of(Stimulus.RAISE) & ~self.late]
        return int(at.max()) if at.size else None

    def annunciated(self) -> Bools:
        """bool[N]: what the room hears, as AlarmEvent.rings has it: neither late nor suppressed, and unseen or worse."""
        return self.of(*_HEARD) & self.left_in(*RINGING) & ~self.late & ~self.suppressed


@dataclass(frozen=True, slots=True)
class Spans:
    """K spans of alarms: int64[K]. `first` and `last` number the events that begin and end each; `last` is -1 of one that runs.

    `begun` and `ended` in microseconds, the latter NOT_YET of one that runs.
    """

    first: Ints
    last: Ints
    begun: Ints
    ended: Ints

    def rows(self, mask: Bools) -> Spans:
        """Those at which the mask over K is true."""
        return Spans(self.first[mask], self.last[mask], self.begun[mask], self.ended[mask])


def excursions(ordered: EventColumns) -> Spans:
    """From each live raise until its condition ceased, heard or not."""
    return _spans(ordered, ordered.of(Stimulus.RAISE) & ~ordered.late, ordered.of(Stimulus.CLEAR, Stimulus.LATCH))


def waits(ordered: EventColumns) -> Spans:
    """From the annunciation since which somebody is waited for, until nobody is: acknowledged, or not to be heard any more."""
    return _spans(ordered, ordered.annunciated(), ~ordered.left_in(*UNSEEN) | ordered.suppressed)


def _spans(ordered: EventColumns, begins: Bools, ends: Bools) -> Spans:
    """The first event that begins, and the next of the same alarm that ends."""
    fresh = np.ones(ordered.event.size, bool)  # a stretch of events: up to and with one that ends, within one alarm
    fresh[1:] = (ordered.alarm[1:] != ordered.alarm[:-1]) | ends[:-1]
    stretch = np.cumsum(fresh) - 1
    starting = np.flatnonzero(begins)
    stretches, which = np.unique(stretch[starting], return_index=True)
    first = starting[which]
    last_of = np.full(int(stretch[-1]) + 1 if stretch.size else 0, -1, np.int64)
    closing = np.flatnonzero(ends)
    last_of[stretch[closing]] = closing
    last = last_of[stretches]
    begun = ordered.at[first]
    # an operator's clock and a device's may part by a little: nothing ends before it begins
    ended = np.where(last < 0, NOT_YET, np.maximum(ordered.at[last], begun)) if last.size else last
    return Spans(first, last, begun, ended)
