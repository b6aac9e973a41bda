"""Which share of the time each source was really monitored, and what was missing why: the auditor asks the record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import AwareDatetime

from hazmon.api.coverage_files import MEDIA, REPORT_CONTENT, Format, exported
from hazmon.api.coverage_json import gap_json, lines, targets_json, whole
from hazmon.api.coverage_views import CoverageView, GapsView, TargetsView
from hazmon.api.instants import instant
from hazmon.api.paging import Cursor, Limit, Only, bad_cursor
from hazmon.api.room import Room, TheRoom
from hazmon.auditing.evidence import detailed_rows
from hazmon.auditing.evidence import gaps as evidence_gaps
from hazmon.auditing.report import rates, report
from hazmon.auditing.window import Reading, open_window, read
from hazmon.bundle.making import Question, build
from hazmon.clock import US, as_us, iso
from hazmon.coverage.account import total
from hazmon.coverage.calendar import Step, edges, local_day, midnight
from hazmon.coverage.facts import SLOT_US
from hazmon.coverage.figures import By, count, names_of, rows
from hazmon.coverage.report import Row
from hazmon.errors import NotFound

router = APIRouter(tags=["coverage"])
DAY_US = 86_400 * US
LONGEST_DAYS = 400
LONGEST_POINT_DAYS = 31
From = Annotated[
    AwareDatetime | None, Query(alias="from", description="with a time zone; the local midnight before `to` if not given")
]
To = Annotated[AwareDatetime | None, Query(description="excluded; with a time zone; now if not given")]
Of = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$", description="a source or an enterprise")]


@router.get("/coverage", response_model=CoverageView)
async def coverage(
    room: TheRoom, start: From = None, to: To = None, by: By = By.SOURCE, step: Step = Step.ALL, of: Of = None
) -> Response:
    """Coverage over [from, to), at most 400 days, of all or of one source or enterprise.

    By group or point: `of` one source or enterprise; by point at most 31 days.
    404: no such source or enterprise; 409: the park does not say what must be monitored.
    """
    detailed = by in (By.GROUP, By.POINT)
    begin, end = asked_range(room, start, to, LONGEST_POINT_DAYS if by is By.POINT else LONGEST_DAYS)
    if detailed and of is None:
        raise HTTPException(422, f"by {by}: name one source or enterprise with `of`")
    found = await read_window(room, begin, end, of)
    told = await detailed_rows(room.connection, found, by, step, room.clock.now()) if detailed else None
    body = await asyncio.to_thread(_answer, found, (begin, end), by, step, told)
    return Response(body, media_type="application/json")


@router.get("/coverage/targets", response_model=TargetsView)
async def coverage_targets(room: TheRoom, start: From = None, to: To = None) -> Response:
    """How many sources are monitored on line and how many are equipped, today so far or in [from, to), at most 400 days.

    A source is on line when its net coverage reaches `online_min`. 409: the park does not say what must be monitored.
    """
    begin, end = asked_range(room, start, to, LONGEST_DAYS)
    found = await read_window(room, begin, end, None)
    period = "today" if start is None and to is None else "asked"
    if period == "today" and found.window.first >= found.window.end:
        period, begin = "yesterday", previous_midnight(begin, found.window.zone)
        found = await read_window(room, begin, end, None)
    body = await asyncio.to_thread(_targets, found, (begin, end), period)
    return Response(body, media_type="application/json")


@router.get("/coverage/gaps", response_model=GapsView)
async def coverage_gaps(
    room: TheRoom,
    start: From = None,
    to: To = None,
    source: Only = None,
    enterprise: Only = None,
    minutes: Annotated[int, Query(ge=1, le=1_000_000, description="none shorter than this")] = 1,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Where sources were not monitored, over at most 400 days, cut where the cause changes: source by source, in order of time.

    404: no such source or enterprise; 409: the park does not say what must be monitored.
    """
    begin, end = asked_range(room, start, to, LONGEST_DAYS)
    found = await read_window(room, begin, end, source or enterprise)
    if source is not None and (source not in found.window.sources or enterprise not in (None, found.window.sources[source])):
        raise NotFound(f"no source {source}" if enterprise is None else f"no source {source} in {enterprise}")
    after = None if cursor is None else _slot_of(cursor)
    gaps, more = await evidence_gaps(room.connection, found, room.clock.now(), after, limit, minutes)
    answer: dict[str, Any] = _frame(found, (begin, end)) | {
        "items": [gap_json(gap) for gap in gaps],
        "next": gaps[-1].id if more else None,
    }
    return Response(await asyncio.to_thread(msgspec.json.encode, answer), media_type="application/json")


@router.get("/coverage/report", response_class=Response, responses={200: {"content": REPORT_CONTENT}})
async def coverage_report(
    room: TheRoom,
    start: From = None,
    to: To = None,
    of: Of = None,
    kind: Annotated[
        Format, Query(alias="format", description="csv: UTF-8 with BOM, as Excel wants it; bundle: for `hazmon verify`")
    ] = Format.PDF,
) -> Response:
    """The report over [from, to), at most 400 days, of all or of one source or enterprise. The same query twice: the same bytes.

    404: no such source or enterprise; 409: the park does not say what must be monitored, or the range is not sealed yet (bundle).
    """
    begin, end = asked_range(room, start, to, LONGEST_DAYS)
    found = await read_window(room, begin, end, of)
    if kind is Format.BUNDLE:
        sources = None if of is None else list(found.window.sources)
        async with room.pool.connection() as connection:
            body = await build(connection, room.verifiers, Question(begin, end, sources))
    else:
        made = await report(room.connection, found, room.clock.now())
        body = await asyncio.to_thread(exported, made, kind)
    name = f"coverage-{local_day(found.window.first, found.window.zone):%Y%m%d}.{'zip' if kind is Format.BUNDLE else kind}"
    return Response(body, media_type=MEDIA[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'})


def asked_range(room: Room, start: datetime | None, to: datetime | None, days: int) -> tuple[int, int]:
    """Microseconds [from, to); 422 when it is no range, or too long."""
    end = room.clock.now() if to is None else instant(to, "to")
    zone = ZoneInfo(room.park.settings.timezone)
    begin = midnight(local_day((end - 1) // SLOT_US, zone), zone) * SLOT_US if start is None else instant(start, "from")
    if begin >= end:
        raise HTTPException(422, "from must be before to")
    if end - begin > days * DAY_US:
        raise HTTPException(422, f"{days} days at most")
    return begin, end


async def read_window(room: Room, begin: int, end: int, of: str | None) -> Reading:
    """What the record says of the range."""
    async with room.connection() as connection:
        return await read(connection, await open_window(connection, room.park, begin, end, room.clock.now(), of))


def previous_midnight(at: int, zone: ZoneInfo) -> int:
    """The local midnight a day before that one."""
    return midnight(local_day(at // SLOT_US, zone) - timedelta(days=1), zone) * SLOT_US


def _slot_of(cursor: str) -> tuple[str, int]:
    source, _, minute = cursor.rpartition("@")
    try:
        return source, as_us(datetime.strptime(minute, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)) // SLOT_US
    except ValueError:
        raise bad_cursor() from None


def _frame(found: Reading, asked: tuple[int, int]) -> dict[str, Any]:
    window = found.window
    return {
        "from": iso(asked[0]),
        "to": iso(asked[1]),
        "counted_to": iso(window.end * SLOT_US),
        "timezone": window.zone.key,
        "simulated": window.simulated,
    }


def _answer(found: Reading, asked: tuple[int, int], by: By, step: Step, detailed: list[Row] | None) -> bytes:
    window = found.window
    told = detailed
    if told is None:
        told = rows(count(found.settled(), edges(window.first, window.end, step, window.zone)), by, names_of(window.park))
    answer = _frame(found, asked) | {
        "by": by,
        "step": step,
        "rows": lines(told),
        "total": whole(total(row.tally for row in told)),
    }
    return msgspec.json.encode(answer)


def _targets(found: Reading, asked: tuple[int, int], period: str) -> bytes:
    window = found.window
    names = names_of(window.park)
    figures_of = rows(count(found.settled(), edges(window.first, window.end, Step.ALL, window.zone)), By.SOURCE, names)
    answer = _frame(found, asked) | targets_json(rates(window, figures_of), window.rules.online_min, names) | {"period": period}
    return msgspec.json.encode(answer)
