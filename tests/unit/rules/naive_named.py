"""The named rules again, one reading and one rule at a time, in plain words: what the kernel must agree with."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hazmon.model import Quality
from hazmon.rulebook import All, Deviation, Expression, NamedRule, Not, Some, Term, Travel, Vote, operands_of
from hazmon.rules.frame import ScanBlock

OPERATORS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
NAN = float("nan")


@dataclass
class Point:
    """The last value that could be judged, whether the newest reading could be, and when it was."""

    value: float = NAN
    good: bool = False
    at: int = -1


@dataclass
class Standing:
    """A rule: whether it holds, since when the opposite is true, when it last turned, how its last look is dated."""

    on: bool = False
    since: int | None = None
    turned: int = -1
    looked: int = -1


@dataclass
class Naive:
    """A plant of points named by id."""

    rules: Sequence[NamedRule]
    ids: list[str]
    points: dict[str, Point] = field(default_factory=dict[str, Point])
    standing: list[Standing] = field(default_factory=list[Standing])
    commands: dict[str, float] = field(default_factory=dict[str, float])
    blind: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self.points = {name: Point() for name in self.ids}
        self.standing = [Standing() for _ in self.rules]

    def step(self, blocks: Iterable[ScanBlock], blind: Iterable[str]) -> list[tuple[int, str, bool, float, float]]:
        """(instant, rule, on, value, limit) of each turn."""
        self.blind = set(blind)
        for standing in self.standing:
            standing.looked = standing.turned
        readings: list[tuple[int, str, float, bool]] = []
        newest = {name: point.at for name, point in self.points.items()}
        for block in blocks:
            for row, scan in enumerate(block.times.tolist()):
                for column, number in enumerate(list[int](block.points.tolist())):
                    code = 0 if block.quality is None else int(block.quality[row, column])
                    if number < 0 or code == Quality.ABSENT:
                        continue
                    offset = 0 if block.offsets is None else int(block.offsets[row, column])
                    name = self.ids[number]
                    newest[name] = max(newest[name] + 1, scan + 1000 * offset)
                    good = code in (Quality.GOOD, Quality.CLOCK_SUSPECT)
                    readings.append((newest[name], name, float(block.values[row, column]), good))
        found: list[tuple[int, str, bool, float, float]] = []
        for at in sorted({reading[0] for reading in readings}):
            told = {name: (value, good) for when, name, value, good in readings if when == at}
            for name, (value, good) in told.items():
                self.blind.discard(name)
                point = self.points[name]
                point.at, point.good = at, good
                point.value = value if good else point.value
            for rule, standing in zip(self.rules, self.standing, strict=True):
                if told.keys() & set(operands_of(rule.test)):
                    standing.looked = max(at, standing.looked + 1)
                    found += self._look(rule, standing, standing.looked)
        return found

    def _look(self, rule: NamedRule, standing: Standing, at: int) -> list[tuple[int, str, bool, float, float]]:
        raising, clearing, value, limit = self._ask(rule)
        on_delay = rule.on_delay_s
        if isinstance(rule.test, Travel):
            on_delay = rule.test.travel_s
            command = self.points[rule.test.command].value
            if command != self.commands.get(rule.tag, NAN):
                standing.since = None
                self.commands[rule.tag] = command
        if raising is None:
            return []
        if not (clearing if standing.on else raising):
            standing.since = None
            return []
        if standing.since is None:
            standing.since = at
        if at - standing.since < (rule.off_delay_s if standing.on else on_delay) * 1e6 - 50_000:
            return []
        standing.on, standing.since, standing.turned = not standing.on, None, at
        return [(at, rule.id, standing.on, value, limit)]

    def _ask(self, rule: NamedRule) -> tuple[bool | None, bool, float, float]:
        """(wants on, wants off, value, limit); None = nobody knows."""
        match rule.test:
            case Vote(of=terms, need=need, bad=bad):
                answers = [self._truth(term) for term in terms]
                yes, lost = answers.count(True), answers.count(None)
                if lost == len(terms):
                    return None, False, 0, need
                on = (yes > 0 and yes + lost >= need) if bad == "vote" else yes >= min(need, len(terms) - lost)
                return on, not on, yes, need
            case Deviation(a=a, b=b, limit=limit, deadband=deadband):
                one, other = self._value(a), self._value(b)
                if one is None or other is None:
                    return None, False, NAN, limit
                apart = abs(one - other)
                return apart >= limit, apart < limit and apart <= limit - deadband, apart, limit
            case Travel(command=command, feedback=feedback, tolerance=tolerance):
                one, other = self._value(command), self._value(feedback)
                if one is None or other is None:
                    return None, False, NAN, tolerance
                return abs(one - other) > tolerance, abs(one - other) <= tolerance, one - other, tolerance
            case _:
                answer = self._truth(rule.test)
                first = self._value(operands_of(rule.test)[0])
                numbers = _numbers(rule.test)
                limit = numbers[0] if len(numbers) == 1 else NAN
                return answer, answer is False, NAN if first is None else first, limit

    def _value(self, name: str) -> float | None:
        point = self.points[name]
        return point.value if point.good and name not in self.blind else None

    def _truth(self, expression: Expression) -> bool | None:
        match expression:
            case Term(point=point, op=op, value=number):
                value = self._value(point)
                return None if value is None else OPERATORS[op](value, number)
            case Not(of=part):
                answer = self._truth(part)
                return None if answer is None else not answer
            case All(of=parts):
                answers = [self._truth(part) for part in parts]
                return False if False in answers else None if None in answers else True
            case Some(of=parts):
                answers = [self._truth(part) for part in parts]
                return True if True in answers else None if None in answers else False


def _numbers(expression: Expression) -> list[float]:
    match expression:
        case Term(value=value):
            return [value]
        case Not(of=part):
            return _numbers(part)
        case All(of=parts) | Some(of=parts):
            return [number for part in parts for number in _numbers(part)]
