"""DCS exports, as folders of csv_drop/: the files lie there when the box looks."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from collectors.cases import HEADER, cases, check, load, told, toml
from hazmon_edge.clock import SECOND_NS, ManualClock
from hazmon_edge.collectors.csv_drop import STABLE_LOOKS, TORN_LOOKS, CsvCollector
from hazmon_edge.config import Wiring
from hazmon_edge.errors import Cause, NotConnected
from hazmon_edge.scans import Collected
from hazmon_edge.settings import CsvDrop

LINK: dict[str, Any] = {
    "name": "dcs",
    "kind": "csv_drop",
    "folder": "exports",
    "encoding": "gb18030",
    "time_column": "时间",
    "time_format": "%Y/%m/%d %H:%M:%S",
    "timezone": "Asia/Shanghai",
    "period_s": 10.0,
}
START_US = round(datetime.fromisoformat("2026-05-01T04:00:00+00:00").timestamp() * 1e6)  # noon in the plant
TAGS = "LT-1,dcs,液位(LT-1),number,,,,,,\nTT-1,dcs,温度(TT-1),number,,,,,,\n"


class Plant:
    """A DCS folder, the box that looks into it, and the position that is stored with the readings."""

    def __init__(self, home: Path, link: dict[str, Any] | None = None, tags: str = TAGS, now_us: int = START_US) -> None:
        config = load(home / "config", home, LINK | (link or {}), HEADER + tags)
        self.wiring: Wiring = config.wirings[0]
        self.folder = cast("CsvDrop", self.wiring.connection).folder
        self.folder.mkdir(exist_ok=True)
        self.clock = ManualClock(now_us)
        self.stored: bytes | None = None
        self.collected: list[Collected] = []
        self.start()

    def start(self) -> None:
        """A box that has just started, with what was stored."""
        link = cast("CsvDrop", self.wiring.connection)
        self.collector = CsvCollector(link, self.wiring.groups, self.clock, self.stored)

    async def look(self, times: int, *, keep: bool = True) -> None:
        """Look once a second; `keep` is whether what was found reached the disk."""
        for _ in range(times):
            if not self.collector.connected:
                await self.collector.connect()
            found = await self.collector.collect(self.clock.monotonic_ns() + SECOND_NS)
            if keep and not found.is_empty:
                self.collected.append(found)
                self.stored = found.position[1] if found.position else self.stored
            await self.clock.advance(1)

    def write(self, name: str, text: str, encoding: str = "gb18030", at_us: int | None = None) -> None:
        """A whole file at once, written at `at_us` or now."""
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        when = (at_us or self.clock.now_us()) * 1_000
        os.utime(path, ns=(when, when))

    @property
    def rows(self) -> list[tuple[int, float]]:
        """Second of each scan after the start, and its first value."""
        return [((s.at_us - START_US) // 1_000_000, s.values[0]) for each in self.collected for s in each.scans]

    def missed(self, cause: Cause) -> list[tuple[int, int]]:
        """Second and count of each miss."""
        misses = [miss for each in self.collected for miss in each.misses if miss.cause == cause]
        return [((miss.at_us - START_US) // 1_000_000, miss.count) for miss in misses]


def minute(first_s: int, *values: float) -> str:
    """An export: a row each ten seconds from `first_s` after noon on."""
    lines = ["时间,液位(LT-1),温度(TT-1)"]
    for number, value in enumerate(values):
        at = first_s + 10 * number
        lines.append(f"2026/05/01 12:{at // 60:02}:{at % 60:02},{value},20.5")
    return "\r\n".join([*lines, ""])


@pytest.mark.parametrize("case", cases("csv_drop"), ids=lambda path: path.name)
async def test_case(case: Path, tmp_path: Path) -> None:
    tags = case / "tags.csv"
    plant = Plant(tmp_path, toml(case / "edge.toml"), tags.read_text() if tags.exists() else TAGS)
    for file in sorted(case.glob("*.csv")):
        if file.name != "tags.csv":
            shutil.copy(file, plant.folder)
            os.utime(plant.folder / file.name, ns=(START_US * 1_000, START_US * 1_000))
    await plant.look(TORN_LOOKS + 1)
    check(toml(case / "expected.toml"), told(plant.wiring.groups, plant.collected, with_time=True))


async def test_a_file_is_taken_only_when_it_has_stopped_growing(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    whole = minute(10, 1.0, 2.0, 3.0)
    for length in range(40, len(whole), 20):  # it grows between any two looks
        plant.write("a.csv", whole[:length])
        await plant.look(1)
        assert plant.rows == []
    plant.write("a.csv", whole)
    await plant.look(STABLE_LOOKS)
    assert plant.rows == [(10, 1.0), (20, 2.0), (30, 3.0)]


async def test_a_pause_in_the_middle_of_a_number_makes_no_number(tmp_path: Path) -> None:
    """The DCS stops after `1` of `12.5`, for less than it takes to believe a file without a line end."""
    plant = Plant(tmp_path)
    whole = minute(10, 12.5)
    plant.write("a.csv", whole[: whole.index("12.5") + 1])
    await plant.look(TORN_LOOKS - 1)
    assert plant.rows == []
    plant.write("a.csv", whole)
    await plant.look(STABLE_LOOKS)
    assert plant.rows == [(10, 12.5)]


async def test_rows_appended_to_a_known_file_are_read_once(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.write("day.csv", minute(10, 1.0))
    await plant.look(4)
    plant.write("day.csv", minute(10, 1.0, 2.0))
    await plant.look(4)
    plant.write("day.csv", minute(10, 1.0, 2.0, 3.0))
    await plant.look(4)
    assert plant.rows == [(10, 1.0), (20, 2.0), (30, 3.0)]


async def test_exports_that_overlap_count_each_row_once(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.write("a.csv", minute(10, 1.0, 2.0, 3.0))
    await plant.look(3)
    plant.write("b.csv", minute(20, 2.0, 3.0, 4.0))
    await plant.look(3)
    assert plant.rows == [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0)]


async def test_a_box_that_dies_before_or_after_the_disk_reads_each_row_once(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.write("a.csv", minute(10, 1.0, 2.0))
    await plant.look(3, keep=False)  # read, and dead before the disk had it
    plant.start()
    await plant.look(3)
    plant.start()
    await plant.look(3)
    plant.write("b.csv", minute(30, 3.0))
    plant.start()
    await plant.look(3)
    assert plant.rows == [(10, 1.0), (20, 2.0), (30, 3.0)]


async def test_a_long_file_is_taken_in_portions_and_a_death_between_them_loses_nothing(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    values = [float(number) for number in range(300)]
    plant.write("a.csv", minute(10, *values[:150]), at_us=START_US)
    plant.write("b.csv", minute(1510, *values[150:]), at_us=START_US + 120_000_000)
    plant.collector._rows_per_tick = 100
    await plant.look(STABLE_LOOKS)
    assert len(plant.rows) == 100
    plant.start()
    await plant.look(6)
    assert [value for _, value in plant.rows] == values


async def test_the_folder_is_only_read(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.write("a.csv", minute(10, 1.0))
    plant.write("bad.csv", "nothing\r\n")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in plant.folder.iterdir()}
    plant.folder.chmod(0o555)
    await plant.look(4)
    plant.folder.chmod(0o755)
    assert plant.rows == [(10, 1.0)]
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in plant.folder.iterdir()} == before


async def test_a_file_that_is_refused_is_told_once(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.write("bad.csv", "no such thing\r\n")
    await plant.look(20)
    assert plant.missed(Cause.DECODE) == [(1, 1)]


async def test_files_a_minute_late_are_no_misses_and_files_that_stop_are(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    for number in range(3):
        await plant.look(60)
        plant.write(f"{number}.csv", minute(10 + 60 * number, *[1.0] * 6))
    await plant.look(40)
    assert len(plant.rows) == 18
    assert plant.missed(Cause.TIMEOUT) == []
    await plant.look(140)  # 12:06; the row of 12:03:10 was to be here by 12:04:30
    told = plant.missed(Cause.TIMEOUT)
    assert told[0] == (190, 1)
    assert [second for second, _ in told] == [190 + 10 * n for n in range(len(told))]
    assert 8 <= len(told) <= 12


async def test_rows_that_the_export_leaves_out_are_missed_at_their_own_time(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.write("a.csv", minute(10, 1.0))
    plant.write("b.csv", minute(50, 5.0))
    await plant.look(3)
    assert plant.rows == [(10, 1.0), (50, 5.0)]
    assert plant.missed(Cause.TIMEOUT) == [(20, 3)]


async def test_a_folder_that_goes_away_is_not_connected_and_comes_back(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.write("a.csv", minute(10, 1.0))
    await plant.look(3)
    aside = plant.folder.rename(tmp_path / "aside")
    with pytest.raises(NotConnected, match="No such file"):
        await plant.look(1)
    assert not plant.collector.connected
    await plant.clock.advance(300)
    misses = plant.collector.owe(Cause.NOT_CONNECTED, plant.clock.now_us(), 1)
    assert misses[0].cause == Cause.NOT_CONNECTED
    assert misses[0].count > 10
    assert plant.collector.owe(Cause.NOT_CONNECTED, plant.clock.now_us(), 1) == []
    aside.rename(plant.folder)
    plant.write("b.csv", minute(20, 2.0))
    await plant.look(3)
    assert plant.rows == [(10, 1.0), (20, 2.0)]


async def test_a_thousand_old_files_are_not_read_again_after_a_start(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    for number in range(1000):
        plant.write(f"{number:04}.csv", minute(10, 1.0), at_us=START_US - (1000 - number) * 60_000_000)
    await plant.look(3)
    plant.start()
    plant.write("new.csv", minute(20, 2.0))
    await plant.look(3)
    assert plant.rows == [(10, 1.0), (20, 2.0)]
    assert len(plant.collector._done) >= 1000
