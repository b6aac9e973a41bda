"""Reading from the record what a restarted service needs, and the plant that comes of it."""

from __future__ import annotations

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.book import KEPT_CLOSED, AlarmBook
from hazmon.bydesign import exempts_of
from hazmon.clock import US
from hazmon.coverage.filing import sources_by_unit
from hazmon.delivery import ScanGroup
from hazmon.model import Park
from hazmon.plant import Plant
from hazmon.rebuild import end_orphans, reach, rebuild
from hazmon.store.exemptions import agreed, place
from hazmon.store.pool import Connection
from hazmon.store.register import Register
from hazmon.store.standing import closed_alarms, last_event, open_alarms, rings_since, scans_since, turns_since

RECENT_US = 2 * 86_400 * US  # a backlog that comes again finds its late alarms among those of so long ago
FLOOD_US = 2 * 3600 * US  # a flood that has lasted for longer begins anew


async def recover(
    connection: Connection, register: Register, park: Park, now: int
) -> tuple[Plant, dict[tuple[str, bytes], ScanGroup], list[AlarmEvent]]:
    """The plant as it stood, all group versions, and the events of alarms that the configuration no longer knows."""
    book = AlarmBook(await open_alarms(connection), await last_event(connection) + 1)
    book.closed = {alarm.id: alarm for alarm in await closed_alarms(connection, now - RECENT_US, KEPT_CLOSED)}
    groups = await register.groups(connection)
    since = now - reach(Plant.of(park, now))
    turns = await turns_since(connection, since)
    scans = [found async for found in scans_since(connection, {g.id: g for g in groups.values()}, since)]
    plant = rebuild(park, now, book, turns, scans, await rings_since(connection, now - FLOOD_US))
    await place(connection, {unit: found[0] for unit, found in sources_by_unit(park).items() if len(found) == 1})
    plant.exempt = {target: exempts_of(found) for target, found in (await agreed(connection, now)).items()}
    connections = [f"{group.edge}/{group.connection}" for group in groups.values()]
    return plant, groups, end_orphans(plant, connections, now) + _end_late(plant, now)


def _end_late(plant: Plant, now: int) -> list[AlarmEvent]:
    """What a backlog still showed when the service ended: its lane is gone, so its end will not be seen."""
    late = [alarm.id for alarm in plant.book.open.values() if alarm.late and alarm.holding]
    events = [plant.book.end_late(identity, now, "the service was started again in between") for identity in late]
    return [event for event in events if event is not None]
