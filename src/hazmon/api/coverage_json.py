"""Figures as the API tells them. A year of the park is 15,330 rows: plain structs, so that no loop waits for their making."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from hazmon.clock import iso
from hazmon.coverage.account import FACTORS, PointTally, Tally
from hazmon.coverage.causes import cause_name
from hazmon.coverage.figures import Names
from hazmon.coverage.report import BatchName, Gap, Row, Targets


class Rate(msgspec.Struct):
    """A share, in percent to 4 digits."""

    numerator: int
    denominator: int
    rate: str | None


class Lost(msgspec.Struct):
    """Slots by factor."""

    connect: int
    online: int
    complete: int
    valid: int


class Line(msgspec.Struct, omit_defaults=True):
    """A row, as CoverageRow describes it."""

    of: str
    name: str
    name_en: str
    begin: str = msgspec.field(name="from")
    to: str
    slots: int
    covered: int
    prompt: int
    excused: int
    lost: Lost
    raw: Rate
    net: Rate
    real_time: Rate
    point: dict[str, Any] | None = None


def rate(numerator: int, denominator: int) -> Rate:
    """Cut off, not rounded: what is less than 100 % is never shown as 100 %."""
    if not denominator:
        return Rate(numerator, denominator, None)
    parts = numerator * 1_000_000 // denominator
    return Rate(numerator, denominator, f"{parts // 10_000}.{parts % 10_000:04d}")


def lines(rows: list[Row]) -> list[Line]:
    """The rows; those of one stretch share its times."""
    times: dict[int, str] = {}

    def told(at: int) -> str:
        return times.get(at) or times.setdefault(at, iso(at))

    return [
        Line(
            row.of,
            row.name,
            row.name_en,
            told(row.begin),
            told(row.end),
            row.tally.slots,
            row.tally.covered,
            row.tally.prompt,
            row.tally.excused,
            Lost(*row.tally.lost),
            rate(*row.tally.raw),
            rate(*row.tally.net),
            rate(*row.tally.real_time),
            None if row.point is None else _point(row.point),
        )
        for row in rows
    ]


def figures(tally: Tally) -> dict[str, Any]:
    """As FiguresView."""
    return {
        "slots": tally.slots,
        "covered": tally.covered,
        "prompt": tally.prompt,
        "excused": tally.excused,
        "lost": dict(zip(FACTORS, tally.lost, strict=True)),
        "raw": rate(*tally.raw),
        "net": rate(*tally.net),
        "real_time": rate(*tally.real_time),
    }


def whole(tally: Tally) -> dict[str, Any]:
    """As CoverageTotal."""
    return figures(tally) | {"factors": {name: rate(*share) for name, share in tally.factors.items()}}


def _point(tally: PointTally) -> dict[str, Any]:
    return {
        "owed": tally.owed,
        "good": tally.good,
        "prompt": tally.prompt,
        "bad": tally.bad,
        "exempt": tally.exempt,
        "missed": {cause_name(cause): count for cause, count in tally.missed.items()},
    }


def targets_json(found: Targets, online_min: Fraction, names: Names) -> dict[str, Any]:
    """As TargetsView."""
    return {
        "online_min": rate(online_min.numerator, online_min.denominator),
        "online": rate(found.online, found.sources),
        "equipped": rate(found.equipped, found.sources),
        "offline": [
            {"source": source, "name": name, "name_en": name_en, **figures(tally)}
            for source, tally in found.offline
            for name, name_en in (names.get(source, (source, source)),)
        ],
        "lacking": [
            {"source": each.source, "unit": each.unit, "group": each.group, "group_name": each.group_name}
            for each in found.lacking
        ],
    }


def gap_json(gap: Gap) -> dict[str, Any]:
    """As GapView."""
    return {
        "id": gap.id,
        "source": gap.source,
        "units": gap.units,
        "groups": gap.groups,
        "points": gap.points,
        "from": iso(gap.begin),
        "to": iso(gap.end),
        "minutes": gap.slots,
        "factor": gap.factor,
        "cause": gap.cause,
        "excused": gap.excused,
        "exemption": gap.exemption,
        "filed": gap.filed,
        "before": _batch(gap.before),
        "after": _batch(gap.after),
    }


def _batch(batch: BatchName | None) -> dict[str, Any] | None:
    """boot and seq as decimal text: they do not fit a JSON number everywhere."""
    if batch is None:
        return None
    return {
        "edge": batch.edge,
        "boot": str(batch.boot),
        "seq": str(batch.seq),
        "digest": batch.digest,
        "arrived_at": iso(batch.arrived),
    }
