"""Batches for the tests of the wire: drawn ones, lying ones, and one sample that has everything."""

from __future__ import annotations

import math
import struct

import numpy as np
from hazmon_edge import wire
from hypothesis import strategies as st

from hazmon.delivery import ScanGroup

DECIMALS: list[tuple[list[float], int, int]] = [
    ([1.0, -2.0, 0.0], 2 << 4, 4),
    ([20.5, 20.25], 2 << 4 | 2, 4),
    ([0.000001, 1.5], 2 << 4 | 6, 4),
    ([float(np.float32(20.1)), 3.0], 3 << 4 | 1, 4),
    ([0.0, -0.0], 1 << 4, 4),
    ([float(np.float32(1e10)), 1.0], 1 << 4, 4),
    ([0.1, -0.0], 0, 8),
    ([1e-300], 0, 8),
    ([5e-324], 0, 8),
    ([math.pi], 0, 8),
    ([math.inf], 0, 8),
    ([2.0**40], 1 << 4, 4),
]


def _tenths(n: int, places: int) -> float:
    return round(n / 10**places, places)


_decimal: st.SearchStrategy[float] = st.builds(_tenths, st.integers(-(10**6), 10**6), st.integers(0, 6))
_number: st.SearchStrategy[float] = (
    _decimal
    | st.floats(allow_nan=False)
    | st.floats(width=32, allow_nan=False)
    | st.sampled_from([0.0, -0.0, 5e-324, 2.0**30, -(2.0**30), 2.0**53, 1e22])
)
_i64 = st.integers(-(2**62), 2**62)


@st.composite
def blocks(draw: st.DrawFn) -> wire.Block:
    """A block of up to 6 scans of up to 4 points; a column is drawn from one kind of number."""
    t, n = draw(st.integers(0, 6)), draw(st.integers(1, 4))
    columns = [draw(st.lists(draw(st.sampled_from([_decimal, _number])), min_size=t, max_size=t)) for _ in range(n)]
    values = [column[row] for row in range(t) for column in columns]
    codes = st.lists(st.sampled_from([0, 0, 4, 8, 128, 129]), min_size=t * n, max_size=t * n)
    quality = bytes(draw(codes)) if draw(st.booleans()) else None
    if quality is not None:
        values = [math.nan if code >= 128 else value for value, code in zip(values, quality, strict=True)]
    i32 = st.integers(-(2**31), 2**31 - 1)
    offsets = draw(st.none() | st.lists(i32, min_size=t * n, max_size=t * n))
    times = draw(st.lists(st.integers(0, 2**61), min_size=t, max_size=t))
    return wire.Block(draw(st.binary(min_size=8, max_size=8)), times, values, n, quality, offsets)


@st.composite
def batches(draw: st.DrawFn) -> wire.Batch:
    """Any batch."""
    u64 = st.integers(0, 2**64 - 1)
    text = st.text(max_size=12).filter(lambda found: "\x1f" not in found)
    groups = st.builds(wire.Group, text, _i64, st.lists(text, min_size=1, max_size=4).map(tuple))
    misses = st.builds(
        wire.Miss, st.binary(min_size=8, max_size=8), st.integers(0, 0xFFFF), _i64, st.integers(0, 2**32 - 1), st.integers(0, 255)
    )
    return wire.Batch(
        draw(text),
        draw(u64),
        draw(u64),
        draw(st.binary(min_size=8, max_size=8)),
        draw(_i64),
        tuple(draw(st.lists(groups, max_size=3))),
        tuple(wire.pack_block(block) for block in draw(st.lists(blocks(), max_size=2))),
        tuple(draw(st.lists(misses, max_size=3))),
    )


@st.composite
def noise(draw: st.DrawFn) -> bytes:
    """A head that announces anything, and a few bytes behind it."""
    edge = b"E01"
    head = struct.pack("<QQ8sqHHI", 1, 1, bytes(8), 0, *(draw(st.integers(0, 2**16 - 1)) for _ in range(2)), 2**32 - 1)
    block = struct.pack("<8sIHB", bytes(8), draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**16 - 1)), 3)
    return b"HZ\1\0" + bytes([len(edge)]) + edge + head + draw(st.binary(max_size=60)) + block + draw(st.binary(max_size=60))


def group_of(block: wire.Block) -> ScanGroup:
    """A group for the block, as the park would know it."""
    tags = tuple(f"T{n}" for n in range(block.points))
    return ScanGroup(1, "E01", "plc1", 1_000_000, block.group, tags, np.arange(block.points))


def sample() -> wire.Batch:
    """A batch with every kind of column, quality, offsets, groups and misses: the golden bytes of version 1."""
    group = wire.Group("plc1", 1_000_000, ("LT-1101", "TT-1101", "阀-1101"))
    sensors = wire.Group("mqtt:E01-S1", 1_000_000, ("GT-1101", "GT-1102"))
    start = 1_767_225_600_000_000
    plc = wire.Block(
        group.digest,
        [start, start + 1_000_000, start + 2_000_100],
        [10.5, float(np.float32(20.1)), 1.0, 10.6, float(np.float32(20.2)), -0.0, 10.55, math.nan, 1.0],
        3,
        bytes([0, 0, 0, 0, 0, 4, 0, 128, 0]),
    )
    mqtt = wire.Block(sensors.digest, [start + 500_000], [math.pi, 5e-324], 2, None, [-3, 250])
    return wire.Batch(
        "E01",
        2**63 - 1,
        42,
        bytes(range(8)),
        start + 2_100_000,
        (group, sensors),
        (wire.pack_block(plc), wire.pack_block(mqtt)),
        (wire.Miss(group.digest, 1, start + 2_000_100, 1, 4), wire.Miss(sensors.digest, wire.WHOLE_GROUP, start, 60, 2)),
    )
