"""Named rules over readings that come late, perhaps those of one point long before those of another.

A rule is judged only through the instant up to which every one of its points is accounted for: by a reading, or by a miss that
the box tells. A point that is known to be missing is unknown, as it would have been live: from the second scan on that its
connection missed in a row, and from `stale_s` after its last reading on. Of what nobody has told yet nothing is decided: a
detector whose readings are still on their way is not a bad one, and must not vote as one.
"""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hazmon.clock import US
from hazmon.rules.frame import NEVER, Bools, Floats, Ints, ScanBlock
from hazmon.rules.logic import Known
from hazmon.rules.named import after, look, without_faults
from hazmon.rules.operands import CompiledRule, Held, NamedTable
from hazmon.rules.walk import JITTER_US, Change, RuleState

WAIT_US = 3600 * US  # how far one point's late readings may be ahead of another's: what waits is kept in memory
GRACE = 2  # periods from one scan to the next; after them a hole that nobody told of begins


@dataclass(frozen=True, slots=True)
class _Part:
    """New rows of one point, as Telling has them. `present`: there is a reading; `missed`: the whole scan is missing."""

    at: Ints
    value: Floats
    usable: Bools
    present: Bools
    missed: Bools
    until: Ints
    due: int


@dataclass(frozen=True, slots=True)
class Telling:
    """What is known of one point from its late readings: M rows, one for each scan and each run of misses, strictly ascending.

    at int64[M]; value float64[M] the last one that could be judged, NaN before the first; usable bool[M] the newest reading could
    be, and its connection lives; read int64[M] the time of that reading; look bool[M] a reading came, so rules are looked at;
    until int64[M] what this row says holds no longer than so; due: when the next row is owed; missed: the last is a miss
    """

    at: Ints
    value: Floats
    usable: Bools
    read: Ints
    look: Bools
    until: Ints
    due: int
    missed: bool = False

    @classmethod
    def held(cls, at: int, value: float, usable: bool, newest: int, period: int) -> Telling:
        """A point as it was known before the hole: its reading, and the newest scan of its group."""
        ats = np.array([at], np.int64)
        until = np.array([newest + GRACE * period], np.int64)
        return cls(ats, np.array([value]), np.array([usable]), ats, np.array([False]), until, newest + period - JITTER_US)

    @classmethod
    def nothing(cls) -> Telling:
        """A point of which nothing is known."""
        none = np.empty(0, np.int64)
        return cls(none, np.empty(0), np.empty(0, bool), none, np.empty(0, bool), none, NEVER)

    def grown(self, parts: list[_Part]) -> Telling:
        """With new rows behind; those that are not newer are left out."""
        at, value, usable, present, missed, until = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("at", "value", "usable", "present", "missed", "until")
        )
        last = int(self.at[-1]) if self.at.size else NEVER
        order = np.argsort(at, kind="stable")
        order = order[at[order] > last]
        if not order.size:
            return self
        at, value, usable, present, missed, until = (column[order] for column in (at, value, usable, present, missed, until))
        ramp = np.arange(at.size)
        at = np.maximum.accumulate(at - ramp) + ramp
        good, seen = _newest(present & usable, ramp), _newest(present, ramp)
        lapsed = _newest(missed & np.concatenate(([self.missed], missed[:-1])), ramp)
        carried = (self.value[-1], self.usable[-1], self.read[-1]) if self.at.size else (np.nan, False, NEVER)
        alive = np.where(seen >= 0, usable[seen], carried[1]) & (lapsed <= seen)
        return Telling(
            np.concatenate((self.at, at)),
            np.concatenate((self.value, np.where(good >= 0, value[good], carried[0]))),
            np.concatenate((self.usable, alive)),
            np.concatenate((self.read, np.where(seen >= 0, at[seen], carried[2]))),
            np.concatenate((self.look, present)),
            np.concatenate((self.until, until)),
            max(self.due, *(part.due for part in parts)),
            bool(missed[-1]),
        )

    def since(self, through: int) -> Telling:
        """Without the rows that nothing after that instant can rest on."""
        keep = int(np.searchsorted(self.at, through, side="right")) - 1
        if keep <= 0:
            return self
        return Telling(
            self.at[keep:],
            self.value[keep:],
            self.usable[keep:],
            self.read[keep:],
            self.look[keep:],
            self.until[keep:],
            self.due,
            self.missed,
        )


@dataclass(slots=True)
class LateNamed:
    """The named rules of one late lane: what was told of their points, and through when each rule is judged.

    `told` by point, `through` and `turned` (its last change) by row of RuleState; `new` is told and not looked at yet. A rule
    of which `through` does not speak is judged from behind `first`.
    """

    told: dict[int, Telling] = field(default_factory=dict[int, Telling])
    through: dict[int, int] = field(default_factory=dict[int, int])
    turned: dict[int, int] = field(default_factory=dict[int, int])
    new: dict[int, list[_Part]] = field(default_factory=dict[int, list[_Part]])
    first: int = NEVER

    @classmethod
    def begun(cls, table: NamedTable, held: Held, unknown: Bools, groups: Mapping[int, tuple[int, int]]) -> LateNamed:
        """A lane whose hole begins now: what is held is known, but for the points in `unknown` bool[P].

        `groups`: of each point that its box reads, the newest scan of its group and the group's period.
        """
        found = cls({}, {}, {rule.row: int(held.turned[n]) for n, rule in enumerate(table.rules)}, {})
        for slot, point in enumerate(table.points.tolist()):
            if point in groups and held.at[slot] != NEVER and table.rules_of[slot]:
                usable = bool(held.usable[slot] and not unknown[point])
                found.told[point] = Telling.held(int(held.at[slot]), float(held.value[slot]), usable, *groups[point])
        return found

    def under(self, rows: Mapping[int, int]) -> LateNamed:
        """An independent copy with the rules at other rows: `rows` gives the new row of each old one that
        there still is; new rules begin behind what was told."""
        through = {new: self.through.get(old, self.first) for old, new in rows.items()}
        turned = {new: self.turned.get(old, NEVER) for old, new in rows.items()}
        first = max([self.first, *(int(telling.at[-1]) for telling in self.told.values())])
        return LateNamed(dict(self.told), through, turned, {point: list(parts) for point, parts in self.new.items()}, first)

    def tell(self, table: NamedTable, block: ScanBlock, period: int) -> None:
        """Late scans of a group of that period (microseconds)."""
        slots = table.slot[block.points]
        columns = [column for column in np.flatnonzero(slots >= 0).tolist() if table.rules_of[slots[column]]]
        if not columns:
            return
        present, usable, cells = block.present(), block.usable(), block.cell_times()
        always, until = np.ones(block.times.size, bool), block.times + GRACE * period
        for column in columns:
            slot = int(slots[column])
            read = always if present is None else present[:, column]
            at = cells[:, column if cells.shape[1] > 1 else 0]
            series = at, block.values[:, column], always if usable is None else usable[:, column]
            _, value, fine = without_faults(series, *table.fault[slot].tolist())
            due = int(block.times[-1]) + period - JITTER_US
            part = _Part(at, value, fine, read, ~always, until, due)
            self.new.setdefault(int(block.points[column]), []).append(part)

    def miss(self, table: NamedTable, points: Ints, at: int, count: int, period: int, *, scans: bool) -> None:
        """`count` readings of these points are missing, a period apart from `at`; `scans`: their connection gave nothing."""
        times = at + period * np.arange(min(count, 2), dtype=np.int64)
        nothing, until = np.zeros(times.size, bool), np.full(times.size, at + (count - 1 + GRACE) * period, np.int64)
        part = _Part(
            times, np.full(times.size, np.nan), nothing, nothing, nothing | scans, until, at + count * period - JITTER_US
        )
        slots = table.slot[points]
        for point, slot in zip(points.tolist(), slots.tolist(), strict=True):
            if slot >= 0 and table.rules_of[slot]:
                self.new.setdefault(point, []).append(part)

    def judge(self, state: RuleState, table: NamedTable, stale: Ints) -> list[Change]:
        """Changes of the rules as far as all is told that they look at, in time order; the state is moved on.

        stale int64[P]: microseconds after which a reading is none any more.
        """
        if not self.new:
            return []
        new, self.new = self.new, {}
        for point, parts in new.items():
            self.told[point] = self.told.get(point, Telling.nothing()).grown(parts)
        rules = sorted({rule for point in new for rule in table.rules_of[table.slot[point]]})
        changes = [change for number in rules for change in self._judge(state, table.rules[number], stale)]
        for point in new:
            self._trim(point, [table.rules[number].row for number in table.rules_of[table.slot[point]]])
        changes.sort(key=lambda change: change.at)
        return changes

    def _judge(self, state: RuleState, rule: CompiledRule, stale: Ints) -> list[Change]:
        points = rule.operands.points.tolist()
        own = [self.told[point] for point in points if point in self.told]
        if len(own) < len(points):
            return []
        begin, end = self.through.get(rule.row, self.first), min(telling.due for telling in own)
        if end <= begin:
            return []
        self.through[rule.row] = end
        at = np.unique(np.concatenate([t.at[t.look & (t.at > begin) & (t.at <= end)] for t in own]))
        if not at.size:
            return []
        values, usable = np.full((at.size, len(own)), np.nan), np.zeros((at.size, len(own)), bool)
        told = np.ones(at.size, bool)
        for column, telling in enumerate(own):
            row = np.searchsorted(telling.at, at, side="right") - 1
            told &= (row >= 0) & (at < telling.until[row])
            values[:, column] = np.where(row >= 0, telling.value[row], np.nan)
            usable[:, column] = (row >= 0) & telling.usable[row] & (at - telling.read[row] <= stale[points[column]])
        before = int(np.searchsorted(own[0].at, at[0])) - 1
        command = float(own[0].value[before]) if before >= 0 else np.nan
        known = Known(rule.operands.column, values, usable)
        changes = look(state, rule, after(at, self.turned.get(rule.row, NEVER)), known, command, told)
        if changes:
            self.turned[rule.row] = changes[-1].at
        return changes

    def _trim(self, point: int, rows: list[int]) -> None:
        """Forget what all rules have judged, and what has waited for too long."""
        telling = self.told[point]
        if telling.at.size:
            through = min(self.through.get(row, self.first) for row in rows)
            self.told[point] = telling.since(max(through, int(telling.at[-1]) - WAIT_US))


def _newest(mask: Bools, ramp: Ints) -> Ints:
    """int64[M]: the newest row up to each at which the mask is true, -1 before the first."""
    found: Ints = np.maximum.accumulate(np.where(mask, ramp, -1))
    return found
