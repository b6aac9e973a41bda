"""What `hazmon check` prints: findings by file in aligned columns, or one line about a sound park."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.cells import cell_len

from hazmon.errors import Finding
from hazmon.model import Level, Park


def findings_text(findings: Sequence[Finding]) -> str:
    """Findings grouped by file, one line each, and their count."""
    groups = [(file, list(group)) for file, group in groupby(findings, key=lambda finding: finding.file)]
    lines: list[str] = []
    for file, group in groups:
        places = [_place(finding) for finding in group]
        place_width, key_width = max(map(len, places)), max(cell_len(finding.key) for finding in group)
        lines.append(file)
        for place, finding in zip(places, group, strict=True):
            key = finding.key + " " * (key_width - cell_len(finding.key))
            lines.append(f"  {place:<{place_width}}  {key}  expected {finding.expected}; found {finding.found}")
        lines.append("")
    lines.append(f"Refused: {_count(len(findings), 'finding')} in {_count(len(groups), 'file')}.")
    return "\n".join(lines)


def summary_text(park: Park) -> str:
    """`11 enterprises, 42 sources (一级 1, ...), 1203 points, 9 named rules, 2 suppressions by design: sound.`"""
    sources = park.sources
    levels = Counter(source.level for source in sources)
    by_level = ", ".join(f"{level} {levels[level]}" for level in Level)
    enterprises, points = _count(len(park.enterprises), "enterprise"), _count(len(park.points), "point")
    named = f", {_count(len(park.named), 'named rule')}" if park.named else ""
    designs = f", {len(park.by_design)} suppression{'' if len(park.by_design) == 1 else 's'} by design" if park.by_design else ""
    return f"{enterprises}, {_count(len(sources), 'source')} ({by_level}), {points}{named}{designs}: sound."


def _place(finding: Finding) -> str:
    if finding.row is None:
        return ""
    return f"{'row' if finding.file.endswith('.csv') else 'line'} {finding.row}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
