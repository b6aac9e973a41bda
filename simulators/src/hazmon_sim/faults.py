"""What can go wrong, by name. How it is brought about: switchboard.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LATE_S = 2.0  # slow_plc, unless told


class Target(StrEnum):
    """What a fault happens to, and how that is named."""

    TANK = "a level gauge of a tank: E01/LT-1101"
    TOXIC = "a toxic gas detector: E01/AT-1101"
    COMBUSTIBLE = "a combustible gas detector: E03/GT-1101"
    INSTRUMENT = "any instrument: E01/PT-1101"
    PLC = "a PLC: E01/plc1"
    GATEWAY = "a site's sensors: E01, or one of them: E01/AT-1101"
    DCS = "a site's DCS: E01"
    LINK = "a box: E01"


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault; `for_s` is how long it lasts unless told, `value` what its number means."""

    name: str
    target: Target
    for_s: float
    text: str
    text_en: str
    value: str | None = None


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("fast_fill", Target.TANK, 60, "储罐液位过快上升，随后回落", "a tank fills too fast, then drains back"),
        Fault(
            "toxic_leak", Target.TOXIC, 60, "有毒气体泄漏：一级、二级，随后消散", "a toxic leak: level 1, level 2, then it decays"
        ),
        Fault(
            "gas_leak",
            Target.COMBUSTIBLE,
            60,
            "可燃气体泄漏：一级、二级，随后消散",
            "a combustible leak: level 1, level 2, then it decays",
        ),
        Fault("frozen", Target.INSTRUMENT, 120, "变送器冻结", "a transmitter freezes at its last value"),
        Fault("spike", Target.INSTRUMENT, 0, "单点尖峰（一个采样）", "one sample near the end of the range", "the spike's value"),
        Fault("bad_value", Target.INSTRUMENT, 60, "变送器坏值", "a transmitter reports itself broken", "a wrong number instead"),
        Fault("plc_silent", Target.PLC, 60, "PLC 不应答", "a PLC accepts and never answers"),
        Fault("plc_down", Target.PLC, 60, "PLC 断开", "a PLC refuses connections"),
        Fault("slow_plc", Target.PLC, 60, "PLC 应答迟缓", "a PLC answers late", f"seconds late (default {LATE_S:g})"),
        Fault("mqtt_silent", Target.GATEWAY, 60, "传感器停止发布", "sensors stop publishing"),
        Fault("dcs_stop", Target.DCS, 180, "DCS 停止导出", "a DCS stops exporting"),
        Fault("link_down", Target.LINK, 20, "采集箱上行链路中断", "a box's link to the park is reset and refused"),
        Fault("link_blackhole", Target.LINK, 60, "采集箱上行链路黑洞", "a box's link swallows everything, without a reset"),
    )
}
