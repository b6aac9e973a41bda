"""Random histories of a small park out of a string of bytes: what was sent, and how it is put before the book.

Zero bytes make the plainest history, so that a failing one shrinks to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import TypeVar

import numpy as np
from unit.coverage import world
from unit.coverage.naive import SECOND, SLOT, Filed, Sample, Sent

from hazmon.coverage.book import Veto
from hazmon.delivery import Delivery, GroupMiss
from hazmon.model import MissCause
from hazmon.rules.frame import ScanBlock

Choice = TypeVar("Choice")

MIDNIGHTS = (29_538_720, 29_538_240)  # slots: 2026-03-01 00:00 UTC; 2026-03-01 00:00 in China, where a month begins
BEFORE, AFTER = 14, 28  # slots before and after it
HOUR = 3_600 * SECOND
LAGS = (
    0,
    1,
    0,
    SECOND,
    59 * SECOND,
    60 * SECOND,
    60 * SECOND + 1,
    HOUR,
    24 * HOUR,
    24 * HOUR + 1,
    25 * HOUR,
    -30 * SECOND,
    -30 * SECOND - 1,
)
OFFSETS = (0, 0, 0, 0, 5 * SECOND, 30 * SECOND, -30 * SECOND, 30 * SECOND + 1, -30 * SECOND - 1, -HOUR)
PERIODS = (60, 60, 30, 61, 45, 7, 150, 20)  # seconds
QUALITIES = (128, 0, 1, 2, 3, 4, 5, 6, 7, 8, 129)
LITTLE = (0, 0, -1, 1, SECOND, 29 * SECOND, SLOT - 1)
CAPS = (Fraction(1, 20), Fraction(0), Fraction(1, 8_928), Fraction(1, 4_033), Fraction(1, 700))


@dataclass
class Bytes:
    """Choices, a byte or two each; none left = the first."""

    data: bytes
    at: int = 0

    def below(self, count: int) -> int:
        """0 to count - 1."""
        width = 1 if count <= 256 else 2
        part = self.data[self.at : self.at + width]
        self.at += width
        return int.from_bytes(part, "big") % count

    def of(self, choices: Sequence[Choice]) -> Choice:
        return choices[self.below(len(choices))]


@dataclass
class Step:
    """What is put before the book at once, under one configuration."""

    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    vetoes: list[Veto] = field(default_factory=list[Veto])
    restart: bool = False


@dataclass
class Pattern:
    """A history. `eras` are (layout, the microsecond it was loaded, its steps); `sent` is the same for the naive count."""

    first: int
    end: int
    cap: Fraction
    eras: list[tuple[int, int, list[Step]]] = field(default_factory=list[tuple[int, int, list[Step]]])
    sent: list[Sent] = field(default_factory=list[Sent])
    vetoes: list[Veto] = field(default_factory=list[Veto])
    filed: list[Filed] = field(default_factory=list[Filed])
    down: set[int] = field(default_factory=set[int])


def pattern(data: bytes) -> Pattern:
    """The history that the bytes tell."""
    take = Bytes(data)
    midnight = take.of(MIDNIGHTS)
    first, end = midnight - BEFORE, midnight + AFTER
    found = Pattern(first, end, take.of(CAPS))
    shuffle = Random(take.below(65_536))
    changes = sorted(take.below(BEFORE + AFTER) for _ in range(take.of((0, 0, 1, 2, 1))))
    moments = [first * SLOT + take.of((0, 1, 30 * SECOND)), *((first + slot) * SLOT + take.of(LITTLE) for slot in changes)]
    number = 0
    vetoes = [_veto(take, first, each) for each in range(take.of((0, 1, 0, 2)))]
    found.vetoes = [veto for veto, _ in vetoes]
    for era, moment in enumerate(moments):
        layout = 0 if era == 0 else take.below(len(world.LAYOUTS))
        batches: list[Delivery] = []
        for _ in range(take.of((2, 1, 2, 3))):
            number += 1
            batches += _batch(take, shuffle, found, era, layout, number)
        shuffle.shuffle(batches)
        steps = [Step() for _ in range(1 + take.below(2))]
        for delivery in batches:
            shuffle.choice(steps).deliveries.append(delivery)
        for step in steps:
            step.restart = take.below(8) == 7
        found.eras.append((layout, moment, steps))
    every = [step for _, _, steps in found.eras for step in steps]
    for final, opened in vetoes:
        at = take.below(len(every))
        if opened:  # found while it went on
            every[at].vetoes.append(Veto(final.id, final.point, final.kind, final.begin, None))
            at += take.below(len(every) - at)
        if final.end is not None or not opened:
            every[at].vetoes.append(final)
    found.filed = [_filed(take, first) for _ in range(take.of((0, 1, 2, 3)))]
    begin = first + take.below(BEFORE + AFTER)
    found.down = set(range(begin, begin + take.of((0, 5, 60))))
    return found


def _batch(take: Bytes, shuffle: Random, found: Pattern, era: int, layout: int, number: int) -> list[Delivery]:
    """A batch of one box; some come twice, now or later, and some in two parts."""
    park = world.park(layout)
    edge = take.of(("E01", "E01", "E01", "E02"))
    group = world.group(park, edge, take.of(PERIODS) * SECOND, number)
    columns = [f"{edge}/{tag}" for tag in group.tags]
    count = 1 + take.of((take.below(50), take.below(50), take.below(12), take.below(3)))
    start = (found.first - 5 + take.of((0, take.below(BEFORE + AFTER)))) * SLOT + take.of(LITTLE)
    times = start + np.arange(count, dtype=np.int64) * group.period_us
    for _ in range(take.of((0, 0, 1, 2))):  # scans at one instant, or a microsecond apart; a clock that was set forward
        begin = take.below(count)
        times[begin:] += take.of((-group.period_us, 1 - group.period_us, 7 * SLOT)) if begin else 0
    times = np.sort(times)
    values = np.full((count, len(columns)), 10.0)
    quality = np.zeros(values.shape, np.uint8)
    offsets = np.zeros(values.shape, np.int32)
    for _ in range(take.of((0, 2, 4, 8))):  # what is not as it should be: a stretch of one column or of all
        rows = slice(begin := take.below(count), begin + take.of((1, 3, 30)))
        cells = rows, take.of((slice(None), *range(len(columns))))
        what = take.below(4)
        if what == 0:
            quality[cells] = take.of(QUALITIES)
        elif what == 1:
            values[cells] = take.of((101.5, 103.125, 103.126, -1.25, -1.2501, -41.0, -41.001, 42.5, 42.51, 1e9))
        elif what == 2:
            offsets[cells] = take.of((1, -1, 250, 61_000, -59_999, 3_600_000))
    quality[:, group.points < 0] = 128
    values[quality >= 128] = np.nan
    live, lag, offset = take.below(2) == 0 and count <= 12, take.of(LAGS), take.of(OFFSETS)
    if live:  # scan by scan, as they are made
        sent = [Sent(edge, instant + lag, offset, era) for instant in times.tolist()]
    else:
        sent = [Sent(edge, int(times[take.of((-1, 0, count // 2))]) + lag, offset, era)]
    found.sent += sent
    rows = times.tolist(), (times[:, None] + offsets.astype(np.int64) * 1000).tolist(), quality.tolist(), values.tolist()
    for row, (instant, cells_at, grades, numbers) in enumerate(zip(*rows, strict=True)):
        sent[row if live else 0].samples += [
            Sample(point, instant if grade == 128 else at, grade, number)
            for point, at, grade, number in zip(columns, cells_at, grades, numbers, strict=True)
        ]
    misses: list[GroupMiss] = []
    for _ in range(take.of((0, 1, 2, 4))):
        cause, which = 1 + take.below(8), take.of((None, *range(len(columns))))
        owed, at = 1 + take.of((0, 5, 40)), (found.first + take.below(BEFORE + AFTER)) * SLOT + take.of(LITTLE)
        misses.append(GroupMiss(group, which, at, owed, MissCause(cause)))
        for k in range(owed):
            for point in columns if which is None else columns[which : which + 1]:
                sent[0].misses.append((point, at + k * group.period_us, cause))
    whole = ScanBlock(
        group.id, times, values, quality if quality.any() else None, offsets if offsets.any() else None, group.points
    )

    def delivered(part: int, at: int) -> Delivery:
        return Delivery(edge, number, part, bytes(8), bytes(8), at, at, {group.id: group}, [], [], offset=offset)

    if live:
        parts = [delivered(row, each.arrived) for row, each in enumerate(sent)]
        for row, part in enumerate(parts):
            part.blocks.append(_block(whole, row, row + 1))
    else:
        parts = [delivered(part, sent[0].arrived) for part in range(take.of((1, 1, 2)))]
        edges = sorted({0, count, *(take.below(count) for _ in range(take.of((0, 1, 3))))})
        for begin, end in pairwise(edges):
            shuffle.choice(parts).blocks.append(_block(whole, begin, end))
    parts[0].misses += misses
    again = take.below(6)
    if again == 5:
        parts += parts[:2]
    elif again == 4:  # the receipts were lost, and all comes once more, later
        late = max(each.arrived for each in sent) + take.of((SECOND, HOUR, 25 * HOUR))
        parts += [
            Delivery(d.edge, 1000 + number, d.seq, d.digest, d.previous, late, late, d.groups, d.blocks, d.misses) for d in parts
        ]
        found.sent += [Sent(edge, late, 0, era, each.samples, each.misses) for each in sent]
    return parts


def _block(whole: ScanBlock, begin: int, end: int) -> ScanBlock:
    """Some of the scans; where all is good, nothing is said of quality."""
    block = whole.rows(np.arange(begin, end))
    if block.quality is not None and not block.quality.any():
        block.quality = None
    return block


def _veto(take: Bytes, first: int, number: int) -> tuple[Veto, bool]:
    """A veto as it is in the end, and whether it was known before its end was."""
    begin = (first + take.below(BEFORE + AFTER)) * SLOT + take.of(LITTLE)
    lasts = take.of((None, 0, SECOND, SLOT, 15 * SLOT, 59 * SECOND, 90 * SLOT))
    point = take.of((world.LT1, world.AT1, world.FT1, world.LT2, world.LT9))
    end = None if lasts is None else begin + lasts
    return Veto(f"frozen/{number}", point, "frozen", begin, end), end is None or take.below(2) == 0


def _filed(take: Bytes, first: int) -> Filed:
    begins = (first + take.below(BEFORE + AFTER)) * SLOT + take.of(LITTLE)
    late = take.of((-HOUR, 0, 1, 2 * HOUR, 2 * HOUR + 1, 30 * SECOND))
    lasts = take.of((60, 10, 200, 0)) * SLOT + take.of(LITTLE)
    withdrawn = take.of((None, None, begins + 5 * SLOT, begins + lasts + 1, begins - 1))
    source, unit = take.of(((world.S1, None), (world.S1, "V-1"), (world.S1, "A-1"), (world.S2, None), (world.S3, "P-3")))
    return Filed(source, unit, begins, begins + lasts, begins + late, take.below(5) < 4, withdrawn)
