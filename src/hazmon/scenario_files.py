"""Scenario files judged, or written anew."""

from __future__ import annotations

import difflib
from pathlib import Path

from hazmon.errors import ConfigError
from hazmon.registry.alone import load_points
from hazmon.registry.listing import findings_text
from hazmon.scenario import play, read_scenario, rewritten


def judge(file: Path, *, rewrite: bool) -> str | None:
    """What is wrong with a scenario file, None for nothing: a difference by lines, or why it cannot be played."""
    try:
        scenario = read_scenario(file)
        transcript = play(scenario, load_points(scenario.points))
        if rewrite:
            file.write_text(rewritten(file.read_text("utf-8"), transcript), "utf-8")
            return None
    except ValueError as error:
        return str(error)
    except ConfigError as error:
        return f"{file}: its points are refused\n{findings_text(error.findings)}"
    if transcript == scenario.expect:
        return None
    lines = difflib.unified_diff(scenario.expect, transcript, "written", "played", lineterm="", n=1)
    return "\n".join((f"{file}: {scenario.title}", *lines))
