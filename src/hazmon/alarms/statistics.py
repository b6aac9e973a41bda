"""How well the alarms can be handled, over a range of time: the measures of alarm management after IEC 62682 / ISA-18.2.

Counted is what the room heard, for the whole park or what it was narrowed to. Where the practice leaves a number open, ours
stands here as a constant with its reason; what the measures are held against is in targets.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazmon.alarms.episodes import Actor, Bools, EventColumns, Ints, Spans, excursions, waits
from hazmon.alarms.flood import WINDOW_US, Flood
from hazmon.alarms.states import Stimulus
from hazmon.clock import MINUTE_US, US

HOUR_US = 60 * MINUTE_US
STALE_US = 24 * HOUR_US
CHATTER_RAISES, CHATTER_US = 3, MINUTE_US
FLEETING_US = 15 * US  # ours: nobody reads an alarm, finds its cause and acts in less
TOP = 10
LISTED = 50  # of whatever is listed by name; the counts are whole
LOOK_BACK_US = 2 * HOUR_US  # what the events must reach back before the range: for a flood that was running when it began


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; seconds where it is a share of time."""

    numerator: float
    denominator: float

    @property
    def value(self) -> float | None:
        """The quotient; None of nothing."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, slots=True)
class Rate:
    """Alarms per interval. The intervals lie side by side from the start of the range; the last may be cut short.

    `mean`: alarms of so many intervals (a fraction of one too). `above`: intervals with more alarms than the number, of all.
    """

    mean: Share
    most: int
    above: dict[int, Share]


@dataclass(frozen=True, slots=True)
class FloodSpan:
    """A flood in the range: microseconds, `ended` None if it ran on at the range's end. It may have begun before the range."""

    begun: int
    ended: int | None
    alarms: int
    peak: int


@dataclass(frozen=True, slots=True)
class Floods:
    """Floods that ran in the range: `time` of it in seconds, `alarms` of all annunciated in it; the newest listed first."""

    count: int
    time: Share
    alarms: Share
    peak: int
    listed: tuple[FloodSpan, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long alarms of a priority waited for an acknowledgement that came in the range: seconds, None without any."""

    acknowledged: int
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Chatterer:
    """An actor that chattered: raises that belong to it, and the most of them within a minute."""

    actor: Actor
    raises: int
    most: int


@dataclass(frozen=True, slots=True)
class StaleAlarm:
    """An alarm that stood for more than 24 h: microseconds, `ended` None if it stood at the end of the range."""

    actor: Actor
    begun: int
    ended: int | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The measures of [start, end), microseconds. Tuples by priority have four items, 1 紧急 first.

    late            alarms found in readings that came late; they never rang and are in nothing below
    silenced        raises and escalations that nobody heard because the alarm was suppressed, of all
    unacknowledged  of what rang in the range and waited for somebody, what nobody had acknowledged by its end
    chattering      actors with >= 3 raises within a minute, of those that raised; heard or not
    fleeting        excursions that ended within 15 s and are no chatter, of those that began in the range
    stale           of the alarms that stood in the range, those that at some time in it had stood for more than 24 h
    standing        conditions that hold at the end; `standing_silent` of them nobody can hear
    shelved, suppressed, removed   how often somebody shelved, the design suppressed, somebody took out of service
    """

    start: int
    end: int
    annunciated: int
    late: int
    silenced: Share
    per_10_min: Rate
    per_hour: Rate
    floods: Floods
    top: tuple[tuple[Actor, Share], ...]
    top_share: Share
    priorities: tuple[Share, ...]
    waiting: tuple[Waiting, ...]
    unacknowledged: Share
    chattering: Share
    chatterers: tuple[Chatterer, ...]
    fleeting: Share
    stale: Share
    stale_alarms: tuple[StaleAlarm, ...]
    standing: int
    standing_silent: int
    shelved: int
    suppressed: int
    removed: int


def statistics(columns: EventColumns, start: int, end: int) -> Statistics:
    """The measures of [start, end).

    The columns must hold every event before `end` of the alarms that were open in the range or in LOOK_BACK_US before it.
    """
    events = columns.ordered(end)
    inside = events.at >= start
    heard = events.annunciated()
    rung = np.sort(events.at[heard & inside])
    standing = excursions(events)
    unseen = waits(events)
    would_ring = events.of(Stimulus.RAISE, Stimulus.ESCALATE) & inside & ~events.late
    top = _top(events.actor[heard & inside], events.actors)
    chatter = _chatter(events, standing)
    chatterers = _chatterers(events, standing, chatter & (standing.begun >= start))
    raised = np.unique(events.actor[standing.first[standing.begun >= start]]).size
    stale, stood = _stale(standing, start, end)
    lasting = standing.rows(standing.last < 0)
    counts = np.bincount(events.priority[heard & inside], minlength=5)[1:5].tolist()
    return Statistics(
        start=start,
        end=end,
        annunciated=rung.size,
        late=_count(events.of(Stimulus.RAISE_LATE) & inside),
        silenced=Share(_count(would_ring & events.suppressed), _count(would_ring)),
        per_10_min=_rate(rung, start, end, WINDOW_US, (1, 2, 10)),
        per_hour=_rate(rung, start, end, HOUR_US, (30,)),
        floods=_floods(np.sort(events.at[heard]), start, end),
        top=top,
        top_share=Share(sum(share.numerator for _, share in top), rung.size),
        priorities=tuple(Share(count, rung.size) for count in counts),
        waiting=tuple(_waiting(events, unseen, priority, start) for priority in (1, 2, 3, 4)),
        unacknowledged=_unacknowledged(events, unseen.rows(unseen.begun >= start)),
        chattering=Share(len(chatterers), raised),
        chatterers=chatterers[:LISTED],
        fleeting=_fleeting(standing, chatter, start),
        stale=Share(stale.first.size, stood),
        stale_alarms=_stale_alarms(events, stale),
        standing=lasting.first.size,
        standing_silent=_silent(events, lasting),
        shelved=_count(events.of(Stimulus.SHELVE) & inside),
        suppressed=_count(events.of(Stimulus.SUPPRESS) & inside),
        removed=_count(events.of(Stimulus.REMOVE) & inside),
    )


def _rate(rung: Ints, start: int, end: int, width: int, marks: tuple[int, ...]) -> Rate:
    intervals = -(-(end - start) // width)
    counts = np.bincount((rung - start) // width, minlength=intervals)
    above = {mark: Share(_count(counts > mark), intervals) for mark in marks}
    return Rate(Share(rung.size, (end - start) / width), int(counts.max()), above)


def _floods(rung: Ints, start: int, end: int) -> Floods:
    flood = Flood()
    for at in rung.tolist():
        flood.note(at)
    ends = {turn.begun_at: turn for turn in flood.turns(end - 1) if not turn.begins}
    runs = [(turn.first_at, FloodSpan(turn.begun_at, turn.at, turn.count, turn.peak)) for turn in ends.values()]
    if flood.begun_at is not None:
        runs.append((flood.first_at, FloodSpan(flood.begun_at, None, flood.count, flood.peak)))
    runs = [(first, span) for first, span in runs if span.ended is None or span.ended > start]
    time, alarms = 0, 0
    for first, span in runs:
        last = end if span.ended is None else span.ended
        time += last - max(start, span.begun)
        found = np.searchsorted(rung, [max(start, first), last + 1])
        alarms += int(found[1] - found[0])
    return Floods(
        count=len(runs),
        time=Share(time / US, (end - start) / US),
        alarms=Share(alarms, _count(rung >= start)),
        peak=max((span.peak for _, span in runs), default=0),
        listed=tuple(span for _, span in reversed(runs))[:LISTED],
    )


def _top(actors: Ints, names: tuple[Actor, ...]) -> tuple[tuple[Actor, Share], ...]:
    which, counts = np.unique(actors, return_counts=True)
    ranked = sorted((-int(count), names[int(actor)]) for actor, count in zip(which, counts, strict=True))
    return tuple((actor, Share(-count, actors.size)) for count, actor in ranked[:TOP])


def _waiting(events: EventColumns, unseen: Spans, priority: int, start: int) -> Waiting:
    over = unseen.rows(unseen.last >= 0)
    seen = events.of(Stimulus.ACKNOWLEDGE)[over.last] & (events.at[over.last] >= start)
    took = (over.ended - over.begun)[seen & (events.priority[over.first] == priority)] / US
    if not took.size:
        return Waiting(0, None, None)
    p50, p95 = np.percentile(took, [50, 95]).tolist()
    return Waiting(took.size, p50, p95)


def _unacknowledged(events: EventColumns, unseen: Spans) -> Share:
    acknowledged = _count(events.of(Stimulus.ACKNOWLEDGE)[unseen.last] & (unseen.last >= 0)) if unseen.last.size else 0
    return Share(unseen.first.size - acknowledged, unseen.first.size)


def _chatter(events: EventColumns, standing: Spans) -> Bools:
    """bool[K] over excursions: it is one of three of its actor that began within a minute."""
    actor = events.actor[standing.first]
    order = np.lexsort((standing.begun, actor))
    actor, begun = actor[order], standing.begun[order]
    found = np.zeros(order.size, bool)
    back = CHATTER_RAISES - 1
    close = (actor[back:] == actor[:-back]) & (begun[back:] - begun[:-back] <= CHATTER_US)
    for shift in range(CHATTER_RAISES):
        found[shift : shift + close.size] |= close
    chatter = np.zeros(order.size, bool)
    chatter[order] = found
    return chatter


def _chatterers(events: EventColumns, standing: Spans, chatter: Bools) -> tuple[Chatterer, ...]:
    actor, begun = events.actor[standing.first[chatter]], standing.begun[chatter]
    found: list[Chatterer] = []
    for which in map(int, np.unique(actor)):
        times = np.sort(begun[actor == which])
        most = int((np.searchsorted(times, times + CHATTER_US, "right") - np.arange(times.size)).max())
        found.append(Chatterer(events.actors[which], times.size, most))
    return tuple(sorted(found, key=lambda chatterer: (-chatterer.raises, chatterer.actor)))


def _fleeting(standing: Spans, chatter: Bools, start: int) -> Share:
    begun = standing.begun >= start
    brief = (standing.last >= 0) & (standing.ended - standing.begun <= FLEETING_US) & ~chatter
    return Share(_count(brief & begun), _count(begun))


def _stale(standing: Spans, start: int, end: int) -> tuple[Spans, int]:
    upto = np.minimum(standing.ended, end)
    stood = upto > start
    return standing.rows(stood & (upto - standing.begun > STALE_US)), _count(stood)


def _stale_alarms(events: EventColumns, stale: Spans) -> tuple[StaleAlarm, ...]:
    oldest = np.argsort(stale.begun, kind="stable")[:LISTED].tolist()
    return tuple(
        StaleAlarm(
            events.actors[int(events.actor[stale.first[k]])],
            int(stale.begun[k]),
            None if stale.last[k] < 0 else int(stale.ended[k]),
        )
        for k in oldest
    )


def _silent(events: EventColumns, lasting: Spans) -> int:
    """Of those that stand, how many are suppressed after the last event of their alarm."""
    newest = np.flatnonzero(np.append(events.alarm[1:] != events.alarm[:-1], True)) if events.alarm.size else events.alarm
    last = newest[np.searchsorted(newest, lasting.first)]
    return _count(events.suppressed[last])


def _count(mask: Bools) -> int:
    return int(np.count_nonzero(mask))
