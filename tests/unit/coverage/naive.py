"""Coverage as it is published, slot by slot: dictionaries and loops, and nothing of the code that is to be proved.

Numbers of facts, of causes and of factors stand here once more, for an auditor has only the published text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction

SLOT = 60_000_000
SECOND = 1_000_000
CHINA = timezone(timedelta(hours=8))
OF_QUALITY = {0: 65, 1: 20, 2: 21, 3: 22, 4: 23, 5: 24, 6: 27, 7: 25, 8: 28, 128: 9, 129: 26}
ONLINE, COMPLETE = {1, 2, 6, 7}, {3, 4, 8, 9, 29}  # what is lost to which factor; nothing at all is asked for by itself
PARK_DOWN, BOX_SILENT, UNEXPLAINED = 101, 102, 103


@dataclass(frozen=True)
class Terms:
    """What counts."""

    groups: dict[str, set[str]]  # quantities of which one is enough
    required: dict[str, list[str]]  # groups by kind of unit
    prompt_s: int = 60
    late_s: int = 86_400
    clock_s: int = 30
    grace_s: int = 7_200
    cap: Fraction = Fraction(1, 20)


@dataclass(frozen=True)
class Plan:
    """A configuration in force from slot `since` on: sources with (unit, kind); points (source, unit, quantity, low, high)."""

    since: int
    sources: dict[str, list[tuple[str, str]]]
    points: dict[str, tuple[str, str, str, float, float]]


@dataclass(frozen=True)
class Sample:
    """A reading, or a hole in a scan (quality 128)."""

    point: str
    at: int
    quality: int
    value: float


@dataclass
class Sent:
    """A batch: what it holds, when it came, what its box's clock was known to be off, which configuration it came under."""

    box: str
    arrived: int
    offset: int
    plan: int
    samples: list[Sample] = field(default_factory=list[Sample])
    misses: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])  # point, time, cause


@dataclass(frozen=True)
class Filed:
    """An exemption; unit None: the whole source."""

    source: str
    unit: str | None
    begins: int
    until: int
    filed: int
    approved: bool
    withdrawn: int | None


@dataclass
class Figures:
    """Of one source."""

    slots: int = 0
    covered: int = 0
    prompt: int = 0
    excused: int = 0
    lost: list[int] = field(default_factory=lambda: [0, 0, 0, 0])


@dataclass
class PointFigures:
    """Of one point."""

    owed: int = 0
    good: int = 0
    prompt: int = 0
    bad: int = 0
    exempt: int = 0
    missed: dict[int, int] = field(default_factory=dict[int, int])


@dataclass
class Account:
    """Everything said of [first, end)."""

    facts: dict[tuple[str, int], int]
    sources: dict[str, Figures]
    points: dict[str, PointFigures]


def worth(sample: Sample, sent: Sent, plan: Plan, terms: Terms) -> int:
    """The fact that a sample is."""
    fact = OF_QUALITY[sample.quality]
    if fact != 65:
        return fact
    _, _, _, low, high = plan.points[sample.point]
    if sample.value < low - 0.0125 * (high - low) or sample.value > high + 0.03125 * (high - low):
        return 27
    age = sent.arrived - sample.at
    if abs(sent.offset) > terms.clock_s * SECOND or -age > terms.clock_s * SECOND:
        return 28
    if age > terms.late_s * SECOND:
        return 29
    return 64 if age > terms.prompt_s * SECOND else 65


def account(
    terms: Terms,
    plans: Sequence[Plan],
    batches: Sequence[Sent],
    vetoes: Sequence[tuple[str, int, int | None]],
    filed: Sequence[Filed],
    down: set[int],
    first: int,
    end: int,
) -> Account:
    """Count every slot of [first, end) by itself."""
    facts: dict[tuple[str, int], int] = {}
    heard: set[tuple[str, int]] = set()
    for sent in batches:
        plan = plans[sent.plan]
        for sample in sent.samples:
            slot = sample.at // SLOT
            heard.add((sent.box, slot))
            if sample.point in plan.points:
                facts[sample.point, slot] = max(facts.get((sample.point, slot), 0), worth(sample, sent, plan, terms))
        for point, at, cause in sent.misses:
            heard.add((sent.box, at // SLOT))
            if point in plan.points:
                facts[point, at // SLOT] = max(facts.get((point, at // SLOT), 0), cause)
    found = Account(facts, {}, {})
    for plan, nxt in zip(plans, [*plans[1:], None], strict=True):
        if max(first, plan.since) < (end if nxt is None else min(end, nxt.since)):
            found.sources.update({source: Figures() for source in plan.sources})
            found.points.update({point: PointFigures() for point in plan.points})
    owed = [{source: _owed(source, units, plan, terms) for source, units in plan.sources.items()} for plan in plans]
    used: dict[tuple[str, int, int], int] = {}
    spent: set[tuple[str, int, int]] = set()
    for slot in range(first, end):
        number = max((number for number, plan in enumerate(plans) if plan.since <= slot), default=-1)
        if number < 0:
            continue
        plan = plans[number]
        month = _month(slot)
        now = {point: _in_veto(point, slot, facts.get((point, slot), 0), vetoes) for point in plan.points}
        for source, (items, mine) in owed[number].items():
            figures = found.sources[source]
            factor, prompt, failing = _fate(items, [now[point] for point in mine], now)
            spared = {unit for unit, _ in plan.sources[source] if any(_spares(each, source, unit, slot, terms) for each in filed)}
            key = (source, *month)
            figures.slots += 1
            if factor is None:
                figures.covered += 1
                figures.prompt += prompt
            else:
                figures.lost[factor] += 1
                if failing <= spared:
                    if used.get(key, 0) < int(_month_slots(*month) * terms.cap):
                        used[key] = used.get(key, 0) + 1
                        figures.excused += 1
                    else:
                        spent.add(key)
            for point in mine:
                exempt = plan.points[point][1] in spared and key not in spent
                _count(found.points[point], now[point], exempt, slot in down, (point[:3], slot) in heard)
    return found


def _owed(source: str, units: list[tuple[str, str]], plan: Plan, terms: Terms) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """The source's items, each a unit and the points that can satisfy it; and all its points."""
    mine = [point for point, (its_source, *_) in plan.points.items() if its_source == source]
    items: list[tuple[str, list[str]]] = []
    for unit, kind in units:
        for group in terms.required[kind]:
            able = [p for p in mine if plan.points[p][1] == unit and plan.points[p][2] in terms.groups[group]]
            items.append((unit, able))
    return items, mine


def _fate(items: list[tuple[str, list[str]]], mine: list[int], now: dict[str, int]) -> tuple[int | None, bool, set[str]]:
    """The factor that a slot is lost to, 0 to 3, None: covered; whether at once; the units that failed."""
    silent = max(mine, default=0) < 20
    failing: set[str] = set()
    factors: list[int] = []
    prompt = True
    for unit, points in items:
        best = -1
        for point in points:
            best = max(best, now[point])
        prompt = prompt and best == 65
        if best < 64:
            failing.add(unit)
            if best == -1:
                factors.append(0)
            elif best in ONLINE or (best == 0 and silent):
                factors.append(1)
            elif best in COMPLETE or best == 0:
                factors.append(2)
            else:
                factors.append(3)
    return (min(factors) if factors else None), prompt, failing


def _in_veto(point: str, slot: int, fact: int, vetoes: Sequence[tuple[str, int, int | None]]) -> int:
    """30 for a good fact of a slot that lies in a veto from its beginning to its end."""
    if fact >= 64:
        for which, begin, end in vetoes:
            if which == point and begin <= slot * SLOT and (end is None or (slot + 1) * SLOT <= end):
                return 30
    return fact


def _spares(each: Filed, source: str, unit: str, slot: int, terms: Terms) -> bool:
    """Whether the exemption is valid for the unit through the whole slot."""
    if each.source != source or each.unit not in (None, unit) or not each.approved:
        return False
    begin = each.begins if each.filed <= each.begins + terms.grace_s * SECOND else each.filed
    until = each.until if each.withdrawn is None else min(each.until, each.withdrawn)
    return begin <= slot * SLOT and (slot + 1) * SLOT <= until


def _count(figures: PointFigures, fact: int, exempt: bool, park_down: bool, heard: bool) -> None:
    figures.owed += 1
    if fact >= 64:
        figures.good += 1
        figures.prompt += fact == 65
    elif exempt:
        figures.exempt += 1
    elif fact >= 20:
        figures.bad += 1
    else:
        cause = fact or (PARK_DOWN if park_down else UNEXPLAINED if heard else BOX_SILENT)
        figures.missed[cause] = figures.missed.get(cause, 0) + 1


def _month(slot: int) -> tuple[int, int]:
    """Year and month of the slot's beginning in China."""
    at = datetime.fromtimestamp(slot * 60, CHINA)
    return at.year, at.month


def _month_slots(year: int, month: int) -> int:
    """Minutes of a month."""
    begin = datetime(year, month, 1, tzinfo=CHINA)
    return int((datetime(year + month // 12, month % 12 + 1, 1, tzinfo=CHINA) - begin).total_seconds()) // 60
