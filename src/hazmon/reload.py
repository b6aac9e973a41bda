"""Another configuration for a plant that runs: what stands goes on, and only what was changed is judged anew. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.book import AlarmBook
from hazmon.changes import Changed, NeedsRestart, changes, restart_needs
from hazmon.model import Park, Quality
from hazmon.plant import BoxState, GroupState, LateLane, Plant
from hazmon.rebuild import end_orphans
from hazmon.rulebook import RULES, Rule
from hazmon.rules.frame import NEVER, Bools, Frame, Ints
from hazmon.rules.named import Held
from hazmon.rules.walk import RuleState

__all__ = ["Changed", "NeedsRestart", "changes", "reloaded"]

_LIMITS = (Rule.LL, Rule.L, Rule.H, Rule.HH)
_TRENDS = (Rule.RATE_UP, Rule.RATE_DOWN, Rule.FORECAST_UP, Rule.FORECAST_DOWN)
# What a condition is judged by. A delay is not: one that runs goes on, and is as long as the new configuration says.
_JUDGED_BY: dict[str, Sequence[Rule]] = {
    "ll": (Rule.LL, Rule.FORECAST_DOWN),
    "l": (Rule.L,),
    "h": (Rule.H,),
    "hh": (Rule.HH, Rule.FORECAST_UP),
    "deadband": _LIMITS,
    "rate_up": (Rule.RATE_UP,),
    "rate_down": (Rule.RATE_DOWN,),
    "rate_deadband": (Rule.RATE_UP, Rule.RATE_DOWN),
    "rate_window_s": _TRENDS,
    "rate_samples": _TRENDS,
    "rate_span": _TRENDS,
    "forecast_min": (Rule.FORECAST_UP, Rule.FORECAST_DOWN),
}


def reloaded(plant: Plant, park: Park, now: int) -> tuple[Plant, list[AlarmEvent]]:
    """The plant under that configuration, and the ends of alarms whose rules are gone; `plant` itself stays as it was.

    Its points keep their order, whatever that of `park`. Raises NeedsRestart.
    """
    needs = restart_needs(plant.park, park)
    if needs:
        raise NeedsRestart(needs)
    by_id = {point.id: point for point in park.points}
    park = replace(park, points=tuple(by_id[point.id] for point in plant.park.points), by_id={}, rows={})
    fresh = Plant.of(park, now, _book(plant.book))
    moving = _Moving(plant, fresh)
    fresh.rules = moving.rules(plant.rules)
    fresh.frame = Frame(plant.frame.value.copy(), plant.frame.quality.copy(), plant.frame.at.copy())
    fresh.held = moving.held()
    fresh.heard = plant.heard.copy()
    fresh.excused = {link: set(points) for link, points in plant.excused.items()}
    fresh.groups = {key: moving.group(state) for key, state in plant.groups.items()}
    fresh.boxes = {edge: moving.box(box) for edge, box in plant.boxes.items()}
    fresh.exempt = dict(plant.exempt)
    fresh.flood = plant.flood.copy()
    fresh.doubted = set(plant.doubted)
    fresh.health_moved = True
    others = {design.id for design in plant.park.by_design} | plant.park.rows.keys()
    connections = [subject for subject, _ in plant.book.live if subject not in others]
    return fresh, end_orphans(fresh, connections, now) + moving.ends(now)


@dataclass(slots=True)
class _Moving:
    """From the old plant's arrays to those of the new one: points stand where they stood, named rules are found by id."""

    old: Plant
    new: Plant

    def rules(self, rules: RuleState) -> RuleState:
        """What holds and what runs, of all that there still is."""
        rows = self._rows()
        here, there = np.flatnonzero(rows >= 0), rows[rows >= 0]
        moved = RuleState.quiet(rows.size)
        moved.active[here] = rules.active[there]
        moved.since[here] = rules.since[there]
        for column in fields(rules.still):
            getattr(moved.still, column.name)[here] = getattr(rules.still, column.name)[there]
        moved.failed = {row: dict(rules.failed[old]) for row, old in enumerate(rows.tolist()) if old in rules.failed}
        moved.since[self._judged_anew()] = NEVER
        moved.still.number[np.flatnonzero(self.old.table.stuck != self.new.table.stuck)] = NEVER
        subjects = [*self.new.park.points, *self.new.park.named]
        for row, column in np.argwhere(moved.active | (moved.since != NEVER)).tolist():
            if not self.new.has(subjects[row].id, RULES[column]):
                moved.active[row, column], moved.since[row, column] = False, NEVER
        return moved

    def held(self) -> Held:
        """What the named rules know: what they knew, and of points that none looked at the newest reading."""
        table, known, frame = self.new.named, self.old.held, self.new.frame
        held = Held.of(table)
        quality = frame.quality[table.points]
        seen = frame.at[table.points] != NEVER
        held.usable = seen & ((quality == Quality.GOOD) | (quality == Quality.CLOCK_SUSPECT))
        held.value = np.where(held.usable, frame.value[table.points], np.nan)
        held.at = frame.at[table.points].copy()
        slots = self.old.named.slot[table.points]
        here, there = np.flatnonzero(slots >= 0), slots[slots >= 0]
        held.value[here], held.usable[here], held.at[here] = known.value[there], known.usable[there], known.at[there]
        rows = self._rows()
        first = len(self.new.park.points)
        for number in range(held.turned.size):
            if rows[first + number] >= 0:
                held.turned[number] = known.turned[rows[first + number] - first]
        return held

    def group(self, state: GroupState) -> GroupState:
        """A group, with the windows of the columns whose slope is still looked at."""
        return replace(state, trail=state.trail.under(state.group.points, self.new.table))

    def box(self, box: BoxState) -> BoxState:
        """A box with its lanes."""
        return replace(box, lanes=[self._lane(lane) for lane in box.lanes])

    def _lane(self, lane: LateLane) -> LateLane:
        trails = {key: trail.under(self.old.groups[key].group.points, self.new.table) for key, trail in lane.trails.items()}
        rules = self.rules(lane.rules)
        rows = self._moved()
        return LateLane(
            rules=rules,
            trails=trails,
            begun=dict(lane.begun),
            newest=dict(lane.newest),
            touched=lane.touched,
            named=lane.named.under(rows),
            told={(rows[row], kind): identity for (row, kind), identity in lane.told.items() if row in rows},
        )

    def ends(self, now: int) -> list[AlarmEvent]:
        """The ends of what the lanes found of named rules that there are no more: no lane follows it."""
        rows = self._moved()
        told = [each for box in self.old.boxes.values() for lane in box.lanes for each in lane.told.items()]
        ends = [
            self.new.book.end_late(alarm, now, "no longer in the configuration") for (row, _), alarm in told if row not in rows
        ]
        return [event for event in ends if event is not None]

    def _moved(self) -> dict[int, int]:
        """The new row of each old one that there still is."""
        return {old: new for new, old in enumerate(self._rows().tolist()) if old >= 0}

    def _rows(self) -> Ints:
        """int64[S]: the old row of each row, -1 for a new named rule."""
        subjects = [*self.new.park.points, *self.new.park.named]
        return np.array([self.old.park.rows.get(subject.id, -1) for subject in subjects], np.int64)

    def _judged_anew(self) -> Bools:
        """bool[S,R]: the condition is another one than before, so it has not been true for any time."""
        anew = np.zeros_like(self.new.rules.active)
        for row, (old, new) in enumerate(zip(self.old.park.points, self.new.park.points, strict=True)):
            if old.limits != new.limits:
                for field, rules in _JUDGED_BY.items():
                    if getattr(old.limits, field) != getattr(new.limits, field):
                        anew[row, [RULES.index(rule) for rule in rules]] = True
        before = {rule.id: rule for rule in self.old.park.named}
        for row, rule in enumerate(self.new.park.named, len(self.new.park.points)):
            anew[row] = rule.id in before and before[rule.id].test != rule.test
        return anew


def _book(book: AlarmBook) -> AlarmBook:
    """An independent copy; what time alone will do to its alarms is to be looked at anew."""
    copied = AlarmBook((), book.next_event)
    copied.open, copied.live, copied.closed = dict(book.open), dict(book.live), dict(book.closed)
    copied.active_in = {source: set(alarms) for source, alarms in book.active_in.items()}
    copied.designs = dict(book.designs)
    return copied
