"""What a replay says, held against the record: the same, only there, only here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.states import Stimulus
from hazmon.rulebook import Rule

_RINGING = frozenset({Stimulus.RAISE, Stimulus.ESCALATE, Stimulus.RAISE_LATE})

Found = Literal["same", "only in the replay", "only in the record"]


@dataclass(frozen=True, slots=True)
class Ring:
    """A condition that began to hold, or got worse: when (microseconds), of what, by which rule, at which value."""

    at: int
    subject: str
    rule: str
    value: float | None
    suppressed: bool = False
    late: bool = False

    @property
    def key(self) -> tuple[int, str, str]:
        """One excursion, whoever found it when."""
        return self.at, self.subject, self.rule


@dataclass(frozen=True, slots=True)
class Line:
    """A ring, and where it was found."""

    ring: Ring
    found: Found


def rings_of(events: Iterable[AlarmEvent]) -> list[Ring]:
    """The raises and escalations among the events, but those of silence."""
    return [
        Ring(
            event.at,
            event.alarm.subject.id,
            event.rule,
            event.value,
            event.suppressed,
            event.alarm.late,
        )
        for event in events
        if event.stimulus in _RINGING and event.rule is not Rule.STALE
    ]


def compared(replayed: Sequence[Ring], recorded: Sequence[Ring]) -> list[Line]:
    """Every ring once, by time."""
    here = {ring.key: ring for ring in replayed}
    there = {ring.key: ring for ring in recorded}
    lines = [Line(ring, "same" if key in there else "only in the replay") for key, ring in here.items()]
    lines += [Line(ring, "only in the record") for key, ring in there.items() if key not in here]
    return sorted(lines, key=lambda line: line.ring.key)
