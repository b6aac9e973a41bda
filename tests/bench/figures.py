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
    return _figure(name, statistics.median(runs), runs, unit, better, goal)


def of_samples(name: str, samples: Sequence[float], share: float, unit: str, better: Better, goal: float | None = None) -> Figure:
    """A percentile of one long run; its `runs` are the percentiles 0, 5, 25, 50, 75, 95 and 100."""
    spread = [percentile(samples, each) for each in (0, 0.05, 0.25, 0.50, 0.75, 0.95, 1)]
    return _figure(name, percentile(samples, share), spread, unit, better, goal)


def _figure(name: str, value: float, runs: Sequence[float], unit: str, better: Better, goal: float | None) -> Figure:
    met = None if goal is None else (value >= goal if better == "higher" else value <= goal)
    return Figure(name, _short(value), unit, goal, better, met, [_short(run) for run in runs])


def _short(value: float) -> float:
    """Six significant digits."""
    return float(f"{value:.6g}")


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of the samples do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def report(figures: Sequence[Figure], console: Console) -> None:
    """Print the table."""
    table = Table("name", "value", "unit", "goal", "met", "runs (min .. max)")
    for f in figures:
        goal = "" if f.goal is None else f"{'>=' if f.better == 'higher' else '<='} {f.goal:,.4g}"
        met = {True: "yes", False: "NO", None: ""}[f.met]
        table.add_row(f.name, f"{f.value:,.4g}", f.unit, goal, met, f"{len(f.runs)}: {min(f.runs):,.4g} .. {max(f.runs):,.4g}")
    console.print(table)


def write(path: Path, figures: Sequence[Figure]) -> None:
    """The file, a line of JSON a figure."""
    path.write_text("[\n" + ",\n".join(json.dumps(asdict(f)) for f in figures) + "\n]\n", "utf-8")


def read(path: Path) -> list[Figure]:
    """The figures of a file; none when there is no file."""
    if not path.exists():
        return []
    return [Figure(**found) for found in json.loads(path.read_text("utf-8"))]
