"""Why an alarm rang, or did not: the readings, the rule, the transitions, the record and the batch, in about ten lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hazmon.alarms.alarm import Alarm, AlarmEvent, Mark
from hazmon.alarms.states import Stimulus
from hazmon.changes import Changed, text_of
from hazmon.clock import MINUTE_US, US
from hazmon.errors import NotFound
from hazmon.instants import clock_text
from hazmon.model import QUALITY_LETTERS, Park, Point, Quality
from hazmon.rulebook import Kind, Rule, kind_of, operands_of
from hazmon.store.configurations import configurations
from hazmon.store.evidence import Origin, event_after, event_before, events_near, origin_of
from hazmon.store.pool import Connection
from hazmon.store.readings import Series, columns, read

NEAR_US = 10 * MINUTE_US
MOST_EVENTS = 6
EITHER_SIDE = 3  # readings before and after
VERSIONS = 200
_BY_READINGS = {Stimulus.RAISE, Stimulus.ESCALATE, Stimulus.EASE, Stimulus.CLEAR, Stimulus.LATCH, Stimulus.RAISE_LATE}
_SLOPES = {Rule.RATE_UP: ("rate_up", "rising"), Rule.RATE_DOWN: ("rate_down", "falling")}


@dataclass(slots=True)
class Explanation:
    """What is known of a rule of a subject at a time. `decided`: the transition that the question is about."""

    subject: str
    word: str
    at: int
    name: str
    configured: str
    since: list[tuple[int, int, Changed]]  # number and time of each later version that changed the subject
    readings: dict[str, Series]
    near: list[AlarmEvent]
    before: AlarmEvent | None
    after: AlarmEvent | None
    decided: AlarmEvent | None
    origin: Origin | None
    operands: list[str] = field(default_factory=list[str])


def asked(text: str) -> tuple[str, str, Kind]:
    """Subject, word and kind of `E01/LT-1101.HH` or `E01/LT-1101.HIGH`. Raises ValueError."""
    subject, _, word = text.rpartition(".")
    word = word.upper()
    if "/" not in subject:
        raise ValueError(f"{text}: expected POINT.RULE, like E01/LT-1101.HH")
    if word in tuple(Rule):
        return subject, word, kind_of(Rule(word))
    if word in tuple(Kind):
        return subject, word, Kind(word)
    raise ValueError(f"{text}: no rule {word}; there are {', '.join(dict.fromkeys((*Rule, *Kind)))}")


async def explain(connection: Connection, park: Park, subject: str, word: str, kind: Kind, at: int) -> Explanation:
    """What the record says of that kind of the subject's alarms around that microsecond. Raises NotFound."""
    near = await events_near(connection, subject, kind, at - NEAR_US, at + NEAR_US, MOST_EVENTS * 10)
    before = await event_before(connection, subject, kind, at)
    after = await event_after(connection, subject, kind, at)
    row = park.rows.get(subject)
    known = near[0] if near else before or after
    if row is None and known is None:
        raise NotFound(f"no point or named rule {subject} in the configuration, and no {kind} alarm of it in the record")
    decided = _decided(near, word, at)
    operands = _operands(park, subject)
    when = at if decided is None else decided.at
    readings: dict[str, Series] = {}
    for point in operands:
        index = park.by_id[point]
        width = max(10 * US, round((EITHER_SIDE + 1) * park.points[index].period_s * US))
        enterprise, _, tag = point.partition("/")
        series = await read(connection, await columns(connection, enterprise, tag), when - width, when + width + 1)
        readings[point] = series
    origins = [await origin_of(connection, point, decided.at) for point in operands] if decided else []
    since = [
        (version.number, version.at, change)
        for version in await configurations(connection, None, VERSIONS)
        for change in version.changes
        if version.at > at and change.subject == subject
    ]
    return Explanation(
        subject=subject,
        word=word,
        at=at,
        name=_name(park, subject) if known is None else known.alarm.subject.name,
        configured=configured(park, subject, kind),
        since=since,
        readings=readings,
        near=_nearest(near, decided, at),
        before=before,
        after=after,
        decided=decided,
        origin=next((origin for origin in origins if origin is not None), None),
        operands=operands,
    )


def report(found: Explanation, zone: str) -> Iterator[str]:
    """The explanation in lines, times in that zone."""
    yield f"{found.subject}.{found.word}  {found.name}  at {clock_text(found.at, zone)}"
    yield f"configured  {found.configured}"
    for number, at, change in found.since:
        text = f"{change.field} was {change.old}, is {change.new}"
        yield f"            since version {number} of {clock_text(at, zone)}: {text}"
    when = found.at if found.decided is None else found.decided.at
    for point, series in found.readings.items():
        yield f"readings    {f'{point}  ' if found.operands != [found.subject] else ''}{_readings(series, when, zone)}"
    for event in found.near:
        yield f"{'event' if event is not found.decided else 'decided':<12}{_event(event, zone)}"
    if not found.near:
        yield f"            {_nothing(found, zone)}"
    last = found.near[-1] if found.near else (found.before if found.before and found.before.alarm.open else None)
    if last is not None:
        yield from _record(last.alarm, zone)
    if found.decided is not None:
        yield f"batch       {_origin(found.origin, zone)}"


def configured(park: Park, subject: str, kind: Kind) -> str:
    """The rule as the configuration has it now."""
    row = park.rows.get(subject)
    if row is None:
        return "not in the configuration: a connection, a box, or what it had before"
    if row >= len(park.points):
        rule = park.named[row - len(park.points)]
        return f"{rule.rule}: {text_of(rule.test)}; on delay {rule.on_delay_s:g} s, off delay {rule.off_delay_s:g} s"
    return _rule_of_point(park.points[row], kind)


def _rule_of_point(point: Point, kind: Kind) -> str:
    limits = point.limits
    match kind:
        case Kind.HIGH | Kind.LOW:
            held = [(rule, getattr(limits, rule.lower())) for rule in kind.rules]
            levels = "  ".join(f"{rule} {value:g}" for rule, value in held if value is not None)
            delays = f"deadband {limits.deadband:g}, on delay {limits.on_delay_s:g} s, off delay {limits.off_delay_s:g} s"
            return f"{levels} {point.uom}, {delays}" if levels else "no such limit"
        case Kind.RATE_UP | Kind.RATE_DOWN:
            name, way = _SLOPES[Rule(kind)]
            rate = getattr(limits, name)
            delays = f"on delay {limits.rate_on_delay_s:g} s, off delay {limits.rate_off_delay_s:g} s"
            text = (
                f"{way} by {rate} {point.uom}/min over {limits.rate_window_s:g} s, deadband {limits.rate_deadband:.0%}, {delays}"
            )
            return "no such limit" if rate is None else text
        case Kind.FORECAST_UP | Kind.FORECAST_DOWN:
            to = limits.hh if kind is Kind.FORECAST_UP else limits.ll
            ahead = limits.forecast_min
            return "no such rule" if to is None or ahead is None else f"{to:g} {point.uom} within {ahead:g} min"
        case Kind.STUCK:
            stuck = limits.stuck_s
            return "no such rule" if stuck is None else f"within {limits.stuck_band:g} {point.uom} for {stuck:g} s"
        case Kind.STALE:
            return f"no reading for {limits.stale_s:g} s"
        case Kind.RANGE:
            return f"outside {point.range_low:g} .. {point.range_high:g} {point.uom} ({limits.signal})"
        case Kind.ERROR:
            return "a rule of the point that cannot be evaluated"
        case _:
            return "a quality that is not good"


def _decided(near: Sequence[AlarmEvent], word: str, at: int) -> AlarmEvent | None:
    """The nearest transition that readings made; of the very rule that was asked for before others."""
    found = [event for event in near if event.stimulus in _BY_READINGS]
    return min(found, key=lambda event: (event.rule != word and event.alarm.kind != word, abs(event.at - at)), default=None)


def _nearest(near: Sequence[AlarmEvent], decided: AlarmEvent | None, at: int) -> list[AlarmEvent]:
    """The events next to that time, the one that decided among them, in their order."""
    ranked = sorted(near, key=lambda event: (event is not decided, abs(event.at - at)))
    return sorted(ranked[:MOST_EVENTS], key=lambda event: event.number)


def _operands(park: Park, subject: str) -> list[str]:
    if subject in park.by_id:
        return [subject]
    row = park.rows.get(subject)
    return [] if row is None else list(operands_of(park.named[row - len(park.points)].test))


def _name(park: Park, subject: str) -> str:
    return (*park.points, *park.named)[park.rows[subject]].name


def _readings(series: Series, when: int, zone: str) -> str:
    times: list[int] = series.times.tolist()
    if not times:
        return "none in the record around that time"
    nearest = min(range(len(times)), key=lambda k: abs(times[k] - when))
    shown = range(max(0, nearest - EITHER_SIDE), min(len(times), nearest + EITHER_SIDE + 1))
    words: list[str] = []
    for k in shown:
        value, quality = float(series.values[k]), int(series.quality[k])
        letter = "" if quality == Quality.GOOD else f" {QUALITY_LETTERS.get(quality, quality)}"
        text = f"{clock_text(times[k], zone)[11:]} {'-' if value != value else f'{value:.6g}'}{letter}"
        words.append(f"[{text}]" if times[k] == when else text)
    return "  ".join(words)


def _event(event: AlarmEvent, zone: str) -> str:
    after = event.alarm
    by_reading = event.stimulus in _BY_READINGS
    words = [
        f"{clock_text(event.at, zone)}  {event.stimulus} {event.rule}: {event.before} -> {after.state}",
        "" if event.value is None else f"at {event.value:.6g}",
        f"(limit {after.limit:g})" if by_reading and after.limit is not None else "",
        "suppressed" if event.suppressed else "",
        "" if event.by is None else f"by {event.by}",
        event.reason,
        ", ".join(f"{name} {value:.6g}" for name, value in event.evidence),
    ]
    return "  ".join(word for word in words if word)


def _nothing(found: Explanation, zone: str) -> str:
    parts = [f"No transition within {NEAR_US // MINUTE_US} min of that time."]
    if found.before is None and found.after is None:
        return f"{parts[0]} It has never been raised."
    if found.before is not None:
        holds = "it held on then" if found.before.alarm.active else "it did not hold then"
        parts.append(f"Before: {_event(found.before, zone)}; {holds}.")
    if found.after is not None:
        parts.append(f"After: {_event(found.after, zone)}.")
    return " ".join(parts)


def _record(alarm: Alarm, zone: str) -> Iterator[str]:
    marks = [f"{name} {_mark(mark, zone)}" for name, mark in (("first", alarm.first), ("worst", alarm.worst)) if mark]
    if alarm.peak is not None and alarm.peak_at is not None:
        marks.append(f"peak {alarm.peak:.6g} {clock_text(alarm.peak_at, zone)}")
    yield f"record      {alarm.id}  priority {alarm.priority}  raised {alarm.raised} times  {'; '.join(marks)}"
    said = [
        "not acknowledged"
        if alarm.acknowledged_at is None
        else f"acknowledged {clock_text(alarm.acknowledged_at, zone)} by {alarm.acknowledged_by}",
        "not verified"
        if alarm.verified is None
        else f"verified {clock_text(alarm.verified.at, zone)} by {alarm.verified.by}: {alarm.verified.verdict}",
        "not cleared" if alarm.cleared_at is None else f"cleared {clock_text(alarm.cleared_at, zone)}",
    ]
    yield f"            as of event {alarm.event}: {'; '.join(said)}"


def _mark(mark: Mark, zone: str) -> str:
    return f"{mark.rule} {'' if mark.value is None else f'{mark.value:.6g} '}{clock_text(mark.at, zone)}"


def _origin(origin: Origin | None, zone: str) -> str:
    if origin is None:
        return "no reading of the deciding instant in the record: silence decided, or the box's clock was corrected"
    spans = f"scans {clock_text(origin.first, zone)} .. {clock_text(origin.last, zone)[11:]}"
    named = f"{origin.edge}, boot {origin.boot}, seq {origin.seq}, digest {origin.digest.hex()}"
    return f"{named}; {spans}, arrived {clock_text(origin.arrived, zone)}"
