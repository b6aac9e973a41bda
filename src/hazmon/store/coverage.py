"""Keeping the book of coverage in the record: pages of facts and judged days, in the transaction that records the readings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from hazmon.alarms.alarm import AlarmEvent
from hazmon.alarms.states import Stimulus
from hazmon.clock import US, as_datetime, as_us
from hazmon.coverage.book import CoverageBook, Page, Veto
from hazmon.coverage.facts import HOUR_SLOTS, SLOT_US
from hazmon.coverage.layout import Scheme
from hazmon.coverage.slots import Judged
from hazmon.coverage.statements import duties_json, say_scheme, say_veto, scheme_of_json
from hazmon.delivery import Delivery
from hazmon.ledger.content import Said
from hazmon.model import CoverageRules, Park
from hazmon.rulebook import Rule
from hazmon.store.pool import Connection

HOUR_US = HOUR_SLOTS * SLOT_US
DAY_HOURS = 24
_BEGINS = {Stimulus.RAISE, Stimulus.RAISE_LATE}
_ENDS = {Stimulus.CLEAR, Stimulus.LATCH}
_NO_SLOTS, _NO_UNITS = bytes(1440), bytes(4 * 1440)


class CoverageKeeper:
    """The book, and what of it is recorded. One writer; `follow` first, then `keep` in every transaction that records."""

    def __init__(self, park: Park, rules: CoverageRules, now: int) -> None:
        self._loaded = [(park, rules, now)]  # configurations, from the last one on whose scheme is surely recorded
        self._entered = 0  # of them, that the last transaction has recorded, unless it failed
        self._book: CoverageBook | None = None
        self._new: list[tuple[Scheme, Said]] = []
        self._layouts: dict[tuple[str, tuple[str, ...]], int] = {}
        self._days: set[tuple[str, int]] = set()

    def follow(self, park: Park, rules: CoverageRules, now: int) -> None:
        """Go by another configuration from now on."""
        self._loaded.append((park, rules, now))
        if self._book is not None and (scheme := self._book.follow(park, rules, now)) is not None:
            self._new.append((scheme, ("scheme", say_scheme(scheme, rules, park))))

    def forget(self) -> None:
        """The transaction failed: what the book holds may not be recorded. Pages are read again when they are needed."""
        self._book, self._entered = None, 0
        self._new, self._days, self._layouts = [], set(), {}

    async def keep(
        self,
        connection: Connection,
        deliveries: Sequence[Delivery],
        events: Iterable[AlarmEvent],
        found: Sequence[Veto],
        now: int,
    ) -> list[Said]:
        """Bring the record's coverage up to date with these batches, events of frozen points, and vetoes.

        Answers what of it the ledger is to hold, before the batches that are judged by it.
        """
        del self._loaded[: self._entered - 1 if self._entered else 0]
        horizon = (now - self._loaded[-1][0].settings.raw_days * DAY_HOURS * HOUR_US) // SLOT_US
        book = await self._open(connection, horizon)
        new, self._new, self._entered = self._new, [], len(self._loaded)
        cells = book.cells(deliveries, horizon)
        vetoes = [*_of_events(events, book), *found]
        if not cells and not vetoes and not new:
            return []
        unsettled: list[int] = []
        newest = 0
        if vetoes or new:  # they change what hours are in which nothing comes now
            since = min((scheme.since // HOUR_SLOTS for scheme, _ in new), default=now // HOUR_US)
            hours = await _hours_from(connection, book.tags, since)
            newest = max((now // HOUR_US, *hours))
            unsettled = hours if new else []
        for hour in book.missing(cells, vetoes, newest, unsettled):
            book.open_hour(hour)
            for source, tags, facts in await _read_hour(connection, hour):
                book.put(hour, source, tags, np.frombuffer(facts, np.uint8).reshape(-1, HOUR_SLOTS))
        await _add_schemes(connection, [scheme for scheme, _ in new])
        if vetoes:
            await _add_vetoes(connection, vetoes, now)
        touched = book.veto(vetoes, newest)
        changed = book.merge(cells)
        kept, judged_anew = book.settled_anew(unsettled)
        await self._save_pages(connection, book, sorted(changed | kept))
        await self._save_days(connection, book, sorted(changed | touched | judged_anew))
        book.thin()
        return [said for _, said in new] + [("veto", say_veto(veto)) for veto in vetoes]

    async def _open(self, connection: Connection, horizon: int) -> CoverageBook:
        """The book as recorded: its schemes, the vetoes that may touch slots from `horizon` on, and of the pages none yet."""
        if self._book is not None:
            return self._book
        vetoes = await vetoes_since(connection, horizon * SLOT_US)
        book = CoverageBook.recorded(self._loaded[-1][1], await schemes(connection), vetoes)
        for number, (park, rules, now) in enumerate(self._loaded, 1):
            superseded = bool(book.schemes) and now // SLOT_US < book.schemes[-1].since
            if number == len(self._loaded) or not superseded:
                scheme = book.follow(park, rules, now)
                if scheme is not None:
                    self._new.append((scheme, ("scheme", say_scheme(scheme, rules, park))))
        self._book = book
        return book

    async def _save_pages(self, connection: Connection, book: CoverageBook, pages: Sequence[Page]) -> None:
        if not pages:
            return
        rows = [(page, *book.facts(page)) for page in pages]
        for (source, _), tags, _ in rows:
            if (source, tags) not in self._layouts:
                self._layouts[source, tags] = await _layout(connection, source, tags)
        await connection.execute(
            "INSERT INTO coverage_hour (hour, source, layout_id, facts)"
            " SELECT * FROM unnest(%b::timestamptz[], %b::text[], %b::int[], %b::bytea[])"
            " ON CONFLICT (source, hour) DO UPDATE SET layout_id = EXCLUDED.layout_id, facts = EXCLUDED.facts, leaf = NULL",
            (
                [as_datetime(hour * HOUR_US) for (_, hour), _, _ in rows],
                [source for (source, _), _, _ in rows],
                [self._layouts[source, tags] for (source, _), tags, _ in rows],
                [facts.tobytes() for _, _, facts in rows],
            ),
        )

    async def _save_days(self, connection: Connection, book: CoverageBook, pages: Iterable[Page]) -> None:
        """Put the judged hours into their days; those of one hour together, for a statement changes a row but once."""
        by_hour: dict[int, list[tuple[str, Judged]]] = {}
        for source, hour in pages:
            if source in book.tags and hour in book.hours and (judged := book.judged((source, hour))) is not None:
                by_hour.setdefault(hour, []).append((source, judged))
        for hour, found in by_hour.items():
            day = hour // DAY_HOURS
            new = [source for source, _ in found if (source, day) not in self._days]
            if new:
                await connection.execute(
                    "INSERT INTO coverage_day (source, day, slots)"
                    " SELECT source, %s::date, %s::bytea FROM unnest(%s::text[]) AS source ON CONFLICT DO NOTHING",
                    (as_datetime(day * DAY_HOURS * HOUR_US), _NO_SLOTS, new),
                )
                self._days |= {(source, day) for source in new}
            at = hour % DAY_HOURS * HOUR_SLOTS
            await connection.execute(
                "UPDATE coverage_day d SET slots = overlay(d.slots PLACING v.slots FROM %(at)s + 1),"
                " failing = CASE WHEN d.failing IS NULL AND NOT v.fails THEN NULL"
                " ELSE overlay(COALESCE(d.failing, %(none)s::bytea) PLACING v.failing FROM 4 * %(at)s + 1) END"
                " FROM unnest(%(sources)s::text[], %(slots)s::bytea[], %(failing)s::bytea[], %(fails)s::boolean[])"
                " AS v (source, slots, failing, fails) WHERE d.day = %(day)s::date AND d.source = v.source",
                {
                    "at": at,
                    "none": _NO_UNITS,
                    "day": as_datetime(day * DAY_HOURS * HOUR_US),
                    "sources": [source for source, _ in found],
                    "slots": [judged.slots.tobytes() for _, judged in found],
                    "failing": [judged.failing.astype("<u4").tobytes() for _, judged in found],
                    "fails": [bool(judged.failing.any()) for _, judged in found],
                },
            )


async def schemes(connection: Connection) -> list[Scheme]:
    """All schemes, in order of time."""
    rows = await (await connection.execute("SELECT since, digest, duties FROM coverage_scheme ORDER BY since")).fetchall()
    return [scheme_of_json(since, digest, duties) for since, digest, duties in rows]


async def vetoes_since(connection: Connection, since: int) -> list[Veto]:
    """Vetoes that go on, or ended after that microsecond."""
    rows = await (
        await connection.execute(
            "SELECT veto_id, point, kind, begin_at, end_at, evidence FROM coverage_veto WHERE end_at IS NULL OR end_at > %s",
            (as_datetime(since),),
        )
    ).fetchall()
    return [
        Veto(identity, point, kind, as_us(begin), None if end is None else as_us(end), evidence)
        for identity, point, kind, begin, end, evidence in rows
    ]


def _of_events(events: Iterable[AlarmEvent], book: CoverageBook) -> list[Veto]:
    """A point that was found frozen, from when it stood still until it moves; also one found so in a backlog."""
    found: dict[str, Veto] = {}
    for event in events:
        if event.rule != Rule.STUCK:
            continue
        point = f"{event.alarm.subject.enterprise}/{event.alarm.subject.tag}"
        if event.stimulus in _BEGINS:
            since_s = float(dict(event.evidence).get("since_s", 0.0))
            identity = f"frozen/{event.alarm.id}/{event.at}"
            evidence = {**dict(event.evidence), "alarm": event.alarm.id}
            end = event.at if event.stimulus is Stimulus.RAISE_LATE else None  # how a late one goes on is told at its end
            found[identity] = Veto(identity, point, "frozen", event.at - round(since_s * US), end, evidence)
        elif event.stimulus in _ENDS and not (event.alarm.late and event.value is None):  # no reading ended it: it is given up
            known = {**book.vetoes.get(point, {}), **{veto.id: veto for veto in found.values() if veto.point == point}}
            last = max(
                (id for id in known if id.startswith(f"frozen/{event.alarm.id}/")), key=lambda id: known[id].begin, default=None
            )
            if last is not None and (known[last].end is None or event.alarm.late):
                veto = known[last]
                found[last] = Veto(last, point, "frozen", veto.begin, max(veto.begin, event.at), veto.evidence)
    return list(found.values())


async def _add_schemes(connection: Connection, new: Sequence[Scheme]) -> None:
    for scheme in new:
        await connection.execute(
            "INSERT INTO coverage_scheme (since, digest, duties) VALUES (%s, %s, %s::jsonb)"
            " ON CONFLICT (since) DO UPDATE SET digest = EXCLUDED.digest, duties = EXCLUDED.duties",
            (scheme.since, scheme.digest, msgspec.json.encode(duties_json(scheme)).decode()),
        )


async def _add_vetoes(connection: Connection, vetoes: Sequence[Veto], now: int) -> None:
    rows = [
        (
            veto.id,
            veto.point,
            veto.kind,
            as_datetime(veto.begin),
            None if veto.end is None else as_datetime(veto.end),
            msgspec.json.encode(veto.evidence).decode(),
        )
        for veto in {veto.id: veto for veto in vetoes}.values()  # a statement changes a row but once
    ]
    await connection.execute(
        "INSERT INTO coverage_veto (found_at, veto_id, point, kind, begin_at, end_at, evidence)"
        " SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::jsonb[])"
        " ON CONFLICT (veto_id) DO UPDATE SET end_at = EXCLUDED.end_at, evidence = EXCLUDED.evidence",
        (as_datetime(now), *(list(column) for column in zip(*rows, strict=True))),
    )


async def _hours_from(connection: Connection, sources: Iterable[str], hour: int) -> list[int]:
    """Hours from that one on of which these sources have pages."""
    cursor = await connection.execute(
        "SELECT DISTINCT hour FROM coverage_hour WHERE source = ANY(%s) AND hour >= %s",
        (list(sources), as_datetime(hour * HOUR_US)),
    )
    return sorted(as_us(at) // HOUR_US for (at,) in await cursor.fetchall())


async def _read_hour(connection: Connection, hour: int) -> list[tuple[str, list[str], bytes]]:
    cursor = await connection.execute(
        "SELECT h.source, l.tags, h.facts FROM coverage_hour h JOIN coverage_layout l USING (layout_id) WHERE h.hour = %s",
        (as_datetime(hour * HOUR_US),),
        binary=True,
    )
    return await cursor.fetchall()


async def _layout(connection: Connection, source: str, tags: tuple[str, ...]) -> int:
    row = await (
        await connection.execute(
            "INSERT INTO coverage_layout (source, tags) VALUES (%s, %s)"
            " ON CONFLICT (source, tags) DO UPDATE SET source = EXCLUDED.source RETURNING layout_id",
            (source, list(tags)),
        )
    ).fetchone()
    assert row is not None  # noqa: S101 - RETURNING of an upsert
    return row[0]
