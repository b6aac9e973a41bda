"""A figure: what was measured, against which goal, from which runs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of bench.json; `goal` is None for a figure that is only told."""

    name: str
    value: float
    unit: str
    goal: float | None
    better: Better
    met: bool | None
    runs: list[float]


def figure(name: str, runs: Sequence[float], unit: str, better: Better, goal: float | None = None) -> Figure:
    """The median of the runs, held against the goal."""
    value = statistics.median(runs)
    met = None if goal is None else (value >= goal if better == "higher" else value <= goal)
    return Figure(name, round(value, 6), unit, goal, better, met, [round(run, 6) for run in runs])


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of the samples do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def report(figures: Sequence[Figure], path: Path) -> None:
    """Print the table and write the file."""
    table = Table("name", "value", "unit", "goal", "met", "runs (min .. max)")
    for f in figures:
        goal = "" if f.goal is None else f"{'>=' if f.better == 'higher' else '<='} {f.goal:g}"
        met = {True: "yes", False: "NO", None: ""}[f.met]
        table.add_row(f.name, f"{f.value:,.4g}", f.unit, goal, met, f"{len(f.runs)}: {min(f.runs):,.4g} .. {max(f.runs):,.4g}")
    Console().print(table)
    path.write_text(json.dumps([asdict(f) for f in figures], indent=1) + "\n", "utf-8")
