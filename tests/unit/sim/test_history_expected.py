"""The simulator's reckoning of coverage, case by case by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hazmon_sim.history.expected import Exempt, Reckoner, Row, cap_slots, in_force
from hazmon_sim.history.park import Box, Group, Park, Source, Tag, Terms

CHINA = ZoneInfo("Asia/Shanghai")
HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
MAY = 1_777_564_800_000_000  # 2026-05-01 00:00 in Shanghai
DAY_US = 24 * HOUR_US


def tag(name: str, unit: str, quantity: str) -> Tag:
    return Tag(name, "S1", unit, quantity, 0, 10, (0, 10), 2, None)


def park(*tags: Tag, cap: str = "0.05", required: Sequence[str] = ("level", "gas")) -> Park:
    terms = Terms(
        Fraction(cap), 2 * HOUR_US, DAY_US, MINUTE_US, 30_000_000,
        {"level": frozenset({"level"}), "gas": frozenset({"toxic_gas", "oxygen"})}, {"tank": tuple(required)},
    )  # fmt: skip
    box = Box("E01", tags, (Group("plc1", 0, len(tags)),))
    return Park(CHINA, (box,), (Source("S1", "E01", (("V-1", "tank"), ("V-2", "shed"))),), terms)


LEVEL, GAS_A, GAS_B, VALVE = (
    tag("LT-1", "V-1", "level"),
    tag("AT-1", "V-1", "toxic_gas"),
    tag("AT-2", "V-1", "oxygen"),
    tag("XV-1", "V-1", "valve"),
)


def reckon(facts: dict[str, list[int]], *exempt: Exempt, of: Park | None = None, from_us: int = MAY) -> Row:
    found = of or park(LEVEL, GAS_A, GAS_B, VALVE)
    pages = {name: np.array(numbers, np.uint8) for name, numbers in facts.items()}
    return Reckoner(found.sources[0], found, exempt).day(from_us, pages)


@pytest.mark.parametrize(
    ("level", "gas_a", "gas_b", "valve", "fate"),
    [
        (65, 65, 65, 65, "prompt"),
        (65, 65, 0, 0, "prompt"),  # one good point satisfies a group; a valve is not asked for
        (64, 65, 65, 65, "covered"),
        (65, 64, 20, 65, "covered"),
        (65, 23, 1, 65, "valid"),  # the best fact of the item counts
        (65, 1, 9, 65, "complete"),
        (0, 65, 65, 65, "complete"),  # nothing, while the source is heard
        (0, 0, 0, 65, "complete"),
        (0, 0, 0, 20, "complete"),  # a bad sample of any point is a sample
        (0, 0, 0, 0, "online"),
        (0, 0, 0, 9, "online"),  # a scan without the point is none
        (0, 0, 0, 5, "online"),
        (1, 65, 65, 65, "online"),
        (2, 65, 65, 65, "online"),
        (6, 65, 65, 65, "online"),
        (7, 65, 65, 65, "online"),
        (3, 65, 65, 65, "complete"),
        (4, 65, 65, 65, "complete"),
        (8, 65, 65, 65, "complete"),
        (29, 65, 65, 65, "complete"),
        (5, 65, 65, 65, "valid"),
        (26, 65, 65, 65, "valid"),
        (27, 65, 65, 65, "valid"),
        (28, 65, 65, 65, "valid"),
        (28, 2, 2, 65, "online"),  # the first factor of the failing items
        (28, 9, 9, 65, "complete"),
    ],
)
def test_a_slot_has_one_fate(level: int, gas_a: int, gas_b: int, valve: int, fate: str) -> None:
    row = reckon({"LT-1": [level], "AT-1": [gas_a], "AT-2": [gas_b], "XV-1": [valve]})
    wanted = Row("S1", MAY, 1)
    setattr(wanted, fate, 1)
    wanted.covered = wanted.covered or wanted.prompt
    assert row == wanted


def test_a_source_without_a_demanded_point_is_lost_to_connect() -> None:
    row = reckon({"AT-1": [65, 0]}, of=park(GAS_A))
    assert (row.slots, row.covered, row.prompt, row.connect) == (2, 0, 0, 2)


def line(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "target": "E01/V-1", "whole_source": False, "start_us": MAY, "until_us": MAY + 5 * HOUR_US,
        "filed_us": MAY, "approved": True, "withdrawn_us": None,
    }  # fmt: skip
    return found | changes


@pytest.mark.parametrize(
    ("changes", "begins", "ends"),
    [
        ({"filed_us": MAY - DAY_US}, 0, 5 * HOUR_US),
        ({"filed_us": MAY + 2 * HOUR_US}, 0, 5 * HOUR_US),  # at most the grace
        ({"filed_us": MAY + 2 * HOUR_US + MINUTE_US}, 2 * HOUR_US + MINUTE_US, 5 * HOUR_US),
        ({"withdrawn_us": MAY + HOUR_US}, 0, HOUR_US),
        ({"withdrawn_us": MAY + 9 * HOUR_US}, 0, 5 * HOUR_US),
    ],
)
def test_when_an_exemption_is_in_force(changes: dict[str, Any], begins: int, ends: int) -> None:
    assert in_force(line(**changes), 2 * HOUR_US) == Exempt(None, "E01", "V-1", MAY + begins, MAY + ends)


def test_what_was_not_approved_excuses_nothing() -> None:
    assert in_force(line(approved=False), 2 * HOUR_US) is None


def test_only_lost_slots_of_exempt_units_are_excused() -> None:
    other = Exempt(None, "E01", "V-2", MAY, MAY + DAY_US)
    same_name_elsewhere = Exempt(None, "E02", "V-1", MAY, MAY + DAY_US)
    own = Exempt(None, "E01", "V-1", MAY + 2 * MINUTE_US, MAY + 4 * MINUTE_US)
    facts = {"LT-1": [65, 1, 1, 65, 1], "AT-1": [65] * 5, "AT-2": [65] * 5, "XV-1": [65] * 5}
    row = reckon(facts, other, same_name_elsewhere, own)
    assert (row.covered, row.online, row.excused) == (2, 3, 1)
    assert reckon(facts, Exempt("S1", "", None, MAY, MAY + DAY_US)).excused == 3
    assert reckon(facts, Exempt("S2", "", None, MAY, MAY + DAY_US)).excused == 0


def test_every_failing_unit_must_be_exempt() -> None:
    found = park(LEVEL, tag("LT-2", "V-2", "level"), required=("level",))
    found.terms.required["shed"] = ("level",)
    facts = {"LT-1": [1, 1, 65], "LT-2": [1, 65, 1]}
    row = reckon(facts, Exempt(None, "E01", "V-1", MAY, MAY + DAY_US), of=found)
    assert (row.online, row.excused) == (3, 1)


def test_the_cap_is_of_the_month_and_in_time_order() -> None:
    found = park(LEVEL, cap="0.001", required=("level",))  # 44 slots of May's 44640, 43 of June's 43200
    reckoner = Reckoner(found.sources[0], found, [Exempt("S1", "", None, 0, MAY + 400 * DAY_US)])
    last_of_may = MAY + 30 * DAY_US
    rows = [
        reckoner.day(start, {"LT-1": np.array([1] * 30 + [65] * 10, np.uint8)})
        for start in (MAY, last_of_may, last_of_may + DAY_US, last_of_may + 2 * DAY_US)
    ]
    assert [row.excused for row in rows] == [30, 14, 30, 13]
    assert [row.online for row in rows] == [30] * 4


@pytest.mark.parametrize(("month", "slots"), [((2026, 2), 2016), ((2026, 4), 2160), ((2026, 12), 2232), ((2028, 2), 2088)])
def test_five_per_cent_of_a_month(month: tuple[int, int], slots: int) -> None:
    assert cap_slots(park().terms, month, CHINA) == slots


def test_the_months_are_the_parks() -> None:
    assert datetime.fromtimestamp(MAY // 1_000_000, UTC).isoformat() == "2026-04-30T16:00:00+00:00"
    found = park(LEVEL, cap="0.001", required=("level",))
    reckoner = Reckoner(found.sources[0], found, [Exempt("S1", "", None, 0, MAY + DAY_US)])
    before = reckoner.day(MAY - DAY_US, {"LT-1": np.full(1440, 1, np.uint8)})
    after = reckoner.day(MAY, {"LT-1": np.full(1440, 1, np.uint8)})
    assert (before.excused, after.excused) == (43, 44)
