"""GB 18218-2018: critical quantities, correction factors and the level of a major hazard source. Pure.

How far each number can be trusted (the standard's own text was not at hand):

* critical quantities `Q` of table 1, and `Q` and `beta` by class (tables 2 and 4): read in a third-party copy of the
  tables, matched by CAS number because the copied names are damaged;
* `beta` of the toxic gases of table 3, `alpha` by residents, the formula of R and the bounds of the levels: read in the
  grading method annexed to order 40 (《危险化学品重大危险源监督管理暂行规定》附件 1), which the standard took over;
* `beta` of every other row of table 1: derived here from the class of table 4 that the substance belongs to.

Check a filing against the printed standard; this module shows its working so that this can be done by hand.
All arithmetic is exact (fractions): a source that sits on a bound is not moved by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from hazmon.model import Chemical, Level


@dataclass(frozen=True, slots=True)
class Entry:
    """What the tables say of a substance: critical quantity `q_critical` in tonnes, `beta`, and where they come from."""

    q_critical: Fraction
    beta: Fraction
    basis: str


@dataclass(frozen=True, slots=True)
class Term:
    """One chemical in the sums: `share` = q/Q, `weighted` = beta * q/Q; no units."""

    chemical: Chemical
    entry: Entry
    share: Fraction
    weighted: Fraction


@dataclass(frozen=True, slots=True)
class Grading:
    """The working of one source: S = sum of q/Q, R = alpha * sum of beta * q/Q, and the level that R gives."""

    residents: int
    alpha: Fraction
    terms: tuple[Term, ...]
    s: Fraction
    r: Fraction
    level: Level

    @property
    def is_major(self) -> bool:
        """§4.2.1: a unit is a major hazard source from S = 1 on."""
        return self.s >= 1


class UnknownSubstance(ValueError):
    """Neither table 1 nor a class of tables 2 and 4 tells the critical quantity; the text says what is missing."""


_TABLE_3 = "table 1; beta of table 3"
_TABLE_4 = "table 1; beta by class, derived"

# CAS, Q in tonnes, beta. Order: toxic gases of table 3, then the rest.
_TOXIC_GAS = (
    ("7664-41-7", "10", "2"),  # 氨
    ("7782-50-5", "5", "4"),  # 氯
    ("75-44-5", "0.3", "20"),  # 碳酰氯
    ("7664-39-3", "1", "5"),  # 氟化氢
    ("7647-01-0", "20", "3"),  # 氯化氢（无水）
    ("7783-06-4", "5", "5"),  # 硫化氢
    ("7446-09-5", "20", "2"),  # 二氧化硫
    ("10102-44-0", "1", "10"),  # 二氧化氮
    ("74-90-8", "1", "10"),  # 氰化氢
    ("7803-51-2", "1", "20"),  # 磷化氢
    ("74-83-9", "10", "3"),  # 溴甲烷
    ("624-83-9", "0.75", "20"),  # 异氰酸甲酯
    ("75-21-8", "10", "2"),  # 环氧乙烷
)
_OTHER = (
    ("75-56-9", "10", "1.5"),  # 1,2-环氧丙烷
    ("107-13-1", "50", "1"),  # 2-丙烯腈
    ("50-00-0", "5", "2"),  # 甲醛（含量 > 90 %）
    ("7782-44-7", "200", "1"),  # 氧（压缩或液化）
    ("7726-95-6", "20", "1"),  # 溴
    ("26471-62-5", "100", "1"),  # 甲苯二异氰酸酯
    ("106-89-8", "20", "1"),  # 环氧氯丙烷
    ("7775-09-9", "100", "1"),  # 氯酸钠
    ("3811-04-9", "100", "1"),  # 氯酸钾
    ("7440-23-5", "10", "1"),  # 钠
    ("7440-09-7", "1", "1"),  # 钾
    ("1333-74-0", "5", "1.5"),  # 氢
    ("74-82-8", "50", "1.5"),  # 甲烷
    ("8006-14-2", "50", "1.5"),  # 天然气
    ("68476-85-7", "50", "1.5"),  # 液化石油气（含丙烷、丁烷及其混合物）
    ("74-85-1", "50", "1.5"),  # 乙烯
    ("74-86-2", "1", "1.5"),  # 乙炔
    ("106-99-0", "5", "1.5"),  # 1,3-丁二烯
    ("75-01-4", "50", "1.5"),  # 氯乙烯
    ("115-10-6", "50", "1.5"),  # 二甲醚
    ("71-43-2", "50", "1"),  # 苯
    ("108-88-3", "500", "1"),  # 甲苯
    ("100-42-5", "500", "1"),  # 苯乙烯
    ("67-56-1", "500", "1"),  # 甲醇
    ("64-17-5", "500", "1"),  # 乙醇
    ("67-64-1", "500", "1"),  # 丙酮
    ("141-78-6", "500", "1"),  # 乙酸乙酯
    ("60-29-7", "10", "1.5"),  # 乙醚
    ("86290-81-5", "200", "1"),  # 汽油
    ("110-82-7", "500", "1"),  # 环己烷
    ("110-54-3", "500", "1"),  # 正己烷
    ("75-15-0", "50", "1"),  # 二硫化碳
    ("7697-37-2", "100", "1"),  # 硝酸（含硝酸 > 70 %）
    ("52583-42-3", "20", "1"),  # 发烟硝酸
    ("75-20-7", "100", "1"),  # 碳化钙
)
# Class, Q in tonnes, beta: tables 2 and 4, for a substance that table 1 does not name.
_CLASSES = (
    ("J1", "5", "4"),  # 急性毒性 类别 1，气体
    ("J2", "50", "1"),  # 类别 1，固体、液体
    ("J3", "50", "2"),  # 类别 2、3，气体
    ("J4", "50", "2"),  # 类别 2、3，吸入，沸点 <= 35 ℃ 的液体
    ("J5", "500", "1"),  # 类别 2，其余液体、固体
    ("W1.1", "1", "2"),  # 不稳定爆炸物、1.1 项
    ("W1.2", "10", "2"),  # 1.2、1.3、1.5、1.6 项
    ("W1.3", "50", "2"),  # 1.4 项
    ("W2", "10", "1.5"),  # 易燃气体 类别 1、2
    ("W3", "150", "1"),  # 气溶胶
    ("W4", "50", "1"),  # 氧化性气体
    ("W5.1", "10", "1.5"),  # 易燃液体 类别 1；类别 2、3 且工作温度高于沸点
    ("W5.2", "50", "1"),  # 类别 2、3，具有引发重大事故的特殊工艺条件
    ("W5.3", "1000", "1"),  # 其余类别 2
    ("W5.4", "5000", "1"),  # 其余类别 3
    ("W6.1", "10", "1.5"),  # 自反应物质 A、B 型
    ("W6.2", "50", "1"),  # C、D、E 型
    ("W7.1", "10", "1.5"),  # 有机过氧化物 A、B 型
    ("W7.2", "50", "1"),  # C、D、E、F 型
    ("W8", "50", "1"),  # 自燃液体、固体 类别 1
    ("W9.1", "50", "1"),  # 氧化性液体、固体 类别 1
    ("W9.2", "200", "1"),  # 类别 2、3
    ("W10", "200", "1"),  # 易燃固体 类别 1
    ("W11", "200", "1"),  # 遇水放出易燃气体
)
# Table 1 has three rows of this CAS by grade (Q 5, 50 or 200 t) and no beta of it is known here.
AMMONIUM_NITRATE = "6484-52-2"

TABLE_1: MappingProxyType[str, Entry] = MappingProxyType(
    {cas: Entry(Fraction(q), Fraction(beta), _TABLE_3) for cas, q, beta in _TOXIC_GAS}
    | {cas: Entry(Fraction(q), Fraction(beta), _TABLE_4) for cas, q, beta in _OTHER}
)
CLASSES: MappingProxyType[str, Entry] = MappingProxyType(
    {name: Entry(Fraction(q), Fraction(beta), f"class {name}") for name, q, beta in _CLASSES}
)
ALPHAS = ((100, Fraction(2)), (50, Fraction("1.5")), (30, Fraction("1.2")), (1, Fraction(1)), (0, Fraction("0.5")))
BOUNDS = ((100, Level.ONE), (50, Level.TWO), (10, Level.THREE), (0, Level.FOUR))


def alpha(residents: int) -> Fraction:
    """Correction for people nearby: `residents` live permanently within 500 m outside the plant boundary."""
    return next(value for least, value in ALPHAS if residents >= least)


def level(r: Fraction) -> Level:
    """一级 from R = 100, 二级 from 50, 三级 from 10, 四级 below."""
    return next(name for least, name in BOUNDS if r >= least)


def lookup(cas: str, hazard_class: str | None = None) -> Entry:
    """Critical quantity and beta of a substance; the class counts only where table 1 has no row.

    Raises UnknownSubstance when neither tells, or when both would.
    """
    named = TABLE_1.get(cas)
    if cas == AMMONIUM_NITRATE:
        raise UnknownSubstance(f"a substance with one row in table 1 ({cas} has three, by grade)")
    if named is not None and hazard_class is not None:
        raise UnknownSubstance(f"no class, because table 1 names {cas}")
    if named is not None:
        return named
    if hazard_class is None:
        raise UnknownSubstance(f"a class of tables 2 and 4, because table 1 does not name {cas}")
    if hazard_class not in CLASSES:
        raise UnknownSubstance("one of " + ", ".join(CLASSES))
    return CLASSES[hazard_class]


def grade(chemicals: Sequence[Chemical], residents: int) -> Grading:
    """S, R and level of a unit that holds `chemicals` (design maximum, tonnes) with `residents` nearby.

    Raises UnknownSubstance as `lookup` does. A chemical listed twice counts twice.
    """
    terms: list[Term] = []
    for chemical in chemicals:
        entry = lookup(chemical.cas, chemical.hazard_class)
        share = Fraction(repr(chemical.tonnes)) / entry.q_critical
        terms.append(Term(chemical, entry, share, entry.beta * share))
    factor = alpha(residents)
    s = sum((term.share for term in terms), Fraction(0))
    r = factor * sum((term.weighted for term in terms), Fraction(0))
    return Grading(residents, factor, tuple(terms), s, r, level(r))
