"""Stuck: the usable value has not moved by more than `stuck_band`, from its lowest to its highest, for `stuck_s`.

Time is cut into buckets of stuck_s / STILL_BUCKETS, counted from the epoch. At the first usable sample of a bucket the point is
stuck if each of the STILL_BUCKETS buckets before holds usable samples, all of which together with this sample keep within the
band, and the bucket before those held some too, so that the first of them was seen from its beginning. So it is found after
stuck_s at the earliest and a bucket later at the latest. A bucket without a usable sample (as every silence of two buckets
makes, whatever its cause) starts the count anew: unknown is not stuck. It never clears the rule either.

While the rule holds, the values since the point stood still are held against the band: the first usable sample that leaves it
clears the rule, and the count starts anew with its bucket.

Which buckets a point keeps is the same however its scans are cut into blocks. For a moving plant the buckets' extremes are
all that is worked out; samples are looked at singly only where a point stood still or the rule holds.
"""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hazmon.clock import US
from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import NEVER, Bools, Floats, Ints, ScanBlock
from hazmon.rules.limits import STILL_BUCKETS, LimitTable
from hazmon.rules.stillness import SLOTS
from hazmon.rules.walk import Change, Evidence, RuleState

LEAD = SLOTS - 1  # buckets that are looked at before the present one

_STUCK = RULES.index(Rule.STUCK)


@dataclass(frozen=True, slots=True)
class _Buckets:
    """The G buckets that rows lie in, without one between left out, for C columns.

    index int64[T] of each row's bucket among them; ids int64[G] their numbers; fresh bool[C]: nothing usable was in the first
    one before; low, high float64[LEAD+G,C] with the buckets before them
    """

    length: int
    index: Ints
    ids: Ints
    fresh: Bools
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class _Samples:
    """The usable samples of one column: time of the reading, value, and which of the buckets it is in."""

    at: Ints
    value: Floats
    bucket: Ints


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a block whose buckets, `length` microseconds each, follow each other, and the columns that have such buckets."""

    columns: Ints
    rows: slice
    length: int

    def only(self, part: Ints | None) -> Stretch:
        """Of these of its columns; None = all."""
        return self if part is None else replace(self, columns=self.columns[part])


@dataclass(frozen=True, slots=True)
class _Walked:
    """What a point's walk through a stretch came to: what it changed, and what is to be remembered."""

    point: int
    changes: list[Change]
    active: bool
    held: tuple[float, float]
    counted: int


def stretches(table: LimitTable, block: ScanBlock) -> list[Stretch]:
    """The parts of the block that the stuck rule is asked of one by one, in time order for each point."""
    lengths = np.where(block.points >= 0, table.stuck[block.points], 0) // STILL_BUCKETS
    if not lengths.any():
        return []
    found: list[Stretch] = []
    for length in sorted(set[int](lengths.tolist()) - {0}):
        columns = np.flatnonzero(lengths == length)
        ids = block.times // length
        leaps = np.flatnonzero(np.diff(ids) > 1) + 1  # a bucket without a scan: what was before no longer counts
        edges = [0, *leaps.tolist(), ids.size]
        found += [Stretch(columns, slice(edges[k], edges[k + 1]), length) for k in range(len(edges) - 1)]
    return found


def stuck(state: RuleState, table: LimitTable, block: ScanBlock, usable: Bools | None, stretch: Stretch) -> list[Change]:
    """Changes of the stuck rule through a stretch of the block."""
    columns, rows, length = stretch.columns, stretch.rows, stretch.length
    point = block.points[columns]
    values = block.values[rows, columns]
    seen = None if usable is None else usable[rows, columns]
    if _only_more(state, point, block.times[rows] // length, values, seen):
        return []
    buckets = _buckets(state, point, block.times[rows] // length, values, seen, length)
    band = table.stuck_band[point]
    low, high = _spread(buckets.low, buckets.high)
    hot = (high - low <= band).any(axis=0) | state.active[point, _STUCK]
    walked: list[_Walked] = []
    for k in np.flatnonzero(hot).tolist():
        sound = slice(None) if seen is None else seen[:, k]
        at = block.times[rows] if block.offsets is None else block.cell_times()[rows, columns[k]]
        samples = _Samples(at[sound], values[sound, k], buckets.index[sound])
        before = low[:, k], high[:, k]
        walked.append(_walk(state, int(point[k]), float(band[k]), buckets, before, bool(buckets.fresh[k]), samples))
    _keep(state, point, buckets)
    for each in walked:
        _move_on(state, each)
    return [change for each in walked for change in each.changes]


def _only_more(state: RuleState, point: Ints, number: Ints, values: Floats, seen: Bools | None) -> bool:
    """Whether this is but more of a bucket in which every point was seen before and none is stuck: then it is noted, and all."""
    slot, still = int(number[0]) % SLOTS, state.still
    if number[0] != number[-1] or (still.number[point, slot] != number[0]).any() or state.active[point, _STUCK].any():
        return False
    low, high = (values, values) if seen is None else (np.where(seen, values, np.inf), np.where(seen, values, -np.inf))
    still.low[point, slot] = np.minimum(still.low[point, slot], low.min(axis=0))
    still.high[point, slot] = np.maximum(still.high[point, slot], high.max(axis=0))
    return True


def _buckets(state: RuleState, point: Ints, number: Ints, values: Floats, seen: Bools | None, length: int) -> _Buckets:
    first = np.diff(number, prepend=-1) != 0
    starts = np.flatnonzero(first)
    ids = number[starts]
    before = np.arange(ids[0] - LEAD, ids[0] + 1)
    slots = before % SLOTS
    still = state.still
    there = still.number[point[:, None], slots] == before
    low = np.empty((LEAD + ids.size, point.size))
    high = np.empty(low.shape)
    low[: LEAD + 1] = np.where(there, still.low[point[:, None], slots], np.inf).T
    high[: LEAD + 1] = np.where(there, still.high[point[:, None], slots], -np.inf).T
    new_low = np.minimum.reduceat(values if seen is None else np.where(seen, values, np.inf), starts, axis=0)
    new_high = np.maximum.reduceat(values if seen is None else np.where(seen, values, -np.inf), starts, axis=0)
    fresh = low[LEAD] > high[LEAD]
    low[LEAD] = np.minimum(low[LEAD], new_low[0])
    high[LEAD] = np.maximum(high[LEAD], new_high[0])
    low[LEAD + 1 :], high[LEAD + 1 :] = new_low[1:], new_high[1:]
    return _Buckets(length, np.cumsum(first) - 1, ids, fresh, low, high)


def _spread(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """float64[G,C] twice: the extremes of the STILL_BUCKETS buckets before each; -inf and inf where one of LEAD is empty."""
    empty = low > high
    low, high, empty = low[:-1], high[:-1], empty[:-1]
    low, high = np.where(empty, -np.inf, low), np.where(empty, np.inf, high)
    reach = 1
    while reach < STILL_BUCKETS:
        low, high = np.minimum(low[:-reach], low[reach:]), np.maximum(high[:-reach], high[reach:])
        reach *= 2
    unled = empty[: low.shape[0] - 1]
    return np.where(unled, -np.inf, low[1:]), np.where(unled, np.inf, high[1:])


def _keep(state: RuleState, point: Ints, buckets: _Buckets) -> None:
    """Remember the last buckets, those without a usable sample as none."""
    ids = np.arange(buckets.ids[-1] - LEAD, buckets.ids[-1] + 1)
    low, high = buckets.low[-SLOTS:].T, buckets.high[-SLOTS:].T
    where = point[:, None], ids % SLOTS
    state.still.number[where] = np.where(low <= high, ids, NEVER)
    state.still.low[where] = low
    state.still.high[where] = high


def _move_on(state: RuleState, walked: _Walked) -> None:
    """Let the walk be true."""
    point, still = walked.point, state.still
    state.active[point, _STUCK] = walked.active
    still.held_low[point], still.held_high[point] = walked.held
    still.number[point, still.number[point] < walked.counted] = NEVER


def _walk(
    state: RuleState, point: int, band: float, buckets: _Buckets, before: tuple[Floats, Floats], fresh: bool, samples: _Samples
) -> _Walked:
    """One column through its usable samples, from turn to turn.

    before: the extremes of the STILL_BUCKETS buckets before each; fresh: the first bucket was empty before this block
    """
    ids = buckets.ids
    active = bool(state.active[point, _STUCK])
    held = float(state.still.held_low[point]), float(state.still.held_high[point])
    counted = int(ids[0]) - LEAD  # buckets before this one do not count
    entries = np.flatnonzero(np.diff(samples.bucket, prepend=-1 if fresh else 0))  # the first sample of each bucket
    entries = entries[(before[1] - before[0])[samples.bucket[entries]] <= band]
    changes: list[Change] = []
    done = 0
    while done < samples.value.size:
        if active:
            low = np.minimum.accumulate(np.fmin(samples.value[done:], held[0]))
            high = np.maximum.accumulate(np.fmax(samples.value[done:], held[1]))
            left = np.flatnonzero(high - low > band)
            last = int(left[0]) if left.size else low.size - 1
            held = float(low[last]), float(high[last])
            if not left.size:
                break
            done += last
            counted = int(ids[samples.bucket[done]])
            evidence: Evidence = ()
        else:
            for entry in entries[entries >= done].tolist():
                bucket, value = int(samples.bucket[entry]), float(samples.value[entry])
                lowest, highest = min(float(before[0][bucket]), value), max(float(before[1][bucket]), value)
                if ids[bucket] - LEAD >= counted and highest - lowest <= band:
                    break
            else:
                break
            done = entry
            held = lowest, highest
            began = (int(ids[bucket]) - STILL_BUCKETS) * buckets.length
            evidence = (("since_s", (int(samples.at[done]) - began) / US), ("lowest", lowest), ("highest", highest))
        active = not active
        changes.append(Change(point, Rule.STUCK, int(samples.at[done]), active, float(samples.value[done]), band, evidence))
        done += 1
    return _Walked(point, changes, active, held, counted)
