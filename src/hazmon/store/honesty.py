"""The look for gaming: reads what has newly come, holds it against itself and against the fingerprints of the past.

It looks at strips of at most STRIP_US of the whole park, each with a lead before it, so that what a border cuts is seen whole
the next time. Looking twice finds the same, and `fresh` makes nothing new of it. What was looked at stays due until the vetoes
are recorded, so neither a crash nor a restart loses a finding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from hazmon.clock import MINUTE_US, US
from hazmon.coverage.book import Veto
from hazmon.coverage.fingerprints import Strip, Windows, chosen, living, strip_of
from hazmon.coverage.honesty import (
    HOLE_US,
    LOOK_BACK_US,
    ClockStep,
    Copy,
    Finding,
    Suspect,
    against,
    clock_steps,
    copies,
    findings_of,
    fresh,
    vetoes_of,
    within,
)
from hazmon.rules.frame import Bools, ScanBlock
from hazmon.store import anchors
from hazmon.store.anchors import Due
from hazmon.store.pool import Connection
from hazmon.store.replay import scans_between

log = structlog.get_logger()

STRIP_US = 20 * MINUTE_US
LEAD_US = 10 * MINUTE_US
LEAD_SAMPLES = 360  # at least so many before a strip: more than the most that an accusation asks for
MOST_DUE = 50_000  # noted spans that are taken up in one look
MOST_STRIPS = 12  # in one look; the rest waits for the next
MOST_PASSES = 200  # different boxes and shifts that a strip is held against


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found; `done` are no longer due once the vetoes are recorded. `more`: there is more to look at now."""

    vetoes: list[Veto]
    done: list[int]
    strips: int
    more: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """A time to look at, [first, last] microseconds, of some boxes."""

    first: int
    last: int
    edges: frozenset[str]


async def look(connection: Connection, look_back: int = LOOK_BACK_US) -> Look:
    """Look at what is due. Nothing but fingerprints is written: who asked has the vetoes recorded, then calls `settle`."""
    noted = await anchors.due(connection, MOST_DUE)
    slices = slices_of(noted)
    soonest = min((each.last for each in noted if each.last is not None), default=0)
    most = max(MOST_STRIPS, sum(each.first <= soonest for each in slices))  # at least one of them is done with
    taken = slices[:most]
    names = await anchors.point_names(connection)
    found: list[Finding] = []
    for each in taken:
        found += vetoes_of(await _look_at(connection, each, look_back), names)
    found += await _clocks(connection, noted)
    left = slices[most].first if len(slices) > most else None
    done = [each.id for each in noted if left is None or each.last is None or each.last < left]
    vetoes = fresh(found, await anchors.known_vetoes(connection, _spans(found)))
    return Look(vetoes, done, len(taken), left is not None or len(noted) == MOST_DUE)


async def settle(connection: Connection, done: Look, now: int, look_back: int = LOOK_BACK_US) -> None:
    """The vetoes are recorded (or there were none): what they were found in is due no longer."""
    await anchors.settle(connection, done.done)
    await anchors.let_go(connection, now - look_back)


def slices_of(noted: Iterable[Due]) -> list[Slice]:
    """The time that is due, the boxes together, in pieces of at most STRIP_US; the oldest first."""
    spans = sorted((each.first, each.last, each.edge) for each in noted if each.first is not None and each.last is not None)
    found: list[Slice] = []
    todo = [(first, last, edge) for first, last, edge in spans]
    while todo:
        begin = todo[0][0]
        end = begin + STRIP_US
        part = [span for span in todo if span[0] < end]
        found.append(Slice(begin, min(end, max(last for _, last, _ in part)), frozenset(edge for _, _, edge in part)))
        todo = sorted([(end, last, edge) for _, last, edge in part if last > end] + [span for span in todo if span[0] >= end])
    return found


async def _look_at(connection: Connection, piece: Slice, look_back: int) -> list[Copy]:
    strip, begin = await _strip(connection, piece)
    found, picked = await asyncio.to_thread(_alone, strip)
    done = _covered(picked, strip, found)
    open_windows = Windows(picked.start[~done], picked.prints[~done])
    if open_windows.start.size:
        times = strip.times[open_windows.start]
        first, last = int(times.min()) - look_back, int(times.max()) + look_back
        past = await anchors.seen(connection, np.unique(open_windows.prints), first, last)
        asked = await asyncio.to_thread(against, strip, open_windows, *past)
        found += await _held_against(connection, strip, asked, begin, piece.last)
    if picked.start.size:
        looped = _covered(picked, strip, [copy for copy in found if _loops(copy)])
        kept = picked.start[~looped]
        await anchors.keep(connection, strip.points[kept], strip.times[kept], picked.prints[~looped])
    return found


def _alone(strip: Strip) -> tuple[list[Copy], Windows]:
    """Copies within the strip, and its chosen windows."""
    windows = living(strip)
    return _copies(within(strip, windows), strip, strip), chosen(strip, windows)


async def _held_against(
    connection: Connection, strip: Strip, asked: tuple[list[Suspect], list[Suspect]], begin: int, last: int
) -> list[Copy]:
    """The copies among these suspects, of whom the strip holds the later or the earlier showing. The other one is read."""
    names = await anchors.point_names(connection)
    passes: dict[tuple[str, int], list[Suspect]] = {}
    for suspects, sign in zip(asked, (-1, 1), strict=True):
        for each in suspects:
            away = names[each.other if sign < 0 else each.point].partition("/")[0]
            passes.setdefault((away, sign * round(each.shift / US)), []).append(each)
    if len(passes) > MOST_PASSES:
        log.warning("more suspicions than can be looked into at once", passes=len(passes), looked_into=MOST_PASSES)
    found: list[Copy] = []
    for (edge, shift), suspects in sorted(passes.items(), key=lambda entry: -len(entry[1]))[:MOST_PASSES]:
        wanted = {each.other if shift <= 0 else each.point for each in suspects}
        versions = [group for group in await anchors.groups(connection, [edge]) if wanted & set(group.points.tolist())]
        first, end = begin + shift * US - HOLE_US, last + shift * US + HOLE_US
        away = strip_of([await scans_between(connection, group, first, end) for group in versions])
        later, earlier = (strip, away) if shift <= 0 else (away, strip)
        found += await asyncio.to_thread(_copies, suspects, later, earlier)
    return found


def _copies(suspects: Iterable[Suspect], later: Strip, earlier: Strip) -> list[Copy]:
    return [copy for each in suspects for copy in copies(each, later.track(each.point), earlier.track(each.other))]


async def _strip(connection: Connection, piece: Slice) -> tuple[Strip, int]:
    """The scans of a time and of the lead before it, and where that begins."""
    blocks: list[ScanBlock] = []
    begin = piece.first - LEAD_US
    for group in await anchors.groups(connection, sorted(piece.edges)):
        first = piece.first - max(LEAD_US, LEAD_SAMPLES * group.period_us)
        block = await scans_between(connection, group, first, piece.last + 1)
        if block.times.size:
            blocks.append(block)
            begin = min(begin, first)
    return await asyncio.to_thread(strip_of, blocks), begin


async def _clocks(connection: Connection, noted: Sequence[Due]) -> list[Finding]:
    runs: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for each in noted:
        runs.setdefault((each.edge, each.boot), []).append((each.first_seq, each.last_seq))
    found: list[Finding] = []
    for (edge, boot), spans in runs.items():
        steps: list[ClockStep] = []
        for first, last in _merged(spans):
            clocks = await anchors.batch_clocks(connection, edge, boot, first, last)
            steps += clock_steps(edge, boot, [seq for seq, _ in clocks], [made for _, made in clocks])
        if steps:
            points = await anchors.tags_heard(connection, edge)
            for step in dict.fromkeys(steps):
                found += findings_of(step, points)
    return found


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same numbers; spans that overlap or follow each other as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def _loops(copy: Copy) -> bool:
    """A strip alone will always show it, so that it needs no anchors."""
    return copy.suspect.point == copy.suspect.other and copy.suspect.shift < LEAD_US


def _covered(windows: Windows, strip: Strip, found: Iterable[Copy]) -> Bools:
    """bool[w]: windows that begin in a stretch of replay of their point that is found already."""
    covered = np.zeros(windows.start.size, bool)
    points, times = strip.points[windows.start], strip.times[windows.start]
    for copy in found:
        if not copy.suspect.together:
            covered |= (points == copy.suspect.point) & (times >= copy.begin) & (times < copy.end)
    return covered


def _spans(found: Iterable[Finding]) -> dict[str, tuple[int, int]]:
    """The time of each point in which a veto matters to what was found."""
    spans: dict[str, tuple[int, int]] = {}
    for each in found:
        first, last = spans.get(each.point, (each.begin, each.end))
        spans[each.point] = min(first, each.begin - HOLE_US), max(last, each.end + HOLE_US)
    return spans
