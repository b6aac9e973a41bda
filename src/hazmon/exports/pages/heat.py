"""The calendar: sources x days, a block a month, each day coloured and numbered by its raw coverage; over a year, by week too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hazmon.coverage.account import Tally
from hazmon.coverage.report import Report, Row
from hazmon.exports.pages.paper import BOTTOM, LEFT, RIGHT, Paper
from hazmon.exports.pages.pen import GREY, INK, MM, RULE, STRONG, Pen, width
from hazmon.exports.scale import STEPS, step_of
from hazmon.exports.words import Zone, one_line, share, zone_of

LABEL = 31 * MM
TOTAL = 13 * MM
LARGEST_BLOCK = 31
BY_WEEK = 92  # days from which on there is a calendar of weeks as well
SMALL, LARGE = 2.65 * MM, 4.5 * MM
HEADS = 11 * MM
WEEK = timedelta(days=7)
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a block: what stands over it, and each source's tally in it."""

    over: str
    under: str
    tallies: dict[str, Tally]


def calendar(paper: Paper, report: Report) -> None:
    """The section with its legend and its blocks."""
    zone = zone_of(report)
    by_day = _by_day(report, zone)
    days = sorted(by_day)
    paper.heading("覆盖日历", "Calendar of raw coverage, source by day", room=60 * MM)
    _legend(paper)
    if len(days) > BY_WEEK:
        _block(paper, report.sources, f"{days[0]:%Y-%m-%d} 至 {days[-1]:%Y-%m-%d}，按周（周一起）", _weeks(by_day), small=False)
    blocks = _months(days)
    for block in blocks:
        cells = [Cell(_number(day, block[0]), _WEEKDAYS[day.weekday()], by_day[day]) for day in block]
        _block(paper, report.sources, _period(block), cells, small=len(blocks) > 1)


def _number(day: date, first: date) -> str:
    """The day of the month; in a block over two months the second's first day says so."""
    return f"{day.month}/{day.day}" if day.day == 1 and day != first else str(day.day)


def _period(block: Sequence[date]) -> str:
    first, last = block[0], block[-1]
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.year} 年 {first.month} 月"
    return f"{first:%Y-%m-%d} 至 {last:%Y-%m-%d}"


def _by_day(report: Report, zone: Zone) -> dict[date, dict[str, Tally]]:
    """Every day of the period, also one of which nothing is known."""
    first, last = zone.day(report.begin), zone.day(report.end - 1)
    found: dict[date, dict[str, Tally]] = {first + timedelta(days=n): {} for n in range((last - first).days + 1)}
    for row in report.days:
        found.setdefault(zone.day(row.begin), {})[row.of] = row.tally
    return found


def _months(days: Sequence[date]) -> list[list[date]]:
    """Days by calendar month; a period within 31 days stays one block."""
    if len(days) <= LARGEST_BLOCK:
        return [list(days)]
    found: dict[tuple[int, int], list[date]] = {}
    for day in days:
        found.setdefault((day.year, day.month), []).append(day)
    return list(found.values())


def _weeks(by_day: dict[date, dict[str, Tally]]) -> list[Cell]:
    weeks: dict[date, dict[str, Tally]] = {}
    for day, tallies in by_day.items():
        week = weeks.setdefault(day - timedelta(days=day.weekday()), {})
        for of, tally in tallies.items():
            week[of] = week.get(of, Tally()) + tally
    mondays = list(weeks)
    months = [monday.month for monday in mondays]
    found: list[Cell] = []
    for index, (monday, week) in enumerate(weeks.items()):
        begins = index > 0 and months[index - 1] != monday.month
        found.append(Cell(f"{monday.month}月" if begins else "", str(monday.day), week))
    return found


def _legend(paper: Paper) -> None:
    paper.prose(
        "每格是一个重大危险源一日（周图为一周）的原始覆盖率，不扣豁免；数字为百分数的整数部分，100 % 不写。颜色越深，缺失越多。",
        8,
    )
    y = paper.y + 1 * MM

    def draw(pen: Pen) -> None:
        x = LEFT
        for step in STEPS:
            pen.box(x, y, 7 * MM, 4 * MM, fill=step.colour, line=RULE, thick=0.3)
            pen.text(x + 8 * MM, y + 3.1 * MM, step.label, 7.5)
            x += 21 * MM
        pen.box(x, y, 5 * MM, 4 * MM, fill="FFFFFF", line=RULE, thick=0.3)
        pen.corner(x + 5 * MM, y, 1.5 * MM, "B00020")
        pen.text(x + 6 * MM, y + 3.1 * MM, "含豁免时隙", 7.5)
        pen.text(LEFT, y + 8 * MM, "空白（无框）：记录开始之前，或尚无计入的时隙。", 7.5, colour=GREY)

    paper.put(draw)
    paper.y = y + 11 * MM


def _block(paper: Paper, sources: Sequence[Row], title: str, cells: Sequence[Cell], small: bool) -> None:
    """One block; where a park has more sources than a page has room, it goes on on the next."""
    left = list(sources)
    height = SMALL if small else LARGE
    whole = HEADS + len(left) * height + 3 * MM
    if paper.y + whole > BOTTOM and not small:
        height = max(SMALL, min(LARGE, (BOTTOM - paper.y - HEADS - 4 * MM) / max(1, len(left))))
        whole = HEADS + len(left) * height + 3 * MM
    paper.need(min(whole, 100 * MM) if height == SMALL and len(left) * height > 240 * MM else whole)
    while left:
        room = max(1, int((BOTTOM - paper.y - HEADS) / height))
        part, left = left[:room], left[room:]
        _part(paper, part, title, cells, height)
        if left:
            paper.turn()


def _part(paper: Paper, sources: Sequence[Row], title: str, cells: Sequence[Cell], height: float) -> None:
    top = paper.y
    wide = min((RIGHT - LEFT - LABEL - TOTAL) / max(1, len(cells)), 4.8 * MM)
    figures = wide > 3.4 * MM

    def draw(pen: Pen) -> None:
        size = min(6.5, height * 0.8)
        right = LEFT + LABEL + wide * len(cells)
        pen.text(LEFT, top + 3.4 * MM, title, 8.5, "bold", STRONG)
        for column, cell in enumerate(cells):
            x = LEFT + LABEL + (column + 0.5) * wide
            pen.text(x, top + 7.4 * MM, cell.over, 6, "bold", INK, "centre")
            pen.text(x, top + 10 * MM, cell.under, 5, colour=GREY, align="centre")
        pen.text(right + TOTAL - 1, top + 10 * MM, "合计", 6, "bold", INK, "right")
        for index, row in enumerate(sources):
            y = top + HEADS + index * height
            base = y + height / 2 + size * 0.36
            pen.text(LEFT, base, row.of, size, "bold")
            pen.text(LEFT + 12 * MM, base, _short(row.name, size), size * 0.92, colour=GREY)
            summed = Tally()
            for column, cell in enumerate(cells):
                tally = cell.tallies.get(row.of)
                if tally is not None and tally.slots:
                    summed += tally
                    _cell(pen, LEFT + LABEL + column * wide, y, wide, height, tally, figures)
            pen.text(right + TOTAL - 1, base, share(summed.raw), size, align="right")

    paper.put(draw)
    paper.y = top + HEADS + len(sources) * height + 3 * MM


def _cell(pen: Pen, x: float, y: float, wide: float, height: float, tally: Tally, figures: bool) -> None:
    step = step_of(tally)
    pen.box(x, y, wide, height, fill=step.colour, line="D3D3D3", thick=0.35)
    if tally.excused:
        side = min(wide, height) * 0.36
        pen.corner(x + wide, y, side + 1.1, "FFFFFF")  # so that it is seen on a dark cell too
        pen.corner(x + wide, y, side, "B00020")
    if figures and tally.covered < tally.slots:
        size = min(5.6, height * 0.7)
        pen.text(
            x + wide / 2,
            y + height / 2 + size * 0.36,
            str(tally.covered * 100 // tally.slots),
            size,
            "regular",
            step.ink,
            "centre",
        )


def _short(name: str, size: float) -> str:
    """As much of a name as fits beside its id."""
    room, size = LABEL - 13 * MM, size * 0.92
    name = one_line(name)
    if width(name, size) <= room:
        return name
    while name and width(f"{name}…", size) > room:
        name = name[:-1]
    return f"{name}…"
