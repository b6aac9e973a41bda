"""A park for the stage: 11 enterprises, 42 sources, some 1,100 points, in the shapes of the page's snapshot."""

from __future__ import annotations

import math
from typing import Any

Json = dict[str, Any]

_KINDS: tuple[tuple[str, str, str, str], ...] = (
    ("液氨球罐区", "Liquid ammonia spheres", "storage", "三级"),
    ("液氯库", "Chlorine store", "storage", "二级"),
    ("液化石油气罐区", "LPG tank farm", "storage", "一级"),
    ("甲醇罐区", "Methanol tank farm", "storage", "四级"),
    ("苯罐区", "Benzene tank farm", "storage", "三级"),
    ("丙烯腈罐区", "Acrylonitrile tank farm", "storage", "二级"),
    ("环氧乙烷储罐", "Ethylene oxide tank", "storage", "一级"),
    ("氢气站", "Hydrogen station", "production", "四级"),
    ("硝化装置", "Nitration unit", "production", "二级"),
    ("氯化装置", "Chlorination unit", "production", "三级"),
    ("危险品仓库", "Hazardous goods warehouse", "storage", "四级"),
)

# quantity, tag letters, Chinese, English, uom, low, high, share of the span where it rests
_QUANTITIES: tuple[tuple[str, str, str, str, str, float, float, float], ...] = (
    ("level", "LT", "液位", "level", "m", 0, 15, 0.62),
    ("pressure", "PT", "压力", "pressure", "MPa", 0, 2.5, 0.4),
    ("temperature", "TT", "温度", "temperature", "℃", -20, 100, 0.38),
    ("combustible_gas", "GT", "可燃气体", "combustible gas", "%LEL", 0, 100, 0.02),
    ("toxic_gas", "AT", "有毒气体", "toxic gas", "ppm", 0, 100, 0.01),
    ("flow", "FT", "流量", "flow", "m³/h", 0, 200, 0.3),
)
_UNITS = 4
_WAREHOUSE = {"temperature", "combustible_gas", "toxic_gas"}


def sources() -> list[Json]:
    """The 42 sources, four to an enterprise (two of the last)."""
    found: list[Json] = []
    for number in range(42):
        enterprise, place = f"E{number // 4 + 1:02d}", number % 4 + 1
        name, name_en, unit_type, level = _KINDS[number % len(_KINDS)]
        found.append({
            "id": f"{enterprise}-S{place}",
            "enterprise": enterprise,
            "enterprise_name": f"示例企业{enterprise[1:]}",
            "enterprise_name_en": f"Example enterprise {enterprise[1:]}",
            "name": name,
            "name_en": name_en,
            "level": level,
            "r": 14.4,
            "position": [116.31 + number / 1000, 35.06],
            "unit_type": unit_type,
            "edge": enterprise,
        })  # fmt: skip
    return found


def points(of: list[Json]) -> list[Json]:
    """The points of the sources `of`: each unit with its quantities; a warehouse has gas and temperature only."""
    found: list[Json] = []
    for source in of:
        place = int(source["id"][-1])
        for unit in range(1, _UNITS + 1):
            for quantity, letters, name, name_en, uom, low, high, _ in _QUANTITIES:
                if source["name"] == "危险品仓库" and quantity not in _WAREHOUSE:
                    continue
                tag = f"{letters}-{place}{unit:02d}1"
                found.append({
                    "id": f"{source['enterprise']}/{tag}",
                    "source": source["id"],
                    "tag": tag,
                    "name": f"{unit}#{source['name'].removesuffix('区')}{name}",
                    "name_en": f"{source['name_en']} {unit} {name_en}",
                    "quantity": quantity,
                    "uom": uom,
                    "low": low,
                    "high": high,
                    "ll": None,
                    "l": None,
                    "h": round(low + 0.7 * (high - low), 3),
                    "hh": round(low + 0.8 * (high - low), 3),
                    "period_s": 1,
                })  # fmt: skip
    return found


def value(point: Json, index: int, at_s: float) -> float:
    """A plausible value of `point` at `at_s`: rest with a slow wave of its own."""
    rest = next(row[7] for row in _QUANTITIES if row[0] == point["quantity"])
    span = point["high"] - point["low"]
    return point["low"] + span * max(0.0, rest + 0.05 * rest * math.sin(at_s / 30 + index))
