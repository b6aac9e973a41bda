"""A small park for tests: points, groups and deliveries in a line each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hazmon_edge import wire

from hazmon.alarms.alarm import AlarmEvent
from hazmon.clock import US
from hazmon.delivery import Delivery, GroupMiss, ScanGroup
from hazmon.model import Enterprise, MissCause, Park, Point, Quantity, Settings
from hazmon.rulebook import Limits
from hazmon.rules.frame import ScanBlock

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
NAN = float("nan")


def point(tag: str, limits: Limits | None = None, edge: str = "E01") -> Point:
    """A level in metres, read each second, H at 10.5 without delays unless told otherwise."""
    rules = Limits(h=10.5, deadband=0.1) if limits is None else limits
    return Point(edge, tag, f"{edge}-S1", "V-1", "液位", "level", Quantity.LEVEL, "m", 0, 100, 1, rules)


def park(*points: Point, queue_batches: int = 512) -> Park:
    """A park of these points, an enterprise an edge."""
    edges = sorted({p.enterprise for p in points})
    settings = Settings("园区", "park", queue_batches=queue_batches)
    return Park(settings, tuple(Enterprise(edge, edge, edge, 0, ()) for edge in edges), points)


def group(of: Park, name: str = "plc1", edge: str = "E01", tags: Sequence[str] | None = None, number: int = 1) -> ScanGroup:
    """A scan group of a box, of all its points unless told otherwise."""
    found = [p.tag for p in of.points if p.enterprise == edge] if tags is None else tags
    points = np.array([of.by_id.get(f"{edge}/{tag}", -1) for tag in found], np.int64)
    return ScanGroup(number, edge, name, US, wire.Group(name, US, tuple(found)).digest, tuple(found), points)


def scans(
    of: ScanGroup, first_s: float, values: Sequence[float | Sequence[float]], quality: Sequence[Sequence[int]] | None = None
) -> ScanBlock:
    """Scans a period apart from `first_s` seconds after START; a plain number is every point's value."""
    t, n = len(values), len(of.tags)
    cells = np.array([np.broadcast_to(np.asarray(row, float), (n,)) for row in values])
    times = START + round(first_s * US) + np.arange(t, dtype=np.int64) * of.period_us
    return ScanBlock(of.id, times, cells, None if quality is None else np.array(quality, np.uint8), None, of.points)


def delivery(
    of: ScanGroup,
    seq: int,
    arrived_s: float,
    *blocks: ScanBlock,
    misses: Sequence[GroupMiss] = (),
    boot: int = 1,
    made_s: float | None = None,
) -> Delivery:
    """A batch of these blocks of one group, arriving `arrived_s` seconds after START."""
    arrived = START + round(arrived_s * US)
    made = arrived if made_s is None else START + round(made_s * US)
    number = boot.to_bytes(8, "big") + seq.to_bytes(8, "big")
    return Delivery(of.edge, boot, seq, number, bytes(8), made, arrived, {of.id: of}, list(blocks), list(misses))


def missed(
    of: ScanGroup, at_s: float, count: int = 1, cause: MissCause = MissCause.TIMEOUT, column: int | None = None
) -> GroupMiss:
    """Misses of a group from `at_s` seconds after START."""
    return GroupMiss(of, column, START + round(at_s * US), count, cause)


def told(events: Sequence[AlarmEvent]) -> list[str]:
    """Events as `10s LT-1.H normal -> unacknowledged`."""
    return [f"{(e.at - START) / US:g}s {e.alarm.subject.tag}.{e.rule} {e.before} -> {e.alarm.state}" for e in events]
