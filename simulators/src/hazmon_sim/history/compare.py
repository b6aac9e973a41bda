"""The service's coverage beside the expected one, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from hazmon_sim.history.expected import COUNTS, Row
from hazmon_sim.history.sending import Link, ParkError

SHOWN = 20  # differences that are named
_LOST = ("connect", "online", "complete", "valid")


SETTLED_US = 300_000_000  # after its end a minute still waits to be seen in time


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many rows were compared, and what differs, in words."""

    rows: int
    differences: list[str]


async def ask_coverage(link: Link, from_us: int, to_us: int, zone: ZoneInfo) -> list[Row]:
    """The service's rows by source and day, asked for month by month, when the last minute counts for sure.

    Raises ParkError for an answer of another shape.
    """
    rows: list[Row] = []
    for start, end in _months(from_us, to_us, zone):
        query = urlencode({"from": start.isoformat(), "to": end.isoformat(), "by": "source", "step": "day"})
        answer = await link.json("GET", f"/api/v1/coverage?{query}", to_us + SETTLED_US)
        try:
            rows += [_row(each) for each in answer["rows"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ParkError(f"GET /api/v1/coverage: not the shape agreed upon: {error!r}") from error
    return rows


def compare(expected: Iterable[Row], found: Iterable[Row], zone: ZoneInfo) -> Verdict:
    """Every expected row must be there once with equal counts, and no other."""
    answered: dict[tuple[str, int], Row] = {}
    differences: list[str] = []
    for row in found:
        if answered.setdefault((row.of, row.from_us), row) is not row:
            differences.append(f"{_name(row, zone)}: answered twice")
    rows = 0
    for wanted in expected:
        rows += 1
        row = answered.pop((wanted.of, wanted.from_us), None)
        if row is None:
            differences.append(f"{_name(wanted, zone)}: not in the answer")
            continue
        for count in COUNTS:
            if getattr(row, count) != getattr(wanted, count):
                told = f"expected {getattr(wanted, count)}, the service says {getattr(row, count)}"
                differences.append(f"{_name(wanted, zone)} {count}: {told}")
    differences += [f"{_name(row, zone)}: answered, but not expected" for row in answered.values()]
    return Verdict(rows, differences)


def _row(found: dict[str, Any]) -> Row:
    lost = found["lost"]
    from_us = (datetime.fromisoformat(found["from"]) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    own = [int(found[count]) for count in ("slots", "covered", "prompt", "excused")]
    return Row(str(found["of"]), from_us, *own, *(int(lost[factor]) for factor in _LOST))


def _name(row: Row, zone: ZoneInfo) -> str:
    return f"{row.of} {datetime.fromtimestamp(row.from_us // 1_000_000, zone):%Y-%m-%d}"


def _months(from_us: int, to_us: int, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The period cut at the beginnings of calendar months."""
    start, end = (datetime.fromtimestamp(at // 1_000_000, zone) for at in (from_us, to_us))
    while start < end:
        following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield start, min(following, end)
        start = following
