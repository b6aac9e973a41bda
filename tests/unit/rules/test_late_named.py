"""Named rules over late readings: as in order, whatever comes first; nothing is decided of what nobody has told yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hazmon.model import Quality
from hazmon.rulebook import All, Deviation, NamedRule, Rule, Term, Travel, Vote
from hazmon.rules.frame import NEVER, ScanBlock
from hazmon.rules.late_named import WAIT_US, LateNamed
from hazmon.rules.named import Held, NamedTable, named
from hazmon.rules.walk import JITTER_US, Change, RuleState

START = 1_767_225_600_000_000
S = 1_000_000
IDS = ["E01/A", "E01/B", "E01/C", "E01/D"]
BY_ID = {name: number for number, name in enumerate(IDS)}
CODES = [Quality.GOOD] * 12 + [Quality.MAINTENANCE, Quality.ABSENT]
FAST, SLOW = ([0, 1], S, 0), ([2, 3], 3 * S, 400_000)  # points, period, phase of two groups
NEVER_STALE = np.full(len(IDS), 10**15, np.int64)
NOTHING = np.zeros(len(IDS), bool)


def rule(kind: Rule, test: Vote | Deviation | Travel | All | Term, on: float = 0, off: float = 0) -> NamedRule:
    return NamedRule("E01", "R", "E01-S1", "", "名", "name", kind, 3, test, on, off)


def term(name: str) -> Term:
    return Term(f"E01/{name}", ">=", 5)


RULES = (
    rule(Rule.VOTE, Vote((term("A"), term("B"), term("C")), 2)),
    rule(Rule.VOTE, Vote((term("A"), term("C"), term("D")), 2, "drop"), 2, 3),
    rule(Rule.DEVIATION, Deviation("E01/B", "E01/D", 3, 1), 1),
    rule(Rule.STATE, Travel("E01/C", "E01/A", 2, 4)),
    rule(Rule.CONDITION, All((term("A"), term("D"))), 3, 2),
)
TABLE = NamedTable.of(RULES, (), BY_ID, len(IDS))


def scans(of: tuple[list[int], int, int], first: int, values: object, quality: object = None) -> ScanBlock:
    """Scans of a group from its one of that number on."""
    points, period, phase = of
    cells = np.array(values, float)
    times = START + phase + (first + np.arange(len(cells), dtype=np.int64)) * period
    return ScanBlock(1, times, cells, None if quality is None else np.array(quality, np.uint8), None, np.array(points))


class Lane:
    """A lane of its own, in which nothing is known."""

    def __init__(self, *rules: NamedRule, stale: int = 10**15) -> None:
        self.table = NamedTable.of(rules, (), BY_ID, len(IDS))
        self.state = RuleState.quiet(len(IDS) + len(rules))
        self.late = LateNamed()
        self.stale = np.full(len(IDS), stale, np.int64)

    def tell(self, of: tuple[list[int], int, int], first: int, values: object, quality: object = None) -> list[str]:
        self.late.tell(self.table, scans(of, first, values, quality), of[1])
        return self.judge()

    def miss(self, of: tuple[list[int], int, int], first: int, count: int, *, scans: bool = True) -> list[str]:
        at = START + of[2] + first * of[1]
        self.late.miss(self.table, np.array(of[0]), at, count, of[1], scans=scans)
        return self.judge()

    def judge(self) -> list[str]:
        changes = self.late.judge(self.state, self.table, self.stale)
        return [f"{(c.at - START) / S:g} {'on' if c.on else 'off'}" for c in changes]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 100), st.integers(1, 12))
def test_whatever_order_the_groups_come_in_it_is_as_if_all_had_come_in_order(seed: int, haste: int, cut: int) -> None:
    random = np.random.default_rng(seed)
    blocks: list[list[ScanBlock]] = []
    for of, count in ((FAST, 90), (SLOW, 30)):
        values = np.round(np.clip(np.cumsum(random.normal(0, 2, (count, 2)), axis=0) + 4, 0, 9))
        quality = random.choice(CODES, (count, 2))
        blocks.append([scans(of, k, values[k : k + 1], quality[k : k + 1]) for k in range(count)])
    in_order = sorted(blocks[0] + blocks[1], key=lambda block: int(block.times[0]))
    state, held = RuleState.quiet(len(IDS) + len(RULES)), Held.of(TABLE)
    named(state, TABLE, held, in_order[:12], NOTHING)
    late_state, period = state.copy(), {0: S, 1: S, 2: 3 * S, 3: 3 * S}
    newest = {point: int(blocks[point // 2][8 if point < 2 else 2].times[0]) for point in range(4)}
    late = LateNamed.begun(TABLE, held.copy(), NOTHING, {point: (newest[point], period[point]) for point in range(4)})
    wanted = [change for block in in_order[12:] for change in named(state, TABLE, held, [block], NOTHING)]
    coming = blocks[0][9:], blocks[1][3:]
    found: list[Change] = []
    while coming[0] or coming[1]:
        side = 0 if not coming[1] or (coming[0] and random.integers(100) < haste) else 1
        for block in coming[side][:cut]:
            late.tell(TABLE, block, (S, 3 * S)[side])
        del coming[side][:cut]
        found += late.judge(late_state, TABLE, NEVER_STALE)
    through = {change.point: late.through[change.point] for change in wanted if change.point in late.through}

    def seen(changes: list[Change], row: int) -> list[object]:
        return [(c.at, c.on, c.value, c.evidence) for c in changes if c.point == row and c.at <= through.get(row, NEVER)]

    assert min(through.values(), default=START + 86 * S) >= START + 86 * S
    for row in range(len(IDS), len(IDS) + len(RULES)):
        assert repr(seen(found, row)) == repr(seen(wanted, row))


def test_what_is_not_told_yet_is_waited_for_and_no_bad_detector() -> None:
    lane = Lane(rule(Rule.VOTE, Vote((term("A"), term("C")), 2)))
    assert lane.tell(FAST, 0, [[9, 0]] * 30) == []
    assert lane.tell(SLOW, 0, [[0, 0]] * 3) == []
    assert lane.tell(SLOW, 3, [[9, 0]] * 2) == ["9.4 on"]
    assert lane.tell(SLOW, 5, [[0, 0]]) == ["15.4 off"]


def test_a_connection_that_missed_two_scans_is_known_to_be_unknown() -> None:
    lane = Lane(rule(Rule.VOTE, Vote((term("A"), term("C")), 2)))
    lane.tell(FAST, 0, [[9, 0]] * 30)
    assert lane.tell(SLOW, 0, [[0, 0]] * 2) == []
    assert lane.miss(SLOW, 2, 1) == []
    assert lane.miss(SLOW, 3, 1) == ["10 on"]  # the second is at 9.4; a rule is looked at when a reading comes
    assert lane.tell(SLOW, 4, [[0, 0]]) == ["12.4 off"]


def test_one_missed_scan_and_a_box_that_was_off_leave_the_last_value_until_it_is_stale() -> None:
    for misses, expected in ((1, []), (5, ["11 on"])):
        lane = Lane(rule(Rule.VOTE, Vote((term("A"), term("C")), 2)), stale=10 * S)
        lane.tell(FAST, 0, [[9, 0]] * 18)
        lane.tell(SLOW, 0, [[0, 0]])
        assert lane.miss(SLOW, 1, misses, scans=misses == 1) == expected


def test_a_hole_that_nobody_told_of_is_not_judged() -> None:
    lane = Lane(rule(Rule.VOTE, Vote((term("A"), term("C")), 2)))
    lane.tell(FAST, 0, [[9, 0]] * 40)
    assert lane.tell(SLOW, 0, [[0, 0]]) == []
    assert lane.tell(SLOW, 6, [[0, 0], [9, 0]]) == ["21.4 on"]


def test_a_miss_that_comes_after_what_followed_it_says_nothing() -> None:
    lane = Lane(rule(Rule.VOTE, Vote((term("A"), term("C")), 2)))
    lane.tell(FAST, 0, [[9, 0]] * 20)
    lane.tell(SLOW, 0, [[0, 0]] * 4)
    assert lane.miss(SLOW, 1, 2) == []


def test_a_column_that_is_absent_is_told_and_goes_stale() -> None:
    lane = Lane(rule(Rule.VOTE, Vote((term("A"), term("B")), 2)), stale=5 * S)
    absent = [[Quality.GOOD, Quality.GOOD]] * 2 + [[Quality.GOOD, Quality.ABSENT]] * 9
    assert lane.tell(FAST, 0, [[9, 0]] * 11, absent) == ["7 on"]


def test_nothing_is_found_a_second_time() -> None:
    lane = Lane(rule(Rule.CONDITION, term("A")))
    assert lane.tell(FAST, 0, [[0, 0], [9, 0], [0, 0]]) == ["1 on", "2 off"]
    assert lane.tell(FAST, 0, [[0, 0], [9, 0], [0, 0]]) == []


def test_a_command_before_the_readings_that_come_now_is_remembered() -> None:
    lane = Lane(rule(Rule.STATE, Travel("E01/A", "E01/B", 2, 4)))
    found = [line for k in range(12) for line in lane.tell(FAST, k, [[9, 0]])]
    assert found == ["4 on"]


def test_what_waits_for_an_operand_that_never_comes_is_bounded() -> None:
    lane = Lane(rule(Rule.VOTE, Vote((term("A"), term("C")), 2)))
    for first in range(0, 9000, 300):
        lane.tell(FAST, first, [[9, 0]] * 300)
    assert lane.late.told[0].at.size <= WAIT_US // S + 2
    assert lane.tell(SLOW, 2990, [[9, 0]]) == ["8970.4 on"]


@pytest.mark.parametrize("unknown", [True, False])
def test_what_was_unknown_before_the_hole_is_unknown_until_it_is_read(unknown: bool) -> None:
    table = NamedTable.of((rule(Rule.CONDITION, All((term("A"), term("C")))),), (), BY_ID, len(IDS))
    state, held = RuleState.quiet(len(IDS) + 1), Held.of(table)
    named(state, table, held, [scans(FAST, 0, [[0, 0]]), scans(SLOW, 0, [[9, 9]])], NOTHING)
    blind = np.array([False, False, unknown, False])
    late = LateNamed.begun(table, held, blind, {0: (START, S), 2: (START + 400_000, 3 * S)})
    late.tell(table, scans(FAST, 1, [[9, 0]] * 2), S)
    changes: Sequence[Change] = late.judge(state, table, NEVER_STALE)
    assert [change.at for change in changes] == ([] if unknown else [START + S])
    assert late.through == {len(IDS): START + 3 * S - JITTER_US}
