"""Suppression by design: alarms that mean nothing while their unit or source is exempt (停用/检修), or a condition holds. Pure.

What is suppressed is always counted: `book.designs` names every alarm that would not be heard now, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import attrgetter

from hazmon.alarms.alarm import AlarmEvent, Subject
from hazmon.alarms.book import Key, Turn
from hazmon.alarms.states import Stimulus
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.filing import quiet
from hazmon.model import ERROR_PRIORITY
from hazmon.plant import START_GRACE_US, Exempt, Plant
from hazmon.rulebook import NOT_EVALUATED, RULES, Kind, Rule
from hazmon.rules.frame import NEVER, Bools
from hazmon.rules.named import designs

_STALE = RULES.index(Rule.STALE)
_UNTIL = attrgetter("until")


def exempts_of(agreed: Iterable[Exemption]) -> tuple[Exempt, ...]:
    """Approved exemptions of a unit or source, as the plant knows them."""
    return tuple(Exempt(each.begins, each.until, each.reason, quiet(each)) for each in agreed)


def unknown_points(plant: Plant) -> Bools:
    """bool[P]: nothing is known of the point now."""
    count = len(plant.park.points)
    unknown = plant.rules.active[:count, _STALE].copy()
    if plant.excused:
        unknown[plant.excused_points()] = True
    return unknown


def apply_designs(plant: Plant, unknown: Bools, now: int) -> list[AlarmEvent]:
    """Let the suppressions of this moment be in force, and those of before no longer."""
    if not plant.park.by_design and not plant.exempt and not plant.book.designs:
        return []
    holding, failed = designs(plant.named, plant.held, unknown)
    events = _blind(plant, failed, now)
    wanted = _wanted(plant, holding, unknown, now)
    if wanted == plant.book.designs:
        return events
    before, plant.book.designs = plant.book.designs, wanted
    for key in sorted({*before, *wanted}):
        alarm = plant.book.of(*key)
        reason = wanted.get(key)
        if alarm is None or alarm.by_design == reason:
            continue
        if alarm.by_design is not None and reason is not None:
            plant.book.keep(replace(alarm, by_design=reason))
            continue
        stimulus = Stimulus.RELEASE if reason is None else Stimulus.SUPPRESS
        events.append(plant.book.move(replace(alarm, by_design=reason), stimulus, now, reason=reason or before[key]))
    return events


def _blind(plant: Plant, failed: Mapping[int, str], now: int) -> list[AlarmEvent]:
    """A condition that cannot be evaluated suppresses nothing, and has an alarm of its own while that is so."""
    found: list[AlarmEvent | None] = []
    for number, design in enumerate(plant.park.by_design):
        if number not in failed and plant.book.of(design.id, Kind.ERROR) is None:
            continue
        subject = Subject(design.enterprise, design.tag, "", f"抑制条件 {design.tag} / suppression by design {design.tag}", "")
        reason = f"{NOT_EVALUATED}: {failed[number]}" if number in failed else "evaluated again"
        turn = Turn(subject, Rule.ERROR, now, None, None, ERROR_PRIORITY, reason)
        found.append(plant.book.turn_on(turn) if number in failed else plant.book.turn_off(turn))
    return [event for event in found if event is not None]


def _wanted(plant: Plant, holding: Bools, unknown: Bools, now: int) -> dict[Key, str]:
    force = _in_force(plant, now)
    if force != plant.exempt_then:
        plant.exempt_then, plant.exempted = force, _exempted(plant, force)
    found = dict(plant.exempted)
    for index, design in enumerate(plant.park.by_design):
        if holding[index]:
            found |= dict.fromkeys(design.alarms, design.reason)
        elif _unheard(plant, index, unknown, now):
            found |= {key: design.reason for key in design.alarms if plant.book.designs.get(key) == design.reason}
    return found


def _in_force(plant: Plant, now: int) -> dict[str, Exempt]:
    """By unit or source, the quiet exemption that lasts longest of those in force. What is over is forgotten."""
    for target in [target for target, each in plant.exempt.items() if all(exempt.until <= now for exempt in each)]:
        del plant.exempt[target]
    holding = {target: [exempt for exempt in each if exempt.quiet and exempt.holds(now)] for target, each in plant.exempt.items()}
    return {target: max(each, key=_UNTIL) for target, each in holding.items() if each}


def _exempted(plant: Plant, force: Mapping[str, Exempt]) -> dict[Key, str]:
    """What the points and named rules of exempt units and sources may be alarmed about."""
    found: dict[Key, str] = {}
    for subject in (*plant.park.points, *plant.park.named):
        targets = (f"{subject.enterprise}/{subject.unit}", subject.source)
        exempts = [force[target] for target in targets if target in force]
        if exempts:
            reason = max(exempts, key=_UNTIL).reason
            kinds = [kind for kind in Kind if any(plant.has(subject.id, rule) for rule in kind.rules)]
            found |= {(subject.id, kind): reason for kind in kinds}
    return found


def _unheard(plant: Plant, index: int, unknown: Bools, now: int) -> bool:
    """The service began just now, and of a point that the condition looks at nothing is known yet: what was, goes on.

    A point that is known to be silent is another matter.
    """
    if now - plant.begun >= START_GRACE_US:
        return False
    _, operands = plant.named.designs[index]
    unheard = plant.held.at[plant.named.slot[operands.points]] == NEVER
    return bool(unheard.any()) and not unknown[operands.points].any()
