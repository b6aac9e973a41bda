"""What sensors and the DCS say, and the ledger of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hazmon_sim.dcs_export import DcsExport
from hazmon_sim.disturbance import Held
from hazmon_sim.ledger import DcsRow, FaultNote, Ledger, Publish, read
from hazmon_sim.mqtt import payload
from hazmon_sim.plant import Plant, Sensor, load_plants

from .conftest import PLANTS

T = 1_790_000_040  # 2026-09-21 22:14:00 in China


def sensor_of(plants: list[Plant], kind: str) -> Sensor:
    return next(sensor for plant in plants for sensor in plant.sensors if sensor.payload == kind)


def test_payloads(plants: list[Plant]):
    plain, flat, nested = (sensor_of(plants, kind) for kind in ("plain", "flat", "nested"))
    assert float(payload(plain, T + 0.25)) == plain.instrument.read(T + 0.25)
    assert json.loads(payload(flat, T + 0.25)) == {"ts": T * 1000 + 250, "value": flat.instrument.read(T + 0.25)}
    assert json.loads(payload(nested, T + 0.25)) == {
        "time": "2026-09-21T14:14:00.250Z",
        "data": {"v": nested.instrument.read(T + 0.25)},
    }


def test_a_broken_sensor_says_so():
    plants = load_plants(PLANTS)
    said: dict[str, str] = {}
    for kind in ("plain", "flat", "nested"):
        sensor = sensor_of(plants, kind)
        sensor.instrument.disturbances.append(Held(T, T + 1, float("nan")))
        said[kind] = payload(sensor, T)
    assert said["plain"] == "nan"
    assert json.loads(said["flat"])["value"] is None
    assert json.loads(said["nested"])["data"]["v"] is None


@pytest.fixture
def export(tmp_path: Path) -> DcsExport:
    plant = load_plants(PLANTS, frozenset({"E01"}))[0]
    return DcsExport(plant, lambda: T, Ledger(tmp_path / "ledger.jsonl"), tmp_path)


def test_a_file_a_minute_of_rows_each_ten_seconds(export: DcsExport, tmp_path: Path):
    for due in range(T - 50, T, 10):
        export.take(due)
        assert not export.folder.exists()
    export.take(T)
    files = list(export.folder.iterdir())
    assert [file.name for file in files] == ["trend_20260921_2214.csv"]
    rows = list(csv.reader(files[0].read_bytes().decode("gb18030").splitlines()))
    assert rows[0] == ["时间", *(header for header, _ in export.plant.columns)]
    assert [row[0] for row in rows[1:]] == [f"2026/09/21 22:13:{s}" for s in (10, 20, 30, 40, 50)] + ["2026/09/21 22:14:00"]
    assert [float(cell) for cell in rows[-1][1:]] == [item.read(T) for _, item in export.plant.columns]
    ledger = list(read(tmp_path / "ledger.jsonl"))
    assert [record.row for record in ledger if isinstance(record, DcsRow)] == [",".join(row) for row in rows[1:]]


def test_rows_of_a_stopped_export_are_lost_not_late(export: DcsExport):
    export.stopped = True
    for due in range(T - 50, T + 10, 10):
        export.take(due)
    assert not export.folder.exists()
    export.stopped = False
    export.take(T + 60)
    (file,) = export.folder.iterdir()
    assert len(file.read_text("gb18030").splitlines()) == 2


def test_a_broken_instrument_is_bad_in_the_export(export: DcsExport):
    export.plant.columns[1][1].disturbances.append(Held(T, T + 1, float("nan")))
    cells = export.row(T).split(",")
    assert cells[2] == "Bad"
    assert float(cells[1]) == export.plant.columns[0][1].read(T)


def test_records_come_back_as_they_were_written(tmp_path: Path):
    path = tmp_path / "ledger.jsonl"
    records = [
        Publish(1, "E01/AT-1101", "plant/E01/AT-1101", '{"ts": 1, "value": 2}', True),
        FaultNote(2, "spike", "E01/AT-1101", 3, 4.5, True),
        DcsRow(5, "E01", "a.csv", "2026/09/21 22:14:00,1.0"),
    ]
    ledger = Ledger(path)
    for record in records:
        ledger.write(record)
    ledger.close()
    with path.open("ab") as file:
        file.write(b'{"k":"mqtt","t":1')
    assert list(read(path)) == records
