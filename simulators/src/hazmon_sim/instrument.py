"""An instrument: a signal as the instrument shows it, and what disturbs it. Pure but for the list of disturbances."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from hazmon_sim.signal import Signal


class Disturbance(Protocol):
    """Changes what an instrument shows from `start` until `until`, Unix seconds. `apply` is pure."""

    @property
    def start(self) -> float: ...

    @property
    def until(self) -> float: ...

    def apply(self, t: float, value: float) -> float: ...


@dataclass(slots=True)
class Instrument:
    """`device` is what the world reaches it through (`E01/plc1`, `E01/mqtt`, `E01/dcs`), `period_s` how often it speaks.

    `range` and all values in the instrument's own unit; NaN means that the instrument reports itself broken.
    """

    site: str
    tag: str
    device: str
    period_s: float
    range: tuple[float, float]
    digits: int
    signal: Signal
    disturbances: list[Disturbance] = field(default_factory=list["Disturbance"])

    @property
    def id(self) -> str:
        """Name in the park: `E01/LT-1101`."""
        return f"{self.site}/{self.tag}"

    def read(self, t: float) -> float:
        """What it shows at t, rounded to its resolution."""
        value = self.signal.at(t)
        for disturbance in self.disturbances:
            if disturbance.start <= t < disturbance.until:
                value = disturbance.apply(t, value)
        return round(value, self.digits)

    def text(self, t: float) -> str | None:
        """What it shows at t as its display writes it; None when it reports itself broken."""
        value = self.read(t)
        return None if math.isnan(value) else f"{value:.{self.digits}f}"

    def forget(self, t: float) -> None:
        """Drop the disturbances that are over at t."""
        self.disturbances[:] = [item for item in self.disturbances if item.until > t]
