"""GET /api/v1/points/{enterprise}/{tag}/readings: a point's past."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
import numpy as np
from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import AwareDatetime

from hazmon.api.instants import instant
from hazmon.api.points import found_point
from hazmon.api.room import TheRoom
from hazmon.api.views import ReadingsView
from hazmon.clock import MINUTE_US, US, iso
from hazmon.rules.frame import Ints
from hazmon.store import readings as record

router = APIRouter(tags=["readings"])
MAX_POINTS = 10_000
MOST_READ = 100_000  # readings that are fetched for one answer; longer spans are told by minutes
LONGEST_US = 366 * 86_400 * US


@router.get("/points/{enterprise}/{tag}/readings", response_model=ReadingsView)
async def read_point(
    enterprise: str,
    tag: str,
    room: TheRoom,
    start: Annotated[AwareDatetime, Query(description="with a time zone", examples=["2026-01-01T08:00:00Z"])],
    end: Annotated[AwareDatetime, Query(description="excluded; with a time zone", examples=["2026-01-01T09:00:00Z"])],
    max_points: Annotated[int, Query(ge=1, le=MAX_POINTS)] = 1000,
) -> Response:
    """Readings of a point in [start, end), at most 366 days: each of them if no more than `max_points`, else in buckets.

    Spans that hold more than 100,000 readings are told by minutes, the first from the whole minute before `start`; minutes
    follow the readings by a minute or two.
    """
    point = found_point(room, enterprise, tag)
    first, last = _span(start, end)
    async with room.connection() as connection:
        columns = await record.columns(connection, enterprise, tag)
        if record.owed(columns, first, last) > MOST_READ:
            first, last = first - first % MINUTE_US, last + -last % MINUTE_US
            minutes = -(-(last - first) // (max_points * MINUTE_US))
            buckets = await record.minute_buckets(connection, enterprise, tag, first, last, minutes)
            form, made_of, width, readings = "buckets", "minutes", minutes * 60.0, _buckets(buckets)
        else:
            series = await record.read(connection, columns, first, last)
            if series.times.size <= max_points:
                form, made_of, width, readings = "raw", "readings", None, _raw(series)
            else:
                buckets, width_us = record.downsample(series, first, last, max_points)
                form, made_of, width, readings = "buckets", "readings", width_us / US, _buckets(buckets)
    answer = {
        "point": point.id,
        "uom": point.uom,
        "start": iso(first),
        "end": iso(last),
        "form": form,
        "made_of": made_of,
        "bucket_s": width,
        "readings": readings,
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _span(start: datetime, end: datetime) -> tuple[int, int]:
    first, last = instant(start, "start"), instant(end, "end")
    if first >= last:
        raise HTTPException(422, "start must be before end")
    if last - first > LONGEST_US:
        raise HTTPException(422, "366 days at most")
    return first, last


def _raw(series: record.Series) -> list[dict[str, Any]]:
    columns = (_texts(series.times), series.values.tolist(), series.quality.tolist())
    return [{"at": at, "value": value, "quality": quality} for at, value, quality in zip(*columns, strict=True)]


def _buckets(buckets: record.Buckets) -> list[dict[str, Any]]:
    names = ("low", "high", "mean", "last", "good")
    columns = (_texts(buckets.at), *(getattr(buckets, name).tolist() for name in names))
    return [dict(zip(("at", *names), row, strict=True)) for row in zip(*columns, strict=True)]


def _texts(times: Ints) -> list[str]:
    """RFC 3339 texts of microseconds."""
    return [f"{text}Z" for text in np.datetime_as_string(times.astype("datetime64[us]")).tolist()]
