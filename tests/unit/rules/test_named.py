"""Rules over several points: a naive model agrees, cuts change nothing, and every row of the vote's degradation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.rules.naive_named import Naive

from hazmon.model import Point, Quality, Quantity
from hazmon.rulebook import (
    RULES,
    All,
    ByDesign,
    Deviation,
    Expression,
    Limits,
    NamedRule,
    Not,
    Rule,
    Signal,
    Some,
    Term,
    Travel,
    Vote,
)
from hazmon.rules.frame import NEVER, Bools, ScanBlock
from hazmon.rules.limits import LimitTable
from hazmon.rules.named import Held, NamedTable, designs, named
from hazmon.rules.walk import Change, RuleState

START = 1_767_225_600_000_000
S = 1_000_000
CODES = [Quality.GOOD] * 8 + [Quality.CLOCK_SUSPECT, Quality.MAINTENANCE, Quality.ABSENT, Quality.BAD]
IDS = [f"E01/T{n}" for n in range(5)]
FIRST, SECOND = [0, 1, 2], [3, 4]  # two groups
NOTHING = np.zeros(len(IDS), bool)
Test = Expression | Vote | Deviation | Travel


def rule(test: Test, on_delay_s: float = 0.0, off_delay_s: float = 0.0, tag: str = "R") -> NamedRule:
    kinds: dict[type, Rule] = {Vote: Rule.VOTE, Deviation: Rule.DEVIATION, Travel: Rule.STATE, Term: Rule.STATE}
    kind = kinds.get(type(test), Rule.CONDITION)
    return NamedRule("E01", tag, "E01-S1", "", "名", "name", kind, 3, test, on_delay_s, off_delay_s)


class Plant:
    """Named rules over the five points, and what they know."""

    def __init__(self, *rules: NamedRule, by_design: Sequence[ByDesign] = ()) -> None:
        self.rules = rules
        self.table = NamedTable.of(rules, by_design, {name: number for number, name in enumerate(IDS)}, len(IDS))
        self.held = Held.of(self.table)
        self.state = RuleState.quiet(len(IDS) + len(rules))

    def step(self, *blocks: ScanBlock, unknown: Bools = NOTHING) -> list[Change]:
        return named(self.state, self.table, self.held, blocks, unknown)

    def told(self, *blocks: ScanBlock, unknown: Bools = NOTHING) -> list[tuple[float, bool]]:
        """(seconds, on) of each turn."""
        return [((change.at - START) / S, change.on) for change in self.step(*blocks, unknown=unknown)]


def block(points: Sequence[int], seconds: Sequence[float], rows: Sequence[Sequence[float | None]]) -> ScanBlock:
    """Scans of values; None is a reading that the device called bad."""
    values = np.array([[np.nan if value is None else value for value in row] for row in rows], float)
    quality = np.where(np.isnan(values), Quality.BAD, Quality.GOOD).astype(np.uint8)
    times = START + np.array([round(second * S) for second in seconds], np.int64)
    return ScanBlock(1, times, values, quality, None, np.array(points, np.int64))


numbers = st.integers(0, 6).map(lambda n: n / 2)


def terms(points: Sequence[int]) -> st.SearchStrategy[Term]:
    return st.builds(
        Term, st.sampled_from([IDS[n] for n in points]), st.sampled_from([">", ">=", "<", "<=", "==", "!="]), numbers
    )


def expressions(points: Sequence[int]) -> st.SearchStrategy[Expression]:
    def longer(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        several = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.builds(All, several) | st.builds(Some, several) | st.builds(Not, inner)

    return st.recursive(terms(points), longer, max_leaves=6)


@st.composite
def subjects(draw: st.DrawFn, points: Sequence[int]) -> Test:
    one, other = draw(st.lists(st.sampled_from([IDS[n] for n in points]), min_size=2, max_size=2, unique=True))
    match draw(st.sampled_from(["vote", "deviation", "travel", "expression"])):
        case "vote":
            of = draw(st.lists(terms(points), min_size=2, max_size=len(points), unique_by=lambda term: term.point))
            return Vote(tuple(of), draw(st.integers(1, len(of))), draw(st.sampled_from(["vote", "drop"])))
        case "deviation":
            return Deviation(one, other, draw(st.sampled_from([0.5, 1.0, 2.0])), draw(st.sampled_from([0.0, 0.5])))
        case "travel":
            return Travel(one, other, draw(st.sampled_from([0.0, 0.5])), draw(st.sampled_from([1.0, 3.0])))
        case _:
            return draw(expressions(points))


@st.composite
def rule_lists(draw: st.DrawFn, points: Sequence[int]) -> list[NamedRule]:
    found = draw(st.lists(subjects(points), min_size=1, max_size=4))
    on, off = st.sampled_from([0.0, 0.0, 1.5, 3.0]), st.sampled_from([0.0, 0.0, 2.0])
    return [rule(test, draw(on), draw(off), f"R{number}") for number, test in enumerate(found)]


@st.composite
def blocks(draw: st.DrawFn, points: list[int], begin: int, steps: Sequence[int]) -> ScanBlock:
    t, n = draw(st.integers(1, 8)), len(points)
    gaps = draw(st.lists(st.sampled_from(steps), min_size=t, max_size=t))
    values = np.array(draw(st.lists(numbers, min_size=t * n, max_size=t * n))).reshape(t, n)
    quality = offsets = None
    if draw(st.booleans()):
        quality = np.array(draw(st.lists(st.sampled_from(CODES), min_size=t * n, max_size=t * n)), np.uint8).reshape(t, n)
        values[quality >= 128] = np.nan
    if draw(st.booleans()):
        offsets = np.array(draw(st.lists(st.integers(0, 300), min_size=t * n, max_size=t * n)), np.int32).reshape(t, n)
    columns = np.array(points, np.int64)
    if draw(st.booleans()):  # a column that the park does not know, with values of its own
        columns = np.append(columns, -1)
        values = np.column_stack([values, np.full(t, 2.0)])
        quality = None if quality is None else np.column_stack([quality, np.zeros(t, np.uint8)])
        offsets = None if offsets is None else np.column_stack([offsets, np.zeros(t, np.int32)])
    return ScanBlock(1, begin + np.cumsum(np.array(gaps, np.int64)) * 1000, values, quality, offsets, columns)


@dataclass(frozen=True)
class Story:
    """Rules, and steps of blocks with the points that are unknown in each."""

    rules: list[NamedRule]
    steps: list[tuple[list[ScanBlock], Bools]]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    ends, steps = {0: START, 1: START}, list[tuple[list[ScanBlock], Bools]]()
    for _ in range(draw(st.integers(1, 4))):
        found: list[ScanBlock] = []
        for group, points, gaps in ((0, FIRST, [1, 500, 1000, 1000]), (1, SECOND, [700, 1000, 5000])):
            if draw(st.booleans()):
                found.append(draw(blocks(points, ends[group], gaps)))
                ends[group] = int(found[-1].times[-1])
        steps.append((found, np.array(draw(st.lists(st.booleans(), min_size=5, max_size=5)))))
    return Story(draw(rule_lists([*FIRST, *SECOND])), steps)


@given(stories())
@settings(max_examples=250, deadline=None)
def test_a_naive_model_agrees(story: Story) -> None:
    plant, naive = Plant(*story.rules), Naive(story.rules, IDS)
    turned: dict[tuple[int, Rule], int] = {}
    for found, unknown in story.steps:
        changes = plant.step(*found, unknown=unknown)
        expected = naive.step(found, [IDS[n] for n in np.flatnonzero(unknown)])
        names = [story.rules[change.point - len(IDS)] for change in changes]
        assert [name.rule for name in names] == [change.rule for change in changes]
        for name in {rule.id for rule in story.rules}:  # the order between rules at one instant is nobody's
            mine = [c for c, rule in zip(changes, names, strict=True) if rule.id == name]
            theirs = [turn for turn in expected if turn[1] == name]
            assert [(c.at, c.on) for c in mine] == [(at, on) for at, _, on, _, _ in theirs]
            np.testing.assert_array_equal([c.value for c in mine], [value for *_, value, _ in theirs])
            np.testing.assert_array_equal([c.limit for c in mine], [limit for *_, limit in theirs])
        assert [change.at for change in changes] == sorted(change.at for change in changes)
        for change in changes:
            assert change.at > turned.get((change.point, change.rule), NEVER), "two changes of one rule at one instant"
            turned[change.point, change.rule] = change.at
        for row, (rule_, standing) in enumerate(zip(story.rules, naive.standing, strict=True), start=len(IDS)):
            column = RULES.index(rule_.rule)
            since = NEVER if standing.since is None else standing.since
            assert (plant.state.active[row, column], plant.state.since[row, column]) == (standing.on, since)


@given(rule_lists(FIRST), blocks(FIRST, START, [500, 1000, 1000, 4000]), st.lists(st.integers(1, 7), max_size=5))
@settings(max_examples=120, deadline=None)
def test_cuts_change_nothing(rules: list[NamedRule], whole: ScanBlock, cuts: list[int]) -> None:
    uncut = Plant(*rules)
    changes = uncut.step(whole)
    for pieces in (cuts, range(whole.times.size)):
        cut = Plant(*rules)
        edges = [0, *sorted({piece for piece in pieces if 0 < piece < whole.times.size}), whole.times.size]
        parts = [change for edge, end in pairwise(edges) for change in cut.step(whole.rows(np.arange(edge, end)))]
        np.testing.assert_equal(sorted(map(repr, changes)), sorted(map(repr, parts)))
        np.testing.assert_array_equal(uncut.state.active, cut.state.active)
        np.testing.assert_array_equal(uncut.state.since, cut.state.since)
        for name in ("value", "usable", "at", "turned"):
            np.testing.assert_array_equal(getattr(uncut.held, name), getattr(cut.held, name))


# v of the known detectors say so, k are unknown: what becomes of 3
DEGRADATION: dict[tuple[Literal["vote", "drop"], int], str] = {
    # (v, k) = 00 10 20 30  01 11 21  02 12  03
    ("vote", 1): "- + + +  - + +  - +  ?",
    ("vote", 2): "- - + +  - + +  - +  ?",
    ("vote", 3): "- - - +  - - +  - +  ?",
    ("drop", 1): "- + + +  - + +  - +  ?",
    ("drop", 2): "- - + +  - - +  - +  ?",
    ("drop", 3): "- - - +  - - +  - +  ?",
}
ROWS = [
    (bad, need, v, k, answer)
    for (bad, need), line in DEGRADATION.items()
    for (v, k), answer in zip([(v, k) for k in range(4) for v in range(4 - k)], line.split(), strict=True)
]


@pytest.mark.parametrize(("bad", "need", "v", "k", "answer"), ROWS)
@pytest.mark.parametrize("stands", [False, True])
@pytest.mark.parametrize("how", ["bad", "silent"])
def test_a_vote_degrades_as_it_says(
    bad: Literal["vote", "drop"], need: int, v: int, k: int, answer: str, stands: bool, how: str
) -> None:
    plant = Plant(rule(Vote(tuple(Term(IDS[n], ">=", 25.0) for n in range(3)), need, bad)))
    plant.state.active[len(IDS), RULES.index(Rule.VOTE)] = stands
    says: list[float | None] = [*[30.0] * v, *[1.0] * (3 - v - k)]
    if how == "bad" or k == 3:
        changes = plant.step(block(FIRST, [0], [[*says, *[None] * k]]))
    else:
        unknown = NOTHING.copy()
        unknown[3 - k : 3] = True
        changes = plant.step(block(FIRST[: 3 - k], [0], [says]), unknown=unknown)
    turns = {"+": [] if stands else [True], "-": [False] if stands else [], "?": []}[answer]
    assert [change.on for change in changes] == turns
    assert all((change.value, change.limit) == (v, need) for change in changes)


def test_a_reading_ends_what_was_unknown() -> None:
    plant = Plant(rule(All((Term(IDS[0], ">", 1.0), Term(IDS[3], ">", 1.0)))))
    unknown = NOTHING.copy()
    unknown[3] = True
    assert plant.told(block(SECOND, [0], [[2.0, 0.0]])) == []
    assert plant.told(block(FIRST, [1, 2], [[2.0, 0, 0]] * 2), unknown=unknown) == [], "the other one went silent"
    assert plant.told(block(FIRST, [3], [[2.0, 0, 0]]), block(SECOND, [3.5], [[2.0, 0.0]]), unknown=unknown) == [(3.5, True)]


def test_unknown_neither_raises_nor_clears() -> None:
    plant = Plant(rule(Term(IDS[0], "==", 0.0), off_delay_s=2))
    assert plant.told(block(FIRST, [0, 1], [[None, 0, 0], [0, 0, 0]])) == [(1, True)]
    assert plant.told(block(FIRST, [2, 3, 4], [[1, 0, 0], [None, 0, 0], [None, 0, 0]])) == []
    assert plant.told(block(FIRST, [5], [[1, 0, 0]])) == [(5, False)], "the delay ran through what nobody knew"


def test_time_alone_raises_nothing() -> None:
    plant = Plant(rule(Term(IDS[0], "==", 0.0), on_delay_s=3))
    assert plant.told(block(FIRST, [0], [[0, 0, 0]])) == []
    assert plant.told(block(SECOND, [60], [[0, 0]])) == [], "readings of other points are no readings of this rule"
    assert plant.told(block(FIRST, [61], [[0, 0, 0]])) == [(61, True)]


def test_an_excursion_between_two_readings_of_the_slower_point_is_found() -> None:
    plant = Plant(rule(All((Term(IDS[0], ">", 1.0), Term(IDS[3], ">", 1.0)))))
    slow = block(SECOND, [0.5, 10.5], [[2, 0], [2, 0]])
    fast = block(FIRST, range(10), [[2.0 * (n in (4, 5)), 0, 0] for n in range(10)])
    assert plant.told(slow, fast) == [(4, True), (6, False)]


def test_a_change_is_always_dated_after_the_last_one() -> None:
    """A file of a DCS comes a minute after the readings of a PLC that it is compared with."""
    plant = Plant(rule(Deviation(IDS[0], IDS[3], 1.0)))
    assert plant.told(block(SECOND, [0], [[5, 0]]), block(FIRST, [50], [[7, 0, 0]])) == [(50, True)]
    assert plant.told(block(SECOND, [10, 20, 30], [[7, 0], [5, 0], [7, 0]])) == [
        (50.000001, False),
        (50.000002, True),
        (50.000003, False),
    ]


def test_a_valve_may_travel() -> None:
    plant = Plant(rule(Travel(IDS[0], IDS[1], 0.5, 5.0)))
    assert plant.told(block(FIRST, range(4), [[0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0]])) == []
    late = block(FIRST, range(10, 20), [[0, 1, 0]] * 10)
    changes = plant.step(late)
    assert [((c.at - START) / S, c.on, c.value, c.limit) for c in changes] == [(15, True, -1.0, 0.5)]
    assert plant.told(block(FIRST, [20], [[0, 0, 0]])) == [(20, False)]


def test_a_new_command_gives_the_valve_its_time_again() -> None:
    plant = Plant(rule(Travel(IDS[0], IDS[1], 2.0, 5.0)))
    commands = [50, 50, 50, 50, 100, 100, None, 100, 100, 100, 100]
    assert plant.told(block(FIRST, range(11), [[command, 0, 0] for command in commands])) == [(9, True)]


@pytest.mark.parametrize(("a", "b", "on"), [(5.3, 5.0, True), (5.0, 5.3, True), (0.8, 0.5, True), (5.299, 5.0, False)])
def test_a_deviation_of_decimals_is_at_its_limit(a: float, b: float, on: bool) -> None:
    plant = Plant(rule(Deviation(IDS[0], IDS[1], 0.3, 0.1)))
    assert plant.told(block(FIRST, [0], [[a, b, 0]])) == ([(0, True)] if on else [])
    if on:
        assert plant.told(block(FIRST, [1], [[5.25, 5.0, 0]])) == [], "within the deadband"
        assert plant.told(block(FIRST, [2], [[5.2, 5.0, 0]])) == [(2, False)]


@pytest.mark.parametrize(
    ("test", "limit"),
    [
        (Term(IDS[0], ">=", 2.0), 2.0),
        (Not(Term(IDS[0], "<", 2.0)), 2.0),
        (All((Term(IDS[0], ">=", 2.0), Term(IDS[1], ">=", 0.0))), np.nan),
    ],
)
def test_the_limit_of_an_expression(test: Expression, limit: float) -> None:
    (change,) = Plant(rule(test)).step(block(FIRST, [0], [[3, 1, 0]]))
    assert change.value == 3
    np.testing.assert_equal(change.limit, limit)


def test_other_points_cost_nothing() -> None:
    plant = Plant(rule(Term(IDS[0], ">", 1.0)))
    before = plant.held.copy()
    assert plant.table.points.tolist() == [0]
    assert plant.step(block([1, 2], [0], [[5, 5]]), block([-1], [0], [[5]])) == []
    np.testing.assert_array_equal(plant.held.at, before.at)
    assert plant.step() == []


def test_a_suppression_by_design_holds_only_while_it_is_known_to() -> None:
    stopped = ByDesign("E01", "STOPPED", Term(IDS[0], "==", 0.0), (), "泵停")
    either = ByDesign("E01", "EITHER", Some((Term(IDS[0], "==", 0.0), Term(IDS[3], "==", 0.0))), (), "任一停")
    plant = Plant(by_design=[stopped, either])
    assert designs(plant.table, plant.held, NOTHING)[0].tolist() == [False, False]
    plant.step(block(FIRST, [0], [[0, 0, 0]]))
    assert designs(plant.table, plant.held, NOTHING)[0].tolist() == [True, True]
    unknown = NOTHING.copy()
    unknown[0] = True
    assert designs(plant.table, plant.held, unknown)[0].tolist() == [False, False]
    plant.step(block(SECOND, [1], [[0, 0]]), block(FIRST, [1], [[None, 0, 0]]))
    assert designs(plant.table, plant.held, NOTHING)[0].tolist() == [False, True]


def test_held_is_copied_whole() -> None:
    plant = Plant(rule(Term(IDS[0], ">", 1.0)))
    kept = plant.held.copy()
    plant.step(block(FIRST, [0], [[5, 0, 0]]))
    assert (kept.usable.tolist(), kept.turned.tolist()) == ([False], [NEVER])
    assert (plant.held.usable.tolist(), plant.held.turned.tolist()) == ([True], [START])


def test_the_evidence_is_what_is_known() -> None:
    vote = Plant(rule(Vote(tuple(Term(IDS[n], ">=", 25.0) for n in range(3)), 2)))
    (change,) = vote.step(block(FIRST, [0], [[30.0, None, 1.0]]))
    assert change.evidence == (("T0", 30.0), ("T2", 1.0))
    valve = Plant(rule(Travel(IDS[0], IDS[1], 0.5, 5.0)))
    seconds, commands = range(10), [0, 0, 1, 1, 2, 2, 2, 2, 2, 3]
    feedback = [0, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert valve.step(block(FIRST, seconds, list(zip(commands, feedback, seconds, strict=True)))) == []
    (change,) = valve.step(block(FIRST, range(10, 15), [[3, second / 10, 0] for second in range(10, 15)]))
    assert change.evidence == (("T0", 3.0), ("T1", 1.4)), "the row of the turn, not of an inserted one"


def test_a_fault_of_a_current_loop_is_no_value() -> None:
    """NE 43: at 3.6 mA (-2.5 % of the range) a transmitter says that it is broken, not that the tank is empty."""
    rules = [rule(Term(IDS[n], "<", 1.0), tag=f"R{n}") for n in range(2)]
    signals = [Signal.CURRENT, *[Signal.DIGITAL] * 4]
    points = [
        Point("E01", f"T{n}", "E01-S1", "V", "名", "name", Quantity.LEVEL, "m", 0, 20, 1, Limits(signal=signal))
        for n, signal in enumerate(signals)
    ]
    plant = Plant(*rules)
    plant.table = NamedTable.of(rules, [], {name: number for number, name in enumerate(IDS)}, len(IDS), LimitTable.of(points))
    assert [change.point - len(IDS) for change in plant.step(block(FIRST, [0], [[-0.5, -0.5, 0]]))] == [1]
    assert plant.told(block(FIRST, [1], [[-0.49, 0, 0]])) == [(1, True)]
    assert plant.told(block(FIRST, [2], [[21.25, 0, 0]])) == [], "21 mA does not clear it"
    assert plant.told(block(FIRST, [3], [[21.2, 0, 0]])) == [(3, False)]
