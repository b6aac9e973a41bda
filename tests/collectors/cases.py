"""A case is a folder: what a device or a DCS says, and the readings that must come of it. A bug is a new folder.

    modbus/<case>/    tags.csv  device.toml (words, bits, answers)     expected.toml
    csv_drop/<case>/  edge.toml (keys that differ)  tags.csv  *.csv    expected.toml
    mqtt/<case>/      tags.csv  messages.toml                          expected.toml

expected.toml lists every scan and every miss; what is not listed must not be there.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hazmon_edge import config
from hazmon_edge.errors import Cause
from hazmon_edge.scans import Collected
from hazmon_edge.wire import ABSENT, BAD, WHOLE_GROUP

HEADER = "tag,connection,address,type,word_order,scale,offset,path,time_path,source\n"
FOLDER = Path(__file__).parent
CAUSES = {cause.name.lower().replace("_", "-"): cause for cause in Cause}


def cases(kind: str) -> list[Path]:
    """The folders of one kind, by name."""
    return sorted(path for path in (FOLDER / kind).iterdir() if (path / "expected.toml").exists())


def toml(path: Path) -> dict[str, Any]:
    """The file as a dictionary, empty if it is not there."""
    return tomllib.loads(path.read_text()) if path.exists() else {}


def load(folder: Path, home: Path, connection: dict[str, Any], tags: str) -> config.EdgeConfig:
    """The box's configuration of one connection, through the real parser."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ['edge = "E01"', 'park_url = "http://127.0.0.1:9"', 'token_file = "token"', 'data = "data"', "[[connection]]"]
    lines += [f"{key} = {_literal(value)}" for key, value in connection.items()]
    (folder / "edge.toml").write_text("\n".join(lines))
    (folder / "tags.csv").write_text(tags)
    return config.load(folder, {"HAZMON_HOME": str(home)})


@dataclass
class Told:
    """Scans and misses in the words of expected.toml."""

    scans: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    misses: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    error: str = ""


def told(groups: Iterable[config.ScanGroup], collected: Iterable[Collected], *, with_time: bool) -> Told:
    """What was collected, ready to compare."""
    by_digest = {group.digest: group for group in groups}
    result = Told()
    for each in collected:
        result.error = each.error or result.error
        for scan in each.scans:
            tags = [tag.tag for tag in by_digest[scan.group].tags]
            marks: dict[str, Any] = {}
            for tag, value, quality in zip(tags, scan.values, scan.quality, strict=True):
                assert math.isnan(value) == (quality >= ABSENT), f"{tag}: value {value} with quality {quality}"
                marks[tag] = {ABSENT: "absent", BAD: "bad", 0: value}.get(quality, [value, quality])
            if with_time:
                marks["at"] = datetime.fromtimestamp(scan.at_us / 1e6, UTC)
            result.scans.append(marks)
        for miss in each.misses:
            group = by_digest[miss.group]
            tag = "*" if miss.column == WHOLE_GROUP else group.tags[miss.column].tag
            result.misses.append((tag, Cause(miss.cause).name.lower().replace("_", "-"), miss.count))
    return result


def check(expected: dict[str, Any], found: Told) -> None:
    """Compare everything, scans in order, misses in any."""
    assert found.scans == expected.get("scan", [])
    assert sorted(found.misses) == sorted((m["tag"], m["cause"], m.get("count", 1)) for m in expected.get("miss", []))
    assert expected.get("error", "") in found.error
    assert bool(expected.get("error")) == bool(found.error), found.error


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
