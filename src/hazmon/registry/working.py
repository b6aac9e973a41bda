"""What `hazmon grade` prints: the working of a source's level, so that an inspector can follow it by hand."""

from __future__ import annotations

from fractions import Fraction

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hazmon.registry.enterprise import GradedSource
from hazmon.registry.gb18218 import ALPHAS, BOUNDS
from hazmon.registry.report import number

NOTE = (
    "Trust: alpha, the beta of table 3, the formula of R and its bounds were read in the annex to order 40; Q was read in a\n"
    "third-party copy of GB 18218-2018 matched by CAS; a beta by class was derived. Check a filing against the printed standard."
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
        table.add_row(Text(term.chemical.name), term.chemical.cas, *map(figure, numbers), term.entry.basis)
    weighted = sum((term.weighted for term in grading.terms), Fraction(0))
    shares = " + ".join(figure(term.share) for term in grading.terms)
    lines = [
        f"  S = Σ q/Q = {shares}{f' = {figure(grading.s)}' if len(grading.terms) > 1 else ''}"
        f"   ({'S ≥ 1: a major hazard source' if grading.is_major else 'S < 1: not a major hazard source'})",
        f"  α = {figure(grading.alpha)}   ({_alpha_band(grading.residents)})",
        f"  R = α · Σ β·q/Q = {figure(grading.alpha)} × {figure(weighted)} = {figure(grading.r)}",
        f"  level {grading.level}   ({_bound(grading.r)}); configured: {graded.claimed}",
    ]
    text = Text("\n".join(lines))
    if graded.fault is not None:
        text.append(f"\n  REFUSED: {graded.fault}", style="bold red")
    return Group(table, text, Text())


def figure(value: Fraction) -> str:
    """A number of the working, to six significant digits; `≈` where that rounds."""
    text = f"{float(value):.6g}"
    return number(float(value)) if Fraction(text) == value else f"≈{text}"


def _alpha_band(residents: int) -> str:
    least = [bound for bound, _ in ALPHAS]
    at = next(index for index, bound in enumerate(least) if residents >= bound)
    band = f"{least[0]} or more" if at == 0 else f"{least[at]} to {least[at - 1] - 1}" if least[at] else "none"
    return f"{residents} residents within 500 m: {band}"


def _bound(r: Fraction) -> str:
    at = next(index for index, (least, _) in enumerate(BOUNDS) if r >= least)
    least, above = BOUNDS[at][0], BOUNDS[at - 1][0] if at else None
    return f"R ≥ {least}" if above is None else f"{above} > R ≥ {least}" if least else f"R < {above}"
