"""The configuration and the plants are kept by different people; here they are held against each other."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Any

from hazmon_sim.plant import Plant, Register

from hazmon.registry.folder import load

from .conftest import CONFIG, table

AREA = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
TYPE = {"BOOL": "bool", "INT": "i16", "WORD": "u16", "DINT": "i32", "REAL": "f32"}
ORDER = {"big-endian": "ABCD", "word-swapped": "CDAB", "byte-swapped": "BADC", "little-endian": "DCBA"}
PAYLOAD = {"plain": ("number", "", ""), "flat": ("json", "$.value", "$.ts"), "nested": ("json", "$.data.v", "$.time")}


def edge(site: str) -> dict[str, Any]:
    return tomllib.loads((CONFIG / site / "edge.toml").read_text("utf-8"))


def connections(site: str) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in edge(site)["connection"]}


def wiring(plc: str, register: Register) -> dict[str, str | float]:
    """A row of tags.csv as the PLC's register list would have it."""
    wide = register.width > 1
    return {
        "connection": plc,
        "address": f"{AREA[register.function]}:{register.address}",
        "type": TYPE[register.type],
        "word_order": ORDER[register.byte_order] if wide else "ABCD",
        "scale": register.gain,
        "offset": register.zero,
    }


def test_the_park_is_what_was_asked_for(plants: list[Plant]):
    park = load(CONFIG)
    assert len(park.enterprises) == len(plants) == 11
    assert len(park.sources) == 42
    assert 1000 <= len(park.points) <= 1300
    assert {source.level.value for source in park.sources} == {"一级", "二级", "三级", "四级"}
    ammonia = next(source for source in park.sources if source.id == "E01-S1")
    assert (ammonia.s, ammonia.r, ammonia.level.value) == (6.0, 14.4, "三级")


def test_the_ways_in_are_shared_as_in_a_real_park(plants: list[Plant]):
    counts = Counter[str]()
    for plant in plants:
        counts["modbus"] += sum(len(plc.registers) for plc in plant.plcs)
        counts["mqtt"] += len(plant.sensors)
        counts["dcs"] += len(plant.columns)
    total = counts.total()
    assert {kind: round(20 * count / total) / 20 for kind, count in counts.items()} == {"modbus": 0.6, "mqtt": 0.25, "dcs": 0.15}
    assert {plc.registers[0].byte_order for plant in plants for plc in plant.plcs} == set(ORDER)
    assert {sensor.payload for plant in plants for sensor in plant.sensors} == set(PAYLOAD)


def test_every_tag_is_wired_once_on_both_sides(plants: list[Plant]):
    for plant in plants:
        assert set(plant.instruments) == set(table(plant.site, "points.csv")) == set(table(plant.site, "tags.csv"))


def test_registers_agree(plants: list[Plant]):
    for plant in plants:
        tags, ways = table(plant.site, "tags.csv"), connections(plant.site)
        for plc in plant.plcs:
            way = ways[plc.name]
            assert (way["kind"], way["port"], way["unit_id"]) == ("modbus_tcp", plc.port, plc.unit)
            for register in plc.registers:
                row = tags[register.instrument.tag]
                found: dict[str, str | float] = {
                    "connection": row["connection"],
                    "address": row["address"],
                    "type": row["type"],
                    "word_order": row["word_order"] or "ABCD",
                    "scale": float(row["scale"] or 1),
                    "offset": float(row["offset"] or 0),
                }
                assert found == wiring(plc.name, register), register.instrument.id


def test_topics_and_payloads_agree(plants: list[Plant]):
    for plant in plants:
        tags, points = table(plant.site, "tags.csv"), table(plant.site, "points.csv")
        for sensor in plant.sensors:
            row = tags[sensor.instrument.tag]
            assert (row["connection"], row["address"]) == ("mqtt", sensor.topic)
            assert (row["type"], row["path"], row["time_path"]) == PAYLOAD[sensor.payload]
            assert row["source"] == points[sensor.instrument.tag]["source"]


def test_columns_and_the_export_agree(plants: list[Plant]):
    for plant in plants:
        tags, way = table(plant.site, "tags.csv"), connections(plant.site)["dcs"]
        assert way["folder"] == f"plant/{plant.dcs.folder}"
        assert (way["time_column"], way["time_format"]) == (plant.dcs.time_header, plant.dcs.time_format)
        assert (way["encoding"], way["period_s"]) == ("gb18030", plant.dcs.row_s)
        for header, instrument in plant.columns:
            row = tags[instrument.tag]
            assert (row["connection"], row["address"]) == ("dcs", header)


def test_ranges_and_cadences_agree(plants: list[Plant]):
    for plant in plants:
        for tag, row in table(plant.site, "points.csv").items():
            instrument = plant.instruments[tag]
            assert (float(row["range_low"]), float(row["range_high"])) == instrument.range, instrument.id
            assert float(row["period_s"]) == instrument.period_s, instrument.id


def test_boxes_reach_the_park_through_their_relay(plants: list[Plant]):
    for plant in plants:
        assert edge(plant.site)["park_url"] == f"http://127.0.0.1:{plant.relay_port}"
