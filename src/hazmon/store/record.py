"""Writing the record: readings, misses, alarms and their events, and the ledger row, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.errors import DataError, IntegrityError, UniqueViolation

from hazmon.alarms.alarm import Alarm, AlarmEvent
from hazmon.clock import as_datetime
from hazmon.coverage.book import Veto
from hazmon.delivery import Delivery
from hazmon.errors import HazmonError, LedgerError, StoreUnavailable
from hazmon.ledger.content import Said
from hazmon.model import Park
from hazmon.rules.frame import ScanBlock
from hazmon.store.bodies import body_of, evidence_text
from hazmon.store.copy import HEADER, TRAILER, scan_rows
from hazmon.store.coverage import CoverageKeeper
from hazmon.store.ledger import LedgerKeeper, Seal
from hazmon.store.pool import Connection, connect

COPY_SCAN = 'COPY scan (ts, group_id, lag_ms, "values", quality, offsets) FROM STDIN (FORMAT binary)'
COPY_STAGE = 'COPY stage (ts, group_id, lag_ms, "values", quality, offsets) FROM STDIN (FORMAT binary)'


@dataclass(slots=True)
class Work:
    """What one step leaves to be recorded together."""

    deliveries: list[Delivery]
    events: list[AlarmEvent] = field(default_factory=list[AlarmEvent])
    grown: list[Alarm] = field(default_factory=list[Alarm])  # alarms whose record grew without an event
    vetoes: list[Veto] = field(default_factory=list[Veto])  # stretches that do not count as monitored
    seals: list[Seal] = field(default_factory=list[Seal])  # checkpoints that are wanted
    recorded: bool = False  # committed


class Unrecordable(HazmonError):
    """Something in the works that the database will never take."""


class Recorder:
    """The engine's own connection, the only one that writes readings and alarms.

    Everything it writes is idempotent, so it may be asked again.
    """

    def __init__(self, url: str, coverage: CoverageKeeper | None = None, ledger: LedgerKeeper | None = None) -> None:
        self._url = url
        self._connection: Connection | None = None
        self._coverage = coverage
        self._ledger = ledger

    def follow(self, park: Park, now: int) -> None:
        """Go by another configuration from `now` (microseconds) on."""
        if self._coverage is not None and park.coverage is not None:
            self._coverage.follow(park, park.coverage, now)

    async def write(self, works: Sequence[Work], now: int) -> None:
        """Record the works in one transaction, at `now` (microseconds).

        Raises StoreUnavailable (nothing, or all of it, is recorded) or Unrecordable (nothing is).
        """
        deliveries = [delivery for work in works for delivery in work.deliveries]
        recorded = False
        try:
            connection = await self.connection()
            try:
                async with connection.transaction():
                    fresh = await _ledger(connection, deliveries)
                    await _copy(connection, COPY_SCAN, fresh)
                    await self._rest(connection, fresh, works, now)
            except UniqueViolation:
                self._forget()
                async with connection.transaction():
                    fresh = await _ledger(connection, deliveries)
                    await _merge(connection, fresh)
                    await self._rest(connection, fresh, works, now)
            recorded = True
        except (DataError, IntegrityError, LedgerError, ValueError, OverflowError) as error:
            raise Unrecordable(str(error)) from error
        except psycopg.Error as error:  # also a read-only or half-restored database: not the batch's fault
            await self.close()
            raise StoreUnavailable(str(error)) from error
        finally:
            if not recorded:  # also when it was cancelled
                self._forget()

    async def _rest(self, connection: Connection, fresh: Sequence[Delivery], works: Sequence[Work], now: int) -> None:
        """What goes with the scans: misses, refusals, alarm events and the alarms as they stand after them, coverage."""
        events = [event for work in works for event in work.events]
        grown = [alarm for work in works for alarm in work.grown]
        await _rest(connection, fresh, events, grown)
        said: list[Said] = []
        if self._coverage is not None:
            vetoes = [veto for work in works for veto in work.vetoes]
            said = await self._coverage.keep(connection, fresh, events, vetoes, now)
        if self._ledger is not None:
            seals = [seal for work in works for seal in work.seals]
            await self._ledger.keep(connection, said, fresh, events, seals, now)

    def _forget(self) -> None:
        if self._ledger is not None:
            self._ledger.forget()
        if self._coverage is not None:
            self._coverage.forget()

    async def connection(self) -> Connection:
        """The open connection. Raises StoreUnavailable."""
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._url)
        return self._connection

    async def close(self) -> None:
        """Drop the connection; the next call opens a new one."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()


async def _ledger(connection: Connection, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Enter the batches; answers those that were not there. A batch that comes twice is recorded once."""
    if not deliveries:
        return []
    rows = [
        (
            d.edge,
            d.boot,
            d.seq,
            d.digest,
            d.previous,
            as_datetime(d.arrived),
            as_datetime(min(int(b.times[0]) for b in d.blocks)) if d.blocks else None,
            as_datetime(max(int(b.times[-1]) for b in d.blocks)) if d.blocks else None,
            d.readings,
            sum(m.count * (1 if m.column is not None else len(m.group.tags)) for m in d.misses),
            sum(r.count for r in d.refused),
            d.raw,
            as_datetime(d.made_at),
            d.offset,
        )
        for d in deliveries
    ]
    found = await (
        await connection.execute(
            "INSERT INTO batch SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[],"
            " %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::bigint[], %s::bigint[], %s::bytea[],"
            " %s::timestamptz[], %s::bigint[])"
            " ON CONFLICT DO NOTHING RETURNING edge, boot, seq",
            [list(column) for column in zip(*rows, strict=True)],
        )
    ).fetchall()
    if len(found) == len(deliveries):
        return list(deliveries)
    fresh = {(edge, boot, seq) for edge, boot, seq in found}
    kept: list[Delivery] = []
    for delivery in deliveries:
        if delivery.key in fresh:
            fresh.discard(delivery.key)
            kept.append(delivery)
    return kept


async def _copy(connection: Connection, statement: Any, deliveries: Sequence[Delivery]) -> None:
    """Copy the scans, sorted by group and time so that the index grows at few places."""
    blocks: list[tuple[ScanBlock, int]] = [(block, d.arrived) for d in deliveries for block in d.blocks]
    if not blocks:
        return
    blocks.sort(key=lambda entry: (entry[0].group, int(entry[0].times[0])))
    body = b"".join((HEADER, *(scan_rows(block, arrived) for block, arrived in blocks), TRAILER))
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(body)


async def _merge(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """The slow way in for scans that meet others of the same group and instant.

    The same scan again is one scan. A different one, as after a clock was set back, is kept a microsecond later.
    """
    await connection.execute("CREATE TEMP TABLE stage (LIKE scan) ON COMMIT DROP")
    await _copy(connection, COPY_STAGE, deliveries)
    while True:
        await connection.execute(
            "WITH moved AS (DELETE FROM stage s USING"
            " (SELECT DISTINCT ON (group_id, ts) ctid AS row_id FROM stage t WHERE NOT EXISTS"
            " (SELECT FROM scan x WHERE (x.group_id, x.ts) = (t.group_id, t.ts))) AS free"
            " WHERE s.ctid = free.row_id RETURNING s.*) INSERT INTO scan SELECT * FROM moved"
        )
        await connection.execute(
            'DELETE FROM stage s USING scan x WHERE (x.group_id, x.ts) = (s.group_id, s.ts) AND x."values" = s."values"'
            " AND x.quality IS NOT DISTINCT FROM s.quality AND x.offsets IS NOT DISTINCT FROM s.offsets"
        )
        rest = await connection.execute("UPDATE stage SET ts = ts + INTERVAL '1 microsecond'")
        if rest.rowcount == 0:
            return


async def _rest(
    connection: Connection, deliveries: Sequence[Delivery], events: Sequence[AlarmEvent], grown: Sequence[Alarm]
) -> None:
    """Misses, refusals, alarm events and the alarms as they stand after them."""
    misses = [
        (as_datetime(m.at), m.group.id, None if m.column is None else m.column + 1, m.count, int(m.cause))
        for d in deliveries
        for m in d.misses
    ]
    if misses:
        await connection.execute(
            "INSERT INTO miss SELECT * FROM unnest(%s::timestamptz[], %s::int[], %s::int[], %s::int[], %s::smallint[])",
            [list(column) for column in zip(*misses, strict=True)],
        )
    refused = [
        (as_datetime(d.arrived), d.edge, d.boot, d.seq, r.tag, as_datetime(r.at), r.count, r.reason)
        for d in deliveries
        for r in d.refused
    ]
    if refused:
        await connection.execute(
            "INSERT INTO refused SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[],"
            " %s::text[], %s::timestamptz[], %s::int[], %s::text[])",
            [list(column) for column in zip(*refused, strict=True)],
        )
    if events:
        await write_events(connection, events)
    if grown:
        await _keep(connection, grown)


async def write_events(connection: Connection, events: Sequence[AlarmEvent]) -> None:
    """Append the events and bring their alarms up to date."""
    rows = [
        (
            e.number,
            e.alarm.id,
            as_datetime(e.at),
            e.stimulus,
            e.before,
            e.alarm.state,
            e.by,
            e.value,
            e.reason,
            e.rule,
            e.suppressed,
            evidence_text(e.evidence),
            body_of(e.alarm),
        )
        for e in events
    ]
    await connection.execute(
        "INSERT INTO alarm_event (event, alarm_id, at, stimulus, from_state, to_state, by, value, reason, rule, suppressed,"
        " evidence, after)"
        " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],"
        " %s::text[], %s::float8[], %s::text[], %s::text[], %s::boolean[], %s::jsonb[], %s::jsonb[]) ON CONFLICT DO NOTHING",
        [list(column) for column in zip(*rows, strict=True)],
    )
    await _keep(connection, list({event.alarm.id: event.alarm for event in events}.values()))


async def _keep(connection: Connection, latest: Sequence[Alarm]) -> None:
    """The alarms as they stand; one that only grew has the event that it had."""
    alarms = [
        (
            a.id,
            a.subject.enterprise,
            a.subject.source,
            a.subject.tag,
            a.kind,
            a.rule,
            a.first.rule if a.first else None,
            a.worst.rule if a.worst else None,
            a.priority,
            a.state,
            a.suppressed,
            as_datetime(a.opened_at),
            None if a.raised_at is None else as_datetime(a.raised_at),
            a.raised,
            a.peak,
            a.late,
            a.event,
            body_of(a),
        )
        for a in latest
    ]
    await connection.execute(
        "INSERT INTO alarm (alarm_id, enterprise, source, tag, kind, rule, first_rule, worst_rule, priority, state, suppressed,"
        " opened_at, raised_at, raised_count, peak, late, event, body)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
        " %s::smallint[], %s::text[], %s::boolean[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::float8[],"
        " %s::boolean[], %s::bigint[], %s::jsonb[])"
        " ON CONFLICT (alarm_id) DO UPDATE SET rule = EXCLUDED.rule, first_rule = EXCLUDED.first_rule,"
        " worst_rule = EXCLUDED.worst_rule, priority = EXCLUDED.priority, state = EXCLUDED.state,"
        " suppressed = EXCLUDED.suppressed, raised_at = EXCLUDED.raised_at, raised_count = EXCLUDED.raised_count,"
        " peak = EXCLUDED.peak, event = EXCLUDED.event, body = EXCLUDED.body WHERE alarm.event <= EXCLUDED.event",
        [list(column) for column in zip(*alarms, strict=True)],
    )
