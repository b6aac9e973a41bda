"""What if: `E01/LT-1101.H=10.2` and the like, put into a park before it is replayed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise
from math import isfinite

from hazmon.model import Park, Point
from hazmon.rulebook import Limits, Signal

_LEVELS = {"LL": "ll", "L": "l", "H": "h", "HH": "hh"}
_NUMBERS = {field.name for field in fields(Limits)} - {"signal", "ll", "l", "h", "hh"}
_MAY_BE_NONE = {"ll", "l", "h", "hh", "rate_up", "rate_down", "forecast_min", "stuck_s"}
ALLOWED = (*_LEVELS, *(field.name for field in fields(Limits) if field.name in _NUMBERS), "signal")


def with_overrides(park: Park, overrides: Sequence[str]) -> Park:
    """The park with these limits, each `POINT.FIELD=VALUE`; `none` takes a rule away.

    Raises ValueError, which says what is wrong and what is allowed.
    """
    points = list(park.points)
    for text in overrides:
        name, equals, value = text.partition("=")
        subject, dot, field = name.strip().rpartition(".")
        if not (equals and dot):
            raise ValueError(f"{text}: expected POINT.FIELD=VALUE, like E01/LT-1101.H=10.2")
        index = park.by_id.get(subject)
        if index is None:
            raise ValueError(f"{text}: no point {subject} in the configuration")
        if field not in ALLOWED:
            raise ValueError(f"{text}: no field {field}; there are {', '.join(ALLOWED)}")
        points[index] = _with(points[index], text, _LEVELS.get(field, field), value.strip())
    for point, before in zip(points, park.points, strict=True):
        if point is not before:
            _check(point)
    return replace(park, points=tuple(points), by_id={}, rows={})


def _with(point: Point, text: str, field: str, value: str) -> Point:
    found: float | int | Signal | None
    if field == "signal":
        if value not in tuple(Signal):
            raise ValueError(f"{text}: expected one of {', '.join(Signal)}")
        found = Signal(value)
    elif value == "none" and field in _MAY_BE_NONE:
        found = None
    else:
        found = _number(text, value)
        if field not in _LEVELS.values() and found < 0:
            raise ValueError(f"{text}: expected no less than 0")
        if field == "rate_samples":
            found = int(found)
    return replace(point, limits=replace(point.limits, **{field: found}))


def _number(text: str, value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        raise ValueError(f"{text}: expected a number, found {value!r}") from None
    if not isfinite(found):
        raise ValueError(f"{text}: expected a finite number")
    return found


def _check(point: Point) -> None:
    limits = point.limits
    held = [(name, value) for name, field in _LEVELS.items() if (value := getattr(limits, field)) is not None]
    for (lower, low), (higher, high) in pairwise(held):
        if low >= high:
            raise ValueError(f"{point.id}: {lower} {low:g} is not below {higher} {high:g}")
