"""The live driver of the step: takes what the boxes deliver, evaluates it, records it, and tells the room.

Recorded before shown, as long as the database answers. If it does not within a second, alarms are shown all the same, marked
as not yet recorded, and recorded when it is back; receipts always wait for the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from hazmon_edge import wire

from hazmon.alarms.alarm import Alarm, AlarmEvent
from hazmon.alarms.commands import Command
from hazmon.boots import Boots
from hazmon.clock import US, Clock
from hazmon.counts import Counts
from hazmon.delivery import Delivery, ScanGroup
from hazmon.errors import BatchError, StoreUnavailable
from hazmon.feed import Feed
from hazmon.ingest import UnknownGroup, accept, accepted, check_group, read_batch
from hazmon.model import Park
from hazmon.plant import Exempt, Plant
from hazmon.reload import reloaded
from hazmon.rules.frame import Ints
from hazmon.step import BOX_QUIET_US, Outcome, deaf, step
from hazmon.store.record import Recorder, Unrecordable, Work
from hazmon.store.register import Key, Lookups

log = structlog.get_logger()

TICK_S = 0.25  # how often silence is looked at
PATIENCE_S = 1.0  # how long alarms wait for the database
RETRY_S = 0.5
GROWN_S = 30.0  # how often the peaks of standing alarms are recorded
ANSWER_S = 4.0  # how long a receipt may wait for the commit; less than a box waits for it
MANY_READINGS = 200_000  # a transaction takes no more


class Busy(Exception):
    """The queue is full or the record does not answer: the box keeps what it has."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An alarm event as it goes to the room; one shown unrecorded comes again when it is recorded."""

    event: AlarmEvent
    recorded: bool


Answer = asyncio.Future[wire.Receipt]


class Engine:
    """One park, one writer. All methods belong to one event loop."""

    def __init__(
        self,
        plant: Plant,
        recorder: Recorder,
        lookups: Lookups,
        groups: dict[tuple[str, bytes], ScanGroup],
        clock: Clock,
    ) -> None:
        self.plant = plant
        self.clock = clock
        self.alarms: Feed[Notice] = Feed(limit=5000)
        self.counts = Counts()
        self.watermark: int | None = None  # microseconds: the newest commit
        self.commit_s = 0.0
        self.down = False  # the database does not answer
        self.turned_at: float | None = None  # monotonic seconds: when it last came round; None before the first time
        self.unrecorded: dict[int, AlarmEvent] = {}  # shown, and waiting for the database
        self._changed = np.zeros(len(plant.park.points), bool)
        self._recorder = recorder
        self._boots = Boots(lookups, clock)
        self._groups: dict[str, dict[bytes, ScanGroup]] = {}
        for (edge, digest), group in groups.items():
            self._groups.setdefault(edge, {})[digest] = group
        self._waiting: list[Delivery] = []
        self._answers: dict[Key, Answer] = {}
        self._alive: dict[str, int | None] = {}
        self._commands: list[tuple[Command, asyncio.Future[Outcome]]] = []
        self._outcomes: list[tuple[Outcome, asyncio.Future[Outcome]]] = []
        self._unwritten: list[Work] = []
        self._writer: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._grown_at = clock.monotonic()
        self._turn_began = clock.now()

    @property
    def queue(self) -> int:
        """Batches that wait for a commit."""
        return len(self._answers)

    async def submit(self, edge: str, bodies: Sequence[bytes]) -> list[wire.Receipt]:
        """Take a box's batches (canonical bytes); answers when they are committed, in their order.

        Raises Busy, BatchError on bytes that are no batch, PermissionError on a batch of another box.
        """
        full = len(self._answers) >= self.plant.park.settings.queue_batches
        if full and not self.down:
            raise Busy("the queue is full")
        batches = [(body, read_batch(body)) for body in bodies]
        for _, batch in batches:
            if batch.edge != edge or edge not in self.plant.boxes:
                raise PermissionError(f"box {edge} may not send for {batch.edge}")
        answers = [await self._admit(batch, body) for body, batch in batches]
        waiting = [answer for answer in answers if isinstance(answer, asyncio.Future)]
        if waiting:
            self._wake.set()
            if full:
                raise Busy("evaluated, but the record does not answer and the queue is full")
            await asyncio.wait(waiting, timeout=ANSWER_S)
        return [_receipt(answer) for answer in answers]

    def heartbeat(self, edge: str, offset: int | None = None) -> None:
        """A sign of life from a box, with what its clock is off: microseconds to add, None if it does not know yet."""
        if edge in self.plant.boxes:
            self._alive[edge] = offset

    async def command(self, command: Command) -> Outcome:
        """Carry out a command; answers when it is recorded. Raises StoreUnavailable when it cannot be."""
        if self.down:
            raise StoreUnavailable("the record does not answer: the command is not carried out")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._commands.append((command, future))
        self._wake.set()
        done, _ = await asyncio.wait({future}, timeout=ANSWER_S)
        if not done:
            raise StoreUnavailable("the record does not answer: whether the command will be recorded is not known")
        return future.result()

    def recall(self, alarm: Alarm) -> None:
        """Let an alarm of the record that is over be spoken of again: verified, disposed of, commented on."""
        book = self.plant.book
        if alarm.id not in book.open and alarm.id not in book.closed:
            book.keep(alarm)

    def exempt(self, target: str, exempts: Sequence[Exempt]) -> None:
        """From the next turn on, these are all exemptions of a unit (`E01/V-1101`) or source: in force, or by their time."""
        self.plant.exempt[target] = tuple(exempts)
        self._wake.set()

    def reload(self, park: Park) -> None:
        """Go on with this configuration: between two turns, at once. Raises NeedsRestart, and then nothing has changed."""
        now = self.clock.now()
        self.plant, events = reloaded(self.plant, park, now)
        self._recorder.follow(self.plant.park, now)  # its points stand where those of the groups' columns stand
        self.begin_with(events)
        self._wake.set()

    def open_alarms(self) -> list[tuple[Alarm, bool]]:
        """The alarms that are not over, each with whether its last event is recorded."""
        return [(alarm, alarm.event not in self.unrecorded) for alarm in self.plant.book.open.values()]

    def take_changed(self) -> Ints:
        """Indices of the points with a new reading since the last call."""
        indices = np.flatnonzero(self._changed)
        self._changed[:] = False
        return indices

    def record(self, work: Work) -> None:
        """Have it recorded with the next turn."""
        self._unwritten.append(work)
        self._wake.set()

    def begin_with(self, events: list[AlarmEvent]) -> None:
        """Events that no step made, but the recovery or a new configuration: to be recorded before those that follow."""
        if events:
            self._unwritten.append(Work([], events))
            self.unrecorded.update({event.number: event for event in events})

    async def run(self) -> None:
        """Turn until cancelled."""
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._turn()
            if self._writer is not None and self._writer.done():
                self._writer.result()  # it ended by a defect: die with it, rather than go on and record nothing
            self.turned_at = self.clock.monotonic()

    async def finish(self) -> None:
        """Record what is still in hand; for when the service stops."""
        self._grown_at = -GROWN_S
        await self._turn()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=5)
            self._writer.cancel()
        await self._recorder.close()

    async def _admit(self, batch: wire.Batch, canonical: bytes) -> wire.Receipt | Answer:
        key = (batch.edge, batch.boot, batch.seq)
        if key in self._answers:
            return self._answers[key]
        try:
            if await self._boots.is_recorded(key):
                self.counts.duplicates += 1
                return wire.Receipt(batch.boot, batch.seq, "duplicate")
            known = self._groups.setdefault(batch.edge, {})
            for group in batch.groups:
                if group.digest not in known:
                    check_group(group)
                    known[group.digest] = await self._boots.add_group(batch.edge, group)
            arrived = self.clock.now()
            offset = self.plant.boxes[batch.edge].clock
            horizon = arrived + round(self.plant.park.settings.future_s * US) - offset
            delivery = accept(canonical, batch, known, arrived, horizon, offset)
        except StoreUnavailable as error:
            raise Busy(str(error)) from error
        except BatchError as error:
            self.counts.rejected += 1
            return wire.Receipt(batch.boot, batch.seq, "rejected", isinstance(error, UnknownGroup), str(error))
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = asyncio.get_running_loop().create_future()
            self._waiting.append(delivery)
        return answer

    async def _turn(self) -> None:
        """Evaluate what has come, hand it to the writer, and show it: recorded if the database is quick, else as it is."""
        deliveries = self._take()
        commands, self._commands = self._commands, []
        alive, self._alive = self._alive, {}
        now = self.clock.now()
        if now - self._turn_began > BOX_QUIET_US:
            deaf(self.plant, now - self._turn_began)
        self._turn_began = now
        fresh = [delivery for delivery in deliveries if self._boots.is_new(delivery.key)]
        events, outcomes = step(self.plant, fresh, [command for command, _ in commands], now, alive)
        self.counts.note(fresh, events)
        for delivery in fresh:
            for block in delivery.blocks:
                self._changed[block.points[block.points >= 0]] = True
        kept = self._kept(deliveries)
        for outcome, (_, future) in zip(outcomes, commands, strict=True):
            if outcome.event is None:
                _resolve(future, outcome)
            else:
                self._outcomes.append((outcome, future))
        grown = self._grown()
        if kept or events or grown:
            self._unwritten.append(Work(kept, events, grown))
            for event in events:
                self.unrecorded[event.number] = event
        if self._unwritten and self._writer is None:
            self._writer = asyncio.create_task(self._write())
        writer = self._writer
        if writer is not None and not self.down:
            await asyncio.wait({writer}, timeout=PATIENCE_S)
            if not writer.done():
                log.warning("database does not answer", waiting=len(self._unwritten))
                self.down = True
                self._show_unrecorded([event for work in self._unwritten for event in work.events])
        elif self.down:
            self._show_unrecorded(events)

    def _grown(self) -> list[Alarm]:
        """Now and then, the alarms whose peak went further: so much of it a kill may lose."""
        now = self.clock.monotonic()
        if now < self._grown_at + GROWN_S:
            return []
        self._grown_at = now
        return self.plant.book.take_grown()

    def _take(self) -> list[Delivery]:
        """The next deliveries, no more than one transaction should hold."""
        readings = 0
        for count, delivery in enumerate(self._waiting):
            readings += delivery.readings
            if readings > MANY_READINGS and count:
                taken, self._waiting = self._waiting[:count], self._waiting[count:]
                self._wake.set()
                return taken
        taken, self._waiting = self._waiting, []
        return taken

    def _kept(self, deliveries: list[Delivery]) -> list[Delivery]:
        """In a long outage only so many batches are held for the database; the others stay with their boxes."""
        if not self.down:
            return deliveries
        held = sum(len(work.deliveries) for work in self._unwritten)
        room = max(0, self.plant.park.settings.queue_batches - held)
        for delivery in deliveries[room:]:
            self._answers.pop(delivery.key).cancel()
        return deliveries[:room]

    async def _write(self) -> None:
        """Write all works in hand until they are written; runs as the one writer task."""
        alone = False  # after a refusal by the record: work by work, so that only the one at fault is refused
        while True:
            if not self._unwritten:
                self._writer = None
                self.down = False
                return
            works = self._unwritten[:1] if alone else list(self._unwritten)
            began = self.clock.monotonic()
            try:
                await self._recorder.write(works, self.clock.now())
            except StoreUnavailable as error:
                log.warning("not recorded, trying again", error=str(error), works=len(works))
                await asyncio.sleep(RETRY_S)
                continue
            except Unrecordable as error:
                self._set_aside(works, error)
                alone = True
                continue
            self.commit_s = self.clock.monotonic() - began
            self._settle(works)
            alone = alone and bool(self._unwritten)

    def _set_aside(self, works: Sequence[Work], error: Unrecordable) -> None:
        """The record refuses what is in these works: go on one batch at a time, and give the one at fault back to its box."""
        del self._unwritten[: len(works)]
        if len(works) == 1 and len(works[0].deliveries) + len(works[0].events) == 1:
            log.error("unrecordable", error=str(error))
            for delivery in works[0].deliveries:
                self.counts.rejected += 1
                answer = self._answers.pop(delivery.key, None)
                if answer is not None and not answer.done():
                    reason = f"the record refuses it: {error}"
                    answer.set_result(wire.Receipt(delivery.boot, delivery.seq, "rejected", reason=reason))
            for outcome, future in self._outcomes:
                if outcome.event in works[0].events and not future.done():
                    future.set_exception(StoreUnavailable(f"the record refuses it: {error}"))
            self._show_unrecorded(works[0].events)
            return
        events = [Work([], [event]) for work in works for event in work.events]
        others = [work for work in works if work.vetoes or work.seals]
        if others == list(works) and len(works) == 1:
            log.error("unrecordable, left out", error=str(error), vetoes=[veto.id for veto in works[0].vetoes])
            others = []
        self._unwritten[:0] = events + others + [Work([delivery]) for work in works for delivery in work.deliveries]

    def _settle(self, works: Sequence[Work]) -> None:
        """The works are committed: tell the room and the boxes."""
        del self._unwritten[: len(works)]
        self.watermark = self.clock.now()
        for work in works:
            work.recorded = True
            for event in work.events:
                self.unrecorded.pop(event.number, None)
                self.alarms.publish(Notice(event, recorded=True))
            for delivery in work.deliveries:
                self._boots.recorded(delivery.key)
                answer = self._answers.pop(delivery.key, None)
                if answer is not None and not answer.done():
                    answer.set_result(accepted(delivery))
        ready = {event.number for work in works for event in work.events}
        for outcome, future in self._outcomes:
            if outcome.event is not None and outcome.event.number in ready:
                _resolve(future, outcome)
        self._outcomes = [entry for entry in self._outcomes if not entry[1].done()]

    def _show_unrecorded(self, events: Sequence[AlarmEvent]) -> None:
        for event in events:
            if event.number in self.unrecorded:
                self.alarms.publish(Notice(event, recorded=False))


def _receipt(answer: wire.Receipt | Answer) -> wire.Receipt:
    if not isinstance(answer, asyncio.Future):
        return answer
    if not answer.done() or answer.cancelled():
        raise Busy("the record does not answer")
    return answer.result()


def _resolve(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
