"""The CSV file, read back as Excel and as a program would."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from exports.sample import SOURCES, sample_report

from hazmon.coverage.account import Tally, total
from hazmon.coverage.report import Report
from hazmon.exports.csv_table import HEADER, csv_table


def lines_of(report: Report) -> list[dict[str, str]]:
    text = csv_table(report).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def tally_of(line: dict[str, str]) -> Tally:
    values = [int(line[name]) for name in HEADER[8:16]]
    return Tally(values[0], values[1], values[2], values[3], (values[4], values[5], values[6], values[7]))


def test_it_is_what_excel_takes_for_utf_8() -> None:
    data = csv_table(sample_report(2))
    assert data.startswith(b"\xef\xbb\xbf\xe8\xa1\x8c")  # BOM, once, then the first heading
    assert data.count(b"\xef\xbb\xbf") == 1
    assert (
        data.count(b"\n") == data.count(b"\r\n") == 1 + 2 * SOURCES + SOURCES + 11 + 1 - 4
    )  # four sources began on the second day
    assert data.endswith(b"\r\n")


def test_every_number_comes_back_and_the_days_add_up_to_the_park() -> None:
    report = sample_report(31)
    lines = lines_of(report)
    days = [line for line in lines if line["行别 line"] == "日 day"]
    assert [tally_of(line) for line in days] == [row.tally for row in report.days]
    park = lines[-1]
    assert park["行别 line"] == "园区合计 park total"
    assert tally_of(park) == report.total.tally == total(map(tally_of, days))
    assert (park["净覆盖率 net 分子 numerator"], park["净覆盖率 net 分母 denominator"]) == tuple(map(str, report.total.tally.net))
    assert park["净覆盖率 net %"] == f"{report.total.tally.covered * 100 / report.total.tally.net[1] - 0.005:.2f}"
    assert days[0]["起 from"] == "2025-11-24 00:00"


def test_nothing_of_nothing_is_empty_and_no_percentage() -> None:
    report = sample_report(1)
    line = lines_of(replace(report, total=replace(report.total, tally=Tally())))[-1]
    assert (line["原始覆盖率 raw 分母 denominator"], line["原始覆盖率 raw %"]) == ("0", "")


@pytest.mark.parametrize("simulated", [True, False])
def test_every_line_says_whether_it_is_of_a_real_plant(simulated: bool) -> None:
    assert {line["数据 data"] for line in lines_of(sample_report(2, simulated=simulated))} == {
        "模拟 simulated" if simulated else "实测 recorded"
    }


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", '=HYPERLINK("x","y")'])
def test_a_name_that_a_spreadsheet_would_compute_is_made_inert(name: str) -> None:
    report = sample_report(1)
    line = lines_of(replace(report, total=replace(report.total, name=name)))[-1]
    assert line["名称 name"] == f"'{name}"


def test_a_plain_name_stays_as_it_is() -> None:
    report = sample_report(1)
    name = 'A,"B"\n2=3 - 甲醇'
    assert lines_of(replace(report, total=replace(report.total, name=name)))[-1]["名称 name"] == name
