"""Readings of one point from the record: as they are, or as few buckets as a picture needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazmon.clock import MINUTE_US, US, as_datetime
from hazmon.model import Quality
from hazmon.rules.frame import MS, Floats, Ints
from hazmon.store.copy import HEADER, PG_EPOCH_US
from hazmon.store.pool import Connection

# A row of the COPY below: every field has a fixed width, so that numpy reads the answer as it is.
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("ts_length", ">i4"),
        ("ts", ">i8"),
        ("value_length", ">i4"),
        ("value", ">f8"),
        ("quality_length", ">i4"),
        ("quality", ">i4"),
        ("offset_length", ">i4"),
        ("offset", ">i4"),
    ]
)
_BUCKET = np.dtype(
    [("fields", ">i2")]
    + [
        field
        for name, kind in (
            ("at", ">i8"),
            ("low", ">f8"),
            ("high", ">f8"),
            ("mean", ">f8"),
            ("last", ">f8"),
            ("good", ">i8"),
        )
        for field in ((f"{name}_length", ">i4"), (name, kind))
    ]
)


@dataclass(frozen=True, slots=True)
class Column:
    """Where a point lies: the column (from 1) of a version of a scan group."""

    group: int
    number: int
    period_us: int


@dataclass(frozen=True, slots=True)
class Series:
    """Readings in time order: times int64[n] microseconds, values float64[n] (NaN = no number), quality uint8[n]."""

    times: Ints
    values: Floats
    quality: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Spans with at least one good reading, in time order: at int64[n] microseconds, the others of the good readings in it."""

    at: Ints
    low: Floats
    high: Floats
    mean: Floats
    last: Floats
    good: Ints


async def columns(connection: Connection, enterprise: str, tag: str) -> list[Column]:
    """Every group version that ever held the point."""
    rows = await (
        await connection.execute(
            "SELECT group_id, array_position(tags, %s), period_us FROM scan_group WHERE edge = %s AND %s = ANY(tags)",
            (tag, enterprise, tag),
        )
    ).fetchall()
    return [Column(*row) for row in rows]


async def read(connection: Connection, found: list[Column], start: int, end: int) -> Series:
    """Readings in [start, end) microseconds, the versions merged. A scan's readings may lie up to a minute beside its time."""
    parts = [await _read(connection, column, start, end) for column in found]
    rows = np.concatenate(parts) if parts else np.zeros(0, _ROW)
    times = rows["ts"].astype(np.int64) + PG_EPOCH_US + rows["offset"].astype(np.int64) * MS
    inside = (times >= start) & (times < end)
    order = np.argsort(times[inside], kind="stable")
    picked = rows[inside][order]
    return Series(times[inside][order], picked["value"].astype(np.float64), picked["quality"].astype(np.uint8))


async def _read(connection: Connection, column: Column, start: int, end: int) -> NDArray[np.void]:
    parts: list[bytes] = []
    async with (
        connection.cursor() as cursor,
        cursor.copy(
            'COPY (SELECT ts, "values"[%(n)s], COALESCE(get_byte(quality, %(n)s - 1), 0), COALESCE(offsets[%(n)s], 0)'
            " FROM scan WHERE group_id = %(group)s AND ts >= %(start)s AND ts < %(end)s"
            " AND COALESCE(get_byte(quality, %(n)s - 1), 0) <> 128) TO STDOUT (FORMAT binary)",
            {
                "n": column.number,
                "group": column.group,
                "start": as_datetime(start - MINUTE_US),
                "end": as_datetime(end + MINUTE_US),
            },
        ) as copy,
    ):
        async for part in copy:
            parts.append(bytes(part))
    return _rows(b"".join(parts), _ROW)


async def minute_buckets(connection: Connection, enterprise: str, tag: str, start: int, end: int, minutes: int) -> Buckets:
    """The minutes of [start, end), both whole minutes, merged into buckets of `minutes` minutes counted from `start`."""
    parts: list[bytes] = []
    async with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY (SELECT b, min(low), max(high), sum(mean * good) / sum(good), last(last, minute), sum(good)::bigint"
            " FROM (SELECT (extract(epoch FROM minute - %(start)s)::bigint / %(width)s) AS b, m.* FROM minute m"
            " JOIN point p USING (point_id) WHERE p.enterprise = %(enterprise)s AND p.tag = %(tag)s"
            " AND minute >= %(start)s AND minute < %(end)s) AS found GROUP BY b ORDER BY b) TO STDOUT (FORMAT binary)",
            {
                "enterprise": enterprise,
                "tag": tag,
                "start": as_datetime(start),
                "end": as_datetime(end),
                "width": minutes * 60,
            },
        ) as copy,
    ):
        async for part in copy:
            parts.append(bytes(part))
    rows = _rows(b"".join(parts), _BUCKET)
    low, high, mean, last = (rows[name].astype(np.float64) for name in ("low", "high", "mean", "last"))
    at = start + rows["at"].astype(np.int64) * minutes * MINUTE_US
    return Buckets(at, low, high, mean, last, rows["good"].astype(np.int64))


def downsample(series: Series, start: int, end: int, most: int) -> tuple[Buckets, int]:
    """At most `most` buckets over [start, end), and their width in microseconds. Only good readings are told."""
    width = max(1, -(-(end - start) // most))
    good = (series.quality == Quality.GOOD) | (series.quality == Quality.CLOCK_SUSPECT)
    times, values = series.times[good], series.values[good]
    bucket = (times - start) // width
    first = np.flatnonzero(np.diff(bucket, prepend=-1))
    if not first.size:
        none = np.zeros(0)
        return Buckets(np.zeros(0, np.int64), none, none, none, none, np.zeros(0, np.int64)), width
    count = np.diff(first, append=bucket.size)
    return (
        Buckets(
            at=start + bucket[first] * width,
            low=np.minimum.reduceat(values, first),
            high=np.maximum.reduceat(values, first),
            mean=np.add.reduceat(values, first) / count,
            last=values[first + count - 1],
            good=count.astype(np.int64),
        ),
        width,
    )


def _rows(body: bytes, row: np.dtype[np.void]) -> NDArray[np.void]:
    """The rows of a binary COPY with fixed fields: between its header and its two-byte end."""
    return np.frombuffer(body, row, offset=len(HEADER), count=(len(body) - len(HEADER) - 2) // row.itemsize)


def owed(found: list[Column], start: int, end: int) -> int:
    """How many readings [start, end) can hold at the cadence of the fastest version; the answer's size before it is read."""
    period = min((column.period_us for column in found), default=US)
    return (end - start) // max(1, period) + 1
