"""From a box's bytes to a delivery: decoded into matrices, checked with masks, nothing touched reading by reading.

What cannot be accepted is refused by name and counted; the rest of the batch is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from hazmon_edge import wire

from hazmon.clock import US
from hazmon.delivery import Delivery, GroupMiss, Refused, ScanGroup
from hazmon.errors import BatchError
from hazmon.model import NO_VALUE, MissCause, Quality
from hazmon.rules.frame import Bools, ScanBlock

Groups = Mapping[bytes, ScanGroup]
EARLIEST, LATEST = 946_684_800_000_000, 4_102_444_800_000_000  # 2000-01-01 and 2100-01-01
MAX_COUNT = 1_000_000
GREATEST = 1e100  # no instrument shows it, and sums of squares of it are no numbers any more
LONGEST_PERIOD_US = 7 * 86_400 * US
_CAUSES = frozenset(MissCause)
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,128}")


class UnknownGroup(BatchError):
    """A batch that speaks of a group whose membership was never declared; the box declares it and sends again."""


def read_batch(canonical: bytes) -> wire.Batch:
    """Decode the canonical bytes. Raises BatchError saying what is wrong."""
    try:
        batch = wire.decode(canonical)
    except wire.WireError as error:
        raise BatchError(str(error)) from error
    if batch.boot >= 2**63 or batch.seq >= 2**63:
        raise BatchError("boot and seq must be below 2^63")
    return batch


def accept(canonical: bytes, batch: wire.Batch, groups: Groups, arrived: int, horizon: int, offset: int = 0) -> Delivery:
    """Turn a batch into a delivery. `groups` are the box's known groups by digest; what is later than `horizon` is refused;
    `offset` is what the box's clock is known to be off, microseconds to add.

    Raises UnknownGroup, or BatchError when a block does not fit its group.
    """
    if not EARLIEST <= batch.made_us <= LATEST:
        raise BatchError("made_us is no time of this century")
    delivery = Delivery(
        edge=batch.edge,
        boot=batch.boot,
        seq=batch.seq,
        digest=wire.digest(canonical),
        previous=batch.previous,
        made_at=batch.made_us,
        arrived=arrived,
        canonical=canonical,
        offset=offset,
    )
    for packed in batch.blocks:
        group = _group(groups, packed.group)
        if packed.points != len(group.tags):
            raise BatchError(f"group {group.name} has {len(group.tags)} points, the block {packed.points}")
        block = _check(matrix(packed, group), group, horizon, delivery.refused)
        if block.times.size:
            delivery.groups[group.id] = group
            delivery.blocks.append(block)
    for miss in batch.misses:
        group = _group(groups, miss.group)
        column = None if miss.column == wire.WHOLE_GROUP else miss.column
        if not EARLIEST <= miss.at_us <= LATEST:
            raise BatchError(f"a miss of group {group.name} is at no time of this century")
        if miss.cause not in _CAUSES or (column is not None and column >= len(group.tags)) or not 0 < miss.count <= MAX_COUNT:
            raise BatchError(f"a miss of group {group.name} names column {miss.column}, count {miss.count}, cause {miss.cause}")
        past = min(miss.count, max(0, (horizon - miss.at_us) // group.period_us + 1))  # nothing is owed in the future
        if past < miss.count:
            tags = group.tags if column is None else group.tags[column : column + 1]
            first = miss.at_us + past * group.period_us
            delivery.refused += [Refused(tag, min(first, LATEST), miss.count - past, "future") for tag in tags]
        if past:
            delivery.misses.append(GroupMiss(group, column, miss.at_us, past, MissCause(miss.cause)))
    return delivery


def accepted(delivery: Delivery) -> wire.Receipt:
    """What its box is told when it is committed."""
    refused: list[dict[str, object]] = [
        {"tag": r.tag, "at": r.at, "count": r.count, "reason": r.reason} for r in delivery.refused
    ]
    return wire.Receipt(delivery.boot, delivery.seq, "accepted", refused=refused)


def matrix(packed: wire.PackedBlock, group: ScanGroup) -> ScanBlock:
    """The block as matrices: the vectorised twin of wire.unpack_block."""
    t, n = packed.scans, packed.points
    kinds = np.frombuffer(packed.kinds, np.uint8)
    kind, scale = kinds >> 4, 10.0 ** (kinds & 15)
    values = np.empty((t, n))
    decimal = kind >= 2
    if decimal.any():
        integers = np.cumsum(_unplanes(packed.decimals).reshape(t, np.count_nonzero(decimal)), axis=0, dtype=np.int64)
        values[:, decimal] = integers / scale[decimal]
        single = kind == 3
        if single.any():
            values[:, single] = values[:, single].astype(np.float32)
    if not decimal.all():
        single, double = kind == 1, kind == 0
        values[:, single] = np.frombuffer(packed.singles, "<f4").reshape(t, np.count_nonzero(single))
        values[:, double] = np.frombuffer(packed.doubles, "<f8").reshape(t, np.count_nonzero(double))
    quality = None
    if packed.quality is not None:
        quality = np.frombuffer(packed.quality, np.uint8).reshape(t, n)
        values[quality >= NO_VALUE] = np.nan
    offsets = None if packed.offsets is None else _unplanes(packed.offsets).astype(np.int32).reshape(t, n)
    times = np.cumsum(np.frombuffer(packed.times, "<i8"))
    return ScanBlock(group.id, times, values, quality, offsets, group.points)


def check_group(group: wire.Group) -> None:
    """Refuse a declaration that cannot be kept. Raises BatchError."""
    if not all(_NAME.fullmatch(name) for name in (group.name, *group.points)):
        raise BatchError("a group's name and tags are 1 to 128 printable characters")
    if not 0 < group.period_us <= LONGEST_PERIOD_US or len(set(group.points)) != len(group.points):
        raise BatchError(f"group {group.name}: period {group.period_us}, or a tag that stands twice")


def _unplanes(data: bytes) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    planes = np.frombuffer(data, np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).reshape(-1).view("<i4")


def _group(groups: Groups, digest: bytes) -> ScanGroup:
    try:
        return groups[digest]
    except KeyError:
        raise UnknownGroup("unknown-group") from None


def _check(block: ScanBlock, group: ScanGroup, horizon: int, refused: list[Refused]) -> ScanBlock:
    """Take out what is refused and order the scans in time. Two scans at one instant are set a microsecond apart."""
    for outside, reason in ((block.times < EARLIEST, "before-2000"), (block.times > horizon, "future")):
        if outside.any():
            _refuse(block.rows(outside), group, None, reason, refused)
    inside = (block.times >= EARLIEST) & (block.times <= horizon)
    if not inside.all():
        block = block.rows(inside)
    if block.times.size > 1 and (np.diff(block.times) <= 0).any():
        order = np.argsort(block.times, kind="stable")
        steps = np.arange(order.size)
        block = block.rows(order)
        block.times = np.maximum.accumulate(block.times - steps) + steps
    holes = np.broadcast_to(block.points < 0, block.values.shape)
    _refuse(block, group, holes, "unknown-tag", refused)
    if block.offsets is not None:
        ahead = ~holes & (block.cell_times() > horizon)
        _refuse(block, group, ahead, "future", refused)
        holes = holes | ahead
    hollow = ~(np.abs(block.values) <= GREATEST) & ~holes
    if block.quality is not None:
        hollow &= block.quality < NO_VALUE
    _refuse(block, group, hollow, "not-a-number", refused)
    holes = holes | hollow
    if holes.any():
        quality = np.zeros(block.values.shape, np.uint8) if block.quality is None else block.quality.copy()
        quality[holes] = Quality.ABSENT
        block.quality = quality
        block.values = np.where(holes, np.nan, block.values)
    return block


def _refuse(block: ScanBlock, group: ScanGroup, cells: Bools | None, reason: str, refused: list[Refused]) -> None:
    """Name every tag of which readings are refused, with how many and since when."""
    if not block.times.size or (cells is not None and not cells.any()):
        return
    present = block.present()
    mask = np.ones(block.values.shape, bool) if cells is None else cells
    if present is not None:
        mask = mask & present
    times = np.broadcast_to(block.cell_times(), mask.shape)
    for column in np.flatnonzero(mask.any(axis=0)):
        rows = np.flatnonzero(mask[:, column])
        first = min(max(int(times[rows[0], column]), 0), LATEST)  # the record's calendar ends; a broken clock's does not
        refused.append(Refused(group.tags[column], first, int(rows.size), reason))
