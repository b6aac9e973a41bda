"""The very step that production runs, over recorded scans: a minute of history at a time, which the rules find all the same in.

Readings only. Silence is not replayed: connections, boxes and points never go silent here, so STALE is not raised, and a named
rule takes a point that was silent as it was last read. Nor is what people did: nothing is acknowledged, shelved or exempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hazmon.alarms.alarm import AlarmEvent
from hazmon.clock import MINUTE_US
from hazmon.delivery import Delivery, ScanGroup
from hazmon.model import Park
from hazmon.plant import Plant
from hazmon.rules.frame import ScanBlock
from hazmon.step import step

CHUNK_US = MINUTE_US  # suppression by design is looked at so often
_EVER_S = 1e9


class Replay:
    """A plant of which nothing is known at `start` (microseconds), and that is told its scans chunk by chunk."""

    def __init__(self, park: Park, start: int) -> None:
        nothing_is_late = replace(park.settings, live_window_s=_EVER_S)
        self.plant = Plant.of(replace(park, settings=nothing_is_late, by_id={}, rows={}), start)
        self._seq = 0

    def take(self, scans: Sequence[tuple[ScanGroup, ScanBlock]], now: int) -> list[AlarmEvent]:
        """The events of the scans up to `now`, a block a group; chunks follow each other in time."""
        deliveries: dict[str, Delivery] = {}
        for group, block in scans:
            if group.edge in self.plant.boxes:
                found = deliveries.setdefault(group.edge, Delivery(group.edge, 1, self._seq, b"", b"", now, now))
                found.groups[group.id] = group
                found.blocks.append(block)
        self._seq += 1
        return step(self.plant, list(deliveries.values()), [], now, dict.fromkeys(self.plant.boxes))[0]
