"""The first page, the one that is signed: of what, over which time, the figures with what each means, and the signatures."""

from __future__ import annotations

from hazmon.coverage.report import Report
from hazmon.exports.pages.paper import BOTTOM, LEFT, RIGHT, SPAN, TOP, Paper, wrap
from hazmon.exports.pages.pen import GREY, INK, MM, RULE, SHADE, STRONG, WIDTH, Pen, width
from hazmon.exports.words import FACTORS, FACTORS_EN, NONE, fraction, grouped, one_line, share, zone_of

TITLE = "连续监测覆盖率报告"
TITLE_EN = "Report on the coverage of continuous monitoring"
LOST = "7A3B00"
FACTORS_MEAN = {
    "connect": "必测参数组都配有测点",
    "online": "设备、采集盒与链路在线",
    "complete": "该来的数据按期到齐",
    "valid": "到达的数据合格可信",
}


def front(paper: Paper, report: Report) -> None:
    """Lay the first page out."""
    _title(paper, report)
    _about(paper, report)
    _figures(paper, report)
    _rates(paper, report)
    _factors(paper, report)
    _contents(paper)
    _signatures(paper)


def _title(paper: Paper, report: Report) -> None:
    def draw(pen: Pen) -> None:
        pen.text(WIDTH / 2, TOP + 8 * MM, TITLE, 22, "bold", STRONG, "centre")
        pen.text(WIDTH / 2, TOP + 14 * MM, TITLE_EN, 9, colour=GREY, align="centre")
        if report.simulated:
            pen.box(LEFT, TOP + 18 * MM, SPAN, 9 * MM, fill="FDECEE", line="B00020", thick=1)
            said = "模拟数据：本报告的数据由模拟器产生，不是任何真实装置的记录，不得用于监管报送"
            pen.text(WIDTH / 2, TOP + 24.2 * MM, said, 10.5, "bold", "B00020", "centre")

    paper.put(draw)
    paper.y = TOP + (30 if report.simulated else 19) * MM


def _about(paper: Paper, report: Report) -> None:
    zone, top = zone_of(report), paper.y
    counted = f"{len(report.sources)} 个重大危险源，{len(report.enterprises)} 家企业"
    lines = (
        ("园区", f"{one_line(report.park)}　{one_line(report.park_en)}"),
        ("报告期间", f"{zone.minute(report.begin)} 起，至 {zone.minute(report.end)} 止（不含）；时区 {report.timezone}"),
        ("数据截至", f"{zone.minute(report.made_at)}（计算时间，此后到达的补传数据不在本报告内）"),
        ("范围", f"{counted}；共 {grouped(report.total.tally.slots)} 个时隙（每格 60 s）"),
        ("记录凭证", _record(report)),
    )

    room = SPAN - 22 * MM

    def draw(pen: Pen) -> None:
        for number, (name, said) in enumerate(lines):
            y = top + (4 + number * 5.6) * MM
            pen.text(LEFT, y, name, 9.5, "bold")
            pen.text(LEFT + 22 * MM, y, said, min(9.5, room / max(1.0, width(said, 1))))
            pen.rule(LEFT, y + 1.7 * MM, RIGHT, y + 1.7 * MM)

    paper.put(draw)
    paper.y = top + (len(lines) * 5.6 + 3) * MM


def _record(report: Report) -> str:
    """The checkpoint in a line: which record, and how long it is."""
    if report.checkpoint is None:
        return "本期尚无签名检查点"
    origin, size, *_ = (*report.checkpoint.split("\n"), "", "")
    return f"检查点 {one_line(origin)}，{size} 条记录（全文与核验方法见第 7 节）"


def _figures(paper: Paper, report: Report) -> None:
    tally = report.total.tally
    prompt = f"{report.rules.prompt_s} s" if report.rules else "规定时间"
    cards = (
        ("原始覆盖率", "raw", tally.raw, "已覆盖 ÷ 全部时隙，什么都不扣除：真正被监测的时间有多少。"),
        ("净覆盖率", "net", tally.net, "已覆盖 ÷（全部 − 已豁免）：扣除经批准的停用、检修、报备之后。"),
        ("实时覆盖率", "real-time", tally.real_time, f"数据在采集后 {prompt} 内到达的时隙 ÷ 全部：控制室当时真正看得到的。"),
    )
    top, gap = paper.y, 4 * MM
    wide, high = (SPAN - 2 * gap) / 3, 34 * MM

    def draw(pen: Pen) -> None:
        for number, (name, english, figure, means) in enumerate(cards):
            x = LEFT + number * (wide + gap)
            pen.box(x, top, wide, high, fill=SHADE, line=STRONG, thick=0.8)
            pen.text(x + 3 * MM, top + 6 * MM, name, 11, "bold", STRONG)
            pen.text(x + wide - 3 * MM, top + 6 * MM, english, 8, colour=GREY, align="right")
            pen.text(x + wide / 2, top + 15.5 * MM, share(figure), 20, "bold", INK, "centre")
            pen.text(x + wide / 2, top + 20.5 * MM, fraction(figure), 8.5, colour=INK, align="centre")
            for line, text in enumerate(wrap(means, wide - 6 * MM, 7.5)):
                pen.text(x + 3 * MM, top + (25 + line * 3.7) * MM, text, 7.5, colour=GREY)

    paper.put(draw)
    paper.y = top + high + 4 * MM


def _rates(paper: Paper, report: Report) -> None:
    targets = report.targets
    least = (
        f"不低于 {share((report.rules.online_min.numerator, report.rules.online_min.denominator))}"
        if report.rules
        else "达到门限"
    )
    offline = [f"{of}（{share(tally.net)}）" for of, tally in targets.offline]
    lacking: dict[str, list[str]] = {}
    for item in targets.lacking:
        lacking.setdefault(item.source, []).append(item.group_name)
    missing = [f"{of}（缺{'、'.join(dict.fromkeys(names))}）" for of, names in lacking.items()]
    cards = (
        ("在线监测率", (targets.online, targets.sources), f"净覆盖率{least}的重大危险源数 ÷ 总数。", "未达", offline),
        (
            "装备率",
            (targets.equipped, targets.sources),
            "每个储罐、装置、库房的必测参数组都配有测点的源数 ÷ 总数。",
            "缺项",
            missing,
        ),
    )
    top, gap = paper.y, 4 * MM
    wide, high = (SPAN - gap) / 2, 27.5 * MM

    def draw(pen: Pen) -> None:
        for number, (name, figure, means, what, who) in enumerate(cards):
            x = LEFT + number * (wide + gap)
            pen.box(x, top, wide, high, line=STRONG, thick=0.8)
            pen.text(x + 3 * MM, top + 8 * MM, name, 11, "bold", STRONG)
            said = f"{figure[0]} / {figure[1]}"
            pen.text(x + wide - 3 * MM - width(share(figure), 9) - 3 * MM, top + 8 * MM, said, 16, "bold", INK, "right")
            pen.text(x + wide - 3 * MM, top + 8 * MM, share(figure), 9, align="right")
            y = top + 13 * MM
            for text in wrap(means, wide - 6 * MM, 7.5):
                pen.text(x + 3 * MM, y, text, 7.5, colour=GREY)
                y += 3.7 * MM
            for text in _named(what, who, wide - 6 * MM, int((top + high - y) / (3.7 * MM)) + 1):
                pen.text(x + 3 * MM, y, text, 7.5, "bold" if who else "regular")
                y += 3.7 * MM

    paper.put(draw)
    paper.y = top + high + 4 * MM


def _named(what: str, who: list[str], room: float, most: int) -> tuple[str, ...]:
    """Who is missing, in at most so many lines; the rest is in section 1."""
    if not who:
        return (f"{what}：无",)
    for count in range(len(who), -1, -1):
        rest = f"等共 {len(who)} 个" if count < len(who) else ""
        lines = wrap(f"{what}：{'，'.join(who[:count])}{rest}，见第 1 节", room, 7.5, "bold")
        if len(lines) <= most:
            return lines
    return ()


def _factors(paper: Paper, report: Report) -> None:
    tally, top = report.total.tally, paper.y
    most = max(*tally.lost, 1)
    product = " × ".join(f"{FACTORS[key]} {share(figure)}" for key, figure in tally.factors.items())

    def draw(pen: Pen) -> None:
        pen.text(LEFT, top + 4 * MM, "缺失归因：每个未覆盖的时隙只计入第一个没有做到的因素", 9.5, "bold", STRONG)
        pen.text(RIGHT, top + 4 * MM, "lost slots by factor", 7.5, colour=GREY, align="right")
        for number, ((key, figure), lost) in enumerate(zip(tally.factors.items(), tally.lost, strict=True)):
            y = top + (11 + number * 6.6) * MM
            pen.text(LEFT, y, FACTORS[key], 9.5, "bold")
            pen.text(LEFT + 9 * MM, y, FACTORS_EN[key], 6.5, colour=GREY)
            pen.text(LEFT + 22 * MM, y, FACTORS_MEAN[key], 7.5, colour=GREY)
            pen.text(LEFT + 72 * MM, y, share(figure), 9.5, "bold", align="right")
            pen.text(LEFT + 112 * MM, y, fraction(figure), 7, align="right")
            pen.box(LEFT + 115 * MM, y - 3.2 * MM, 36 * MM, 4.2 * MM, fill=SHADE)
            if lost:
                pen.box(LEFT + 115 * MM, y - 3.2 * MM, max(0.6 * MM, 36 * MM * lost / most), 4.2 * MM, fill=LOST)
            pen.text(RIGHT, y, f"损失 {grouped(lost)}" if lost else "无损失", 8, align="right")
            pen.rule(LEFT, y + 2 * MM, RIGHT, y + 2 * MM)
        y = top + 37.5 * MM
        pen.text(LEFT, y, f"{product} = 原始 {share(tally.raw)}", 8.5)
        lost, excused = sum(tally.lost), grouped(tally.excused) if tally.excused else NONE
        pen.text(RIGHT, y, f"未覆盖合计 {grouped(lost)}，其中已豁免 {excused}", 8.5, align="right")

    paper.put(draw)
    paper.y = top + 41 * MM


def _contents(paper: Paper) -> None:
    top = paper.y + 5 * MM

    def draw(pen: Pen) -> None:
        pen.text(LEFT, top + 4 * MM, "目录", 9.5, "bold", STRONG)
        pen.text(RIGHT, top + 4 * MM, "contents", 7.5, colour=GREY, align="right")
        gap = 10 * MM
        wide, rows = (SPAN - gap) / 2, -(-len(paper.contents) // 2)
        for index, (title, page) in enumerate(paper.contents):
            x = LEFT + index // rows * (wide + gap)
            y = top + (10 + index % rows * 6) * MM
            pen.text(x, y, title, 9)
            pen.text(x + wide, y, f"第 {page} 页", 9, align="right")
            pen.rule(x, y + 1.6 * MM, x + wide, y + 1.6 * MM)

    paper.put(draw)


def _signatures(paper: Paper) -> None:
    top = BOTTOM - 27 * MM

    def draw(pen: Pen) -> None:
        pen.box(LEFT, top, SPAN, 26 * MM, line=INK, thick=0.8)
        wide = SPAN / 3
        for number, (role, english) in enumerate((("编制", "prepared"), ("审核", "reviewed"), ("批准", "approved"))):
            x = LEFT + number * wide
            if number:
                pen.rule(x, top, x, top + 26 * MM, INK, 0.8)
            pen.text(x + 3 * MM, top + 6 * MM, role, 10.5, "bold")
            pen.text(x + 14 * MM, top + 6 * MM, english, 7.5, colour=GREY)
            for line, what in enumerate(("签字", "日期")):
                y = top + (14.5 + line * 8) * MM
                pen.text(x + 3 * MM, y, what, 9)
                pen.rule(x + 13 * MM, y + 0.6 * MM, x + wide - 4 * MM, y + 0.6 * MM, RULE, 0.7)

    paper.put(draw)
    paper.y = BOTTOM
