"""The sections that are lists: who misses the two rates, figures by enterprise and source, gaps, exemptions."""

from __future__ import annotations

from collections.abc import Iterator

from hazmon.coverage.exempting import Exemption
from hazmon.coverage.report import BatchName, Gap, Report, Row
from hazmon.exports.pages.grid import Column, Line, table
from hazmon.exports.pages.paper import Paper
from hazmon.exports.words import (
    FACTORS,
    FILED,
    NONE,
    Zone,
    cause,
    decision,
    excuse,
    fraction,
    grouped,
    groups,
    one_line,
    share,
    zone_of,
)

DIGEST = 12  # characters of a batch's digest; the workbook and the bundle have it whole


def targets(paper: Paper, report: Report) -> None:
    """The two rates n of 42, with everyone who is missing and what."""
    found = report.targets
    names = {row.of: one_line(row.name) for row in report.sources}
    paper.heading("两率明细", "The two rates, and who is missing")
    paper.prose(f"在线监测率 {found.online} / {found.sources}（{share((found.online, found.sources))}）。未达的重大危险源：")
    columns = (
        Column("编号", 20),
        Column("名称", 70),
        Column("净覆盖率", 22, "right"),
        Column("分子 / 分母", 38, "right"),
        Column("主要缺失", 30),
    )
    table(
        paper,
        columns,
        (
            Line((of, names.get(of, NONE), share(tally.net), fraction(tally.net), _worst(tally.lost)))
            for of, tally in found.offline
        ),
    )
    paper.prose(f"装备率 {found.equipped} / {found.sources}（{share((found.equipped, found.sources))}）。缺少必测参数组的单元：")
    columns = (Column("编号", 20), Column("名称", 70), Column("单元", 45), Column("缺少的参数组", 45))
    table(
        paper,
        columns,
        (Line((item.source, names.get(item.source, NONE), item.unit, one_line(item.group_name))) for item in found.lacking),
    )


def _worst(lost: tuple[int, ...]) -> str:
    name, most = max(zip(FACTORS.values(), lost, strict=True), key=lambda pair: pair[1])
    return f"{name} {grouped(most)}" if most else NONE


def sources(paper: Paper, report: Report) -> None:
    """Figures by enterprise and by source."""
    for title, english, rows in (
        ("各企业", "Figures by enterprise", report.enterprises),
        ("各重大危险源", "Figures by source", report.sources),
    ):
        paper.heading(title, english)
        columns = (
            Column("编号", 14),
            Column("名称", 27),
            *(Column(name, 15, "right") for name in ("应有时隙", "已覆盖", "实时覆盖")),
            Column("已豁免", 12, "right"),
            *(Column(f"{name}\n损失", 11, "right") for name in FACTORS.values()),
            *(Column(name, 12.66, "right") for name in ("原始", "净", "实时")),
        )
        lines = [_figures(row) for row in rows]
        table(paper, columns, [*lines, _figures(report.total, "园区合计")], 6.3)


def _figures(row: Row, total: str = "") -> Line:
    tally = row.tally
    cells = (tally.slots, tally.covered, tally.prompt, tally.excused, *tally.lost)
    of, name = ("合计", total) if total else (row.of, one_line(row.name))
    return Line((of, name, *map(grouped, cells), share(tally.raw), share(tally.net), share(tally.real_time)), strong=bool(total))


def gaps(paper: Paper, report: Report) -> None:
    """Every stretch that was lost, with its cause and the batches of the record before and after it."""
    zone = zone_of(report)
    paper.heading("缺口清单", "Gaps: stretches of lost slots")
    paper.prose(
        f"共 {grouped(len(report.gaps) + report.gaps_left_out)} 个缺口。"
        "批次写作“采集盒 启动次数:序号 摘要前 12 位”，完整摘要见核验包；证据编号中的时间为 UTC，其余为园区时间。",
        8,
    )
    columns = (
        Column("起 / 止 / 证据编号", 33),
        Column("分钟", 11, "right"),
        Column("危险源 / 单元", 29),
        Column("参数组", 23),
        Column("因素：原因", 23),
        Column("豁免", 22),
        Column("前一批次 / 后一批次", 39),
    )
    table(paper, columns, (_gap(report, zone, gap) for gap in report.gaps), 6.3)
    if report.gaps_left_out:
        paper.prose(
            f"另有 {grouped(report.gaps_left_out)} 个缺口因篇幅未列入本报告；其时隙已计入各项数字，清单可按较短的期间另行导出。",
            8.5,
            face="bold",
        )


def _gap(report: Report, zone: Zone, gap: Gap) -> Line:
    return Line(
        (
            f"{zone.minute(gap.begin)}\n{zone.minute(gap.end)}\n{gap.id}",
            grouped(gap.slots),
            f"{gap.source}\n{_few(gap.units)}",
            groups(report, gap),
            f"{FACTORS.get(gap.factor, gap.factor)}：{cause(gap.cause)}",
            excuse(gap),
            f"{_batch('前', gap.before)}\n{_batch('后', gap.after)}",
        )
    )


def _few(names: tuple[str, ...]) -> str:
    """At most three names: a source may have twenty units."""
    return "、".join(names[:3]) + (f" 等 {len(names)} 个" if len(names) > 3 else "")


def _batch(which: str, batch: BatchName | None) -> str:
    return f"{which} {NONE}" if batch is None else f"{which} {batch.edge} {batch.boot}:{batch.seq} {batch.digest[:DIGEST]}"


def exemptions(paper: Paper, report: Report) -> None:
    """Every exemption of the period, who filed and who decided it."""
    zone = zone_of(report)
    paper.heading("豁免", "Exemptions: filed by the enterprise, decided by the park")
    columns = (
        Column("号", 9, "right"),
        Column("危险源 / 单元", 25),
        Column("类型", 14),
        Column("起 / 止", 25),
        Column("事由", 35),
        Column("报备", 27),
        Column("决定", 45),
    )
    table(paper, columns, (Line(tuple(_exemption(zone, item))) for item in report.exemptions), 6.6)


def _exemption(zone: Zone, item: Exemption) -> Iterator[str]:
    yield str(item.id)
    yield f"{item.source}\n{item.unit or '整个危险源'}"
    yield one_line(item.kind)
    yield f"{zone.minute(item.begins)}\n{zone.minute(item.until)}"
    yield one_line(item.reason)
    yield f"{one_line(item.filed_by)}\n{zone.minute(item.filed_at)}\n{FILED['after' if item.filed_late() else 'before']}"
    yield "\n".join(_decided(zone, item))


def _decided(zone: Zone, item: Exemption) -> Iterator[str]:
    decided = item.approved_at if item.refused_at is None else item.refused_at
    yield decision(item) if decided is None else f"{decision(item)}　{one_line(item.decided_by or NONE)}\n{zone.minute(decided)}"
    if item.decided_why:
        yield one_line(item.decided_why)
    if item.withdrawn_at is not None:
        yield f"撤回　{one_line(item.withdrawn_by or NONE)}\n{zone.minute(item.withdrawn_at)}"
        yield one_line(item.withdrawn_why or NONE)
