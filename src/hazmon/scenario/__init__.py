"""The driver of step over a scenario file: readings in a short notation, and the complete transcript they must give."""

from __future__ import annotations

from hazmon.scenario.playing import play
from hazmon.scenario.reading import Scenario, read_scenario
from hazmon.scenario.rewriting import rewritten

__all__ = ["Scenario", "play", "read_scenario", "rewritten"]
