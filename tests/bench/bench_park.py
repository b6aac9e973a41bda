"""A park of equal sources for the load figures: its configuration, its scan groups, and the batches its boxes would ship."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from hazmon_edge import wire

SECOND_US = 1_000_000
HEADER = (
    "tag,source,unit,name,name_en,quantity,uom,range_low,range_high,LL,L,H,HH,deadband,on_delay_s,off_delay_s,"
    "rate_up,rate_down,rate_window_s,period_s,stale_s"
)
TAGS_HEADER = "tag,connection,address,type,word_order,scale,offset,path,time_path,source"
PARK = """\
name = "测试园区"
name_en = "Bench park"
timezone = "Asia/Shanghai"
[live]
window_s = 30
future_s = 60
[retention]
raw_days = 90
minute_days = 1095
[ingest]
queue_batches = 512
"""
ENTERPRISE = """\
id = "{id}"
name = "示例企业{number:02}"
name_en = "Example enterprise {number:02}"
residents_500m = 40
"""
SOURCE = """
[[source]]
id = "{id}"
name = "液氨球罐区"
name_en = "Liquid ammonia"
unit_type = "storage"
level = "三级"
position = [116.31, 35.06]
[[source.chemical]]
name = "液氨"
cas = "7664-41-7"
tonnes = 60.0
[[source.unit]]
id = "V-{number}"
name = "球罐"
kind = "pressure_tank"
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One source: its box, its tags, and its scan group."""

    edge: str
    source: str
    group: wire.Group

    @property
    def tags(self) -> tuple[str, ...]:
        return self.group.points


def cells(sources: int = 42, points: int = 40, boxes: int = 11) -> list[Cell]:
    """Sources dealt over the boxes, each of one scan group that is read once a second."""
    made: list[Cell] = []
    for number in range(sources):
        edge = f"E{number % boxes + 1:02}"
        tags = tuple(f"LT-{number:02}{point:02}" for point in range(points))
        made.append(Cell(edge, f"{edge}-S{number}", wire.Group(f"plc{number}", SECOND_US, tags)))
    return made


def write_config(folder: Path, park: list[Cell], ports: Mapping[str, int] | None = None) -> None:
    """The configuration files of the park; a third of the points have a rate rule.

    `ports`: where the device of each scan group listens; without it nobody does, for load that needs no boxes.
    """
    folder.mkdir(parents=True)
    (folder / "park.toml").write_text(PARK, "utf-8")
    for edge in sorted({cell.edge for cell in park}):
        own = [cell for cell in park if cell.edge == edge]
        home = folder / edge
        home.mkdir()
        number = int(edge[1:])
        sources = [SOURCE.format(id=cell.source, number=index) for index, cell in enumerate(own)]
        (home / "enterprise.toml").write_text(ENTERPRISE.format(id=edge, number=number) + "".join(sources), "utf-8")
        points, tags, connections = [HEADER], [TAGS_HEADER], [_box(edge)]
        for index, cell in enumerate(own):
            port = ports[cell.group.name] if ports is not None else 20_000 + 100 * number + index
            connections.append(_connection(cell.group.name, port))
            for place, tag in enumerate(cell.tags):
                rate = "1,1,60" if place % 3 == 0 else ",,"
                points.append(
                    f"{tag},{cell.source},V-{index},液位,Level,level,m,0,15,1,2,12,13,0.2,0,0,{rate},1,30",
                )
                tags.append(f"{tag},{cell.group.name},holding:{place * 2},f32,ABCD,,,,,")
        (home / "points.csv").write_text("\n".join(points) + "\n", "utf-8")
        (home / "tags.csv").write_text("\n".join(tags) + "\n", "utf-8")
        (home / "edge.toml").write_text("".join(connections), "utf-8")


def _box(edge: str) -> str:
    return (
        f'edge = "{edge}"\npark_url = "http://127.0.0.1:1"\ntoken_file = "secrets/{edge}.token"\n'
        f'data = "edge/{edge}"\nmax_backlog_days = 7\n'
    )


def _connection(name: str, port: int) -> str:
    return (
        f'[[connection]]\nname = "{name}"\nkind = "modbus_tcp"\nhost = "127.0.0.1"\nport = {port}\nunit_id = 1\n'
        "period_s = 1.0\ntimeout_s = 0.8\nmax_gap = 8\nmax_registers = 120\n"
    )


class Shipper:
    """Batches as the boxes would make them: noisy levels in hundredths of a metre, well inside their limits."""

    def __init__(self, park: list[Cell], boot: int, seed: int = 1) -> None:
        self.park = park
        self._boot = boot
        self._seq: dict[str, int] = {}
        self._noise = np.random.default_rng(seed)
        self._packed: dict[tuple[str, int], wire.PackedBlock] = {}

    def block(self, cell: Cell, first_us: int, scans: int, step_us: int, high: int | None = None) -> wire.PackedBlock:
        """A block of so many scans; column `high`, if given, stands above its H limit in the last of them."""
        key = (cell.group.name, scans)
        if high is not None or key not in self._packed:
            values = np.round(5 + self._noise.normal(0, 0.01, (scans, len(cell.tags))), 2)
            if high is not None:
                values[-1, high] = 12.5
            packed = wire.pack_block(
                wire.Block(
                    cell.group.digest,
                    [first_us + scan * step_us for scan in range(scans)],
                    values.ravel().tolist(),
                    len(cell.tags),
                )
            )
            if high is not None:
                return packed
            self._packed[key] = packed
        times = struct.pack(f"<{scans}q", first_us, *([step_us] * (scans - 1)))
        return replace(self._packed[key], times=times)

    def batch(self, edge: str, made_us: int, blocks: list[wire.PackedBlock], groups: tuple[wire.Group, ...] = ()) -> bytes:
        """The box's next batch."""
        seq = self._seq[edge] = self._seq.get(edge, -1) + 1
        return wire.encode(wire.Batch(edge, self._boot, seq, bytes(8), made_us, groups, tuple(blocks)))

    def declarations(self, made_us: int) -> Iterator[tuple[str, bytes]]:
        """A first batch of every box, which declares its groups."""
        for edge in sorted({cell.edge for cell in self.park}):
            groups = tuple(cell.group for cell in self.park if cell.edge == edge)
            yield edge, self.batch(edge, made_us, [], groups)
