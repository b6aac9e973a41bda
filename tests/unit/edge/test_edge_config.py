"""The box's configuration: what is wrong is refused, each finding with file, row, key, found and expected, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from hazmon_edge import config
from hazmon_edge.errors import ConfigError
from hazmon_edge.registers import Area
from hazmon_edge.settings import CsvDrop, Modbus, Mqtt
from hazmon_edge.tags import ModbusTag, MqttTag

EDGE = """
edge = "E01"
park_url = "http://127.0.0.1:8080/"
token_file = "secrets/E01.token"
data = "edge/E01"
[[connection]]
name = "plc1"
kind = "modbus_tcp"
host = "127.0.0.1"
period_s = 1.0
[[connection]]
name = "mqtt"
kind = "mqtt"
host = "10.0.0.1"
period_s = 1.0
[[connection]]
name = "dcs"
kind = "csv_drop"
folder = "plant/dcs"
time_column = "时间"
timezone = "Asia/Shanghai"
period_s = 60
"""
TAGS = """tag,connection,address,type,word_order,scale,offset,path,time_path,source
LT-1,plc1,holding:100,f32,CDAB,,,,,
XV-1,plc1,coil:3,bool,,,,,,
AT-1,mqtt,plant/at1,json,,,,$.data[0].v,$.ts,E01-S1
AT-2,mqtt,plant/at2,number,,0.1,-5,,,E01-S2
FT-1,dcs,流量,,,,,,,
"""


def write(folder: Path, edge: str = EDGE, tags: str = TAGS) -> Path:
    (folder / "edge.toml").write_text(edge)
    (folder / "tags.csv").write_text(tags)
    return folder


def refused(folder: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.load(folder, environ or {})
    assert str(caught.value) == "\n".join(str(finding) for finding in caught.value.findings)
    return [str(finding) for finding in caught.value.findings]


def test_a_right_configuration(tmp_path: Path) -> None:
    box = config.load(write(tmp_path), {"HAZMON_HOME": "/srv/hazmon"})
    assert (box.edge, box.park_url, box.token, box.max_backlog_days) == ("E01", "http://127.0.0.1:8080", None, 7)
    assert box.data == Path("/srv/hazmon/edge/E01")
    assert box.token_file == Path("/srv/hazmon/secrets/E01.token")
    modbus, mqtt, dcs = (wiring.connection for wiring in box.wirings)
    assert isinstance(modbus, Modbus)
    assert (modbus.port, modbus.unit_id, modbus.timeout_s, modbus.max_gap, modbus.max_registers) == (502, 1, 0.8, 8, 120)
    assert isinstance(mqtt, Mqtt)
    assert (mqtt.host, mqtt.port, mqtt.version) == ("10.0.0.1", 1883, "5")
    assert isinstance(dcs, CsvDrop)
    assert dcs.folder == Path("/srv/hazmon/plant/dcs")
    assert [(group.group.name, group.group.period_us, group.group.points) for group in box.groups] == [
        ("plc1", 1_000_000, ("LT-1", "XV-1")),
        ("mqtt:E01-S1", 1_000_000, ("AT-1",)),
        ("mqtt:E01-S2", 1_000_000, ("AT-2",)),
        ("dcs", 60_000_000, ("FT-1",)),
    ]
    tag = box.groups[1].tags[0]
    assert isinstance(tag, MqttTag)
    assert (tag.path, tag.time_path) == (("data", 0, "v"), ("ts",))
    register = cast("ModbusTag", box.groups[0].tags[0]).register
    assert (register.area, register.address, register.width) == (Area.holding, 100, 2)


def test_the_environment_has_the_last_word(tmp_path: Path) -> None:
    environ = {"HAZMON_PARK_URL": "https://park:8443", "HAZMON_EDGE_TOKEN": "t", "HAZMON_MQTT_URL": "mqtt://broker:18830"}
    box = config.load(write(tmp_path), environ)
    assert (box.park_url, box.token) == ("https://park:8443", "t")
    mqtt = box.wirings[1].connection
    assert isinstance(mqtt, Mqtt)
    assert (mqtt.host, mqtt.port) == ("broker", 18830)


def test_a_large_connection_is_split_into_groups(tmp_path: Path) -> None:
    rows = "".join(f"T-{n},plc1,holding:{n},u16,,,,,,\n" for n in range(450))
    box = config.load(write(tmp_path, tags=TAGS + rows), {})
    sizes = [(group.group.name, len(group.tags)) for group in box.wirings[0].groups]
    assert sizes == [("plc1", 200), ("plc1#2", 200), ("plc1#3", 52)]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('edge = "E01"', "", "edge.toml: edge: found nothing, expected a text"),
        ("http://127.0.0.1:8080/", "ftp://x", "edge.toml: park_url: found ftp://x, expected an http:// or https:// address"),
        ('data = "edge/E01"', 'data = "d"\ndatta = 1', "edge.toml: datta: found 1, expected no such key"),
        ("period_s = 60", "period_s = 0", "edge.toml: connection dcs.period_s: found 0, expected a number from 1 to 86400"),
        (
            'kind = "mqtt"',
            'kind = "opcua"',
            "edge.toml: connection mqtt.kind: found 'opcua', expected one of modbus_tcp, mqtt, csv_drop",
        ),
        ('name = "dcs"', 'name = "plc1"', "edge.toml: connection plc1.name: found plc1, expected a name of its own"),
        ('name = "dcs"', 'name = "d:1"', "edge.toml: connection d:1.name: found d:1, expected a name without ':' and '#'"),
        (
            'period_s = 1.0\n[[connection]]\nname = "mqtt"',
            'period_s = 0.5\n[[connection]]\nname = "mqtt"',
            "edge.toml: connection plc1.timeout_s: found 0.8, expected at most period_s (0.5)",
        ),
        (
            "Asia/Shanghai",
            "Asia/Jinxiang",
            "edge.toml: connection dcs.timezone: found Asia/Jinxiang, expected a time zone, such as Asia/Shanghai",
        ),
        (
            "period_s = 60",
            'period_s = 60\nencoding = "gb99"',
            "edge.toml: connection dcs.encoding: found gb99, expected an encoding, such as gb18030 or utf-8",
        ),
        (
            "period_s = 60",
            'period_s = 60\ntime_format = "%H:%M"',
            "edge.toml: connection dcs.time_format: found %H:%M, expected a format that tells date, hour and minute",
        ),
        (
            "period_s = 60",
            'period_s = 60\ndelimiter = ",,"',
            "edge.toml: connection dcs.delimiter: found ',,', expected one character",
        ),
        (
            'host = "10.0.0.1"',
            'host = "10.0.0.1"\nport = 70000',
            "edge.toml: connection mqtt.port: found 70000, expected a whole number from 1 to 65535",
        ),
        (
            'host = "10.0.0.1"',
            'host = "10.0.0.1"\nversion = "4"',
            "edge.toml: connection mqtt.version: found '4', expected one of 5, 3.1.1",
        ),
    ],
)
def test_edge_toml_is_refused(tmp_path: Path, old: str, new: str, finding: str) -> None:
    assert old in EDGE
    assert finding in refused(write(tmp_path, edge=EDGE.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("L T,plc1,holding:1,u16,,,,,,", "tag: found 'L T', expected letters, digits, - _ and ."),
        ("LT-1,plc1,holding:1,u16,,,,,,", "tag: found LT-1, expected a tag of its own; it is in row 2 too"),
        ("N,plc9,holding:1,u16,,,,,,", "connection: found plc9, expected a connection of edge.toml (plc1, mqtt, dcs)"),
        ("N,plc1,hold:1,u16,,,,,,", "address: found hold:1, expected holding:N, input:N, coil:N or discrete:N"),
        ("N,plc1,holding:65535,f32,,,,,,", "address: found holding:65535, expected an address up to 65534"),
        ("N,plc1,holding:-1,u16,,,,,,", "address: found holding:-1, expected holding:N, input:N, coil:N or discrete:N"),
        ("N,plc1,holding:1,u8,,,,,,", "type: found u8, expected one of bool, i16, u16, i32, u32, f32, f64"),
        ("N,plc1,coil:1,u16,,,,,,", "type: found u16, expected one of bool"),
        ("N,plc1,holding:1,u16,ACBD,,,,,", "word_order: found ACBD, expected one of ABCD, CDAB, BADC, DCBA"),
        ("N,plc1,holding:1,u16,,0,,,,", "scale: found 0, expected a number other than 0"),
        ("N,plc1,holding:1,u16,,x,,,,", "scale: found x, expected a number other than 0"),
        ("N,plc1,holding:1,u16,,,inf,,,", "offset: found inf, expected a number"),
        ("N,plc1,holding:1,u16,,,,$.v,,", "path: found $.v, expected nothing for this kind of connection"),
        ("N,mqtt,a/+/b,number,,,,,,E01-S1", "address: found a/+/b, expected a topic without wildcards"),
        ("N,mqtt,a,number,,,,,,", "source: found nothing, expected the source of the point, such as E01-S1"),
        ("N,mqtt,a,json,,,,value,,E01-S1", "path: found value, expected a path such as $.value or $.data[0].v"),
        ("N,mqtt,a,json,,,,,,E01-S1", "path: found nothing, expected a path such as $.value or $.data[0].v"),
        ("N,mqtt,a,number,,,,$.v,,E01-S1", "path: found $.v, expected nothing for this kind of connection"),
        ("N,dcs,,number,,,,,,", "address: found nothing, expected a column of the export"),
        ("N,dcs,x,json,,,,,,", "type: found json, expected one of nothing, number"),
        ("N,dcs,x", "row: found 3 cells, expected 10 cells"),
    ],
)
def test_tags_csv_is_refused_with_its_row(tmp_path: Path, row: str, finding: str) -> None:
    assert f"tags.csv:7: {finding}" in refused(write(tmp_path, tags=TAGS + row + "\n"))


def test_every_finding_of_both_files_comes_at_once(tmp_path: Path) -> None:
    found = refused(
        write(tmp_path, EDGE.replace('host = "127.0.0.1"\n', "") + "colour = 1\n", TAGS + "A,nowhere,x,,,,,,,\nB,plc1,?,,,,,,,\n")
    )
    assert found == [
        "edge.toml: connection plc1.host: found nothing, expected a text",
        "edge.toml: connection dcs.colour: found 1, expected no such key",
        "tags.csv:7: connection: found nowhere, expected a connection of edge.toml (plc1, mqtt, dcs)",
        "tags.csv:8: address: found ?, expected holding:N, input:N, coil:N or discrete:N",
    ]


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    assert refused(tmp_path) == ["edge.toml: file: found No such file or directory, expected a readable file"]
    (tmp_path / "edge.toml").write_text(EDGE)
    assert refused(tmp_path) == ["tags.csv: file: found No such file or directory, expected a readable file"]
    (tmp_path / "tags.csv").write_bytes(TAGS.encode("gb18030"))
    (finding,) = refused(tmp_path)
    assert finding.startswith("tags.csv: file: found byte ")
    (tmp_path / "edge.toml").write_text("edge = ")
    assert refused(tmp_path)[0].startswith("edge.toml: file: found Invalid value")


def test_a_wrong_header_is_one_finding(tmp_path: Path) -> None:
    (finding,) = refused(write(tmp_path, tags=TAGS.replace("word_order", "order")))
    assert finding.startswith("tags.csv:1: header: found tag,connection,address,type,order")


def test_a_connection_without_a_tag_is_refused(tmp_path: Path) -> None:
    found = refused(write(tmp_path, tags=TAGS.replace("FT-1,dcs,流量,,,,,,,\n", "")))
    assert found == ["edge.toml: connection dcs: found no tag in tags.csv, expected at least one"]


def test_a_broker_address_from_the_environment_is_checked_too(tmp_path: Path) -> None:
    found = refused(write(tmp_path), {"HAZMON_MQTT_URL": "broker:1883"})
    assert found == ["edge.toml: connection mqtt.host: found HAZMON_MQTT_URL=broker:1883, expected mqtt://host:port"]
