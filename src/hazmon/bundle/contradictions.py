"""Where the park's own tables are not what its ledger says. The figures that people see are made of the tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hazmon.bundle.evidence import Evidence
from hazmon.bundle.figures import Span, judgement, open_book
from hazmon.bundle.pages import Grid, Key
from hazmon.clock import iso
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.facts import HOUR_SLOTS, SLOT_US
from hazmon.coverage.settled import concerns
from hazmon.coverage.slots import Slot, nothing_known
from hazmon.coverage.statements import duties_json, say_exemption, say_veto

DAY_SLOTS = 1440
MOST = 50  # sentences of one kind

PageRow = tuple[str, int, Sequence[str], bytes, int | None]
DayRow = tuple[str, int, bytes, bytes | None]


def pages(rows: Sequence[PageRow], sealed: Mapping[Key, Grid]) -> tuple[list[str], list[str]]:
    """Pages that are not as they were sealed; and those that wait for their seal and differ from what was sealed."""
    wrong: list[str] = []
    waiting: list[str] = []
    there: set[Key] = set()
    for source, hour, tags, facts, leaf in rows:
        there.add((source, hour))
        name = f"coverage_hour {source} {iso(hour * HOUR_SLOTS * SLOT_US)}"
        grid = sealed.get((source, hour))
        fault = _page_fault(tags, facts, grid)
        if fault is not None:
            (waiting if leaf is None else wrong).append(f"{name}: {fault}")
    for source, hour in sorted(sealed.keys() - there):
        wrong.append(f"coverage_hour {source} {iso(hour * HOUR_SLOTS * SLOT_US)}: was sealed, and is gone")
    return wrong[:MOST], waiting


def _page_fault(tags: Sequence[str], facts: bytes, grid: Grid | None) -> str | None:
    if len(facts) != len(tags) * HOUR_SLOTS:
        return f"has {len(facts)} bytes for {len(tags)} points"
    if grid is None:
        return "was never sealed"
    if set(tags) != set(grid.tags):
        return f"has the points {', '.join(tags)}; sealed were {', '.join(grid.tags)}"
    mine = np.frombuffer(facts, np.uint8).reshape(len(tags), HOUR_SLOTS)
    theirs = grid.facts[[grid.tags.index(tag) for tag in tags]]
    cells: list[list[int]] = np.argwhere(mine != theirs).tolist()
    if not cells:
        return None
    row, column = cells[0]
    more = f", and {len(cells) - 1} more" if len(cells) > 1 else ""
    return f"minute {column} of {tags[row]} is {mine[row, column]}, sealed was {theirs[row, column]}{more}"


def days(rows: Sequence[DayRow], evidence: Evidence, sealed: Mapping[Key, Grid], span: Span) -> list[str]:
    """Minutes that are judged otherwise than the sealed pages give; `span` with all slots that there is evidence of."""
    book = open_book(evidence, sealed, span.terms)
    by_day = {(source, day): (slots, failing) for source, day, slots, failing in rows}
    found: list[str] = []
    for source, enterprise in span.sources.items():
        whole = judgement(book, sealed, source, enterprise, span.first, span.end)
        lost = _unknown(evidence, source, span)
        for day in range(span.first // DAY_SLOTS, -(-span.end // DAY_SLOTS)):
            begin, end = max(span.first, day * DAY_SLOTS), min(span.end, (day + 1) * DAY_SLOTS)
            slots, failing = by_day.get((source, day), (bytes(DAY_SLOTS), None))
            name = f"coverage_day {source} {iso(day * DAY_SLOTS * SLOT_US)[:10]}"
            if len(slots) != DAY_SLOTS or (failing is not None and len(failing) != 4 * DAY_SLOTS):
                found.append(f"{name}: has {len(slots)} slots")
                continue
            units = np.zeros(DAY_SLOTS, np.uint32) if failing is None else np.frombuffer(failing, "<u4")
            there = slice(begin - day * DAY_SLOTS, end - day * DAY_SLOTS)
            mine = _known(np.frombuffer(slots, np.uint8)[there], units[there], lost, begin - span.first)
            at = slice(begin - span.first, end - span.first)
            assert whole.failing is not None  # noqa: S101 - `judgement` always tells
            theirs = _known(whole.slots[at], whole.failing[at], lost, begin - span.first)
            wrong = np.flatnonzero(mine != theirs)
            if wrong.size:
                minute = iso((begin + int(wrong[0])) * SLOT_US)
                told = f"{Slot(int(mine[wrong[0]]) & 7).name} for {Slot(int(theirs[wrong[0]]) & 7).name}"
                found.append(f"{name}: {minute} is {told}, and {wrong.size - 1} more minutes are not what the sealed facts give")
    return found[:MOST]


def _unknown(evidence: Evidence, source: str, span: Span) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """What a slot of which nothing is recorded comes to, slot by slot: its code and, above, its failing units."""
    found = np.zeros(span.end - span.first, np.uint64)
    for scheme in evidence.schemes:
        if source in scheme.duties and scheme.since < span.end:
            code, units = nothing_known(scheme.duties[source])
            found[max(0, scheme.since - span.first) :] = code | units << 3
    return found


def _known(
    slots: np.ndarray[tuple[int], np.dtype[np.uint8]],
    units: np.ndarray[tuple[int], np.dtype[np.uint32]],
    lost: np.ndarray[tuple[int], np.dtype[np.uint64]],
    at: int,
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Slots and failing units as one number each, what is unknown as it is judged when it is asked for."""
    told = slots.astype(np.uint64) | units.astype(np.uint64) << np.uint64(3)
    return np.where(slots == Slot.UNKNOWN, lost[at : at + slots.size], told)


def schemes(rows: Iterable[tuple[int, str, dict[str, Any]]], evidence: Evidence, end: int) -> list[str]:
    """Schemes that began before the slot `end` and are not as they were said."""
    said = {scheme.since: (scheme.digest, duties_json(scheme)) for scheme in evidence.schemes if scheme.since < end}
    there = {since: (digest, duties) for since, digest, duties in rows if since < end}
    return [
        f"coverage_scheme since {iso(since * SLOT_US)}: {_what(since in there, since in said)}"
        for since in sorted(said.keys() | there.keys())
        if said.get(since) != there.get(since)
    ]


def vetoes(rows: Iterable[tuple[str, str, str, int, int | None]], evidence: Evidence, points: set[str]) -> list[str]:
    """Vetoes of these points that are not as they were said."""
    said = {veto.id: tuple(say_veto(veto).values()) for veto in evidence.vetoes if veto.point in points}
    there = {row[0]: row for row in rows if row[1] in points or row[0] in said}
    return [
        f"coverage_veto {identity}: {_what(identity in there, identity in said)}"
        for identity in sorted(said.keys() | there.keys())
        if said.get(identity) != there.get(identity)
    ]


def exemptions(rows: Iterable[Exemption], evidence: Evidence, span: Span) -> list[str]:
    """Exemptions that concern the span and are not as they were said."""

    def inside(each: Exemption) -> bool:
        duties = [scheme.duties[source] for scheme in evidence.schemes for source in span.sources if source in scheme.duties]
        if each.begins >= span.end * SLOT_US or each.until <= span.first * SLOT_US:
            return False
        return any(concerns(each, duty) for duty in duties)

    said = {each.id: each for each in evidence.exemptions}
    there = {each.id: each for each in rows}
    wanted = {each.id for each in (*said.values(), *there.values()) if inside(each)}
    return [
        f"exemption {number}: {_differing(there.get(number), said.get(number))}"
        for number in sorted(wanted)
        if said.get(number) != there.get(number)
    ]


def events(rows: Mapping[int, Mapping[str, Any]], said: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Alarm events that are not as they were said; `said` by number, from the first one of the window to the log's end."""
    found: list[str] = []
    for number in sorted(rows.keys() | said.keys()):
        row, wanted = rows.get(number), said.get(number)
        if row is None or wanted is None:
            found.append(f"alarm_event {number}: {_what(row is not None, wanted is not None)}")
        elif dict(row) != dict(wanted):
            keys = [key for key in wanted if row.get(key) != wanted[key]]
            found.append(f"alarm_event {number}: {', '.join(keys)} not as recorded")
    return found[:MOST]


def _what(there: bool, said: bool) -> str:
    if there and said:
        return "is not as it was said to the ledger"
    return "stands in the table and was never said to the ledger" if there else "was said to the ledger, and is gone"


def _differing(row: Exemption | None, said: Exemption | None) -> str:
    if row is None or said is None:
        return _what(row is not None, said is not None)
    mine, theirs = say_exemption(row), say_exemption(said)
    return ", ".join(f"{key} is {mine[key]!r}, the ledger says {theirs[key]!r}" for key in mine if mine[key] != theirs[key])
