"""The rules as the configuration describes them: of one point, over several, and how their alarms are handled. Frozen, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias


class Rule(StrEnum):
    """What is true of a point or of a named rule. The order is the column order of RuleState; within a kind, mild before bad."""

    LL = "LL"
    L = "L"
    H = "H"
    HH = "HH"
    RATE_UP = "RATE_UP"
    RATE_DOWN = "RATE_DOWN"
    STALE = "STALE"
    QUALITY = "QUALITY"
    RANGE = "RANGE"  # outside what the instrument can measure
    STUCK = "STUCK"
    FORECAST_UP = "FORECAST_UP"  # the trend reaches HH soon (预警)
    FORECAST_DOWN = "FORECAST_DOWN"  # or LL
    VOTE = "VOTE"
    DEVIATION = "DEVIATION"
    STATE = "STATE"
    CONDITION = "CONDITION"
    ERROR = "ERROR"  # a rule of it could not be evaluated


RULES: tuple[Rule, ...] = tuple(Rule)
NOT_EVALUATED = "规则无法评估 / cannot be evaluated"


class Kind(StrEnum):
    """What one alarm record follows: a rule, or the two limits of one side, through which an alarm rises and falls."""

    LOW = "LOW"
    HIGH = "HIGH"
    RATE_UP = "RATE_UP"
    RATE_DOWN = "RATE_DOWN"
    STALE = "STALE"
    QUALITY = "QUALITY"
    RANGE = "RANGE"
    STUCK = "STUCK"
    FORECAST_UP = "FORECAST_UP"
    FORECAST_DOWN = "FORECAST_DOWN"
    VOTE = "VOTE"
    DEVIATION = "DEVIATION"
    STATE = "STATE"
    CONDITION = "CONDITION"
    ERROR = "ERROR"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules, the mildest first."""
        if self is Kind.LOW:
            return Rule.L, Rule.LL
        if self is Kind.HIGH:
            return Rule.H, Rule.HH
        return (Rule(self),)


def kind_of(rule: Rule) -> Kind:
    """The record that a rule belongs to."""
    match rule:
        case Rule.L | Rule.LL:
            return Kind.LOW
        case Rule.H | Rule.HH:
            return Kind.HIGH
        case _:
            return Kind(rule)


class Signal(StrEnum):
    """How the instrument speaks. On 4-20 mA, NAMUR NE 43 says from where on a signal is a fault and no value."""

    DIGITAL = "digital"
    CURRENT = "4-20mA"


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules of one point: limits in its unit, rates in that unit per minute, times in seconds; None = no such rule."""

    ll: float | None = None
    l: float | None = None  # noqa: E741 - the field's own word
    h: float | None = None
    hh: float | None = None
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    rate_up: float | None = None
    rate_down: float | None = None
    rate_window_s: float = 60.0
    stale_s: float = 10.0
    rate_deadband: float = 0.1  # share of the rate limit by which the slope must fall below it again
    rate_on_delay_s: float = 0.0
    rate_off_delay_s: float = 0.0
    rate_samples: int = 4  # a slope needs as many samples
    rate_span: float = 0.5  # and this share of its window
    forecast_min: float | None = None  # warn when the trend reaches HH or LL within so many minutes
    stuck_s: float | None = None
    stuck_band: float = 0.0  # the point's usual noise, in its unit: less movement than this is none
    signal: Signal = Signal.DIGITAL


@dataclass(frozen=True, slots=True)
class Handling:
    """How a point's process alarms are handled. `priority` stands in place of the default for its limits and named rules."""

    latch: bool = False
    priority: int | None = None
    realarm_min: float | None = None  # an acknowledged alarm that still stands rings again after so long
    response: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison: a point (`E01/P-1101`), one of > >= < <= == !=, and a number in the point's unit."""

    point: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class All:
    """Every part is true."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part is true."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    of: Expression


Expression: TypeAlias = Term | All | Some | Not


@dataclass(frozen=True, slots=True)
class Vote:
    """`need` of the detectors say so. A bad detector counts as a vote beside a real one (`vote`: 2oo3 becomes 1oo2), or it is
    left out (`drop`: 2oo3 becomes 2oo2)."""

    of: tuple[Term, ...]
    need: int
    bad: Literal["vote", "drop"] = "vote"


@dataclass(frozen=True, slots=True)
class Deviation:
    """Two instruments of one quantity are further apart than `limit`, until they are nearer by `deadband`."""

    a: str
    b: str
    limit: float
    deadband: float = 0.0


@dataclass(frozen=True, slots=True)
class Travel:
    """A valve is not where it was commanded, `tolerance` apart, for longer than it travels."""

    command: str
    feedback: str
    tolerance: float
    travel_s: float


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A rule of rules.toml over points of one source; it has a tag of its own and raises alarms as a point does.

    `rule` is VOTE, DEVIATION, STATE (an expression over one point, or a Travel) or CONDITION.
    """

    enterprise: str
    tag: str
    source: str
    unit: str  # of the source, or empty
    name: str
    name_en: str
    rule: Rule
    priority: int
    test: Expression | Vote | Deviation | Travel
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    handling: Handling = field(default_factory=Handling)

    @property
    def id(self) -> str:
        """Name in the whole park: `E01/XV-1101-TRAVEL`."""
        return f"{self.enterprise}/{self.tag}"


@dataclass(frozen=True, slots=True)
class ByDesign:
    """While `when` is true, these alarms (subject id and kind) mean nothing. Unknown is not true."""

    enterprise: str
    tag: str
    when: Expression
    alarms: tuple[tuple[str, Kind], ...]
    reason: str

    @property
    def id(self) -> str:
        """Name in the whole park: `E01/P-1101-STOPPED`."""
        return f"{self.enterprise}/{self.tag}"


@dataclass(frozen=True, slots=True)
class Escalation:
    """After how many minutes without acknowledgement an alarm goes to 操作 -> 技术 -> 主要负责人, and when it must be verified.

    `urgent` is for level-2 gas and HH/LL; the numbers are our default, no rule of the field.
    """

    urgent_min: tuple[float, ...] = (5.0, 15.0, 30.0)
    other_min: tuple[float, ...] = (15.0,)
    verify_min: float = 30.0


def operands_of(test: Expression | Vote | Deviation | Travel) -> tuple[str, ...]:
    """Ids of the points that a rule looks at, each once, in their order."""
    match test:
        case Term(point=point):
            found = [point]
        case Deviation(a=a, b=b):
            found = [a, b]
        case Travel(command=command, feedback=feedback):
            found = [command, feedback]
        case Not(of=part):
            found = list(operands_of(part))
        case All(of=parts) | Some(of=parts) | Vote(of=parts):
            found = [point for part in parts for point in operands_of(part)]
    return tuple(dict.fromkeys(found))
