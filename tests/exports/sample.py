"""A report of a park of 42 sources, as large as wanted, with all that can befall one; made of numbers that add up."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hazmon.clock import MINUTE_US, as_us
from hazmon.coverage.account import Tally, total
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.report import BatchName, Gap, Lacking, Report, Row, Targets
from hazmon.model import CoverageRules, ParameterGroup, Quantity, UnitKind

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2025, 11, 24)
ENTERPRISES = 11
SOURCES = 42
DAY = 1440
_WHAT = ("甲醇储罐区", "液氨球罐", "环氧丙烷装置", "丙烯压力罐组", "危险化学品库房", "煤气柜", "苯乙烯中间罐区")
_CAUSES = (
    ("timeout", "online"),
    ("link_off", "online"),
    ("box_silent", "online"),
    ("park_down", "online"),
    ("hole", "complete"),
    ("too_late", "complete"),
    ("device_fault", "valid"),
    ("flagged:frozen", "valid"),
    ("out_of_range", "valid"),
)
CHECKPOINT = """jinxiang.example/hazmon
5812907
pTk0NVKPnW4ZsRfVjB1Jc7o3nVYHkC1DgQ0d3cVh0zE=
time 2026-11-23T16:00:00.000000Z
day 2026-11-23

— jinxiang.example/hazmon 9vB3qRkWm2sUu0cJXcGv3dJb1YtH9bQv1o2p0mXq7L0aZr5n8cVxE4kTgSgYwPjDfHhKlMnBvCxZaSdFgHjKlQwErTyU=
"""


def rules() -> CoverageRules:
    names = {
        "level": ("液位", "Level", Quantity.LEVEL),
        "temperature": ("温度", "Temperature", Quantity.TEMPERATURE),
        "pressure": ("压力", "Pressure", Quantity.PRESSURE),
        "gas": ("可燃/有毒气体", "Gas", Quantity.COMBUSTIBLE_GAS),
    }
    groups = {key: ParameterGroup(key, name, en, frozenset({quantity})) for key, (name, en, quantity) in names.items()}
    return CoverageRules(groups, {UnitKind.PRESSURE_TANK: ("level", "temperature", "pressure")})


def midnight(day: date) -> int:
    return as_us(datetime(day.year, day.month, day.day, tzinfo=ZONE))


def sample_report(days: int = 31, *, simulated: bool = True, gaps: int | None = None, first: date = FIRST) -> Report:
    """`days` local days from `first`; the last four sources' record begins two days later. Equal arguments give equal reports."""
    chance = random.Random(f"coverage of {days}")
    names = _sources()
    rows: list[Row] = []
    found: list[Gap] = []
    for index, (source, name, name_en) in enumerate(names):
        for number in range(min(2, days - 1) if index >= SOURCES - 4 else 0, days):
            day = first + timedelta(days=number)
            tally, gap = _day(chance, index, source, midnight(day))
            rows.append(Row(source, name, name_en, midnight(day), midnight(day + timedelta(days=1)), tally))
            found += gap
    found.sort(key=lambda gap: (gap.begin, gap.source))
    most = len(found) if gaps is None else gaps
    begin, end = midnight(first), midnight(first + timedelta(days=days))
    sources = tuple(
        Row(source, name, name_en, begin, end, total(row.tally for row in rows if row.of == source))
        for source, name, name_en in names
    )
    enterprises = tuple(
        Row(key, f"示例企业{key[1:]}", f"Sample enterprise {key[1:]}", begin, end,
            total(row.tally for row in sources if row.of.startswith(f"{key}-")))
        for key in (f"E{number:02d}" for number in range(1, ENTERPRISES + 1))
    )  # fmt: skip
    park = Row("", "示例化工园区", "Sample chemical park", begin, end, total(row.tally for row in sources))
    return Report(
        park="示例化工园区",
        park_en="Sample chemical park",
        timezone="Asia/Shanghai",
        simulated=simulated,
        begin=begin,
        end=end,
        made_at=end,
        total=park,
        enterprises=enterprises,
        sources=sources,
        days=tuple(rows),
        targets=_targets(sources),
        gaps=tuple(found[:most]),
        gaps_left_out=len(found) - min(most, len(found)),
        exemptions=_exemptions(begin, days),
        checkpoint=CHECKPOINT,
        rules=rules(),
    )


def _sources() -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for index in range(SOURCES):
        enterprise, number = index % ENTERPRISES + 1, index // ENTERPRISES + 1
        what = _WHAT[index % len(_WHAT)]
        found.append((f"E{enterprise:02d}-S{number}", what, f"Sample source {number} of {enterprise:02d}"))
    return sorted(found)


def _day(chance: random.Random, index: int, source: str, begin: int) -> tuple[Tally, list[Gap]]:
    """One source's day: mostly whole, sometimes a gap or two, seldom a day without anything."""
    lost = [0, 0, 0, 0]
    excused = 0
    gaps: list[Gap] = []
    if index == 7:  # a unit without its gas detector
        lost[0] = DAY
        gaps.append(_gap(source, begin, 0, DAY, "no_point", "connect", 0))
    elif chance.random() < 0.01:
        excused = DAY if chance.random() < 0.5 else 0
        lost[1] = DAY
        gaps.append(_gap(source, begin, 0, DAY, "box_silent", "online", excused))
    elif chance.random() < 0.12:
        name, factor = chance.choice(_CAUSES)
        minutes = chance.choice((1, 3, 12, 47, 95, 240, 500))
        start = chance.randrange(DAY - minutes)
        excused = minutes if chance.random() < 0.2 else 0
        lost[("connect", "online", "complete", "valid").index(factor)] = minutes
        gaps.append(_gap(source, begin + start * MINUTE_US, 0, minutes, name, factor, excused))
    covered = DAY - sum(lost)
    late = min(covered, chance.choice((0, 0, 0, 0, 20, 130)))
    return Tally(DAY, covered, covered - late, excused, (lost[0], lost[1], lost[2], lost[3])), gaps


def _gap(source: str, begin: int, start: int, minutes: int, name: str, factor: str, excused: int) -> Gap:
    first, end = begin + start * MINUTE_US, begin + (start + minutes) * MINUTE_US
    enterprise = source[:3]
    stamp = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=first)).strftime("%Y-%m-%dT%H:%MZ")
    number = first // MINUTE_US % 1_000_000
    return Gap(
        id=f"{source}@{stamp}",
        source=source,
        units=(f"{enterprise}/V-1101", f"{enterprise}/V-1102") if minutes > 90 else (f"{enterprise}/V-1101",),
        groups=("level", "temperature", "gas") if minutes > 90 else ("level",),
        points=(f"{enterprise}/LT-1101",),
        begin=first,
        end=end,
        slots=minutes,
        factor=factor,
        cause=name,
        excused=excused,
        exemption=3 if excused else None,
        filed="before" if excused else None,
        before=BatchName(enterprise, 3, number, f"{number:06d}ab" * 8, first) if name != "no_point" else None,
        after=BatchName(enterprise, 3, number + 1, f"{number + 1:06d}cd" * 8, end) if name != "no_point" else None,
    )


def _targets(sources: tuple[Row, ...]) -> Targets:
    offline = tuple(
        (row.of, row.tally) for row in sources if row.tally.covered * 100 < 95 * (row.tally.slots - row.tally.excused)
    )
    missing = sources[7].of
    lacking = (
        Lacking(missing, f"{missing[:3]}/AREA-1", "gas", "可燃/有毒气体"),
        Lacking(missing, f"{missing[:3]}/V-1103", "pressure", "压力"),
    )
    return Targets(SOURCES, SOURCES - len(offline), SOURCES - 1, offline, lacking)


def _exemptions(begin: int, days: int) -> tuple[Exemption, ...]:
    hour = 60 * MINUTE_US
    end = begin + days * 24 * hour
    return (
        Exemption(
            1, "E01", "E01-S1", "E01/V-1101", "检修", "液位计年度检定，罐已清空置换",
            begin + 9 * hour, begin + 17 * hour, begin - 30 * hour, "示例企业01 王工", begin - 20 * hour, "园区 李科",
            "资料齐全，同意",
        ),
        Exemption(
            2, "E04", "E04-S2", None, "停用", '=HYPERLINK("x") 装置停车', begin + 5 * hour, end, begin + 8 * hour,
            "示例企业04 赵工", None, "园区 李科", "超过报备宽限期，且未附停车方案", begin + 10 * hour,
        ),
        Exemption(
            3, "E09", "E09-S1", None, "离线报备", "采集盒迁移机柜", begin + 30 * hour, begin + 54 * hour, begin + 31 * hour,
            "孙工", begin + 32 * hour, "园区 陈科", "同意，限期恢复", None, begin + 40 * hour, "孙工", "提前恢复",
        ),
        Exemption(
            4, "E10", "E10-S3", "E10/R-301", "检修", "反应釜检修", end - 20 * hour, end + 20 * hour, end - 40 * hour, "周工",
        ),
    )  # fmt: skip
