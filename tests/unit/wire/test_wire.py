"""Wire version 1: every batch comes back bit for bit, and nothing else is taken for one."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
import zstandard
from hazmon_edge import wire
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wire.batches import DECIMALS, batches, blocks, group_of, noise, sample

from hazmon.errors import BatchError
from hazmon.ingest import accept, check_group, matrix, read_batch

ARRIVED = 1_767_225_600_000_000
US = 1_000_000


def bits(values: object) -> bytes:
    """IEEE bits of doubles; every NaN alike, for a reading without a value has no bits."""
    found = np.array(values, float)
    return np.where(np.isnan(found), np.nan, found).tobytes()


@given(batches())
@settings(max_examples=150)
def test_a_batch_comes_back(batch: wire.Batch) -> None:
    canonical = wire.encode(batch)
    assert wire.decode(canonical) == batch
    assert wire.encode(wire.decode(canonical)) == canonical
    assert wire.unpack(wire.pack([canonical, canonical])) == [canonical, canonical]


@given(blocks())
@settings(max_examples=300)
@example(wire.Block(bytes(8), [1], [-0.0], 1))
@example(wire.Block(bytes(8), [1, 2], [0.1, -0.0], 1))
@example(wire.Block(bytes(8), [1, 2], [float(2**30 - 1), float(1 - 2**30)], 1))
@example(wire.Block(bytes(8), [1], [3.4028234663852886e38], 1))
@example(wire.Block(bytes(8), [1, 2], [math.nan, 2.0], 1, bytes([128, 0])))
def test_a_block_comes_back_bit_for_bit_by_both_ways(block: wire.Block) -> None:
    packed = wire.pack_block(block)
    back = wire.unpack_block(packed)
    holes = np.zeros(len(block.values), bool)
    if block.quality is not None:
        holes = np.frombuffer(block.quality, np.uint8) >= wire.NO_VALUE
    wanted = np.where(holes, np.nan, np.array(block.values, float))
    assert bits(back.values) == bits(wanted)
    assert list(back.times_us) == list(block.times_us)
    assert (back.quality or bytes(len(wanted))) == (block.quality or bytes(len(wanted)))
    assert list(back.offsets_ms or [0] * len(wanted)) == list(block.offsets_ms or [0] * len(wanted))

    seen = matrix(packed, group_of(block))
    assert bits(seen.values) == bits(np.array(back.values).reshape(seen.values.shape))
    assert seen.times.tolist() == list(back.times_us)
    assert (None if seen.quality is None else seen.quality.tobytes()) == back.quality
    assert (None if seen.offsets is None else seen.offsets.ravel().tolist()) == (
        None if back.offsets_ms is None else list(back.offsets_ms)
    )


@pytest.mark.parametrize(("values", "kind", "width"), DECIMALS)
def test_a_column_takes_the_narrowest_kind_that_is_exact(values: list[float], kind: int, width: int) -> None:
    packed = wire.pack_block(wire.Block(bytes(8), list(range(len(values))), values, 1))
    assert packed.kinds[0] == kind
    assert len(packed.decimals) + len(packed.singles) + len(packed.doubles) == width * len(values)


def test_a_hole_costs_what_the_value_before_it_costs() -> None:
    packed = wire.pack_block(wire.Block(bytes(8), [1, 2, 3], [20.1, math.nan, 20.1], 1, bytes([0, 129, 0])))
    assert packed.kinds == bytes([2 << 4 | 1])
    assert packed.decimals == struct.pack("<3i", 201, 0, 0)[0::4] + struct.pack("<3i", 201, 0, 0)[1::4] + bytes(6)


@pytest.mark.parametrize("lengths", [([1], [1.0, 2.0, 3.0], 2), ([1, 2], [1.0], 1)])
def test_lengths_that_do_not_agree_are_refused(lengths: tuple[list[int], list[float], int]) -> None:
    times, values, points = lengths
    with pytest.raises(ValueError, match="need"):
        wire.pack_block(wire.Block(bytes(8), times, values, points))


def test_every_truncation_and_every_byte_too_many_is_refused() -> None:
    canonical = wire.encode(sample())
    for end in range(len(canonical)):
        with pytest.raises(wire.WireError):
            wire.decode(canonical[:end])
    with pytest.raises(wire.WireError, match="1 bytes behind the end"):
        wire.decode(canonical + b"\0")


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=500)
def test_changed_bytes_end_in_a_batch_or_a_plain_refusal(changes: list[tuple[int, int]]) -> None:
    canonical = bytearray(wire.encode(sample()))
    for at, value in changes:
        canonical[at % len(canonical)] = value
    take(bytes(canonical))


@given(noise())
@settings(max_examples=200)
def test_sizes_that_lie_are_refused_before_anything_is_allocated(canonical: bytes) -> None:
    take(canonical)


def take(canonical: bytes) -> None:
    """All that the park does with bytes from outside."""
    try:
        batch = read_batch(canonical)
        assert wire.encode(batch) == canonical
        groups = {block.group: group_of(wire.unpack_block(block)) for block in batch.blocks if block.points == 3}
        for group in batch.groups:
            check_group(group)
        accept(canonical, batch, groups, ARRIVED, ARRIVED + 60 * US)
    except (BatchError, wire.WireError):
        pass


def test_what_is_no_body() -> None:
    body = wire.pack([wire.encode(sample())])
    streamed = zstandard.ZstdCompressor(write_content_size=False).compress(b"abc")
    for wrong in (b"", b"abc", body[:-1], body + b"\0", body + body, streamed):
        with pytest.raises(wire.WireError, match="body"):
            wire.unpack(wrong)
    with pytest.raises(wire.WireError, match="truncated"):
        wire.unpack(zstandard.ZstdCompressor().compress(struct.pack("<I", 5) + b"abcd"))


def test_a_small_body_cannot_ask_for_much() -> None:
    with pytest.raises(wire.WireError, match=r"size up to \d+"):
        wire.unpack(zstandard.ZstdCompressor().compress(bytes(wire.MAX_UNPACKED + 1)))
    with pytest.raises(wire.WireError, match="4096 batches"):
        wire.unpack(zstandard.ZstdCompressor().compress(bytes(4 * wire.MAX_BATCHES + 4)))
    assert len(wire.unpack(zstandard.ZstdCompressor().compress(bytes(4 * wire.MAX_BATCHES)))) == wire.MAX_BATCHES
