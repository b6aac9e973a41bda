"""The words and numbers of a report as an inspector reads them: Chinese terms, local times, percentages that never flatter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from hazmon.clock import as_datetime
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.report import Gap, Report

FACTORS = {"connect": "接入", "online": "在线", "complete": "完整", "valid": "有效"}
FACTORS_EN = {"connect": "connected", "online": "online", "complete": "complete", "valid": "valid"}
CAUSES = {
    "no_point": "未配置测点",
    "nothing": "无数据",
    "not_connected": "未连接设备",
    "timeout": "设备应答超时",
    "refused": "设备拒绝读取",
    "decode": "数据无法解析",
    "quality": "质量不合格",
    "box_off": "采集盒停机",
    "link_off": "通信链路中断",
    "exempt": "已报备停采",
    "hole": "扫描中缺该测点",
    "stopped": "设备停用",
    "maintenance": "设备维护",
    "manual": "手工置数",
    "device_fault": "仪表故障",
    "calibration": "仪表校准",
    "communication": "仪表通信故障",
    "bad": "坏值",
    "out_of_range": "超出量程",
    "clock_suspect": "时钟可疑",
    "too_late": "补传超过期限",
    "park_down": "园区平台停机",
    "box_silent": "采集盒无消息",
    "unexplained": "原因不明",
    "frozen": "数值冻结",
    "replay": "数据重放",
    "identical": "两测点数据雷同",
    "clock_back": "设备时钟回拨",
}
FILED = {"before": "事前报备", "after": "事后报备", None: "未报备"}
NONE = "—"
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Zone:
    """A park's time zone, by which every time of a report is written."""

    zone: ZoneInfo

    def minute(self, us: int) -> str:
        """`2026-11-24 10:15`, local."""
        return as_datetime(us).astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def second(self, us: int) -> str:
        """`2026-11-24 10:15:07`, local."""
        return as_datetime(us).astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def day(self, us: int) -> date:
        """The local day that an instant belongs to."""
        return as_datetime(us).astimezone(self.zone).date()


def zone_of(report: Report) -> Zone:
    """The zone of the report's park."""
    return Zone(ZoneInfo(report.timezone))


def one_line(text: str) -> str:
    """Text that somebody typed, without line breaks or control characters."""
    return _SPACES.sub(" ", text).strip()


def hundredths(numerator: int, denominator: int) -> int | None:
    """A share in hundredths of a percent, cut off and never rounded up: only what is whole reads 100.00 %. None of nothing."""
    return numerator * 10_000 // denominator if denominator else None


def share(figure: tuple[int, int]) -> str:
    """`99.42 %`, cut off; a dash when there is nothing to be a share of."""
    cut = hundredths(*figure)
    return NONE if cut is None else f"{cut // 100}.{cut % 100:02d} %"


def grouped(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def fraction(figure: tuple[int, int]) -> str:
    """`12,345 / 60,480`."""
    return f"{grouped(figure[0])} / {grouped(figure[1])}"


def cause(name: str) -> str:
    """A cause in Chinese; one that is not known here keeps its own name."""
    kind, _, why = name.partition(":")
    if kind == "flagged":
        key = why.replace("-", "_")
        return f"不计：{CAUSES.get(key, why)}" if why else "不计：异常数据"
    return CAUSES.get(name.replace("-", "_"), name)


def groups(report: Report, gap: Gap) -> str:
    """The parameter groups of a gap by name."""
    known = report.rules.groups if report.rules else {}
    return "、".join(known[group].name if group in known else group for group in gap.groups)


def excuse(gap: Gap) -> str:
    """Whether a gap is excused, by what, and when that was filed."""
    if gap.exemption is None:
        return FILED[None]
    filed = FILED.get(gap.filed, gap.filed or NONE)
    how = "全部豁免" if gap.excused == gap.slots else f"豁免 {grouped(gap.excused)} 分钟" if gap.excused else "未予豁免"
    return f"{how}（{filed} #{gap.exemption}）"


def decision(exemption: Exemption) -> str:
    """What the park decided on an exemption."""
    if exemption.refused_at is not None:
        return "驳回"
    return "待审" if exemption.approved_at is None else "批准"


def kind_of_data(report: Report) -> str:
    """Whether the figures are of a real plant."""
    return "模拟 simulated" if report.simulated else "实测 recorded"
