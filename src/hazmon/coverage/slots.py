"""A source's slots, judged: covered or lost, to what, and by which of its units."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from hazmon.coverage.facts import GOOD, SAMPLE, Bytes, Fact
from hazmon.coverage.layout import Duty
from hazmon.model import MissCause
from hazmon.rules.frame import Bools


class Slot(IntEnum):
    """What became of a slot of a source. A lost one is lost to the first factor that failed: 接入 x 在线 x 完整 x 有效."""

    UNKNOWN = 0  # nothing was recorded of it: it is judged when it is asked for
    PROMPT = 1
    LATE = 2
    LOST_CONNECT = 3
    LOST_ONLINE = 4
    LOST_COMPLETE = 5
    LOST_VALID = 6


LOST = Slot.LOST_CONNECT  # from here on
_COVERED = 255
_FACTOR = np.full(256, Slot.LOST_VALID, np.uint8)
_FACTOR[[MissCause.NOT_CONNECTED, MissCause.TIMEOUT, MissCause.BOX_OFF, MissCause.LINK_OFF]] = Slot.LOST_ONLINE
_FACTOR[[MissCause.REFUSED, MissCause.DECODE, MissCause.EXEMPT, Fact.HOLE, Fact.TOO_LATE, Fact.NOTHING]] = Slot.LOST_COMPLETE
_FACTOR[GOOD:] = _COVERED


@dataclass(frozen=True, slots=True)
class Judged:
    """slots uint8[S]: a Slot each; failing uint32[S]: bit u = something that unit u must have is not well measured."""

    slots: Bytes
    failing: NDArray[np.uint32]


def judge(facts: Bytes, duty: Duty, vetoed: Bools | None = None) -> Judged:
    """Judge S slots. facts uint8[N,S] of the duty's points in their order; vetoed bool[N,S]: gaming was found there."""
    if vetoed is not None and vetoed.any():
        facts = flagged(facts, vetoed)
    count = facts.shape[1]
    silent = ~(facts >= SAMPLE).any(axis=0)
    lost = np.full(count, _COVERED, np.uint8)
    worst = np.full(count, Fact.PROMPT, np.uint8)
    failing = np.zeros(count, np.uint32)
    for item in duty.items:
        if not item.rows.size:
            lost[:] = Slot.LOST_CONNECT
            failing |= np.uint32(1 << item.unit)
            continue
        best = facts[item.rows].max(axis=0)
        np.minimum(worst, best, out=worst)
        factor = np.where((best == Fact.NOTHING) & silent, np.uint8(Slot.LOST_ONLINE), _FACTOR[best])
        np.minimum(lost, factor, out=lost)
        failing |= np.where(best < GOOD, np.uint32(1 << item.unit), np.uint32(0))
    covered = np.where(worst >= Fact.PROMPT, np.uint8(Slot.PROMPT), np.uint8(Slot.LATE))
    return Judged(np.where(lost == _COVERED, covered, lost), failing)


def nothing_known(duty: Duty) -> tuple[int, int]:
    """The slot, and the failing units as bits, of a source of which nothing at all was recorded."""
    judged = judge(np.zeros((len(duty.tags), 1), np.uint8), duty)
    return int(judged.slots[0]), int(judged.failing[0])


def flagged(facts: Bytes, vetoed: Bools) -> Bytes:
    """The facts as they count: where gaming was found, a good sample is none."""
    return np.where(vetoed & (facts >= GOOD), np.uint8(Fact.FLAGGED), facts)
