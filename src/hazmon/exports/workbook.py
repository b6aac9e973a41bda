"""The report as an Excel workbook: numbers as numbers, text as text, nothing as a formula."""

from __future__ import annotations

import io
from datetime import date

from hazmon.clock import EPOCH
from hazmon.coverage.report import Report, Row
from hazmon.exports.book_sheets import Sheet, Styles, Workbook
from hazmon.exports.columns import FIGURES, counts, rates
from hazmon.exports.scale import STEPS, step_of
from hazmon.exports.words import (
    FACTORS,
    FACTORS_EN,
    FILED,
    Zone,
    cause,
    decision,
    groups,
    hundredths,
    kind_of_data,
    one_line,
    zone_of,
)

_ROW = ("编号 id", "名称 name", "英文名称 name (en)")


def workbook(report: Report) -> bytes:
    """XLSX bytes. Percentages are cut off at 0.01 %, with numerator and denominator; times are the park's, as text."""
    out = io.BytesIO()
    book = Workbook(out)
    styles, zone = Styles(book), zone_of(report)
    _summary(book.sheet("汇总", styles), report, zone)
    _rows(book.sheet("按企业", styles), (*report.enterprises, report.total))
    _rows(book.sheet("按重大危险源", styles), (*report.sources, report.total))
    _calendar(book.sheet("按日", styles), report, zone)
    _days(book.sheet("日明细", styles), report, zone)
    _gaps(book.sheet("缺口", styles), report, zone)
    _exemptions(book.sheet("豁免", styles), report, zone)
    _targets(book.sheet("两率", styles), report)
    _checkpoint(book.sheet("检查点", styles), report)
    # a fixed instant: of the same report the same bytes
    book.close("连续监测覆盖率报告 Coverage report", one_line(report.park), EPOCH.replace(year=2000, tzinfo=None))
    return out.getvalue()


def _summary(sheet: Sheet, report: Report, zone: Zone) -> None:
    tally, targets = report.total.tally, report.targets
    sheet.line("连续监测覆盖率报告 Coverage report", title=True)
    if report.simulated:
        sheet.line("模拟数据：不是任何真实装置的记录 SIMULATED DATA: the record of no real plant", title=True)
    for name, value in (
        ("园区 park", f"{report.park} {report.park_en}"),
        ("起 from", zone.minute(report.begin)),
        ("止（不含） to (exclusive)", zone.minute(report.end)),
        ("时区 timezone", report.timezone),
        ("数据截至 as of", zone.minute(report.made_at)),
        ("数据 data", kind_of_data(report)),
        ("重大危险源 sources", targets.sources),
    ):
        sheet.line(name, value)
    sheet.line()
    sheet.heads("指标 figure", "%", "分子 numerator", "分母 denominator", freeze=False)
    figures = (
        ("原始覆盖率 raw", tally.raw),
        ("净覆盖率 net", tally.net),
        ("实时覆盖率 real-time", tally.real_time),
        ("在线监测率 on-line rate", (targets.online, targets.sources)),
        ("装备率 equipment rate", (targets.equipped, targets.sources)),
        *((f"因素 factor：{FACTORS[key]} {FACTORS_EN[key]}", figure) for key, figure in tally.factors.items()),
    )
    for name, (numerator, denominator) in figures:
        sheet.line(name, sheet.percent(hundredths(numerator, denominator)), numerator, denominator)
    sheet.line()
    sheet.heads("因素 factor", "损失时隙 lost slots", freeze=False)
    for (key, name), lost in zip(FACTORS.items(), tally.lost, strict=True):
        sheet.line(f"{name} {FACTORS_EN[key]}", lost)
    sheet.line("已豁免 excused", tally.excused)
    sheet.widths(34, 30, 16, 16)


def _figures(sheet: Sheet, row: Row) -> list[object]:
    cells: list[object] = [*counts(row.tally)]
    for numerator, denominator, cut in rates(row.tally):
        cells += (numerator, denominator, sheet.percent(cut))
    return cells


def _rows(sheet: Sheet, rows: tuple[Row, ...]) -> None:
    sheet.heads(*_ROW, *FIGURES, columns=2)
    for row in rows:
        sheet.line(row.of or "合计 total", row.name, row.name_en, *_figures(sheet, row))
    sheet.widths(12, 30, 26, *(13 for _ in FIGURES))


def _days(sheet: Sheet, report: Report, zone: Zone) -> None:
    sheet.heads("日期 day", *_ROW[:2], *FIGURES, columns=2)
    for row in report.days:
        sheet.line(zone.day(row.begin), row.of, row.name, *_figures(sheet, row))
    sheet.widths(12, 12, 30, *(13 for _ in FIGURES))
    sheet.filter()


def _calendar(sheet: Sheet, report: Report, zone: Zone) -> None:
    """Sources x days, raw coverage; a day before the record began is empty."""
    days: list[date] = sorted({zone.day(row.begin) for row in report.days})
    columns = {day: index for index, day in enumerate(days)}
    lines = {row.of: [None] * len(days) for row in report.sources}
    cells: dict[str, list[object]] = {of: list[object](line) for of, line in lines.items()}
    for row in report.days:
        if row.tally.slots and row.of in cells:
            cut, step = hundredths(*row.tally.raw), step_of(row.tally)
            cells[row.of][columns[zone.day(row.begin)]] = sheet.heat(cut, step)
    sheet.heads("编号 id", "名称 name", *days, columns=2)
    for row in report.sources:
        sheet.line(row.of, row.name, *cells[row.of])
    sheet.line()
    sheet.line("图例 legend", "原始覆盖率 raw coverage", *(sheet.legend(step) for step in STEPS))
    sheet.line("", "空白：记录开始之前 blank: before the record began")
    sheet.widths(12, 30, *(11 for _ in days), *(11 for _ in range(len(STEPS) - len(days))))


def _gaps(sheet: Sheet, report: Report, zone: Zone) -> None:
    sheet.heads(
        "编号 id", "危险源 source", "单元 units", "参数组 groups", "测点 points", "起 from", "止 to", "分钟 minutes",
        "因素 factor", "原因 cause", "原因代码 cause code", "已豁免分钟 excused", "豁免号 exemption", "报备 filed",
        "前一批次 batch before", "SHA-256", "后一批次 batch after", "SHA-256",
    )  # fmt: skip
    for gap in report.gaps:
        sheet.line(
            gap.id, gap.source, "、".join(gap.units), groups(report, gap), "、".join(gap.points), zone.minute(gap.begin),
            zone.minute(gap.end), gap.slots, FACTORS.get(gap.factor, gap.factor), cause(gap.cause), gap.cause, gap.excused,
            gap.exemption, FILED.get(gap.filed, gap.filed),
            *(cell for batch in (gap.before, gap.after)
              for cell in ((f"{batch.edge} {batch.boot}:{batch.seq}", batch.digest) if batch else (None, None))),
        )  # fmt: skip
    if report.gaps_left_out:
        sheet.line(f"另有 {report.gaps_left_out} 个缺口未列出 {report.gaps_left_out} more gaps are left out")
    sheet.widths(26, 10, 24, 24, 24, 17, 17, 10, 10, 20, 18, 14, 12, 10, 18, 20, 18, 20)
    sheet.filter()


def _exemptions(sheet: Sheet, report: Report, zone: Zone) -> None:
    sheet.heads(
        "编号 no.", "企业 enterprise", "危险源 source", "单元 unit", "类型 kind", "事由 reason", "起 from", "止 until",
        "报备人 filed by", "报备时间 filed at", "报备 filed", "决定 decision", "决定人 decided by",
        "决定时间 decided at", "决定理由 why",
        "撤回人 withdrawn by", "撤回时间 withdrawn at", "撤回理由 why",
    )  # fmt: skip
    for item in report.exemptions:
        decided = item.approved_at if item.refused_at is None else item.refused_at
        sheet.line(
            item.id, item.enterprise, item.source, item.unit or "整个危险源 whole source", item.kind, item.reason,
            zone.minute(item.begins), zone.minute(item.until), item.filed_by, zone.minute(item.filed_at),
            FILED["after" if item.filed_late() else "before"], decision(item), item.decided_by,
            None if decided is None else zone.minute(decided), item.decided_why, item.withdrawn_by,
            None if item.withdrawn_at is None else zone.minute(item.withdrawn_at), item.withdrawn_why,
        )  # fmt: skip
    sheet.widths(9, 10, 12, 24, 12, 34, 17, 17, 20, 17, 12, 12, 20, 17, 30, 20, 17, 24)


def _targets(sheet: Sheet, report: Report) -> None:
    targets = report.targets
    names = {row.of: row.name for row in report.sources}
    sheet.heads("指标 rate", "%", "分子 numerator", "分母 denominator", freeze=False)
    for name, numerator in (("在线监测率 on-line monitoring rate", targets.online), ("装备率 equipment rate", targets.equipped)):
        sheet.line(name, sheet.percent(hundredths(numerator, targets.sources)), numerator, targets.sources)
    sheet.line()
    sheet.heads(
        "未达在线监测的危险源 not on line", "净覆盖率 net %", "分子 numerator", "分母 denominator", "名称 name", freeze=False
    )
    for of, tally in targets.offline:
        sheet.line(of, sheet.percent(hundredths(*tally.net)), *tally.net, names.get(of))
    sheet.line()
    sheet.heads(
        "缺必测参数组的危险源 not equipped", "单元 unit", "参数组 group", "参数组名称 group name", "名称 name", freeze=False
    )
    for item in targets.lacking:
        sheet.line(item.source, item.unit, item.group, item.group_name, names.get(item.source))
    sheet.widths(36, 18, 16, 22, 32)


def _checkpoint(sheet: Sheet, report: Report) -> None:
    sheet.line("本报告所依据的签名检查点 the signed checkpoint that this report rests on", title=True)
    for line in (report.checkpoint or "本期尚无签名检查点 no signed checkpoint yet").splitlines():
        sheet.line(line)
    sheet.line()
    sheet.line("核验：下载本期核验包（bundle），离线运行 hazmon verify BUNDLE · to verify: run it on the bundle, offline")
    sheet.widths(110)
