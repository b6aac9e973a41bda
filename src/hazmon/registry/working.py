"""What `hazmon grade` prints: the working of a source's level, so that an inspector can follow it by hand."""

from __future__ import annotations

from fractions import Fraction

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hazmon.registry.enterprise import GradedSource
from hazmon.registry.gb18218 import ALPHAS, BOUNDS

NOTE = (
    "Trust: alpha, the beta of table 3, the formula of R and its bounds were read in the annex to order 40.\n"
    "Q, and the beta of a class, were read in a third-party copy of GB 18218-2018 matched by CAS;\n"
    "the beta of any other row of table 1 was derived from its class. Numbers are shown to six digits and\n"
    "computed exactly. Check a filing against the printed standard."
)


def working(graded: GradedSource) -> RenderableType:
    """Table of q, Q, beta and their quotients, then S, alpha, R and the level, of one source."""
    grading, source = graded.grading, graded.source
    title = Text(f"{source.id} {source.name} ({source.name_en})", style="bold")
    table = Table(box=box.SIMPLE, title=title, title_justify="left")
    for name in ("chemical", "CAS"):
        table.add_column(name, no_wrap=True)
    for name in ("q, t", "Q, t", "q/Q", "β", "β·q/Q"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Q and β from", no_wrap=True)
    for term in grading.terms:
        numbers = (Fraction(repr(term.chemical.tonnes)), term.entry.q_critical, term.share, term.entry.beta, term.weighted)
        table.add_row(Text(term.chemical.name), term.chemical.cas, *map(_digits, numbers), term.entry.basis)
    weighted = sum((term.weighted for term in grading.terms), Fraction(0))
    shares = " + ".join(_digits(term.share) for term in grading.terms)
    total = f" {_equals(grading.s)}" if len(grading.terms) > 1 else ""
    verdict = "S ≥ 1: a major hazard source" if grading.is_major else "S < 1: not a major hazard source"
    lines = [
        f"  S = Σ q/Q = {shares}{total}   ({verdict})",
        f"  α = {_digits(grading.alpha)}   ({_alpha_band(grading.residents)})",
        f"  R = α · Σ β·q/Q = {_digits(grading.alpha)} × {_digits(weighted)} {_equals(grading.r)}",
        f"  level {grading.level}   ({_bound(grading.r)}); configured: {graded.claimed}",
    ]
    text = Text("\n".join(lines))
    if graded.fault is not None:
        text.append(f"\n  REFUSED: {graded.fault}", style="bold red")
    return Group(table, text, Text())


def _digits(value: Fraction) -> str:
    return f"{float(value):.6g}"


def _equals(value: Fraction) -> str:
    """`= 14.4`, or `≈ 10.1103` where six significant digits are not all."""
    text = _digits(value)
    return f"{'=' if Fraction(text) == value else '≈'} {text}"


def _alpha_band(residents: int) -> str:
    least = [bound for bound, _ in ALPHAS]
    at = next(index for index, bound in enumerate(least) if residents >= bound)
    band = f"{least[0]} or more" if at == 0 else f"{least[at]} to {least[at - 1] - 1}" if least[at] else "none"
    return f"{residents} residents within 500 m: {band}"


def _bound(r: Fraction) -> str:
    at = next(index for index, (least, _) in enumerate(BOUNDS) if r >= least)
    least, above = BOUNDS[at][0], BOUNDS[at - 1][0] if at else None
    return f"R ≥ {least}" if above is None else f"{above} > R ≥ {least}" if least else f"R < {above}"
