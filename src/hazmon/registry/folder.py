"""The configuration folder: every file read, every finding gathered, then a Park or a ConfigError."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import cast

from hazmon.errors import ConfigError
from hazmon.model import Enterprise, Park, Point, Settings
from hazmon.registry.colours import COLOUR_FILE, read_colours
from hazmon.registry.connections import is_time_zone, read_connections
from hazmon.registry.coverage_rules import COVERAGE_FILE, read_coverage
from hazmon.registry.document import Document, read_document
from hazmon.registry.enterprise import ENTERPRISE_ID, GradedSource, read_enterprise
from hazmon.registry.points import read_points
from hazmon.registry.report import Report, shown
from hazmon.registry.rule_file import RULES_FILE, Defaults, read_defaults, read_rules
from hazmon.registry.shapes import AlarmTable, IngestTable, LiveTable, ParkTable, RetentionTable, Shape, T, shape
from hazmon.registry.tags import check_tags
from hazmon.rulebook import ByDesign, NamedRule

PARK_FILE = "park.toml"
ENTERPRISE_FILES = ("enterprise.toml", "points.csv", "edge.toml", "tags.csv", RULES_FILE)  # the last one is optional
SECTIONS: dict[str, type[Shape]] = {"live": LiveTable, "retention": RetentionTable, "ingest": IngestTable, "alarm": AlarmTable}


def load(config_dir: Path) -> Park:
    """The park that the folder describes, points in the order of folders and rows. Raises ConfigError with every finding."""
    report = Report()
    report.open(PARK_FILE)
    defaults = read_defaults(report, config_dir)
    colours = read_colours(report, config_dir) if (config_dir / COLOUR_FILE).exists() else None
    coverage = read_coverage(report, config_dir) if (config_dir / COVERAGE_FILE).exists() else None
    settings = _settings(report, config_dir, defaults)
    enterprises: list[Enterprise] = []
    points: list[Point] = []
    named: list[NamedRule] = []
    by_design: list[ByDesign] = []
    for folder in _folders(report, config_dir):
        for name in ENTERPRISE_FILES:
            report.open(f"{folder}/{name}")
        file = read_enterprise(report, config_dir, folder)
        rows = read_points(report, config_dir, folder, file.units if file else None)
        edge = read_connections(report, config_dir, folder)
        check_tags(report, config_dir, folder, rows, edge)
        rules = read_rules(report, config_dir, folder, rows, file.units if file else None, defaults)
        points += [row.point for row in (rules.rows or {}).values() if row.point]
        named += rules.named
        by_design += rules.by_design
        watched = {row.source for row in rows.values()} if rows is not None else None
        if file is None or watched is None:
            continue
        for source in file.units:
            if source not in watched:
                report.add(f"{folder}/points.csv", None, "source", f"at least one point of {source}", "none")
        if enterprise := file.enterprise():
            enterprises.append(enterprise)
    if settings is None or report.findings:
        raise ConfigError(report.sorted())
    digest = config_digest(config_dir)
    return Park(settings, tuple(enterprises), tuple(points), digest, tuple(named), tuple(by_design), colours, coverage)


def grade_sources(config_dir: Path) -> list[GradedSource]:
    """The working of every source, also of one whose configured level is wrong.

    Raises ConfigError with the findings of the enterprise.toml files that leave nothing to compute.
    """
    report = Report()
    graded: list[GradedSource] = []
    for folder in _folders(report, config_dir):
        if file := read_enterprise(report, config_dir, folder, dispute=False):
            graded += file.graded
    if report.findings:
        raise ConfigError(report.sorted())
    return graded


def config_digest(config_dir: Path) -> str:
    """SHA-256, as hex, of every file that `load` reads: name and bytes, each preceded by its length, in the order of names."""
    digest = hashlib.sha256()
    folders = [folder.name for folder in config_dir.iterdir() if _counts(folder)]
    own = [f"{folder}/{name}" for folder in folders for name in ENTERPRISE_FILES]
    for name in sorted([PARK_FILE, RULES_FILE, COLOUR_FILE, COVERAGE_FILE, *own]):
        path = config_dir / name
        if path.is_file():
            for part in (name.encode(), path.read_bytes()):
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _counts(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".")


def _folders(report: Report, root: Path) -> list[str]:
    names = sorted(folder.name for folder in root.iterdir() if _counts(folder)) if root.is_dir() else []
    for name in names:
        if not ENTERPRISE_ID.fullmatch(name):
            report.add(name, None, "folder", "the id of an enterprise: letters and digits", shown(name))
    if not names:
        report.add(".", None, "folder", "a folder for each enterprise", "none" if root.is_dir() else "no configuration folder")
    return [name for name in names if ENTERPRISE_ID.fullmatch(name)]


def _settings(report: Report, root: Path, defaults: Defaults) -> Settings | None:
    document = read_document(report, root, PARK_FILE)
    if document is None:
        return None
    table = shape(report, document, (), document.data, ParkTable, nested=tuple(SECTIONS))
    if table is not None and not is_time_zone(table.timezone):
        document.add(report, ("timezone",), "an IANA time zone like Asia/Shanghai", shown(table.timezone))
    live = _section(report, document, "live", LiveTable)
    retention = _section(report, document, "retention", RetentionTable)
    ingest = _section(report, document, "ingest", IngestTable)
    _section(report, document, "alarm", AlarmTable)
    if table is None or live is None or retention is None or ingest is None:
        return None
    return Settings(
        table.name,
        table.name_en,
        table.timezone,
        live.window_s,
        live.future_s,
        retention.raw_days,
        retention.minute_days,
        ingest.queue_batches,
        defaults.escalation,
        defaults.shelve_max_h,
    )


def _section(report: Report, document: Document, name: str, of: type[T]) -> T | None:
    value = document.data.get(name, {})
    if not isinstance(value, dict):
        document.add(report, (name,), f"a table [{name}]", shown(value))
        return None
    return shape(report, document, (name,), cast("dict[str, object]", value), of)
