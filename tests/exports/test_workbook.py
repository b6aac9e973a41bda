"""The workbook, read back with another library."""

# openpyxl is not typed
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false, reportMissingModuleSource=false
# pyright: reportUnknownParameterType=false
from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime
from typing import Any

import openpyxl
import pytest
from exports.sample import SOURCES, sample_report

from hazmon.coverage.report import Report
from hazmon.exports.columns import counts
from hazmon.exports.scale import STEPS
from hazmon.exports.workbook import workbook

SHEETS = ["汇总", "按企业", "按重大危险源", "按日", "日明细", "缺口", "豁免", "两率", "检查点"]


def opened(report: Report) -> Any:
    return openpyxl.load_workbook(io.BytesIO(workbook(report)))


def values(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.fixture(scope="module")
def report() -> Report:
    return sample_report(31)


@pytest.fixture(scope="module")
def book(report: Report) -> Any:
    return opened(report)


def test_its_sheets_and_their_frozen_heads(book: Any) -> None:
    assert book.sheetnames == SHEETS
    frozen = {sheet.title: sheet.freeze_panes for sheet in book}
    assert frozen == {
        "汇总": None, "按企业": "C2", "按重大危险源": "C2", "按日": "C2", "日明细": "C2", "缺口": "B2", "豁免": "B2",
        "两率": None, "检查点": None,
    }  # fmt: skip


def test_the_figures_are_numbers_with_a_percent_format(book: Any, report: Report) -> None:
    rows = {row[0].value: row for row in book["汇总"].iter_rows()}
    tally = report.total.tally
    for name, (numerator, denominator) in (
        ("原始覆盖率 raw", tally.raw),
        ("净覆盖率 net", tally.net),
        ("实时覆盖率 real-time", tally.real_time),
    ):
        cells = rows[name]
        assert (cells[2].value, cells[3].value) == (numerator, denominator)
        assert cells[1].number_format == "0.00%"
        assert cells[1].value == numerator * 10_000 // denominator / 10_000
    assert rows["装备率 equipment rate"][2].value == SOURCES - 1
    assert any("SIMULATED" in str(name) for name in rows)


def test_every_line_of_days_and_sources_comes_back(book: Any, report: Report) -> None:
    days = values(book["日明细"])[1:]
    assert [(row[1], tuple(row[3:11])) for row in days] == [(row.of, counts(row.tally)) for row in report.days]
    assert days[0][0] == datetime(2025, 11, 24)  # noqa: DTZ001
    sources = values(book["按重大危险源"])[1:]
    assert [tuple(row[3:11]) for row in sources] == [counts(row.tally) for row in (*report.sources, report.total)]
    assert len(values(book["缺口"])) == 1 + len(report.gaps)
    assert len(values(book["豁免"])) == 1 + len(report.exemptions)


def test_the_calendar_is_coloured_and_empty_before_the_record_began(book: Any, report: Report) -> None:
    rows = list(book["按日"].iter_rows())
    late = next(row for row in rows if row[0].value == report.sources[-1].of)
    assert [cell.value is None for cell in late[2:6]] == [True, True, False, False]
    colours = {step.colour for step in STEPS}
    for row in rows[1 : 1 + SOURCES]:
        for cell in row[2:33]:
            assert cell.value is None or cell.fill.fgColor.rgb[2:] in colours
            if cell.value == 1:
                assert cell.fill.fgColor.rgb[2:] == STEPS[0].colour
            if cell.value == 0:
                assert cell.fill.fgColor.rgb[2:] == STEPS[-1].colour


def test_nothing_in_it_is_a_formula_or_a_link(report: Report) -> None:
    nasty = ("=1+1", "+1", "-1", "@SUM(A1)", "{=1}", "http://example.org", "\x00\x0b=1")
    exemptions = tuple(replace(report.exemptions[0], reason=reason) for reason in nasty)
    book = opened(replace(report, exemptions=exemptions))
    assert [row[5] for row in values(book["豁免"])[1:]] == [*nasty[:-1], "��=1"]
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert all(not sheet._hyperlinks for sheet in book)


def test_the_checkpoint_is_there_line_by_line(book: Any, report: Report) -> None:
    assert report.checkpoint is not None
    lines = report.checkpoint.splitlines()
    assert [row[0] or "" for row in values(book["检查点"])][1 : 1 + len(lines)] == lines


def test_a_park_without_anything_yet_has_a_workbook_too(report: Report) -> None:
    book = opened(
        replace(report, days=(), gaps=(), exemptions=(), checkpoint=None, enterprises=(), sources=(), rules=None, gaps_left_out=3)
    )
    assert "3" in str(values(book["缺口"])[1][0])
