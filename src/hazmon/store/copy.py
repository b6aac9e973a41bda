"""Scan rows as PostgreSQL's binary COPY wants them, built by numpy: no Python per row, none per reading.

Format: https://www.postgresql.org/docs/17/sql-copy.html#SQL-COPY-FILE-FORMATS (fields are length-prefixed, big-endian;
timestamptz counts microseconds from 2000-01-01; an array is ndim, has-null, element type, then size and lower bound).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from hazmon.rules.frame import ScanBlock

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
PG_EPOCH_US = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970
_FLOAT8, _INT4 = 701, 23
_MAX_LAG_MS = 2**31 - 1


@lru_cache(maxsize=4096)
def row_type(points: int, quality: bool, offsets: bool) -> np.dtype[Any]:
    """The record of one scan row: (ts, group_id, lag_ms, values, quality, offsets)."""
    array_head = [("length", ">i4"), ("ndim", ">i4"), ("nulls", ">i4"), ("type", ">i4"), ("size", ">i4"), ("low", ">i4")]
    fields: list[Any] = [
        ("fields", ">i2"),
        ("ts_length", ">i4"),
        ("ts", ">i8"),
        ("group_length", ">i4"),
        ("group", ">i4"),
        ("lag_length", ">i4"),
        ("lag", ">i4"),
        ("values_head", array_head),
        ("values", [("length", ">i4"), ("value", ">f8")], (points,)),
        ("quality_length", ">i4"),
    ]
    if quality:
        fields.append(("quality", "u1", (points,)))
    if offsets:
        fields += [("offsets_head", array_head), ("offsets", [("length", ">i4"), ("value", ">i4")], (points,))]
    else:
        fields.append(("offsets_length", ">i4"))
    return np.dtype(fields)


def scan_rows(block: ScanBlock, arrived: int) -> bytes:
    """COPY rows of a block that arrived at that microsecond."""
    rows, points = block.values.shape
    record = np.zeros(rows, row_type(points, block.quality is not None, block.offsets is not None))
    record["fields"] = 6
    record["ts_length"] = 8
    record["ts"] = block.times - PG_EPOCH_US
    record["group_length"] = record["lag_length"] = 4
    record["group"] = block.group
    record["lag"] = np.clip((arrived - block.times) // 1000, -_MAX_LAG_MS, _MAX_LAG_MS)
    _array(record, "values", _FLOAT8, 8, points)
    record["values"]["value"] = block.values
    if block.quality is None:
        record["quality_length"] = -1
    else:
        record["quality_length"] = points
        record["quality"] = block.quality
    if block.offsets is None:
        record["offsets_length"] = -1
    else:
        _array(record, "offsets", _INT4, 4, points)
        record["offsets"]["value"] = block.offsets
    return record.tobytes()


def _array(record: np.ndarray[Any, np.dtype[Any]], name: str, kind: int, width: int, points: int) -> None:
    head = record[f"{name}_head"]
    head["length"] = 20 + points * (4 + width)
    head["ndim"] = 1
    head["type"] = kind
    head["size"] = points
    head["low"] = 1
    record[name]["length"] = width
