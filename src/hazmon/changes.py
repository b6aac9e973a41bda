"""What another configuration would change, field by field, and what of it a running service cannot take over. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast

import msgspec

from hazmon.errors import HazmonError
from hazmon.model import Enterprise, Park, Point, Settings, Source
from hazmon.rulebook import All, ByDesign, Deviation, Expression, NamedRule, Not, Some, Term, Travel, Vote

# What the record, the boxes' groups and the tasks of the service were set up by.
_FIXED_OF_POINT = ("source", "unit", "quantity", "uom", "period_s")
_FIXED_OF_PARK = ("timezone", "raw_days", "minute_days")
_TOLD_APART = ("settings", "enterprises", "points", "digest", "named", "by_design", "by_id", "rows")
_MANY = 20
_LEVELS = {"ll": "LL", "l": "L", "h": "H", "hh": "HH"}
T = TypeVar("T")
Named = TypeVar("Named", Enterprise, Source, Point, NamedRule)
PARK = "park"  # the subject of what park.toml and rules.toml say of all


@dataclass(frozen=True, slots=True)
class Changed:
    """A field of a point, named rule, suppression by design, source, enterprise or the park; None = it was, or is, not there.

    Values are what JSON can hold: numbers, texts, lists of them.
    """

    subject: str
    field: str
    old: Any
    new: Any


class NeedsRestart(HazmonError):
    """The configuration cannot be taken over by a service that runs; `what` names each thing."""

    def __init__(self, what: Sequence[str]) -> None:
        self.what = list(what)
        more = f"; and {len(what) - _MANY} more" if len(what) > _MANY else ""
        super().__init__(f"needs a restart: {'; '.join(what[:_MANY])}{more}")


def restart_needs(old: Park, new: Park) -> list[str]:
    """What keeps a service that runs with `old` from going on with `new`; empty when nothing does."""
    found = _membership("box", [e.id for e in old.enterprises], [e.id for e in new.enterprises])
    found += _membership("source", [s.id for s in old.sources], [s.id for s in new.sources])
    found += _membership("point", old.by_id, new.by_id)
    found += [f"{PARK}: {name}" for name in _FIXED_OF_PARK if getattr(old.settings, name) != getattr(new.settings, name)]
    for point in old.points:
        index = new.by_id.get(point.id)
        if index is not None:
            other = new.points[index]
            found += [f"{point.id}: {name}" for name in _FIXED_OF_POINT if getattr(point, name) != getattr(other, name)]
    return found


def changes(old: Park, new: Park) -> list[Changed]:
    """Every field that differs: the park's, then those of sources, points, named rules and suppressions by design."""
    found = _differences(PARK, _of_settings(old.settings) | _whole(old), _of_settings(new.settings) | _whole(new))
    found += _of_all(_by_id(old.enterprises), _by_id(new.enterprises), lambda each: _plain(each, ("id", "sources")))
    found += _of_all(_by_id(old.sources), _by_id(new.sources), lambda each: _plain(each, ("id",)))
    found += _of_all(_by_id(old.points), _by_id(new.points), _of_point)
    found += _of_all(_by_id(old.named), _by_id(new.named), _of_named)
    return found + _of_all(_designs(old), _designs(new), _of_design)


def text_of(test: Expression | Vote | Deviation | Travel) -> str:
    """A test of rules.toml in a line: `2 of E01/GT-1 > 50, E01/GT-2 > 50, E01/GT-3 > 50`."""
    match test:
        case Term(point, op, value):
            return f"{point} {op} {value:.10g}"
        case All(parts):
            return f"({' and '.join(text_of(part) for part in parts)})"
        case Some(parts):
            return f"({' or '.join(text_of(part) for part in parts)})"
        case Not(part):
            return f"not {text_of(part)}"
        case Vote(terms, need, bad):
            return f"{need} of {', '.join(text_of(term) for term in terms)}; bad: {bad}"
        case Deviation(a, b, limit, deadband):
            return f"|{a} - {b}| >= {limit:.10g}, deadband {deadband:.10g}"
        case Travel(command, feedback, tolerance, travel_s):
            return f"{feedback} not within {tolerance:.10g} of {command} after {travel_s:.10g} s"


def _membership(kind: str, old: Iterable[str], new: Iterable[str]) -> list[str]:
    before, after = set(old), set(new)
    return [f"{kind} {name} is new" for name in sorted(after - before)] + [
        f"{kind} {name} is gone" for name in sorted(before - after)
    ]


def _of_all(old: Mapping[str, T], new: Mapping[str, T], told: Callable[[T], dict[str, Any]]) -> list[Changed]:
    """The differences of each subject, in the order of the new configuration; those that are gone last."""
    found: list[Changed] = []
    for subject, after in new.items():
        before = old.get(subject)
        if before != after:
            found += _differences(subject, {} if before is None else told(before), told(after))
    for subject, before in old.items():
        if subject not in new:
            found += _differences(subject, told(before), {})
    return found


def _differences(subject: str, old: dict[str, Any], new: dict[str, Any]) -> list[Changed]:
    names = dict.fromkeys((*old, *new))
    return [Changed(subject, name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def _plain(value: Any, without: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a frozen object as JSON would have them."""
    return {
        f.name: msgspec.to_builtins(getattr(value, f.name), order="deterministic") for f in fields(value) if f.name not in without
    }


def _by_id(each: Iterable[Named]) -> dict[str, Named]:
    return {subject.id: subject for subject in each}


def _whole(park: Park) -> dict[str, Any]:
    """What else there is of the whole park, like the rules of the warning colour: `colours.version` and so on."""
    found: dict[str, Any] = {}
    for name, value in _plain(park, _TOLD_APART).items():
        if isinstance(value, dict):
            found |= {f"{name}.{part}": each for part, each in cast("dict[str, Any]", value).items()}
        else:
            found[name] = value
    return found


def _of_settings(settings: Settings) -> dict[str, Any]:
    return _plain(settings, ("escalation",)) | {f"escalation.{n}": v for n, v in _plain(settings.escalation).items()}


def _of_point(point: Point) -> dict[str, Any]:
    limits = {_LEVELS.get(name, name): value for name, value in _plain(point.limits).items()}
    return _plain(point, ("enterprise", "tag", "limits", "handling")) | limits | _plain(point.handling)


def _of_named(rule: NamedRule) -> dict[str, Any]:
    own = _plain(rule, ("enterprise", "tag", "test", "handling"))
    return own | _plain(rule.handling, ("priority",)) | {"test": text_of(rule.test)}


def _designs(park: Park) -> dict[str, ByDesign]:
    return {f"{design.enterprise}/{design.tag}": design for design in park.by_design}


def _of_design(design: ByDesign) -> dict[str, Any]:
    alarms = [f"{subject}.{kind}" for subject, kind in design.alarms]
    return {"when": text_of(design.when), "alarms": alarms, "reason": design.reason}
