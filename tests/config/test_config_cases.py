"""Every configuration in good/ is read; every one in bad/ is refused with exactly the findings of its expected.txt.

`good/one_tank` is whole. Any other case is a folder of changed files laid over it; `NAME.absent` takes NAME away. A bad case
`rules_...` is laid over `good/rules`, which adds the points that rules need, and the optional rules.toml.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hazmon_edge.config import load as load_box

from hazmon.errors import ConfigError
from hazmon.registry import load

HERE = Path(__file__).parent
BASE = HERE / "good" / "one_tank"
RULED = HERE / "good" / "rules"
OPTIONAL = "rules.toml"
GOOD = sorted(folder.name for folder in (HERE / "good").iterdir())
BAD = sorted(folder.name for folder in (HERE / "bad").iterdir())


def laid_over(case: Path, onto: Path) -> Path:
    """The whole configuration of a case, made in `onto`."""
    shutil.copytree(BASE, onto)
    layers = (RULED, case) if case.name.startswith("rules_") else (case,)
    for file in (file for layer in layers for file in layer.rglob("*")):
        target = onto / file.relative_to(RULED if file.is_relative_to(RULED) else case)
        if file.suffix == ".absent":
            target.with_suffix("").unlink()
        elif file.is_file() and file.name != "expected.txt":
            assert target.exists() or target.name == OPTIONAL, f"{file} changes nothing of {BASE.name}"
            shutil.copyfile(file, target)
    return onto


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str, tmp_path: Path) -> None:
    assert load(laid_over(HERE / "good" / name, tmp_path / "config")).points


@pytest.mark.parametrize("name", GOOD)
def test_the_box_takes_what_the_park_takes(name: str, tmp_path: Path) -> None:
    """Two readers of edge.toml and tags.csv, each written for its own side, agree on every tag."""
    config = laid_over(HERE / "good" / name, tmp_path / "config")
    box = load_box(config / "E01", {})
    assert {tag.tag for group in box.groups for tag in group.tags} == {point.tag for point in load(config).points}


@pytest.mark.parametrize("name", BAD)
def test_bad(name: str, tmp_path: Path) -> None:
    config = laid_over(HERE / "bad" / name, tmp_path / "config")
    with pytest.raises(ConfigError) as refused:
        load(config)
    assert str(refused.value) == (HERE / "bad" / name / "expected.txt").read_text("utf-8").rstrip("\n")


def test_bad_configurations_outnumber_a_hundred_and_fifty() -> None:
    assert len(BAD) >= 150
