"""What only time does to alarms: shelves that end, people who did not answer, alarms that have stood for too long."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace

from hazmon.alarms.alarm import Alarm, AlarmEvent
from hazmon.alarms.book import AlarmBook
from hazmon.alarms.states import AlarmState, Stimulus
from hazmon.clock import MINUTE_US
from hazmon.rulebook import Escalation

FOREVER = 2**62
STEPS = ("操作负责人 / operations", "技术负责人 / technical", "主要负责人 / principal")


@dataclass(frozen=True, slots=True)
class Due:
    """What is to happen to an alarm, and when."""

    at: int
    stimulus: Stimulus
    reason: str


def due(alarm: Alarm, escalation: Escalation, realarm_min: float | None) -> Due | None:
    """The next thing that time will do to the alarm, None for nothing. Late alarms wait for nobody."""
    if alarm.shelf is not None:
        return Due(alarm.shelf.until, Stimulus.EXPIRE, "the shelf's time is over")
    if alarm.suppressed or alarm.late:
        return None
    found: list[Due] = []
    if alarm.waiting_since is not None:
        limits = escalation.urgent_min if alarm.urgent else escalation.other_min
        if alarm.overdue < len(limits):
            minutes = limits[alarm.overdue]
            to = STEPS[min(alarm.overdue, len(STEPS) - 1)]
            found.append(
                Due(alarm.waiting_since + round(minutes * MINUTE_US), Stimulus.OVERDUE, f"{minutes:g} min unacknowledged: {to}")
            )
    since = alarm.raised_at if alarm.verify_since is None else alarm.verify_since
    if alarm.urgent and since is not None and alarm.state is not AlarmState.NORMAL and _unverified(alarm, since):
        at = since + round(escalation.verify_min * MINUTE_US)
        found.append(Due(at, Stimulus.OVERDUE, f"{escalation.verify_min:g} min unverified"))
    if realarm_min is not None and alarm.state is AlarmState.ACKNOWLEDGED and alarm.acknowledged_at is not None:
        at = alarm.acknowledged_at + round(realarm_min * MINUTE_US)
        found.append(Due(at, Stimulus.REALARM, f"has stood for {realarm_min:g} min since it was acknowledged"))
    return min(found, key=lambda each: each.at, default=None)


def _unverified(alarm: Alarm, since: int) -> bool:
    """Nobody has said what it is since then, and that was not told yet."""
    return not alarm.verify_overdue and (alarm.verified is None or alarm.verified.at < since)


def tick(book: AlarmBook, now: int, escalation: Escalation, realarm_min: Callable[[Alarm], float | None]) -> list[AlarmEvent]:
    """Everything that was due by `now`, each dated to when it was due, in that order."""
    if now < book.quiet_until:
        return []
    waiting: list[tuple[int, str, Due]] = []
    for alarm in book.open.values():
        found = due(alarm, escalation, realarm_min(alarm))
        if found is not None:
            waiting.append((found.at, alarm.id, found))
    heapq.heapify(waiting)
    events: list[AlarmEvent] = []
    while waiting and waiting[0][0] <= now:
        _, identity, what = heapq.heappop(waiting)
        event = _happen(book, book.open[identity], what)
        events.append(event)
        following = due(event.alarm, escalation, realarm_min(event.alarm))
        if following is not None:
            heapq.heappush(waiting, (following.at, identity, following))
    book.quiet_until = waiting[0][0] if waiting else FOREVER
    return events


def _happen(book: AlarmBook, alarm: Alarm, what: Due) -> AlarmEvent:
    match what.stimulus:
        case Stimulus.EXPIRE:
            alarm = replace(alarm, shelf=None)
        case Stimulus.OVERDUE if what.reason.endswith("unverified"):
            alarm = replace(alarm, verify_overdue=True)
        case Stimulus.OVERDUE:
            alarm = replace(alarm, overdue=alarm.overdue + 1)
        case _:
            pass
    return book.move(alarm, what.stimulus, what.at, reason=what.reason)
