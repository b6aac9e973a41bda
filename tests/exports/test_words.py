"""How numbers and causes are put into words: never better than they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exports.sample import sample_report

from hazmon.coverage.facts import Fact
from hazmon.exports.words import CAUSES, cause, decision, excuse, share, zone_of
from hazmon.model import MissCause


@pytest.mark.parametrize(
    ("numerator", "denominator", "said"),
    [
        (60_479, 60_480, "99.99 %"),  # rounding would have made it 100.00 %
        (22_075_199, 22_075_200, "99.99 %"),
        (60_480, 60_480, "100.00 %"),
        (1, 60_480, "0.00 %"),
        (0, 7, "0.00 %"),
        (0, 0, "—"),
        (2, 3, "66.66 %"),
    ],
)
def test_a_share_is_cut_off_and_never_rounded_up(numerator: int, denominator: int, said: str) -> None:
    assert share((numerator, denominator)) == said


def test_every_fact_that_can_lose_a_slot_has_a_chinese_name() -> None:
    facts = [fact.name.lower() for fact in Fact if fact < Fact.LATE and fact != Fact.FLAGGED]
    misses = [miss.name.lower() for miss in MissCause]
    assert [name for name in (*facts, *misses, "park_down", "box_silent", "unexplained") if name not in CAUSES] == []


def test_a_veto_says_that_it_is_one_and_an_unknown_cause_keeps_its_name() -> None:
    assert cause("flagged:clock-back") == "不计：设备时钟回拨"
    assert cause("flagged:frozen") == "不计：数值冻结"
    assert cause("meteorite") == "meteorite"


def test_a_gap_says_how_much_of_it_is_excused_and_when_that_was_filed() -> None:
    gap = replace(sample_report(2).gaps[0], slots=90, excused=90, exemption=7, filed="before")
    assert excuse(gap) == "全部豁免（事前报备 #7）"
    assert excuse(replace(gap, excused=30, filed="after")) == "豁免 30 分钟（事后报备 #7）"
    assert excuse(replace(gap, excused=0, filed="after")) == "未予豁免（事后报备 #7）"
    assert excuse(replace(gap, excused=0, exemption=None, filed=None)) == "未报备"


def test_a_refused_exemption_is_not_called_open() -> None:
    assert [decision(item) for item in sample_report(2).exemptions] == ["批准", "驳回", "批准", "待审"]


def test_times_are_the_parks() -> None:
    report = sample_report(2)
    assert zone_of(report).minute(report.begin) == "2025-11-24 00:00"
    assert zone_of(replace(report, timezone="America/New_York")).minute(report.begin) == "2025-11-23 11:00"
