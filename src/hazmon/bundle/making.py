"""Making a bundle: which leaves a question needs, read at one instant, and what the tables beside the ledger make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg

from hazmon.auditing.window import Window, read
from hazmon.bundle import contradictions, proving
from hazmon.bundle.evidence import KEPT_WHOLE, Evidence
from hazmon.bundle.figures import Span, by_day, months_begin, touched
from hazmon.bundle.manifest import FORMAT, GIVEN, GONE, OTHER_BATCH, OTHER_PAGE, Figures, Group, Manifest, RangeProof
from hazmon.bundle.packing import Parts, packed, runs_of
from hazmon.bundle.pages import merged
from hazmon.bundle.span import covered_at, sealed_until
from hazmon.clock import MINUTE_US, iso
from hazmon.coverage.book import in_force
from hazmon.coverage.calendar import slots_of
from hazmon.coverage.facts import HOUR_SLOTS, SLOT_US
from hazmon.coverage.statements import Terms
from hazmon.errors import CommandRefused, LedgerError, NotFound
from hazmon.ledger.content import Facts, Statement, parse
from hazmon.ledger.note import Verifier
from hazmon.store import bundles as record
from hazmon.store.audit import exemptions_between
from hazmon.store.bundles import CheckpointRow, LeafRow
from hazmon.store.ledger import kind_of
from hazmon.store.pool import Connection

ALL = 1 << 62
SHORT_US = 7 * 1440 * MINUTE_US  # so much of the boxes' own bytes is given unasked
SLACK_US = 2 * 60 * MINUTE_US  # a box whose clock is ahead speaks of the hours to come


@dataclass(frozen=True, slots=True)
class Question:
    """[begin, end) microseconds; sources or enterprises by id, None = all; batches None = when the time is short."""

    begin: int
    end: int
    sources: Sequence[str] | None = None
    batches: bool | None = None


async def build(connection: Connection, keys: Sequence[Verifier], question: Question) -> bytes:
    """The bundle that answers the question.

    Raises CommandRefused when the record is not sealed so far yet, NotFound for an unknown source, LedgerError when the
    ledger cannot prove anything any more; the sentence says where it is damaged.
    """
    async with record.at_one_instant(connection):
        return await build_within(connection, keys, question)


async def build_within(connection: Connection, keys: Sequence[Verifier], question: Question) -> bytes:
    """As `build`, within the caller's transaction."""
    return await _Maker(connection, keys, question).made()


@dataclass(slots=True)
class _Maker:
    connection: Connection
    keys: Sequence[Verifier]
    question: Question
    faults: list[str] = field(default_factory=list[str])
    whole: Evidence = field(default_factory=Evidence)  # what is said seldom, all of it

    async def made(self) -> bytes:
        heads = await record.checkpoints(self.connection)
        if not heads:
            raise CommandRefused("记录尚无检查点 · the record has no checkpoint yet: the first is made when the service starts")
        seldom = await record.statements(self.connection, KEPT_WHOLE, 0, ALL, self.faults)
        self._hear(seldom, self.whole)
        span, early = self._span(heads[-1])
        head = await self._head(heads, span, early, seldom)
        self.faults += await record.misshapen(self.connection)
        return await self._bundle(heads, head, span, early)

    def _span(self, newest: CheckpointRow) -> tuple[Span, int]:
        """What is counted, and the slot from which on evidence is needed."""
        first, end = slots_of(self.question.begin, self.question.end)
        end = min(end, sealed_until(newest.at) // SLOT_US)
        terms = self.whole.terms_at(end - 1)
        if terms is None:
            raise LedgerError(
                "; ".join(["no scheme can be read in the ledger: nobody knows what had to be measured", *self.faults])
            )
        if end <= first:
            raise CommandRefused(
                f"尚未封存 · nothing of that time is sealed yet: pages of an hour are sealed with the first checkpoint after it;"
                f" the last is of {iso(newest.at)}"
            )
        known = {
            source: duty.enterprise
            for scheme, _, _ in in_force(self.whole.schemes, first, end)
            for source, duty in scheme.duties.items()
        }
        asked = self.question.sources
        chosen = {source: each for source, each in sorted(known.items()) if asked is None or source in asked or each in asked}
        for name in asked or ():
            if name not in known and name not in known.values():
                raise NotFound(f"no source or enterprise {name}")
        if not chosen:
            raise CommandRefused("当时尚无应监测的危险源 · nothing had to be measured at that time")
        span = Span(first, end, chosen, terms)
        early = months_begin(first, end, span.zone)
        needs_month = touched(chosen, self.whole.schemes, self.whole.exemptions, terms.rules, early, end)
        return span, early if needs_month else first

    async def _head(self, heads: Sequence[CheckpointRow], span: Span, early: int, seldom: Sequence[LeafRow]) -> CheckpointRow:
        """The first checkpoint over all that concerns the span after which nothing can come, else the newest."""
        points = {
            f"{duty.enterprise}/{tag}"
            for s in self.whole.schemes
            for duty in s.duties.values()
            for tag in duty.tags
            if duty.source in span.sources
        }
        need = 0
        for row in seldom:
            if row.n < heads[-1].size and row.n >= need and self._concerns(row, span, early, points):
                need = row.n + 1
        late = [
            f"{row.kind} of leaf {row.n}"
            for row in seldom
            if row.n >= heads[-1].size and self._concerns(row, span, early, points)
        ]
        for kind, body in await record.pending(self.connection, KEPT_WHOLE):
            if kind == "exemption" and (body["source"] in span.sources or not body["source"]):
                late.append(f"exemption {body['id']}")
        if late:
            raise CommandRefused(
                f"请在下一检查点后再要 · said since the checkpoint of {iso(heads[-1].at)}, ask again after the next:"
                f" {', '.join(late[:5])}"
            )
        begin, end = early // HOUR_SLOTS * HOUR_SLOTS * SLOT_US, span.end * SLOT_US
        leaves = [leaf for *_, leaf in await record.pages(self.connection, _whose(span), begin, end) if leaf is not None]
        need = max([need, *(leaf + 1 for leaf in leaves if leaf < heads[-1].size)])
        final = covered_at(span.end, span.terms.rules)
        return next((row for row in heads if row.at >= final and row.size >= need), heads[-1])

    def _concerns(self, row: LeafRow, span: Span, early: int, points: set[str]) -> bool:
        """Whether what was said bears on the figures of the span."""
        try:
            leaf = parse(row.content)
        except LedgerError:
            return False  # told by others
        body = cast(dict[str, Any], leaf.body) if isinstance(leaf, Statement) else {}
        match row.kind:
            case "scheme":
                return body.get("since", 0) < span.end
            case "veto":
                over = body.get("end")
                return (
                    body.get("point") in points
                    and body["begin"] < span.end * SLOT_US
                    and (over is None or over > early * SLOT_US)
                )
            case "exemption":
                return (
                    body["begins"] < span.end * SLOT_US
                    and body["until"] > early * SLOT_US
                    and (not body["source"] or body["source"] in span.sources)
                )
            case _:
                return "simulated_from" in body

    async def _bundle(self, heads: Sequence[CheckpointRow], head: CheckpointRow, span: Span, early: int) -> bytes:
        connection, size = self.connection, head.size
        start = _sealed_before(heads, early * SLOT_US)
        window = _sealed_before(heads, span.first * SLOT_US - SLACK_US)
        given = self.question.batches
        batches = self.question.end - self.question.begin <= SHORT_US if given is None else given
        contents = {row.n: row for row in await record.statements(connection, KEPT_WHOLE, 0, size, [])}
        more = ["seal", *(["event"] if batches else [])]
        rows = await record.statements(connection, ["seal"], min(start, window), size, self.faults)
        rows += await record.statements(connection, more, window, size, self.faults)
        hours = range(early // HOUR_SLOTS, -(-span.end // HOUR_SLOTS))
        rows += [
            row for row in await record.statements(connection, ["facts"], start, size, self.faults) if _is_page(row, span, hours)
        ]
        contents |= {row.n: row for row in rows}
        edges = sorted(set(span.sources.values()))
        boxes = await record.batches(connection, edges, window, size, self.faults) if batches else []
        numbers = [*contents, *(row.n for row in boxes)]
        runs = runs_of(numbers, (window, size) if batches else None)
        kinds = await self._kinds(runs, {*numbers}, (window, size) if batches else None)
        evidence = Evidence()
        self._hear([contents[n] for n in sorted(contents)], evidence)
        hashes, proof = await proving.hashes_of(connection, runs, size, self.faults)
        notes = [row for row in heads if min(start, window) < row.size <= size]
        steps = await proving.steps_between(connection, notes, size)
        own = list({row.size: row for row in (*notes, head)}.values())
        self.faults += proving.row_faults(own)
        there = {**contents, **{row.n: row for row in boxes}}
        self.faults += await proving.damage(connection, proving.as_runs(runs, hashes), proof, steps, own, size, there)
        figures = await self._compared(evidence, span, early, start)
        parts = Parts(
            keys=self.keys,
            head=head.note,
            notes={row.size: row.note for row in notes if row is not head},
            steps=steps,
            range=RangeProof(runs, proof),
            hashes=hashes,
            kinds=kinds,
            statements={n: row.content for n, row in contents.items() if row.kind != "facts"},
            facts={n: row.content for n, row in contents.items() if row.kind == "facts"},
            batches={row.n: row.content for row in boxes} if batches else None,
            groups=[Group(*row) for row in await record.groups(connection, edges)] if batches else (),
        )
        manifest = Manifest(
            format=FORMAT,
            origin=_origin(head.note),
            asked_from=self.question.begin,
            asked_to=self.question.end,
            asked_sources=None if self.question.sources is None else sorted(self.question.sources),
            first=span.first,
            end=span.end,
            evidence_from=early,
            batches=batches,
            timezone=span.terms.park.settings.timezone,
            simulated=evidence.simulated,
            head=size,
            sources=dict(span.sources),
            figures=figures,
            contradictions=self.faults,
            files={},
        )
        return packed(parts, manifest)

    def _hear(self, rows: Sequence[LeafRow], evidence: Evidence) -> None:
        for row in rows:
            try:
                evidence.take(row.n, row.content)
                if (kind := kind_of(parse(row.content))) != row.kind:
                    self.faults.append(f"leaf {row.n} is of kind {kind}, and stands in the table as {row.kind}")
            except LedgerError as error:
                self.faults.append(str(error))

    async def _kinds(self, runs: Sequence[tuple[int, int]], given: set[int], window: tuple[int, int] | None) -> bytes:
        there = {} if window is None else await record.kinds_of(self.connection, *window)
        letters = {"batch": OTHER_BATCH, "facts": OTHER_PAGE}
        return bytes(
            GIVEN if n in given else letters.get(there.get(n, ""), GONE) for first, end in runs for n in range(first, end)
        )

    async def _compared(self, evidence: Evidence, span: Span, early: int, start: int) -> dict[str, dict[str, Figures]]:
        """The figures as the tables have them; where the tables are not what the ledger says is a fault."""
        connection, names = self.connection, list(span.sources)
        begin, end = early // HOUR_SLOTS * HOUR_SLOTS, -(-span.end // HOUR_SLOTS) * HOUR_SLOTS
        sealed = merged(evidence)
        wrong, waiting = contradictions.pages(
            await record.pages(connection, _whose(span), begin * SLOT_US, end * SLOT_US), sealed
        )
        if waiting:
            raise CommandRefused(
                f"有迟到数据待封存，请在下一检查点后再要 · late data wait for their seal, ask again after the next checkpoint:"
                f" {'; '.join([*waiting[:5], *self.faults[:5]])}"
            )
        self.faults += wrong
        all_of_it = Span(early, span.end, span.sources, span.terms)
        rows = await record.judged_days(connection, names, begin // 1440, -(-end // 1440))
        self.faults += contradictions.days(rows, evidence, sealed, all_of_it)
        self.faults += contradictions.schemes(await record.scheme_rows(connection), self.whole, span.end)
        points = {point.id for point in span.terms.park.points if point.source in span.sources}
        self.faults += contradictions.vetoes(await record.veto_rows(connection), self.whole, points)
        exempted = await exemptions_between(connection, early * SLOT_US, span.end * SLOT_US)
        self.faults += contradictions.exemptions(exempted, self.whole, all_of_it)
        self.faults += await self._events(start)
        try:
            return await self._figures(evidence, span)
        except (ValueError, IndexError, psycopg.DataError) as error:
            self.faults.append(f"the figures cannot be read from the tables: {error}")
            return {}

    async def _figures(self, evidence: Evidence, span: Span) -> dict[str, dict[str, Figures]]:
        """As the service answers them, from the judged days."""
        terms: Terms = span.terms
        window = Window(
            terms.park, terms.rules, span.zone, span.first, span.end, evidence.schemes, dict(span.sources), evidence.simulated
        )
        return by_day((await read(self.connection, window)).settled(), span)

    async def _events(self, start: int) -> list[str]:
        rows = await record.statements(self.connection, ["event"], start, ALL, self.faults)
        said: dict[int, dict[str, Any]] = {}
        for row in rows:
            try:
                leaf = parse(row.content)
            except LedgerError as error:
                self.faults.append(f"leaf {row.n}: {error}")
                continue
            if isinstance(leaf, Statement) and isinstance(number := leaf.body.get("event"), int):
                said[number] = cast(dict[str, Any], leaf.body)
        if not said:
            return []
        faults: list[str] = []
        found = contradictions.events(await record.alarm_events(self.connection, min(said), faults), said)
        return faults + found


def _sealed_before(heads: Sequence[CheckpointRow], at: int) -> int:
    """The seal leaf of the last checkpoint not later than that microsecond; 0, the log's begin, when there is none."""
    return max((row.size - 1 for row in heads if row.at <= at), default=0)


def _whose(span: Span) -> list[str]:
    """The sources and their boxes: a box's own page says when it was heard."""
    return sorted({*span.sources, *span.sources.values()})


def _is_page(row: LeafRow, span: Span, hours: range) -> bool:
    try:
        leaf = parse(row.content)
    except LedgerError:
        return True  # whatever it is, it is shown and told
    return isinstance(leaf, Facts) and leaf.source in _whose(span) and leaf.hour in hours


def _origin(note: bytes) -> str:
    return note.decode("utf-8", "replace").partition("\n")[0]
