"""The nouns of the park, as the configuration describes them: frozen, no I/O, no time.

Three words that look alike are kept apart everywhere: the hazard `Level` (一..四级, static, GB 18218-2018), the alarm
`priority` (1 紧急 .. 4 低) and the live warning colour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from fractions import Fraction

from hazmon.colour import ColourRules
from hazmon.rulebook import ByDesign, Escalation, Handling, Limits, NamedRule, Rule


class Quality(IntEnum):
    """What a box says of a reading, one byte; the letters are HJ 212's. From NO_VALUE on there is no number."""

    GOOD = 0  # N
    STOPPED = 1  # F
    MAINTENANCE = 2  # M
    MANUAL = 3  # S
    DEVICE_FAULT = 4  # D
    CALIBRATION = 5  # C
    OUT_OF_RANGE = 6  # T
    COMMUNICATION = 7  # B
    CLOCK_SUSPECT = 8  # K
    ABSENT = 128  # A: the scan holds no reading of this point
    BAD = 129  # X: the device said bad and gave no number


NO_VALUE = 128
QUALITY_LETTERS = {0: "N", 1: "F", 2: "M", 3: "S", 4: "D", 5: "C", 6: "T", 7: "B", 8: "K", 128: "A", 129: "X"}


class MissCause(IntEnum):
    """Why a reading that was owed is not there."""

    NOT_CONNECTED = 1
    TIMEOUT = 2
    REFUSED = 3
    DECODE = 4
    QUALITY = 5
    BOX_OFF = 6
    LINK_OFF = 7
    EXEMPT = 8


class Quantity(StrEnum):
    """What a point measures."""

    LEVEL = "level"
    TEMPERATURE = "temperature"
    PRESSURE = "pressure"
    FLOW = "flow"
    COMBUSTIBLE_GAS = "combustible_gas"
    TOXIC_GAS = "toxic_gas"
    OXYGEN = "oxygen"
    VALVE = "valve"
    WIND_SPEED = "wind_speed"
    WIND_DIRECTION = "wind_direction"
    AIR_TEMPERATURE = "air_temperature"
    HUMIDITY = "humidity"
    SMOKE = "smoke"
    POWER = "power"


class UnitKind(StrEnum):
    """What a thing in a source is."""

    PRESSURE_TANK = "pressure_tank"
    ATMOSPHERIC_TANK = "atmospheric_tank"
    PROCESS_UNIT = "process_unit"
    WAREHOUSE = "warehouse"
    GAS_HOLDER = "gas_holder"
    AREA = "area"


class UnitType(StrEnum):
    """GB 18218-2018 §4.1.1: 储存单元 or 生产单元."""

    STORAGE = "storage"
    PRODUCTION = "production"


class Level(StrEnum):
    """Hazard level of a source by GB 18218-2018; static, never an alarm colour."""

    ONE = "一级"
    TWO = "二级"
    THREE = "三级"
    FOUR = "四级"


@dataclass(frozen=True, slots=True)
class Chemical:
    """A hazardous chemical of a source; `tonnes` is the design maximum, `hazard_class` only where table 1 has no row."""

    name: str
    cas: str
    tonnes: float
    hazard_class: str | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """储罐/装置/库房: a thing in a source."""

    id: str
    name: str
    kind: UnitKind


@dataclass(frozen=True, slots=True)
class Source:
    """重大危险源. `r` and `level` are computed from the chemicals, never typed in."""

    id: str
    enterprise: str
    name: str
    name_en: str
    unit_type: UnitType
    level: Level
    s: float
    r: float
    position: tuple[float, float]  # longitude, latitude, degrees
    chemicals: tuple[Chemical, ...]
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """监测指标: one measured quantity of a source, with its 位号."""

    enterprise: str
    tag: str
    source: str
    unit: str
    name: str
    name_en: str
    quantity: Quantity
    uom: str
    range_low: float
    range_high: float
    period_s: float
    limits: Limits
    handling: Handling = field(default_factory=Handling)

    @property
    def id(self) -> str:
        """Name in the whole park: `E01/LT-1101`."""
        return f"{self.enterprise}/{self.tag}"


@dataclass(frozen=True, slots=True)
class Enterprise:
    """企业, with the residents within 500 m outside its boundary (for GB 18218's alpha)."""

    id: str
    name: str
    name_en: str
    residents_500m: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Quantities of which at least one must be measured where the group is required."""

    id: str
    name: str
    name_en: str
    quantities: frozenset[Quantity]


@dataclass(frozen=True, slots=True)
class CoverageRules:
    """coverage.toml: what each kind of unit must have measured, and what counts as monitored. Times in seconds, shares exact."""

    groups: dict[str, ParameterGroup]
    required: dict[UnitKind, tuple[str, ...]]
    prompt_s: int = 60
    late_deadline_s: int = 86_400
    clock_limit_s: int = 30
    grace_s: int = 7_200  # an exemption may be filed so long after its gap began
    cap: Fraction = Fraction(5, 100)  # of a source's month that exemptions may excuse
    online_min: Fraction = Fraction(95, 100)  # net coverage from which on a source counts as monitored


@dataclass(frozen=True, slots=True)
class Settings:
    """park.toml: times in seconds, retention in days."""

    name: str
    name_en: str
    timezone: str = "Asia/Shanghai"
    live_window_s: float = 30.0
    future_s: float = 60.0
    raw_days: int = 90
    minute_days: int = 1095
    queue_batches: int = 512
    escalation: Escalation = field(default_factory=Escalation)
    shelve_max_h: float = 8.0


@dataclass(frozen=True, slots=True)
class Park:
    """The whole configuration, checked."""

    settings: Settings
    enterprises: tuple[Enterprise, ...]
    points: tuple[Point, ...]
    digest: str = ""
    named: tuple[NamedRule, ...] = ()
    by_design: tuple[ByDesign, ...] = ()
    colours: ColourRules | None = None
    coverage: CoverageRules | None = None
    by_id: dict[str, int] = field(default_factory=dict[str, int], compare=False)  # points
    rows: dict[str, int] = field(default_factory=dict[str, int], compare=False)  # points, then named rules

    def __post_init__(self) -> None:
        self.by_id.update({point.id: index for index, point in enumerate(self.points)})
        self.rows.update({subject.id: row for row, subject in enumerate((*self.points, *self.named))})

    @property
    def sources(self) -> tuple[Source, ...]:
        """All sources, in the order of the enterprises."""
        return tuple(source for enterprise in self.enterprises for source in enterprise.sources)


ERROR_PRIORITY = 3  # as of a silent connection: the plant is not seen, though its readings come


def priority(quantity: Quantity, rule: Rule) -> int:
    """Alarm priority, 1 紧急 .. 4 低, where the configuration names none (our default, not a rule of the field).

    Level-2 gas comes first, toxic before combustible at equal level (GB 50493 practice); then HH/LL; then the rest.
    """
    gas = {Quantity.TOXIC_GAS: (2, 1), Quantity.COMBUSTIBLE_GAS: (3, 1), Quantity.OXYGEN: (2, 1)}
    match rule:
        case Rule.STALE | Rule.QUALITY | Rule.RANGE | Rule.STUCK:
            return 4
        case Rule.H | Rule.L if quantity in gas:
            return gas[quantity][0]
        case Rule.HH | Rule.LL if quantity in gas:
            return gas[quantity][1]
        case Rule.HH | Rule.LL:
            return 2
        case Rule.ERROR:
            return ERROR_PRIORITY
        case _:
            return 3
