"""The measures of alarm management: by hand where it is plain, and against loops over plain rows where it is not."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.alarms.lives import START, Life, Row, actor, columns

from hazmon.alarms.alarm import Alarm, AlarmEvent, Shelf, Subject
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.alarms.statistics import (
    FLEETING_US,
    HOUR_US,
    Chatterer,
    FloodSpan,
    Share,
    StaleAlarm,
    Statistics,
    Waiting,
    statistics,
)
from hazmon.alarms.targets import Target, Trust, measures
from hazmon.clock import MINUTE_US, US
from hazmon.rulebook import Kind, Rule

DAY = 24 * 3600
UNSEEN = {AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED, AlarmState.LATCHED_UNACKNOWLEDGED}
RING = {Stimulus.RAISE, Stimulus.ESCALATE, Stimulus.REALARM, Stimulus.EXPIRE, Stimulus.RELEASE, Stimulus.RETURN}


def measured(rows: Sequence[Row], first: float, last: float) -> Statistics:
    """Of a range in seconds after START."""
    return statistics(columns(rows), START + round(first * US), START + round(last * US))


def life(rows: list[Row], number: int, priority: int = 3, late: bool = False) -> Life:
    """A new alarm of that actor."""
    return Life(rows, len({row.alarm for row in rows}), actor(number), priority, late)


def test_what_is_counted_is_what_rings() -> None:
    kinds = list(product(Stimulus, AlarmState, (False, True), (False, True)))
    rows = [
        Row(k, START, k, actor(1), what, AlarmState.NORMAL, after, 3, late, off)
        for k, (what, after, late, off) in enumerate(kinds)
    ]
    blank = Alarm("0" * 16, Subject("E01", "LT-1", "", "", ""), Kind.HIGH, 3, AlarmState.NORMAL, START)
    shelf = Shelf(START, "", "")
    expected = [
        AlarmEvent(
            1,
            replace(blank, state=after, late=late, shelf=shelf if off else None),
            what,
            AlarmState.NORMAL,
            START,
            None,
            None,
            "",
            Rule.H,
            off,
        ).rings
        for what, after, late, off in kinds
    ]
    assert columns(rows).annunciated().tolist() == expected
    assert 10 <= sum(expected) <= 20


def test_a_quiet_day() -> None:
    found = measured([], 0, DAY)
    assert (found.annunciated, found.standing, found.floods.count, found.top) == (0, 0, 0, ())
    assert found.per_10_min.mean == Share(0, 144)
    assert found.per_10_min.above == {1: Share(0, 144), 2: Share(0, 144), 10: Share(0, 144)}
    assert found.waiting == (Waiting(0, None, None),) * 4
    assert found.top_share.value is None
    kept = {measure.id: measure.met for measure in measures(found)}
    assert not any(met is False for name, met in kept.items() if not name.startswith("priority"))


def test_rates_count_what_is_heard_and_nothing_else() -> None:
    rows: list[Row] = []
    life(rows, 1).at(10, Stimulus.RAISE).at(20, Stimulus.ESCALATE).at(30, Stimulus.ACKNOWLEDGE).at(700, Stimulus.REALARM)
    life(rows, 2).at(15, Stimulus.SHELVE).at(20, Stimulus.RAISE).at(900, Stimulus.EXPIRE)
    life(rows, 3).at(15, Stimulus.REMOVE).at(25, Stimulus.RAISE).at(30, Stimulus.CLEAR)
    life(rows, 4, late=True).at(40, Stimulus.RAISE_LATE).at(50, Stimulus.ESCALATE)
    life(rows, 5).at(50, Stimulus.SUPPRESS).at(60, Stimulus.RELEASE)
    life(rows, 6).at(1800, Stimulus.RAISE)
    found = measured(rows, 0, 1800)
    assert (found.annunciated, found.late) == (4, 1)
    assert found.per_10_min.mean == Share(4, 3)
    assert (found.per_10_min.most, found.per_10_min.above[1], found.per_10_min.above[2]) == (2, Share(2, 3), Share(0, 3))
    assert found.per_hour.mean == Share(4, 0.5)
    assert found.silenced == Share(2, 4)
    assert (found.shelved, found.suppressed, found.removed) == (1, 1, 1)
    assert (found.standing, found.standing_silent) == (2, 0)


def test_time_to_acknowledge_counts_from_when_it_was_last_heard_unseen() -> None:
    rows: list[Row] = []
    life(rows, 1, 1).at(0, Stimulus.RAISE).at(10, Stimulus.ESCALATE).at(40, Stimulus.ACKNOWLEDGE)
    life(rows, 2, 1).at(0, Stimulus.RAISE).at(10, Stimulus.CLEAR).at(60, Stimulus.RAISE).at(100, Stimulus.ACKNOWLEDGE)
    life(rows, 3, 2).at(0, Stimulus.RAISE).at(10, Stimulus.SHELVE).at(500, Stimulus.EXPIRE).at(520, Stimulus.ACKNOWLEDGE)
    life(rows, 4, 2).at(0, Stimulus.RAISE).at(10, Stimulus.ACKNOWLEDGE).at(20, Stimulus.ESCALATE).at(24, Stimulus.ACKNOWLEDGE)
    life(rows, 5, 3).at(0, Stimulus.RAISE)
    life(rows, 6, 3).at(0, Stimulus.RAISE).at(1, Stimulus.SHELVE).at(2, Stimulus.UNSHELVE)
    life(rows, 7, 4).at(0, Stimulus.RAISE).at(5, Stimulus.ACKNOWLEDGE)
    found = measured(rows, 0, 3600)
    assert [waited.acknowledged for waited in found.waiting] == [2, 3, 0, 1]
    assert [waited.p50_s for waited in found.waiting[:2]] == [70, 10], "40 and 100; 20, 10 and 4"
    assert [waited.p95_s for waited in found.waiting[:2]] == [pytest.approx(97), pytest.approx(19)]
    assert found.waiting[2:] == (Waiting(0, None, None), Waiting(1, 5.0, 5.0))
    assert found.unacknowledged == Share(3, 9), "5 has not been seen, 3 and 6 were shelved unseen"
    later = measured(rows, 30, 3600)
    assert later.waiting[0].acknowledged == 2
    assert later.unacknowledged == Share(0, 1), "only the shelf that ended"


def test_a_flood_is_measured_within_the_range() -> None:
    rows: list[Row] = []
    for k in range(30):
        life(rows, k % 7).raised(k * 20, lasting=9)
    found = measured(rows, 0, DAY)
    span = FloodSpan(START + 200 * US, START + (25 * 20 + 600) * US, 30, 30)
    assert (found.floods.count, found.floods.listed, found.floods.peak) == (1, (span,), 30)
    assert found.floods.time == Share(900, DAY)
    assert found.floods.alarms == Share(30, 30)
    cut = measured(rows, 400, 600)
    assert (cut.floods.listed, cut.floods.time, cut.floods.alarms) == (
        (FloodSpan(START + 200 * US, None, 30, 30),),
        Share(200, 200),
        Share(10, 10),
    )
    assert measured(rows, 1100, DAY).floods.count == 0
    over = {measure.id: measure for measure in measures(found)}["time_in_flood"]
    assert (over.met, over.share.value) == (False, pytest.approx(0.0104, abs=1e-4))


def test_chatter_and_fleeting_are_told_apart() -> None:
    rows: list[Row] = []
    life(rows, 1).raised(0, 29, 60, lasting=5)
    life(rows, 2).raised(100, 130.001, 160.002, lasting=5)
    for k in range(4):
        life(rows, 3).raised(1000 + k * 10, lasting=9)
    life(rows, 4).raised(2000, lasting=FLEETING_US / US)
    life(rows, 5).raised(2000, lasting=FLEETING_US / US + 0.001)
    found = measured(rows, 0, 3600)
    assert found.chatterers == (Chatterer(actor(3), 4, 4), Chatterer(actor(1), 3, 3))
    assert found.chattering == Share(2, 5)
    assert found.fleeting == Share(4, 12), "the three of 2, and 4"


def test_stale_stood_for_more_than_a_day_at_some_time_in_the_range() -> None:
    rows: list[Row] = []
    life(rows, 1).at(0, Stimulus.RAISE)
    life(rows, 2).at(0, Stimulus.RAISE).at(DAY, Stimulus.CLEAR)
    life(rows, 3).at(0, Stimulus.RAISE).at(DAY + 10, Stimulus.CLEAR)
    life(rows, 4).at(100, Stimulus.RAISE).at(200, Stimulus.SHELVE)
    life(rows, 5).at(100, Stimulus.RAISE).at(DAY - 50, Stimulus.CLEAR)
    found = measured(rows, DAY - 50, DAY + 50)
    assert found.stale_alarms == (
        StaleAlarm(actor(1), START, None),
        StaleAlarm(actor(3), START, START + (DAY + 10) * US),
    )
    assert (found.stale, found.standing, found.standing_silent) == (Share(2, 4), 2, 1)
    assert measured(rows, DAY + 20, DAY + 50).stale == Share(1, 2)


def test_the_ten_most_frequent_and_the_mix() -> None:
    rows: list[Row] = []
    for number in range(12):
        for k in range(number + 1):
            life(rows, number, 1 + number % 4).raised(1000 * number + k * 60, lasting=20)
    found = measured(rows, 0, DAY)
    assert [(who, share.numerator) for who, share in found.top] == [(actor(n), n + 1) for n in range(11, 1, -1)]
    assert found.top_share == Share(75, 78)
    assert found.priorities == (Share(15, 78), Share(18, 78), Share(21, 78), Share(24, 78))
    assert next(measure for measure in measures(found) if measure.id == "priority_1").met is False


def test_no_target_claims_to_be_the_standard() -> None:
    for measure in measures(measured([], 0, DAY)):
        if measure.target is not None:
            assert measure.target.trust in Trust
            assert "require" not in measure.target.basis
            assert measure.target.at_most is not None or measure.target.at_least is not None
    between = Target(Trust.OWN, "", at_least=1, at_most=2)
    assert [between.met(value) for value in (0.9, 1, 2, 2.1, None)] == [False, True, True, False, None]


def at_random(seed: int, steps: int, alarms: int) -> list[Row]:
    """Alarms of a few actors to which anything happens that may."""
    chance = random.Random(seed)
    rows: list[Row] = []
    lives = [Life(rows, k, actor(chance.randrange(4)), chance.randrange(1, 5), late=chance.random() < 0.1) for k in range(alarms)]
    second = 0.0
    for _ in range(steps):
        second += chance.choice([0, 1, 5, 20, 60, 600, 4000])
        one = chance.choice(lives)
        stimulus = chance.choice([*Stimulus, *[Stimulus.RAISE, Stimulus.ACKNOWLEDGE, Stimulus.CLEAR] * 4])
        one.at(second, stimulus)
    return rows


def heard(row: Row) -> bool:
    return (
        row.stimulus in RING and row.after in ("unacknowledged", "latched_unacknowledged") and not row.late and not row.suppressed
    )


def looped(rows: Sequence[Row], start: int, end: int) -> dict[str, object]:
    """The same measures, row by row."""
    rows = [row for row in rows if row.at < end]
    rung = [row for row in rows if heard(row) and row.at >= start]
    standing: dict[int, Row] = {}
    waiting: dict[int, Row] = {}
    excursions: list[tuple[Row, int | None]] = []
    took: dict[int, list[float]] = defaultdict(list)
    waits = seen = 0
    for row in rows:
        if row.stimulus is Stimulus.RAISE and not row.late:
            standing.setdefault(row.alarm, row)
        if row.stimulus in (Stimulus.CLEAR, Stimulus.LATCH) and row.alarm in standing:
            excursions.append((standing.pop(row.alarm), row.at))
        if row.after not in UNSEEN or row.suppressed:
            since = waiting.pop(row.alarm, None)
            if since is not None and row.stimulus is Stimulus.ACKNOWLEDGE:
                seen += since.at >= start
                if row.at >= start:
                    took[row.priority].append((row.at - since.at) / US)
        elif heard(row) and row.alarm not in waiting:
            waiting[row.alarm] = row
            waits += row.at >= start
    excursions += [(row, None) for row in standing.values()]
    chatter: set[int] = set()
    for one, _ in excursions:
        times = sorted((r.at, r.event) for r, _ in excursions if r.actor == one.actor)
        for trio in zip(times, times[1:], times[2:], strict=False):
            if trio[2][0] - trio[0][0] <= MINUTE_US:
                chatter |= {event for _, event in trio}
    new = [(row, ended) for row, ended in excursions if row.at >= start]
    stood = [(row, ended) for row, ended in excursions if min(ended or end, end) > start]
    tens = Counter((row.at - start) // (10 * MINUTE_US) for row in rung)
    return {
        "annunciated": len(rung),
        "most": max(tens.values(), default=0),
        "above": sum(count > 1 for count in tens.values()),
        "mix": [sum(row.priority == p for row in rung) for p in (1, 2, 3, 4)],
        "top": sorted(Counter(row.actor for row in rung).items(), key=lambda pair: (-pair[1], pair[0]))[:10],
        "took": {p: np.percentile(took[p], [50, 95]).tolist() for p in took},
        "unacknowledged": (waits - seen, waits),
        "chattering": len({row.actor for row, _ in new if row.event in chatter}),
        "fleeting": sum(row.event not in chatter and ended is not None and ended - row.at <= FLEETING_US for row, ended in new),
        "new": len(new),
        "stale": sum(min(ended or end, end) - row.at > 24 * HOUR_US for row, ended in stood),
        "stood": len(stood),
        "standing": len(standing),
    }


def summed(found: Statistics) -> dict[str, object]:
    return {
        "annunciated": found.annunciated,
        "most": found.per_10_min.most,
        "above": found.per_10_min.above[1].numerator,
        "mix": [share.numerator for share in found.priorities],
        "top": [(who, share.numerator) for who, share in found.top],
        "took": {p: [w.p50_s, w.p95_s] for p, w in enumerate(found.waiting, 1) if w.acknowledged},
        "unacknowledged": (found.unacknowledged.numerator, found.unacknowledged.denominator),
        "chattering": found.chattering.numerator,
        "fleeting": found.fleeting.numerator,
        "new": found.fleeting.denominator,
        "stale": found.stale.numerator,
        "stood": found.stale.denominator,
        "standing": found.standing,
    }


@given(st.integers(0, 10**6), st.integers(0, 300), st.integers(1, 12), st.integers(0, 100_000), st.integers(1, 200_000))
def test_the_same_as_loops(seed: int, steps: int, alarms: int, first: int, lasting: int) -> None:
    rows = at_random(seed, steps, alarms)
    start, end = START + first * US, START + (first + lasting) * US
    assert summed(statistics(columns(rows), start, end)) == looped(rows, start, end)


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_neither_order_nor_doubles_matter(seed: int, chance: random.Random) -> None:
    rows = at_random(seed, 150, 8)
    mixed = rows + chance.sample(rows, len(rows) // 3)
    chance.shuffle(mixed)
    found = measured(mixed, 1000, 90_000)
    assert found == measured(rows, 1000, 90_000)


def test_an_end_is_never_before_its_beginning() -> None:
    """An operator's clock goes a little after the box's."""
    rows: list[Row] = []
    life(rows, 1).at(10, Stimulus.RAISE).at(9.5, Stimulus.ACKNOWLEDGE).at(9, Stimulus.CLEAR)
    found = measured(rows, 0, 60)
    assert found.waiting[2] == Waiting(1, 0.0, 0.0)
    assert found.fleeting == Share(1, 1)
    assert found.standing == 0
