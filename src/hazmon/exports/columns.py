"""The columns of a line of figures, the same in the CSV file and in the workbook's lists."""

from __future__ import annotations

from hazmon.coverage.account import Tally
from hazmon.exports.words import hundredths

COUNTS = (
    "应有时隙 slots",
    "已覆盖 covered",
    "实时覆盖 prompt",
    "已豁免 excused",
    "接入损失 lost connect",
    "在线损失 lost online",
    "完整损失 lost complete",
    "有效损失 lost valid",
)
RATES = ("原始覆盖率 raw", "净覆盖率 net", "实时覆盖率 real-time")
FIGURES = (*COUNTS, *(f"{rate} {part}" for rate in RATES for part in ("分子 numerator", "分母 denominator", "%")))


def counts(tally: Tally) -> tuple[int, ...]:
    """The values under COUNTS."""
    return (tally.slots, tally.covered, tally.prompt, tally.excused, *tally.lost)


def rates(tally: Tally) -> list[tuple[int, int, int | None]]:
    """Numerator, denominator and hundredths of a percent (cut off; None of nothing) of each of RATES."""
    return [(*figure, hundredths(*figure)) for figure in (tally.raw, tally.net, tally.real_time)]
