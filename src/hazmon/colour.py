"""The live warning colour of a source, 红橙黄蓝, by an open and versioned rule set.

No public formula for it exists: the rules in config/colour.toml are ours, for the park to change. The colour is kept apart from
the two fields that look like it: the hazard level (一..四级) is static and has no part in it, and an alarm's priority (1..4) is
only one of the things that a rule may ask for. Nor is it the colour of an emergency plan. Pure: the instant is in the facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hazmon.clock import MINUTE_US
from hazmon.rulebook import Kind

# the words of AlarmState, which stands beside this module, not below it
ACTIVE_STATES = frozenset({"unacknowledged", "acknowledged", "latched_unacknowledged", "latched_acknowledged"})
UNSEEN_STATES = frozenset({"unacknowledged", "latched_unacknowledged", "returned_unacknowledged"})


class Colour(StrEnum):
    """重大 较大 一般 低, the worst first."""

    RED = "红"
    ORANGE = "橙"
    YELLOW = "黄"
    BLUE = "蓝"


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An alarm of the source that is not over; `since_us`: since when it waits to be acknowledged, else since it was raised."""

    priority: int
    kind: Kind
    state: str
    since_us: int
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the rules may know of a source at microsecond `at_us`.

    `unknown_share`: points without a usable value now, of all its points, 0 to 1. `exempt`: 停用, 检修 or 离线报备.
    """

    at_us: int
    alarms: Sequence[OpenAlarm] = ()
    unknown_share: float = 0.0
    box_silent: bool = False
    exempt: bool = False


@dataclass(frozen=True, slots=True)
class ColourRule:
    """One rule: true when everything that it asks for is.

    If it says anything of alarms, at least `alarms` of them must fit all of: priority no lower in rank than `priority` (1 is the
    first), one of `kinds` (empty = any), unacknowledged for at least so many minutes. An alarm fits while its condition stands
    or it is latched; asked for its minutes, also when it has returned unseen. Suppressed alarms fit only if `suppressed`.
    """

    id: str
    colour: Colour
    reason: str
    reason_en: str
    alarms: int = 0
    priority: int | None = None
    kinds: frozenset[Kind] = frozenset()
    unacknowledged_min: float | None = None
    suppressed: bool = False
    unknown_share: float | None = None
    box_silent: bool | None = None


@dataclass(frozen=True, slots=True)
class ColourRules:
    """The rule set: the first rule that is true gives the colour, else the default."""

    version: str
    rules: tuple[ColourRule, ...]
    default: ColourRule


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a source has its colour: the rule and the version of the rule set that said so, in both languages.

    An exempt source is coloured as any other, and marked.
    """

    rule: str
    version: str
    text: str
    text_en: str
    exempt: bool


def colour(rules: ColourRules, facts: SourceFacts) -> tuple[Colour, Reason]:
    """The colour of a source, and why."""
    found = next((rule for rule in rules.rules if _holds(rule, facts)), rules.default)
    return found.colour, Reason(found.id, rules.version, found.reason, found.reason_en, facts.exempt)


def _holds(rule: ColourRule, facts: SourceFacts) -> bool:
    if rule.box_silent is not None and rule.box_silent != facts.box_silent:
        return False
    if rule.unknown_share is not None and facts.unknown_share < rule.unknown_share:
        return False
    return sum(_fits(rule, alarm, facts.at_us) for alarm in facts.alarms) >= rule.alarms if rule.alarms else True


def _fits(rule: ColourRule, alarm: OpenAlarm, at_us: int) -> bool:
    if alarm.suppressed and not rule.suppressed:
        return False
    if rule.priority is not None and alarm.priority > rule.priority:
        return False
    if rule.kinds and alarm.kind not in rule.kinds:
        return False
    if rule.unacknowledged_min is None:
        return alarm.state in ACTIVE_STATES
    return alarm.state in UNSEEN_STATES and at_us - alarm.since_us >= rule.unacknowledged_min * MINUTE_US
