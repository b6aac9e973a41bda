"""The simulator's own encoder against the boxes' decoder: two programs of one description."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hazmon_edge import wire
from hazmon_sim.history import wire as sim
from hypothesis import given
from hypothesis import strategies as st

MADE_US = 1_774_886_400_000_000


@st.composite
def scans(draw: st.DrawFn) -> tuple[list[int], list[list[int]], list[list[int]], list[int]]:
    """Decimals of each column, integers [scan][column], quality codes alike, times."""
    decimals = draw(st.lists(st.integers(0, 6), min_size=1, max_size=7))
    rows = draw(st.integers(1, 5))
    numbers = [[draw(st.integers(-(2**29), 2**29)) for _ in decimals] for _ in range(rows)]
    quality = [[draw(st.sampled_from((0, 0, 0, 1, 2, 4, 8, 128, 129))) for _ in decimals] for _ in range(rows)]
    times = draw(st.lists(st.integers(0, 2**52), min_size=rows, max_size=rows))
    return decimals, numbers, quality, times


@given(scans(), st.booleans())
def test_values_qualities_and_times_come_back_bit_for_bit(
    found: tuple[list[int], list[list[int]], list[list[int]], list[int]], all_good: bool
) -> None:
    decimals, numbers, quality, times = found
    tags = [f"LT-{n}" for n in range(len(decimals))]
    group = sim.group("plc1#液位", 30_000_000, tags)
    digest = sim.group_digest(group)
    offsets = [time - MADE_US for time in times]
    codes = None if all_good else np.array(quality, np.uint8)
    block = sim.block(digest, offsets, decimals, np.array(numbers, np.int32), codes)
    misses = [sim.miss(digest, sim.WHOLE_GROUP, MADE_US, 7, 6), sim.miss(digest, 0, MADE_US + 1, 1, 3)]
    canonical = sim.batch(b"E01", 2**62, 9, b"12345678", MADE_US, [group], (1, block), misses)

    (unpacked,) = wire.unpack(sim.body([canonical]))
    batch = wire.decode(unpacked)

    assert batch.groups == (wire.Group("plc1#液位", 30_000_000, tuple(tags)),)
    assert batch.groups[0].digest == digest
    assert (batch.edge, batch.boot, batch.seq, batch.previous, batch.made_us) == ("E01", 2**62, 9, b"12345678", MADE_US)
    assert sim.link(canonical) == wire.link(wire.digest(canonical))
    assert batch.misses == (wire.Miss(digest, wire.WHOLE_GROUP, MADE_US, 7, 6), wire.Miss(digest, 0, MADE_US + 1, 1, 3))
    assert wire.encode(batch) == canonical
    back = wire.unpack_block(batch.blocks[0])
    assert list(back.times_us) == times
    assert (back.quality is None) == (all_good or not any(map(any, quality)))
    for row, line in enumerate(numbers):
        for column, number in enumerate(line):
            value = back.values[row * len(decimals) + column]
            code = 0 if all_good else quality[row][column]
            assert code == (0 if back.quality is None else back.quality[row * len(decimals) + column])
            if code >= wire.NO_VALUE:
                assert math.isnan(value)
            else:
                assert struct.pack("<d", value) == struct.pack("<d", number / 10 ** decimals[column])


@pytest.mark.parametrize("columns", [1, 2, 5])
def test_many_batches_at_once_are_the_same_blocks_as_one_by_one(columns: int) -> None:
    numbers = np.random.default_rng(4).integers(-1000, 1000, (6, 2, columns), dtype=np.int32)
    offsets = [-55_000_000, -25_000_000]
    together = sim.ordinary_blocks(b"8 bytes.", offsets, [1] * columns, numbers)
    for at in range(6):
        assert together[at].tobytes() == sim.block(b"8 bytes.", offsets, [1] * columns, numbers[at], None)
