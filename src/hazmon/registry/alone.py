"""One enterprise's points and rules without the rest of a configuration: what a scenario runs on."""

from __future__ import annotations

from pathlib import Path

from hazmon.errors import ConfigError
from hazmon.model import Enterprise, Park, Settings
from hazmon.registry.points import read_points
from hazmon.registry.report import Report
from hazmon.registry.rule_file import Defaults, read_rules


def load_points(points: Path) -> Park:
    """The park of a points.csv and the rules.toml beside it. Raises ConfigError with every finding."""
    report = Report()
    folder = points.parent.name
    rows = read_points(report, points.parent.parent, folder, None)
    rules = read_rules(report, points.parent.parent, folder, rows, None, Defaults())
    if report.findings or rules.rows is None:
        raise ConfigError(report.sorted())
    return Park(
        Settings("scenario", "scenario"),
        (Enterprise(folder, folder, folder, 0, ()),),
        tuple(row.point for row in rules.rows.values() if row.point is not None),
        named=rules.named,
        by_design=rules.by_design,
    )
