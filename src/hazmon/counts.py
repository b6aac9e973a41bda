"""What has happened since the service began, for its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.states import Stimulus
from hazmon.delivery import Delivery


@dataclass(slots=True)
class Counts:
    """What has happened since the service began."""

    readings: int = 0
    batches: int = 0
    duplicates: int = 0
    rejected: int = 0
    refused: int = 0
    missed: dict[str, int] = field(default_factory=dict[str, int])
    alarms: dict[str, int] = field(default_factory=dict[str, int])

    def note(self, deliveries: Sequence[Delivery], events: Sequence[AlarmEvent]) -> None:
        """Count what one turn took in and told."""
        for delivery in deliveries:
            self.batches += 1
            self.readings += delivery.readings
            self.refused += sum(refused.count for refused in delivery.refused)
            for miss in delivery.misses:
                readings = miss.count * (1 if miss.column is not None else len(miss.group.tags))
                cause = miss.cause.name.lower()
                self.missed[cause] = self.missed.get(cause, 0) + readings
        for event in events:
            if event.stimulus in (Stimulus.RAISE, Stimulus.ESCALATE, Stimulus.RAISE_LATE):
                self.alarms[event.rule] = self.alarms.get(event.rule, 0) + 1
