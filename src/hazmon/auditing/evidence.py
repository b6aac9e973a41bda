"""What lies under figures, read from the record: by group, by point, and gap by gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from hazmon.auditing.window import Reading, Window
from hazmon.coverage.book import Veto
from hazmon.coverage.calendar import Step, edges
from hazmon.coverage.facts import HOUR_SLOTS, SLOT_US
from hazmon.coverage.figures import By, names_of
from hazmon.coverage.gaps import Stretch, split, stretches
from hazmon.coverage.pages import Evidence, by_point, group_rows, point_rows
from hazmon.coverage.report import Gap, Row
from hazmon.coverage.settled import Settled
from hazmon.store import audit_pages as record
from hazmon.store.park_runs import down_between
from hazmon.store.pool import Connection

Connecting = Callable[[], AbstractAsyncContextManager[Connection]]
AT_ONCE = 200  # stretches whose pages are read in one go,
AT_ONCE_SLOTS = 60 * 24 * 31  # as long as they are not longer than this together


@dataclass(frozen=True, slots=True)
class Under:
    """What is the same for all sources of a window."""

    window: Window
    vetoes: dict[str, dict[str, Veto]]
    down: list[tuple[int, int]]

    async def of(self, connection: Connection, settled: Settled, spans: Sequence[tuple[int, int]]) -> Evidence:
        """The evidence of a source over some stretches of slots."""
        hours = _merged([(first // HOUR_SLOTS, -(-end // HOUR_SLOTS)) for first, end in spans])
        wanted = [(name, *span) for name in (settled.source, settled.enterprise) for span in hours]
        return Evidence(settled, self.window.schemes, await record.pages(connection, wanted), self.vetoes, self.down)


async def under(connection: Connection, window: Window, now: int) -> Under:
    """Vetoes and the service's own absence."""
    begin, end = window.first * SLOT_US, window.end * SLOT_US
    vetoes = by_point(await record.vetoes_between(connection, begin, end))
    return Under(window, vetoes, await down_between(connection, begin, end, now))


async def detailed_rows(connecting: Connecting, reading: Reading, by: By, step: Step, now: int) -> list[Row]:
    """Lines by group or by point, a source after the other."""
    window = reading.window
    cut = edges(window.first, window.end, step, window.zone)
    if not cut:
        return []
    names = names_of(window.park)
    groups = {each.id: (each.name, each.name_en) for each in window.rules.groups.values()}
    async with connecting() as connection:
        base = await under(connection, window, now)
    found: list[Row] = []
    for settled in await asyncio.to_thread(reading.settled):
        async with connecting() as connection:
            evidence = await base.of(connection, settled, [(window.first, window.end)])
        if by is By.GROUP:
            found += await asyncio.to_thread(group_rows, evidence, cut, names, groups)
        else:
            found += await asyncio.to_thread(point_rows, evidence, cut, names)
    return found


async def gaps(
    connecting: Connecting, reading: Reading, now: int, after: tuple[str, int] | None, limit: int, least_slots: int
) -> tuple[list[Gap], bool]:
    """The gaps of at least so many slots behind `after` (source and first slot), a source after the other, in order of time.

    No more than `limit`; whether there are more.
    """
    whole = await asyncio.to_thread(reading.settled)
    found: list[Gap] = []
    async for gap in _gaps(connecting, reading, _behind(whole, after), now, least_slots):
        if after is not None and gap.source == after[0] and gap.begin // SLOT_US <= after[1]:
            continue
        if len(found) == limit:
            return await _with_batches(connecting, reading.window, found), True
        found.append(gap)
    return await _with_batches(connecting, reading.window, found), False


async def longest_gaps(
    connecting: Connecting, reading: Reading, settled: Sequence[Settled], now: int, most: int
) -> tuple[list[Gap], int]:
    """The gaps of the `most` longest stretches, in order, and how many stretches were left out."""
    every = [each for source in settled for each in stretches(source)]
    chosen = set(sorted(every, key=lambda each: (each.first - each.end, each.source, each.first))[:most])
    wanted = [(source, [each for each in stretches(source) if each in chosen]) for source in settled]
    found = [gap async for gap in _gaps(connecting, reading, wanted, now, 1)]
    return await _with_batches(connecting, reading.window, found), len(every) - len(chosen)


def _behind(settled: Sequence[Settled], after: tuple[str, int] | None) -> list[tuple[Settled, list[Stretch]]]:
    """The sources from the cursor's on, with their stretches that are not over at the cursor."""
    first = 0
    if after is not None:
        first = next((number for number, each in enumerate(settled) if each.source == after[0]), len(settled))
    found: list[tuple[Settled, list[Stretch]]] = []
    for number, each in enumerate(settled[first:]):
        at = after[1] if after is not None and number == 0 else -1
        found.append((each, [stretch for stretch in stretches(each) if stretch.end > at]))
    return found


async def _gaps(
    connecting: Connecting, reading: Reading, wanted: Sequence[tuple[Settled, list[Stretch]]], now: int, least_slots: int
) -> AsyncGenerator[Gap]:
    async with connecting() as connection:
        base = await under(connection, reading.window, now)
    for settled, own in wanted:
        for part in _portions([each for each in own if each.end - each.first >= least_slots]):
            async with connecting() as connection:
                evidence = await base.of(connection, settled, [(each.first, each.end) for each in part])
            for gap in await asyncio.to_thread(_split_all, part, evidence, reading):
                if gap.slots >= least_slots:
                    yield gap


def _split_all(part: Sequence[Stretch], evidence: Evidence, reading: Reading) -> list[Gap]:
    grace_s = reading.window.rules.grace_s
    return [gap for stretch in part for gap in split(stretch, evidence, reading.exemptions, grace_s)]


def _portions(every: Sequence[Stretch]) -> list[list[Stretch]]:
    found: list[list[Stretch]] = []
    slots = AT_ONCE_SLOTS
    for each in every:
        slots += each.end - each.first
        if slots > AT_ONCE_SLOTS or len(found[-1]) == AT_ONCE:
            found.append([])
            slots = each.end - each.first
        found[-1].append(each)
    return found


async def _with_batches(connecting: Connecting, window: Window, found: Sequence[Gap]) -> list[Gap]:
    if not found:
        return []
    async with connecting() as connection:
        around = await record.neighbours(connection, [(window.sources[gap.source], gap.begin, gap.end) for gap in found])
    return [replace(gap, before=before, after=after) for gap, (before, after) in zip(found, around, strict=True)]


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that do not overlap, so that no page is read twice."""
    found: list[tuple[int, int]] = []
    for first, end in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((first, end))
    return found
