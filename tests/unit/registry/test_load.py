"""What a sound folder becomes: the model, its defaults, its digest, and how long that takes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from hazmon.errors import ConfigError
from hazmon.model import Level, Quantity, Settings, UnitKind, UnitType
from hazmon.registry import config_digest, load
from hazmon.registry.document import read_document
from hazmon.registry.report import Report
from hazmon.rulebook import Limits

CONFIG = Path(__file__).parents[2] / "config"
ONE_TANK = CONFIG / "good" / "one_tank"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ONE_TANK, tmp_path / "config"))


def test_the_park_of_one_tank() -> None:
    park = load(ONE_TANK)
    assert park.settings == Settings("示例园区", "Example park")
    (enterprise,) = park.enterprises
    (source,) = enterprise.sources
    assert (enterprise.id, enterprise.residents_500m) == ("E01", 40)
    assert (source.id, source.enterprise, source.unit_type, source.level) == ("E01-S1", "E01", UnitType.STORAGE, Level.THREE)
    assert (source.s, source.r, source.position) == (6.0, 14.4, (116.3123, 35.0621))
    assert [(unit.id, unit.kind) for unit in source.units] == [("V-1101", UnitKind.PRESSURE_TANK), ("A-1100", UnitKind.AREA)]
    assert [point.id for point in park.points] == [f"E01/{tag}-1101" for tag in ("LT", "PT", "TT", "XV", "AT", "FT")]
    level = park.points[park.by_id["E01/LT-1101"]]
    assert (level.quantity, level.uom, level.range_low, level.range_high, level.period_s) == (Quantity.LEVEL, "m", 0, 15, 1)
    assert level.limits == Limits(1.0, 1.5, 10.5, 12.0, 0.1, 5.0, 5.0, 0.3, 0.3, 60.0, 10.0)


def test_empty_cells_and_absent_sections_mean_the_defaults(folder: Path) -> None:
    shutil.copytree(CONFIG / "good" / "defaults", folder, dirs_exist_ok=True)
    park = load(folder)
    assert park.settings == Settings("示例园区", "Example park")
    assert park.points[0].limits == Limits(stale_s=15.0)  # three periods of 5 s; never below 10 s


def test_a_spreadsheet_may_add_a_byte_order_mark_and_quotes(folder: Path) -> None:
    shutil.copytree(CONFIG / "good" / "saved_by_a_spreadsheet", folder, dirs_exist_ok=True)
    names = [(point.name, point.name_en) for point in load(folder).points[:2]]
    assert names == [("1#球罐液位", 'Sphere 1 "level", main'), ("1#球罐压力\r\n（远传）", "Sphere 1 pressure")]


def test_a_second_enterprise_comes_after_the_first(folder: Path) -> None:
    shutil.copytree(folder / "E01", folder / "E02")
    for file in (folder / "E02").iterdir():
        file.write_text(file.read_text("utf-8").replace("E01", "E02"), "utf-8")
    park = load(folder)
    assert [source.id for source in park.sources] == ["E01-S1", "E02-S1"]
    assert park.points[6].id == "E02/LT-1101"


def test_a_folder_without_enterprises_is_no_park(folder: Path) -> None:
    shutil.rmtree(folder / "E01")
    with pytest.raises(ConfigError, match="expected a folder for each enterprise, found none"):
        load(folder)


def test_an_absent_folder_is_refused_not_crashed_on(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found no configuration folder"):
        load(tmp_path / "nowhere")


def test_a_folder_that_is_no_enterprise_id_is_refused(folder: Path) -> None:
    (folder / "E02 old").mkdir()
    with pytest.raises(ConfigError) as refused:
        load(folder)
    assert str(refused.value) == 'E02 old  folder: expected the id of an enterprise: letters and digits, found "E02 old"'


def test_the_digest_follows_every_file_and_nothing_else(folder: Path) -> None:
    before = config_digest(folder)
    assert before == load(folder).digest == config_digest(ONE_TANK)
    (folder / "README.md").write_text("notes", "utf-8")
    assert config_digest(folder) == before
    seen = {before}
    for file in ("park.toml", "E01/enterprise.toml", "E01/points.csv", "E01/edge.toml", "E01/tags.csv"):
        (folder / file).write_bytes((folder / file).read_bytes() + b"\n")
        seen.add(config_digest(folder))
    assert len(seen) == 6


def test_keys_know_their_lines(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        'a.b = 1\n[[s]]\nid = "p"\n[[s.c]]\nq = 1\n[[s]]\n[[s.c]]\n[[s.c]]\n"q" = 2\n[t.u]\nv = 3\n', "utf-8"
    )
    document = read_document(Report(), tmp_path, "x.toml")
    assert document is not None
    lines = [
        document.line(path)
        for path in (("a", "b"), ("s", 0, "id"), ("s", 0, "c", 0, "q"), ("s", 1), ("s", 1, "c", 1, "q"), ("t", "u", "v"))
    ]
    assert lines == [1, 3, 5, 6, 9, 11]
    assert document.line(("s", 0, "none")) == 2
    assert document.line(("none",)) is None
    assert document.key(("s", 0, "c", 0, "q")) == "s[p].c[1].q"


def test_a_park_of_1200_points_is_read_in_half_a_second(folder: Path) -> None:
    row = "TI-{n},E01-S1,V-1101,温度{n},Temperature {n},temperature,℃,-20,80,,,40,50,1,5,5,2,2,120,1,10"
    tag = "TI-{n},plc1,holding:{address},f32,CDAB,,,,,"
    for file, lines in (
        ("points.csv", (row.format(n=n) for n in range(1200))),
        ("tags.csv", (tag.format(n=n, address=200 + 2 * n) for n in range(1200))),
    ):
        with (folder / "E01" / file).open("a", encoding="utf-8") as table:
            table.writelines(f"{line}\n" for line in lines)
    taken: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        assert len(load(folder).points) == 1206
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.5
