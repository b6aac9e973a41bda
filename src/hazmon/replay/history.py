"""A stretch of the record, read span by span and replayed while the next one is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from hazmon.clock import MINUTE_US
from hazmon.delivery import ScanGroup
from hazmon.model import Park
from hazmon.rebuild import reach
from hazmon.replay.comparison import Ring, rings_of
from hazmon.replay.driver import CHUNK_US, Replay
from hazmon.rules.frame import ScanBlock
from hazmon.store.pool import Connection
from hazmon.store.register import Register
from hazmon.store.replay import groups_with_scans, raises_between, scans_between

SPAN_US = 20 * MINUTE_US  # of the whole park some 15 MB

Scans = list[tuple[ScanGroup, ScanBlock]]
Progress = Callable[[int, int], None]


async def replay(connection: Connection, park: Park, start: int, end: int, progress: Progress) -> list[Ring]:
    """What would have rung in [start, end), microseconds, by time; the rules' windows are filled from the scans before.

    `progress` is told how far it has come, microseconds, and how many readings that were.
    """
    driver = Replay(park, start)
    first = start - reach(driver.plant)
    known = await Register(park, ()).groups(connection)
    present = await groups_with_scans(connection, first, end)
    groups = [group for group in known.values() if group.id in present and (group.points >= 0).any()]
    rings: list[Ring] = []
    readings = 0
    begin = first
    reading = asyncio.create_task(_read(connection, groups, begin, min(end, begin + SPAN_US)))
    while begin < end:
        scans = await reading
        until = min(end, begin + SPAN_US)
        if until < end:
            reading = asyncio.create_task(_read(connection, groups, until, min(end, until + SPAN_US)))
        found = await asyncio.to_thread(_drive, driver, scans, begin, until)
        rings += [ring for ring in found if ring.at >= start]
        readings += sum(block.readings for _, block in scans)
        begin = until
        progress(until, readings)
    return sorted(rings, key=lambda ring: ring.at)


async def recorded(connection: Connection, start: int, end: int) -> list[Ring]:
    """What rang in [start, end), microseconds, as the record has it."""
    found = await raises_between(connection, start, end)
    return [Ring(each.at, each.subject, each.rule, each.value, each.suppressed, each.late) for each in found]


async def _read(connection: Connection, groups: Sequence[ScanGroup], start: int, end: int) -> Scans:
    return [(group, await scans_between(connection, group, start, end)) for group in groups]


def _drive(driver: Replay, scans: Scans, start: int, end: int) -> list[Ring]:
    """The span in chunks; blocks are cut as views."""
    edges = [*range(start, end, CHUNK_US), end]
    cuts = [np.searchsorted(block.times, edges).tolist() for _, block in scans]
    rings: list[Ring] = []
    for number, now in enumerate(edges[1:]):
        chunk = [
            (group, _part(block, slice(cut[number], cut[number + 1])))
            for (group, block), cut in zip(scans, cuts, strict=True)
            if cut[number] < cut[number + 1]
        ]
        rings += rings_of(driver.take(chunk, now))
    return rings


def _part(block: ScanBlock, rows: slice) -> ScanBlock:
    quality = None if block.quality is None else block.quality[rows]
    offsets = None if block.offsets is None else block.offsets[rows]
    if quality is not None and not quality.any():
        quality = None
    return ScanBlock(block.group, block.times[rows], block.values[rows], quality, offsets, block.points)
