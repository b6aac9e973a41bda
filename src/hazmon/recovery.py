"""The plant of a restarted service, rebuilt from the record: what stood still stands, and nothing rings twice."""

from __future__ import annotations

import numpy as np

from hazmon.alarms.book import AlarmBook, AlarmEvent
from hazmon.clock import MINUTE_US
from hazmon.delivery import ScanGroup
from hazmon.model import Park
from hazmon.plant import Plant
from hazmon.rulebook import RULES, Rule
from hazmon.rules.evaluate import evaluate
from hazmon.rules.frame import NEVER, Bools
from hazmon.store.pool import Connection
from hazmon.store.register import Register
from hazmon.store.standing import last_event, open_alarms, scans_since, turns_since


async def recover(
    connection: Connection, register: Register, park: Park, now: int
) -> tuple[Plant, dict[tuple[str, bytes], ScanGroup], list[AlarmEvent]]:
    """The plant as it stood, all group versions, and the events of alarms that the configuration no longer knows.

    The last scans are evaluated again from the rules that held before them, which fills slope windows and running delays and
    ends where the record does; the events this makes are in the record already.
    """
    book = AlarmBook(await open_alarms(connection), await last_event(connection) + 1)
    plant = Plant.of(park, now, book)
    groups = await register.groups(connection)
    events = _orphans(plant, groups, now)
    standing = _standing(plant)
    since = now - _reach(plant)
    before = standing.copy()
    for turn in reversed(await turns_since(connection, since)):
        index = park.by_id.get(turn.subject)
        if index is not None:
            before[index, RULES.index(turn.rule)] = not turn.on
    plant.rules.active[:] = before
    async for group, block in scans_since(connection, {g.id: g for g in groups.values()}, since):
        state = plant.group(group)
        state.newest = int(block.times[-1])
        plant.frame.absorb(block)
        evaluate(plant.rules, plant.table, block, state.trail)
    plant.rules.since[plant.rules.active != standing] = NEVER
    plant.rules.active[:] = standing
    return plant, groups, events


def _standing(plant: Plant) -> Bools:
    """bool[P,8]: the rules whose alarm stands in the book."""
    standing = np.zeros_like(plant.rules.active)
    for (subject, rule), identity in plant.book.live.items():
        index = plant.park.by_id.get(subject)
        if index is not None:
            standing[index, RULES.index(rule)] = plant.book.open[identity].active
    return standing


def _orphans(plant: Plant, groups: dict[tuple[str, bytes], ScanGroup], now: int) -> list[AlarmEvent]:
    """Clear standing alarms of points, limits and connections that the configuration no longer has: nothing could clear them."""
    connections = {f"{group.edge}/{group.connection}" for group in groups.values()} | {f"{e}/box" for e in plant.boxes}
    limits = {Rule.LL: 0, Rule.L: 1, Rule.H: 2, Rule.HH: 3}
    rates = {Rule.RATE_UP: 0, Rule.RATE_DOWN: 1}
    events: list[AlarmEvent] = []
    for subject, rule in list(plant.book.live):
        index = plant.park.by_id.get(subject)
        if index is None:
            known = subject in connections
        elif rule in limits:
            known = not np.isnan(plant.table.limit[index, limits[rule]])
        else:
            known = rule not in rates or not np.isnan(plant.table.rate[index, rates[rule]])
        if not known:
            event = plant.book.clear(subject, rule, now, float("nan"), "no longer in the configuration")
            events += [event] if event else []
    return events


def _reach(plant: Plant) -> int:
    """Microseconds that slopes and delays can look back."""
    table = plant.table
    return MINUTE_US + max((int(a.max()) for a in (table.window, table.on_delay, table.off_delay) if a.size), default=0)
