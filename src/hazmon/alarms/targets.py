"""The measures beside what they are usually held against, each with how far that number can be trusted.

None of the standards' own texts (IEC 62682, ISA-18.2, EEMUA 191, GB 17681-2024) could be read for these numbers. So none is
"what the standard requires": they are what others publish of the practice, what is generally known, or our own default.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hazmon.alarms.statistics import Share, Statistics


class Trust(StrEnum):
    """How far a target can be trusted."""

    PUBLISHED = "published"  # read on a public page that tells the practice, not in the standard
    RECALLED = "recalled"  # general knowledge of the field, not verified
    OWN = "own"  # a default of ours


@dataclass(frozen=True, slots=True)
class Target:
    """Between `at_least` and `at_most`, where given; `basis` says whose number it is."""

    trust: Trust
    basis: str
    at_most: float | None = None
    at_least: float | None = None

    def met(self, value: float | None) -> bool | None:
        """Whether the value keeps to it; None of no value."""
        if value is None:
            return None
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the scoreboard; `unit` is that of the value."""

    id: str
    name: str
    name_en: str
    unit: str
    share: Share
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target or a value."""
        return None if self.target is None else self.target.met(self.share.value)


_GRID = "EEMUA 191 / ISA-18.2 practice, as published by vendors"
_SELF_AUDIT = "a vendor's alarm self-audit after ISA-18.2"
_RECALLED = "ISA-18.2 practice, not verified"
_MIX = "EEMUA 191 practice, as published by vendors: about 5 : 15 : 80, here give or take a third"
_ANSWER = "our default for urgent alarms: acknowledged within 5 minutes"

_SHARES_OF_TIME = (
    ("per_10_min_above_1", 1, None),
    ("per_10_min_above_2", 2, None),
    ("per_10_min_above_10", 10, Target(Trust.RECALLED, _RECALLED, at_most=0.01)),
)
_MIXES = (
    Target(Trust.PUBLISHED, _MIX, at_most=0.07),
    Target(Trust.PUBLISHED, _MIX, at_least=0.10, at_most=0.20),
    Target(Trust.PUBLISHED, _MIX, at_least=0.73),
)


def measures(found: Statistics) -> tuple[Measure, ...]:
    """The scoreboard of a range."""
    return (*_rates(found), *_floods(found), *_actors(found), *_priorities(found), *_people(found))


def _rates(found: Statistics) -> list[Measure]:
    ten, hour = found.per_10_min, found.per_hour
    lines = [
        Measure(
            "per_10_min_mean",
            "每 10 分钟报警数（平均）",
            "alarms per 10 minutes, mean",
            "alarms",
            ten.mean,
            Target(Trust.PUBLISHED, f"{_GRID}: 1 acceptable, 2 the most that can be managed", at_most=1),
        ),
        Measure(
            "per_10_min_most",
            "每 10 分钟报警数（最多）",
            "alarms in 10 minutes, most",
            "alarms",
            Share(ten.most, 1),
            Target(Trust.RECALLED, _RECALLED, at_most=10),
        ),
    ]
    lines += [
        Measure(
            name,
            f"多于 {mark} 条报警的 10 分钟占比",
            f"10-minute intervals with more than {mark}",
            "share",
            ten.above[mark],
            target,
        )
        for name, mark, target in _SHARES_OF_TIME
    ]
    return [
        *lines,
        Measure(
            "per_hour_mean",
            "每小时报警数（平均）",
            "alarms per hour, mean",
            "alarms",
            hour.mean,
            Target(Trust.PUBLISHED, "operations practice as published: 6 acceptable, 12 the most that can be managed", at_most=6),
        ),
        Measure("per_hour_most", "每小时报警数（最多）", "alarms in an hour, most", "alarms", Share(hour.most, 1)),
        Measure(
            "per_hour_above_30",
            "多于 30 条报警的小时占比",
            "hours with more than 30",
            "share",
            hour.above[30],
            Target(Trust.RECALLED, _RECALLED, at_most=0.01),
        ),
    ]


def _floods(found: Statistics) -> list[Measure]:
    return [
        Measure(
            "time_in_flood",
            "处于报警泛滥的时间占比",
            "share of time in flood",
            "share",
            found.floods.time,
            Target(Trust.PUBLISHED, "vendors' guides after ISA-18.2: about 1 %", at_most=0.01),
        ),
        Measure("alarms_in_flood", "泛滥中的报警占比", "share of the alarms in floods", "share", found.floods.alarms),
    ]


def _actors(found: Statistics) -> list[Measure]:
    return [
        Measure(
            "top_ten",
            "前十位报警占比",
            "share of the ten most frequent",
            "share",
            found.top_share,
            Target(Trust.RECALLED, _RECALLED, at_most=0.05),
        ),
        Measure(
            "chattering",
            "抖动报警点占比",
            "chattering, of those that raised",
            "share",
            found.chattering,
            Target(Trust.PUBLISHED, f"{_SELF_AUDIT}: none", at_most=0),
        ),
        Measure(
            "fleeting",
            "瞬时报警占比",
            "fleeting, of all excursions",
            "share",
            found.fleeting,
            Target(Trust.RECALLED, f"{_RECALLED}: none; what is fleeting (15 s) is our choice", at_most=0),
        ),
        Measure("stale", "长期报警（超过 24 小时）占比", "stale (over 24 h), of those that stood", "share", found.stale),
        Measure(
            "stale_count",
            "长期报警（超过 24 小时）数",
            "stale alarms (over 24 h)",
            "alarms",
            Share(found.stale.numerator, 1),
            Target(Trust.RECALLED, f"{_RECALLED}: fewer than 5 on any day", at_most=4),
        ),
        Measure(
            "standing",
            "时段末仍存在的报警数",
            "alarms that stand at the end",
            "alarms",
            Share(found.standing, 1),
            Target(Trust.RECALLED, "EEMUA 191 practice, not verified: fewer than 10", at_most=9),
        ),
    ]


def _priorities(found: Statistics) -> list[Measure]:
    first, second, third, fourth = found.priorities
    rest = Share(third.numerator + fourth.numerator, third.denominator)
    return [
        Measure(f"priority_{name}", f"{name} 级报警占比", f"share of priority {name}", "share", share, target)
        for name, share, target in zip(("1", "2", "3-4"), (first, second, rest), _MIXES, strict=True)
    ]


def _people(found: Statistics) -> list[Measure]:
    p95 = found.waiting[0].p95_s
    return [
        Measure(
            "priority_1_acknowledged",
            "1 级报警确认用时（95 %）",
            "time to acknowledge priority 1, 95 %",
            "s",
            Share(p95 or 0, 0 if p95 is None else 1),
            Target(Trust.OWN, _ANSWER, at_most=300),
        ),
        Measure("unacknowledged", "未确认报警占比", "never acknowledged", "share", found.unacknowledged),
        Measure("silenced", "被搁置或抑制而未响的报警占比", "raised while suppressed, not heard", "share", found.silenced),
    ]
