"""How numbers and causes are put into words: never better than they are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from exports.sample import sample_report

from hazmon.coverage.account import Inferred
from hazmon.coverage.causes import FLAGGED, KINDS, NOT_EQUIPPED, cause_name
from hazmon.coverage.facts import Fact
from hazmon.exports.words import cause, decision, excuse, share, zone_of
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


def test_every_cause_that_the_park_can_name_has_a_chinese_name() -> None:
    codes = [fact for fact in Fact if fact < Fact.LATE] + [
        *MissCause,
        Inferred.PARK_DOWN,
        Inferred.BOX_SILENT,
        Inferred.UNEXPLAINED,
    ]
    names = [cause_name(code) for code in (*codes, NOT_EQUIPPED, *(FLAGGED + number for number in range(len(KINDS))))]
    assert [name for name in names if cause(name).isascii()] == []
    assert all(not re.search("[a-z]", cause(name)) for name in names)


def test_a_veto_says_that_it_is_one_and_an_unknown_cause_keeps_its_name() -> None:
    assert cause("flagged:clock") == "不计：设备时钟回拨"
    assert cause("flagged:frozen") == "不计：数值冻结"
    assert cause("flagged") == "不计：异常数据"
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
