"""What a box may not say is refused by name and counted; the rest of its batch is kept."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hazmon_edge import wire
from hypothesis import given, settings
from hypothesis import strategies as st
from park import START

from hazmon.clock import US
from hazmon.delivery import Delivery, Refused, ScanGroup
from hazmon.errors import BatchError
from hazmon.ingest import UnknownGroup, accept, check_group, read_batch

GROUP = wire.Group("plc1", US, ("LT-1", "LT-2", "GONE"))
KNOWN = ScanGroup(7, "E01", "plc1", US, GROUP.digest, GROUP.points, np.array([0, 1, -1]))
NOW = START + 100 * US
YEAR_1999 = 946_684_799_000_000


def batch(*blocks: wire.Block, misses: tuple[wire.Miss, ...] = (), made_us: int = NOW) -> wire.Batch:
    return wire.Batch("E01", 1, 1, made_us=made_us, blocks=tuple(wire.pack_block(block) for block in blocks), misses=misses)


def block(times: list[int], values: list[float], quality: bytes | None = None, offsets: list[int] | None = None) -> wire.Block:
    return wire.Block(GROUP.digest, times, values, 3, quality, offsets)


def taken(found: wire.Batch, known: ScanGroup = KNOWN) -> Delivery:
    canonical = wire.encode(found)
    return accept(canonical, read_batch(canonical), {known.digest: known}, NOW, NOW + 60 * US)


def whole(found: wire.Batch) -> Delivery:
    """As `taken`, every tag known."""
    return taken(found, replace(KNOWN, points=np.array([0, 1, 2])))


def test_a_sound_batch_is_kept_whole() -> None:
    found = whole(batch(block([NOW - US, NOW], [1, 2, 3, 4, 5, 6])))
    assert found.refused == []
    assert found.raw is None
    assert found.readings == 6
    assert found.blocks[0].quality is None
    assert found.blocks[0].times.tolist() == [NOW - US, NOW]
    assert found.blocks[0].values.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (list(found.groups), found.arrived, found.key) == ([7], NOW, ("E01", 1, 1))


def test_an_unknown_tag_is_a_hole_and_a_name() -> None:
    found = taken(batch(block([NOW - US, NOW], [1, 2, 3, 4, 5, math.nan])))
    assert found.refused == [Refused("GONE", NOW - US, 2, "unknown-tag")]
    assert found.readings == 4
    np.testing.assert_array_equal(found.blocks[0].values, [[1, 2, math.nan], [4, 5, math.nan]])
    assert found.blocks[0].quality is not None
    assert found.blocks[0].quality.tolist() == [[0, 0, 128], [0, 0, 128]]
    assert found.raw is not None


def test_an_unknown_tag_that_has_no_reading_is_not_refused() -> None:
    found = taken(batch(block([NOW], [1, 2, math.nan], bytes([0, 0, 128]))))
    assert (found.refused, found.readings) == ([], 2)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_its_neighbours_are_kept(wrong: float) -> None:
    found = whole(batch(block([NOW - US, NOW], [1, wrong, 3, 4, 5, 6])))
    assert found.refused == [Refused("LT-2", NOW - US, 1, "not-a-number")]
    assert found.readings == 5
    assert found.raw == wire.encode(batch(block([NOW - US, NOW], [1, wrong, 3, 4, 5, 6])))
    np.testing.assert_array_equal(found.blocks[0].values[0], [1, math.nan, 3])


def test_no_value_with_a_bad_quality_is_a_reading() -> None:
    found = whole(batch(block([NOW], [math.nan, 2, math.nan], bytes([129, 0, 128]))))
    assert (found.refused, found.readings) == ([], 2)


def test_the_future_is_refused_from_its_first_microsecond() -> None:
    found = whole(batch(block([NOW, NOW + 60 * US, NOW + 60 * US + 1], [1.0] * 9)))
    assert found.refused == [Refused(tag, NOW + 60 * US + 1, 1, "future") for tag in GROUP.points]
    assert found.readings == 6


def test_a_reading_whose_offset_lies_in_the_future_is_refused() -> None:
    found = whole(batch(block([NOW], [1, 2, 3], None, [0, 60_001, 60_000])))
    assert found.refused == [Refused("LT-2", NOW + 60_001_000, 1, "future")]
    assert found.readings == 2


def test_before_2000_is_refused_whatever_the_order() -> None:
    found = whole(batch(block([NOW, YEAR_1999, NOW - US], [1, 1, 1, 2, 2, 2, 3, 3, 3])))
    assert found.refused == [Refused(tag, YEAR_1999, 1, "before-2000") for tag in GROUP.points]
    assert found.blocks[0].values[:, 0].tolist() == [3, 1]


@pytest.mark.parametrize("time", [-(2**62), -1, 2**62, 300_000_000_000_000_000])
def test_times_off_every_calendar_are_refused_and_spoil_nothing(time: int) -> None:
    found = whole(batch(block([time, NOW], [1, 1, 1, 2, 2, 2])))
    assert [r.count for r in found.refused] == [1, 1, 1]
    assert all(0 <= r.at <= 4_102_444_800_000_000 for r in found.refused)
    assert found.blocks[0].times.tolist() == [NOW]
    assert found.blocks[0].values.tolist() == [[2, 2, 2]]


def test_when_nothing_is_kept_there_is_no_block() -> None:
    found = whole(batch(block([NOW + 61 * US], [1, 2, 3])))
    assert (found.blocks, found.groups, found.readings) == ([], {}, 0)
    assert sum(refused.count for refused in found.refused) == 3


def test_a_block_without_scans_is_nothing() -> None:
    assert whole(batch(block([], []))).blocks == []


def test_scans_come_in_order_and_two_of_an_instant_a_microsecond_apart() -> None:
    found = whole(batch(block([NOW, NOW - US, NOW, NOW + 1], [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]))).blocks[0]
    assert found.times.tolist() == [NOW - US, NOW, NOW + 1, NOW + 2]
    assert found.values[:, 0].tolist() == [2, 1, 3, 4]


def test_a_block_of_another_width_or_of_an_unknown_group() -> None:
    narrow = wire.Block(GROUP.digest, [NOW], [1, 2], 2)
    with pytest.raises(BatchError, match="group plc1 has 3 points, the block 2"):
        whole(batch(narrow))
    with pytest.raises(UnknownGroup, match="unknown-group"):
        whole(batch(wire.Block(bytes(8), [NOW], [1, 2, 3], 3)))
    with pytest.raises(UnknownGroup):
        whole(batch(misses=(wire.Miss(bytes(8), 0, NOW, 1, 2),)))


@pytest.mark.parametrize("miss", [(3, NOW, 1, 2), (0, NOW, 0, 2), (0, NOW, 1_000_001, 2), (0, NOW, 1, 0), (0, NOW, 1, 9)])
def test_misses_out_of_bounds(miss: tuple[int, int, int, int]) -> None:
    with pytest.raises(BatchError, match="a miss of group plc1"):
        whole(batch(misses=(wire.Miss(GROUP.digest, *miss),)))


@pytest.mark.parametrize("at", [YEAR_1999, 2**62])
def test_misses_of_another_century(at: int) -> None:
    with pytest.raises(BatchError, match="no time of this century"):
        whole(batch(misses=(wire.Miss(GROUP.digest, 0, at, 1, 2),)))


def test_misses_in_the_future_are_refused_by_name() -> None:
    ahead = NOW + 60 * US + 1
    found = whole(
        batch(misses=(wire.Miss(GROUP.digest, 1, ahead, 5, 2), wire.Miss(GROUP.digest, wire.WHOLE_GROUP, ahead - 1, 1, 2)))
    )
    assert found.refused == [Refused("LT-2", ahead, 5, "future")]
    assert [(miss.column, miss.count) for miss in found.misses] == [(None, 1)]


def test_a_train_of_misses_ends_where_the_future_begins() -> None:
    found = whole(batch(misses=(wire.Miss(GROUP.digest, 1, NOW + 58 * US, 1_000_000, 2),)))
    assert [(miss.at, miss.count) for miss in found.misses] == [(NOW + 58 * US, 3)]
    assert found.refused == [Refused("LT-2", NOW + 61 * US, 999_997, "future")]


@pytest.mark.parametrize("made", [0, YEAR_1999, 2**62])
def test_a_batch_made_in_another_century(made: int) -> None:
    with pytest.raises(BatchError, match="made_us"):
        whole(batch(made_us=made))


@pytest.mark.parametrize(("boot", "seq"), [(2**63, 1), (1, 2**63)])
def test_numbers_that_the_record_cannot_hold(boot: int, seq: int) -> None:
    with pytest.raises(BatchError, match="below 2"):
        read_batch(wire.encode(wire.Batch("E01", boot, seq)))


def test_bytes_of_another_version() -> None:
    with pytest.raises(BatchError, match="wire version 9; this side speaks 1"):
        read_batch(b"HZ\x09\0" + bytes(60))


@pytest.mark.parametrize(
    "wrong",
    [
        wire.Group("", US, ("A",)),
        wire.Group("plc\n1", US, ("A",)),
        wire.Group("plc1", US, ("A", "A")),
        wire.Group("plc1", US, ("A\0",)),
        wire.Group("plc1", US, ("A" * 129,)),
        wire.Group("plc1", 0, ("A",)),
        wire.Group("plc1", -US, ("A",)),
        wire.Group("plc1", 2**62, ("A",)),
    ],
)
def test_declarations_that_cannot_be_kept(wrong: wire.Group) -> None:
    with pytest.raises(BatchError, match="group"):
        check_group(wrong)


SPREAD = [NOW, NOW - US, NOW - US, NOW + 59 * US, NOW + 61 * US, YEAR_1999, -(2**60), 2**61]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(SPREAD),
            st.lists(st.sampled_from([1.0, 2.5, math.nan, math.inf]), min_size=3, max_size=3),
            st.lists(st.sampled_from([0, 0, 4, 8, 128, 129]), min_size=3, max_size=3),
            st.lists(st.sampled_from([0, 0, 250, 61_000, -61_000]), min_size=3, max_size=3),
        ),
        max_size=8,
    ),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=300)
def test_nothing_is_lost_without_a_name(
    rows: list[tuple[int, list[float], list[int], list[int]]], with_quality: bool, with_offsets: bool
) -> None:
    """Readings that came are kept or refused, each once; what is kept is a number or says that it is none."""
    values = [value for row in rows for value in row[1]]
    quality = bytes(code for row in rows for code in row[2]) if with_quality else None
    offsets = [offset for row in rows for offset in row[3]] if with_offsets else None
    found = taken(batch(block([row[0] for row in rows], values, quality, offsets)))
    came = len(values) if quality is None else sum(code != 128 for code in quality)
    assert found.readings + sum(refused.count for refused in found.refused) == came
    assert all(refused.count > 0 for refused in found.refused)
    assert (found.raw is None) == (not found.refused)
    for kept in found.blocks:
        codes = np.zeros(kept.values.shape, np.uint8) if kept.quality is None else kept.quality
        np.testing.assert_array_equal(np.isfinite(kept.values), codes < 128)
        assert (np.diff(kept.times) > 0).all()
        assert (np.broadcast_to(kept.cell_times(), codes.shape)[codes != 128] <= NOW + 60 * US).all()
