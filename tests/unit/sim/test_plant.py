"""A plants file that cannot be is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hazmon_sim.errors import PlantError
from hazmon_sim.plant import load_plants

from .conftest import PLANTS

WHOLE = (PLANTS / "E01.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('site = "E01"', 'site = "E01"\nowner = "x"', "unknown field `owner`"),
        ("seed = 4101", 'seed = "4101"', r"\$.seed"),
        ('at = "40003"', 'at = "40001"', "40001 belongs to LT-1101"),
        ('at = "40001"', 'at = "49001"', "49001 is outside the registers that exist"),
        ('at = "40001"', 'at = "00001"', "REAL cannot be at 00001"),
        ('of = "V-1101"', 'of = "V-9"', "no tank V-9"),
        ('over = "TT-1101A"', 'over = "PT-1101"', "no daily temperature PT-1101"),
        ('tag = "LT-1102"', 'tag = "LT-1101"', "LT-1101"),
        ("height = 7.2", "height = 0.2", "bottom < top < height"),
    ],
)
def test_a_wrong_plant(tmp_path: Path, old: str, new: str, told: str):
    assert old in WHOLE
    (tmp_path / "E01.toml").write_text(WHOLE.replace(old, new, 1), "utf-8")
    with pytest.raises(PlantError, match=told) as refusal:
        load_plants(tmp_path)
    assert str(refusal.value).startswith(str(tmp_path / "E01.toml"))


def test_a_site_that_is_not_there(tmp_path: Path):
    with pytest.raises(PlantError, match="no plant E77"):
        load_plants(PLANTS, frozenset({"E77"}))
    with pytest.raises(PlantError, match="no plants in"):
        load_plants(tmp_path)
