"""What the book of coverage says to the ledger, and how it is heard again: schemes, vetoes, exemptions. Pure.

A scheme says all that a figure rests on beside the facts, so that whoever recomputes it needs no configuration of ours: what
had to be measured, by which rules, what each instrument can show, and how far ahead of its arrival a reading may lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from hazmon.coverage.book import Veto
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.layout import Duty, Item, Scheme
from hazmon.model import CoverageRules, Enterprise, Park, Point, Quantity, Settings
from hazmon.rulebook import Limits

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """A scheme as it was said. `park` holds nothing but its points with their ranges, in order, and the park's settings."""

    scheme: Scheme
    rules: CoverageRules
    park: Park


def duties_json(scheme: Scheme) -> Body:
    """The duties of a scheme, as they are recorded."""
    return {
        source: {
            "enterprise": duty.enterprise,
            "tags": list(duty.tags),
            "unit_of": list(duty.unit_of),
            "units": list(duty.units),
            "items": [[item.unit, item.group, item.rows.tolist()] for item in duty.items],
        }
        for source, duty in scheme.duties.items()
    }


def scheme_of_json(since: int, digest: str, duties: Mapping[str, Any]) -> Scheme:
    """A scheme of what `duties_json` made."""
    return Scheme(
        since,
        {
            source: Duty(
                source,
                each["enterprise"],
                tuple(each["tags"]),
                tuple(each["unit_of"]),
                tuple(each["units"]),
                tuple(Item(unit, group, np.array(rows, np.int64)) for unit, group, rows in each["items"]),
            )
            for source, each in duties.items()
        },
        digest,
    )


def say_scheme(scheme: Scheme, rules: CoverageRules, park: Park) -> Body:
    """A scheme and the configuration that it was made of."""
    settings = park.settings
    return {
        "since": scheme.since,
        "digest": scheme.digest,
        "duties": duties_json(scheme),
        "rules": {
            "prompt_s": rules.prompt_s,
            "late_deadline_s": rules.late_deadline_s,
            "clock_limit_s": rules.clock_limit_s,
            "grace_s": rules.grace_s,
            "cap": str(rules.cap),
            "online_min": str(rules.online_min),
        },
        "park": {"name": settings.name, "name_en": settings.name_en, "timezone": settings.timezone},
        "future_s": settings.future_s,
        "raw_days": settings.raw_days,
        "ranges": {point.id: [point.source, point.range_low, point.range_high] for point in park.points},
    }


def hear_scheme(body: Mapping[str, Any]) -> Terms:
    """What `say_scheme` said. Raises KeyError, TypeError or ValueError on anything else."""
    scheme = scheme_of_json(body["since"], body["digest"], body["duties"])
    told = body["rules"]
    numbers = {name: int(told[name]) for name in ("prompt_s", "late_deadline_s", "clock_limit_s", "grace_s")}
    rules = CoverageRules({}, {}, **numbers, cap=Fraction(told["cap"]), online_min=Fraction(told["online_min"]))
    settings = Settings(**body["park"], future_s=float(body["future_s"]), raw_days=int(body["raw_days"]))
    enterprises = sorted({duty.enterprise for duty in scheme.duties.values()} | {key.partition("/")[0] for key in body["ranges"]})
    points = [_point(key, *each) for key, each in body["ranges"].items()]
    park = Park(settings, tuple(Enterprise(each, each, each, 0, ()) for each in enterprises), tuple(points), scheme.digest)
    return Terms(scheme, rules, park)


def say_veto(veto: Veto) -> Body:
    """A veto as it is now: one that ends is said again."""
    return {"id": veto.id, "point": veto.point, "kind": veto.kind, "begin": veto.begin, "end": veto.end}


def hear_veto(body: Mapping[str, Any]) -> Veto:
    """What `say_veto` said."""
    return Veto(body["id"], body["point"], body["kind"], body["begin"], body["end"])


def say_exemption(exemption: Exemption) -> Body:
    """An exemption as it is after it was filed, decided or withdrawn."""
    return asdict(exemption)


def hear_exemption(body: Mapping[str, Any]) -> Exemption:
    """What `say_exemption` said. Raises TypeError on anything else."""
    return Exemption(**body)


def latest_vetoes(bodies: list[Mapping[str, Any]]) -> list[Veto]:
    """Each veto as it was said last; its beginning, point and kind are those that it was first said with."""
    found: dict[str, Veto] = {}
    for veto in map(hear_veto, bodies):
        first = found.setdefault(veto.id, veto)
        found[veto.id] = replace(first, end=veto.end)
    return list(found.values())


def latest_exemptions(bodies: list[Mapping[str, Any]]) -> list[Exemption]:
    """Each exemption as it was said last, in the order of their numbers."""
    return [each for _, each in sorted({found.id: found for found in map(hear_exemption, bodies)}.items())]


def _point(key: str, source: str, low: float, high: float) -> Point:
    """A point of which only name, source and range are known."""
    enterprise, _, tag = key.partition("/")
    return Point(enterprise, tag, source, "", "", "", Quantity.LEVEL, "", float(low), float(high), 1.0, Limits())
