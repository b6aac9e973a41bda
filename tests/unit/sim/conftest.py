"""The real plants and the real configuration."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest
from hazmon_sim.instrument import Instrument
from hazmon_sim.plant import Plant, load_plants

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "config"
PLANTS = ROOT / "simulators" / "plants"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of points.csv with the instrument that it is about."""

    site: str
    cells: dict[str, str]
    instrument: Instrument

    def number(self, key: str) -> float | None:
        """A cell, None when empty."""
        return float(self.cells[key]) if self.cells[key] else None


def table(site: str, name: str) -> dict[str, dict[str, str]]:
    """Rows of a table of the configuration by tag."""
    with (CONFIG / site / name).open(encoding="utf-8", newline="") as file:
        return {row["tag"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def plants() -> list[Plant]:
    """Every plant. Tests that disturb an instrument load their own."""
    return load_plants(PLANTS)


@pytest.fixture(scope="session")
def rows(plants: list[Plant]) -> list[Row]:
    """Every point of the configuration; a point without an instrument is a KeyError."""
    return [
        Row(plant.site, cells, plant.instruments[tag])
        for plant in plants
        for tag, cells in table(plant.site, "points.csv").items()
    ]
