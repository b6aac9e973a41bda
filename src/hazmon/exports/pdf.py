"""The report as a PDF in Chinese, to be printed and signed."""

from __future__ import annotations

from hazmon.coverage.report import Report
from hazmon.exports.pages.closing import checkpoint, definitions
from hazmon.exports.pages.front import TITLE, front
from hazmon.exports.pages.heat import calendar
from hazmon.exports.pages.lists import exemptions, gaps, sources, targets
from hazmon.exports.pages.paper import Paper
from hazmon.exports.pages.pen import Pen
from hazmon.exports.words import one_line, zone_of


def pdf(report: Report) -> bytes:
    """A4, its typeface embedded. The same report gives the same bytes.

    Raises ExportUnavailable when the typeface was not built into this installation.
    """
    zone = zone_of(report)
    park = one_line(report.park)
    period = f"{zone.minute(report.begin)} — {zone.minute(report.end)}"
    pen = Pen(f"{TITLE} {park} {period}", "模拟数据 SIMULATED DATA" if report.simulated else "连续监测覆盖率")
    foot = f"{park}　数据截至 {zone.minute(report.made_at)}　时区 {report.timezone}"
    paper = Paper(TITLE, period, foot, report.simulated)
    front(paper, report)
    paper.turn()
    targets(paper, report)
    calendar(paper, report)
    sources(paper, report)
    gaps(paper, report)
    exemptions(paper, report)
    checkpoint(paper, report)
    definitions(paper, report)
    return paper.draw(pen)
