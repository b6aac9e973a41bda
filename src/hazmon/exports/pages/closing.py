"""What the report rests on and what its words mean: the signed checkpoint, how to verify, the definitions."""

from __future__ import annotations

from collections.abc import Iterator

from hazmon.coverage.report import Report
from hazmon.exports.pages.paper import BOTTOM, LEFT, RIGHT, SPAN, Paper, wrap
from hazmon.exports.pages.pen import INK, MM, RULE, SHADE, STRONG, Face, Pen, width
from hazmon.exports.words import share

VERIFY = (
    "1. 从本系统导出同一期间的核验包（报告格式 bundle），拷到任意一台装有 hazmon 的电脑；不需要联网、密码或本系统的数据库。",
    "它由证据重新计算覆盖率，并检查签名、包含证明与一致性证明，用平实的话说明哪些成立、哪些不成立。",
    "3. 把上面的检查点与见证处（本系统之外保存的检查点）逐字核对：签名只说明出自本系统，见证才说明事后没有重写。",
)


def checkpoint(paper: Paper, report: Report) -> None:
    """The text of the checkpoint as it was signed, and how anybody can verify the report."""
    paper.heading("记录检查点与核验", "The signed checkpoint, and how to verify", room=70 * MM)
    if report.checkpoint is None:
        paper.prose("本报告期尚无签名检查点：本报告的数字暂无可独立核验的记录凭证。", 9, face="bold", colour="B00020")
    else:
        paper.prose("本报告依据的记录状态，由本系统签名（C2SP tlog-checkpoint，Ed25519）：", 8.5)
        lines, size = _monospaced(report.checkpoint)
        _boxed(paper, lines, size, "mono")
    first, second, third = VERIFY
    paper.prose(first, 8.5)
    paper.prose("2. 在终端运行（BUNDLE 为核验包文件名）：", 8.5)
    paper.prose("hazmon verify BUNDLE", 9, face="mono", indent=6 * MM)
    paper.prose(second, 8.5, indent=4 * MM)
    paper.prose(third, 8.5)
    paper.skip(4 * MM)


def _monospaced(text: str) -> tuple[list[str], float]:
    """Lines as they are, and a size at which the longest fits; what is too long even so goes on, indented, on the next line."""
    lines = text.rstrip("\n").split("\n")
    room = SPAN - 8 * MM
    size = min(8.0, max(6.0, room / max(width(line, 1, "mono") for line in ("-", *lines))))
    found: list[str] = []
    for line in lines:
        first, *rest = wrap(line, room - 0.6 * size * 2, size, "mono") if width(line, size, "mono") > room + 0.01 else (line,)
        found += [first, *(f"  {part}" for part in rest)]
    return found, size


def definitions(paper: Paper, report: Report) -> None:
    """The closing box: what the words of this report mean."""
    lines = [line for text in _defined(report) for line in wrap(text, SPAN - 8 * MM, 8)]
    paper.heading("定义", "Definitions used in this report", room=min(120 * MM, (len(lines) * 4.4 + 24) * MM))
    _boxed(paper, lines, 8, "regular")


def _defined(report: Report) -> Iterator[str]:
    rules = report.rules
    prompt = f"{rules.prompt_s} s" if rules else "规定的时间"
    late = f"{rules.late_deadline_s / 3600:g} h" if rules else "规定的期限"
    grace = f"{rules.grace_s / 3600:g} h" if rules else "规定的宽限"
    cap = share((rules.cap.numerator, rules.cap.denominator)) if rules else "规定的上限"
    least = share((rules.online_min.numerator, rules.online_min.denominator)) if rules else "规定的门限"
    yield "时隙：60 s 一格，从整分钟起；按设备时间归格。"
    yield (
        "已覆盖：该危险源每个储罐、装置、库房的每个必测参数组，在该时隙内至少有一个合格数据"
        f"（质量好、在量程内、未冻结或重放、时钟可信），且在采集后 {late} 内到达。"
    )
    yield "原始覆盖率 = 已覆盖 ÷ 全部时隙。　净覆盖率 = 已覆盖 ÷（全部时隙 − 已豁免时隙）。"
    yield (
        f"实时覆盖率 = 每个必测参数组都有合格数据在采集后 {prompt} 内到达的时隙 ÷ 全部时隙；"
        "补传的数据有记录，但当时没有人能看到。"
    )
    yield "接入、在线、完整、有效：未覆盖的时隙只计入第一个没有做到的因素，四者按分数相乘等于原始覆盖率。"
    yield (
        f"豁免：企业报备（停用、检修、离线报备），园区批准后才有效；开始后 {grace} 内补报的标为事后报备，更晚的从报备时起算。"
        f"每个危险源每个自然月最多豁免该月时隙的 {cap}，超出部分不再豁免；已覆盖的时隙不算豁免。"
    )
    yield f"在线监测率：净覆盖率不低于 {least} 的重大危险源数 ÷ 总数。　装备率：必测参数组都配有测点的重大危险源数 ÷ 总数。"
    yield "园区与企业的合计是分子之和 ÷ 分母之和，不是百分数的平均。百分数一律截尾到 0.01 %，不进位：只有一格不缺才写 100.00 %。"
    yield "以上是本园区自行规定的统计规则（coverage.toml，可由园区修改），不是国家标准或行业标准的条文。"


def _boxed(paper: Paper, lines: list[str], size: float, face: Face) -> None:
    """Lines in a box, or in one box a page."""
    leading = size * 1.55
    while lines:
        paper.need(min(len(lines), 4) * leading + 6 * MM)
        room = max(1, int((BOTTOM - paper.y - 6 * MM) / leading))
        part, lines = lines[:room], lines[room:]
        _box(paper, part, size, face, leading)


def _box(paper: Paper, lines: list[str], size: float, face: Face, leading: float) -> None:
    top, height = paper.y, len(lines) * leading + 5 * MM

    def draw(pen: Pen) -> None:
        pen.box(LEFT, top, RIGHT - LEFT, height, fill=SHADE, line=RULE, thick=0.6)
        pen.box(LEFT, top, 1.2 * MM, height, fill=STRONG)
        for number, line in enumerate(lines):
            pen.text(LEFT + 4 * MM, top + 2.5 * MM + size + number * leading, line, size, face, INK)

    paper.put(draw)
    paper.y = top + height + 3 * MM
