"""The PDF, read back: what an inspector finds on paper."""

# pypdf's objects are not typed
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date

import pypdf
import pytest
from exports.sample import CHECKPOINT, SOURCES, sample_report

from hazmon.coverage.account import Tally
from hazmon.coverage.report import Report, Targets
from hazmon.exports.pages.paper import wrap
from hazmon.exports.pages.pen import width
from hazmon.exports.pdf import pdf
from hazmon.exports.words import fraction, share


def pages_of(data: bytes) -> list[str]:
    """The text of each page, without any white space: a line may be drawn in several pieces."""
    return [re.sub(r"\s", "", page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def solid(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def report() -> Report:
    return sample_report(31)


@pytest.fixture(scope="module")
def data(report: Report) -> bytes:
    return pdf(report)


@pytest.fixture(scope="module")
def pages(data: bytes) -> list[str]:
    return pages_of(data)


def test_the_first_page_has_the_figures_with_numerator_and_denominator(pages: list[str], report: Report) -> None:
    first, tally = pages[0], report.total.tally
    assert "连续监测覆盖率报告" in first
    assert "示例化工园区" in first
    assert "2025-11-2400:00起，至2025-12-2500:00止（不含）；时区Asia/Shanghai" in first
    for figure in (tally.raw, tally.net, tally.real_time, *tally.factors.values()):
        assert solid(share(figure)) in first
        assert solid(fraction(figure)) in first
    for rate in (report.targets.online, report.targets.equipped):
        assert f"{rate}/{SOURCES}" in first
    for lost in tally.lost:
        assert f"损失{lost:,}" in first
    for role in ("编制", "审核", "批准", "签字", "日期"):
        assert role in first


def test_every_page_says_which_of_how_many_and_that_the_data_is_simulated(pages: list[str]) -> None:
    for number, page in enumerate(pages, 1):
        assert f"第{number}/{len(pages)}页" in page
        assert "模拟数据SIMULATED" in page
        assert page.startswith(solid("连续监测覆盖率报告 2025-11-24 00:00 — 2025-12-25 00:00"))


def test_a_real_plants_report_does_not_say_so_anywhere() -> None:
    assert not any("模拟" in page for page in pages_of(pdf(sample_report(2, simulated=False))))


def test_the_contents_name_the_page_that_each_section_is_on(pages: list[str]) -> None:
    found = re.findall(r"(\d)(两率明细|覆盖日历|各企业|各重大危险源|缺口清单|豁免|记录检查点与核验|定义)第(\d+)页", pages[0])
    assert len(found) == 8
    for number, title, page in found:
        assert f"{number}{title}" in pages[int(page) - 1]


def test_who_misses_the_two_rates_and_what(pages: list[str], report: Report) -> None:
    text = "".join(pages)
    for of, tally in report.targets.offline:
        assert f"未达：{of}（{solid(share(tally.net))}）" in text
    for item in report.targets.lacking:
        assert f"{item.unit}{item.group_name}" in text


def test_every_gap_stands_there_with_its_cause_and_batches(pages: list[str], report: Report) -> None:
    text = "".join(pages)
    assert f"列出{len(report.gaps)}个缺口。" in text
    assert [gap.id for gap in report.gaps if gap.id not in text] == []
    gap = next(gap for gap in report.gaps if gap.cause == "timeout")
    assert gap.before is not None
    assert "在线：设备应答超时" in text
    assert f"前{gap.before.edge}{gap.before.boot}:{gap.before.seq}{gap.before.digest[:12]}" in text


def test_gaps_that_are_left_out_are_counted() -> None:
    short = sample_report(31, gaps=10)
    text = "".join(pages_of(pdf(short)))
    assert f"列出10个缺口，另有{short.gaps_left_out}段较短的缺失未列入" in text
    assert f"另有{short.gaps_left_out}段较短的缺失因篇幅未列入清单" in text


def test_exemptions_name_who_filed_and_who_decided(pages: list[str]) -> None:
    text = "".join(pages)
    for said in (
        "示例企业01王工",
        "批准园区李科",
        "驳回园区李科",
        "超过报备宽限期，且未附停车方案",
        "撤回孙工",
        "待审",
        "事后报备",
    ):
        assert said in text


def test_the_checkpoint_can_be_copied_out_of_it_and_the_way_to_verify_stands_below(data: bytes) -> None:
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
    for line in CHECKPOINT.splitlines():
        assert line in text
    assert "hazmon verify BUNDLE" in text


def test_the_definitions_are_the_parks_and_say_its_numbers(pages: list[str]) -> None:
    text = "".join(pages)
    assert "每个危险源每个自然月最多豁免该月时隙的5.00%" in text
    assert "采集后24h内到达" in text
    assert "不是国家标准或行业标准的条文" in text
    assert "标准要求" not in text


def test_its_chinese_typeface_is_embedded_and_nothing_else_is_needed(data: bytes) -> None:
    fonts: dict[str, bool] = {}
    for page in pypdf.PdfReader(io.BytesIO(data)).pages:
        for reference in page["/Resources"]["/Font"].values():  # pyright: ignore
            font = reference.get_object()
            descriptor = font.get("/FontDescriptor")
            fonts[str(font["/BaseFont"])] = descriptor is not None and "/FontFile2" in descriptor.get_object()
    # Courier is one of the faces that every viewer must have
    assert {name for name, embedded in fonts.items() if not embedded} <= {"/Courier"}
    assert any("NotoSansSC-Regular" in name for name in fonts)
    assert len(data) < 500_000  # a subset: the whole would be 20 MB


def test_a_year_has_its_weeks_and_every_month() -> None:
    year = pages_of(pdf(sample_report(365, gaps=5)))
    text = "".join(year)
    assert "2025-11-24至2026-11-23，按周（周一起）" in text
    for year_, month in [(2025, 11), (2025, 12), *((2026, month) for month in range(1, 12))]:
        assert f"{year_}年{month}月" in text
    assert len(year) < 20


def test_a_day_before_the_record_began_is_neither_0_nor_100() -> None:
    report = sample_report(3, first=date(2026, 3, 1), gaps=0)
    blank = replace(report, days=tuple(row for row in report.days if row.of == report.sources[0].of))
    calendar = pages_of(pdf(blank))[1]
    for row in report.sources[1:]:
        assert f"{row.of}{row.name}—" in calendar


def test_whatever_was_typed_fits_on_the_page(report: Report) -> None:
    reason = "𠮷😀\x00\n" + "理由" * 3000 + "A" * 500
    typed = tuple(replace(item, reason=reason, decided_why=reason) for item in report.exemptions)
    text = "".join(pages_of(pdf(replace(report, exemptions=typed, park="园区" * 60))))
    assert "（全文见工作簿）" in text
    assert "撤回孙工" not in text  # cut off with the cell, and said so


def test_nothing_known_yet_is_a_report_too(report: Report) -> None:
    empty = replace(
        report, total=replace(report.total, tally=Tally()), days=(), gaps=(), exemptions=(), sources=(), enterprises=(),
        rules=None, checkpoint=None, targets=Targets(0, 0, 0, (), ()),
    )  # fmt: skip
    text = "".join(pages_of(pdf(empty)))
    assert "尚无签名检查点" in text
    assert "（无）" in text


@pytest.mark.parametrize(
    "text",
    [
        "示例企业01，危险化学品库房（二期）",
        "E03/V-1101、E03/V-1102、E03/V-1103",
        "A" * 99,
        "净覆盖率（99.22 %），实时（98.10 %）",
        "一\n二",
    ],
)
def test_wrapping_loses_nothing_and_keeps_within_its_room(text: str) -> None:
    lines = wrap(text, 60, 7)
    assert solid("".join(lines)) == solid(text)
    assert all(width(line, 7) <= 60 + 7 for line in lines)
    assert not any(line[0] in "，、）%" for line in lines)
