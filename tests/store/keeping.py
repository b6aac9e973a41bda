"""A small real record over days: batches through the recorder, with coverage and ledger kept, sealed and told to a witness."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from contract.rooms import GROUP, TAGS, small_park
from hazmon_edge import wire
from store.scribe import START

from hazmon.alarms.alarm import Subject
from hazmon.alarms.book import AlarmBook, Turn
from hazmon.clock import MINUTE_US, US, as_datetime
from hazmon.coverage.book import Veto
from hazmon.delivery import Delivery
from hazmon.ingest import accept, read_batch
from hazmon.ledger.checkpoint import open_checkpoint
from hazmon.ledger.note import Signer
from hazmon.model import Park
from hazmon.rulebook import Rule
from hazmon.sealing import Witness
from hazmon.store.coverage import CoverageKeeper
from hazmon.store.exemptions import Filed, decide, file
from hazmon.store.ledger import LedgerKeeper, Seal
from hazmon.store.pool import Connection, connect, migrate
from hazmon.store.record import Recorder, Work
from hazmon.store.register import Register

KEY = Signer("hazmon-test", bytes(range(32)))
NEXT_KEY = Signer("hazmon-test", bytes(range(1, 33)))
HOUR, DAY = 60 * MINUTE_US, 1440 * MINUTE_US
LEVEL = Subject("E01", "LT-1", "E01-S1", "液位", "m")


def kept_park() -> Park:
    """The small park of the tests, in UTC, so that its days are those of the record."""
    park = small_park()
    return replace(park, settings=replace(park.settings, timezone="UTC"), digest="d" * 64)


@dataclass
class Keeper:
    """One writer of a record, who can be replaced by another in the middle."""

    url: str
    connection: Connection
    register: Register
    witness: Path
    park: Park
    signers: Sequence[Signer] = (KEY,)
    seq: dict[str, int] = field(default_factory=dict[str, int])
    book: AlarmBook = field(default_factory=AlarmBook)
    recorder: Recorder = field(init=False)

    def start(self, now: int) -> None:
        """Begin as a service does, knowing nothing but what is recorded."""
        assert self.park.coverage is not None
        coverage = CoverageKeeper(self.park, self.park.coverage, now)
        self.recorder = Recorder(self.url, coverage, LedgerKeeper(self.signers[0].name, self.signers))

    async def restart(self, now: int, signers: Sequence[Signer] | None = None) -> None:
        """Stop, and begin again; perhaps with other keys."""
        await self.recorder.close()
        self.signers = self.signers if signers is None else signers
        self.start(now)

    async def batch(self, edge: str, minutes: Sequence[int], late_s: int = 1, missing: int | None = None) -> Delivery:
        """A batch of a scan a minute (since START), the last `late_s` before its arrival; `missing`: a timeout there."""
        self.seq[edge] = self.seq.get(edge, 0) + 1
        times = [START + minute * MINUTE_US + US for minute in minutes]
        values = [1.0 + column + (minute % 7) / 10 for minute in minutes for column in range(len(TAGS))]
        misses = () if missing is None else (wire.Miss(GROUP.digest, wire.WHOLE_GROUP, START + missing * MINUTE_US, 1, 2),)
        block = wire.Block(GROUP.digest, times, values, len(TAGS))
        arrived = times[-1] + late_s * US
        told = wire.Batch(
            edge,
            1,
            self.seq[edge],
            made_us=arrived,
            groups=(GROUP,) if self.seq[edge] == 1 else (),
            blocks=(wire.pack_block(block),),
            misses=misses,
        )
        body = wire.encode(told)
        group = await self.register.add_group(self.connection, edge, GROUP)
        return accept(body, read_batch(body), {GROUP.digest: group}, arrived, arrived + 60 * US)

    async def write(self, *deliveries: Delivery, now: int | None = None, work: Work | None = None) -> None:
        """Record in one transaction, at the arrival of the last batch."""
        works = [Work(list(deliveries))] + ([] if work is None else [work])
        await self.recorder.write(works, deliveries[-1].arrived if now is None else now)

    async def seal(self, at: int, day: date | None = None) -> Seal:
        """A checkpoint, told to the witness."""
        seal = Seal(day)
        await self.recorder.write([Work([], seals=[seal])], at)
        assert seal.note is not None
        checkpoint, _ = open_checkpoint(seal.note, [each.verifier for each in self.signers], self.signers[0].name)
        await Witness(str(self.witness)).keep(checkpoint, seal.note)
        return seal

    async def alarm(self, at: int) -> None:
        """An alarm that rises and falls."""
        events = [self.book.turn_on(Turn(LEVEL, Rule.H, at, 11.0, 10.5, 3))]
        events.append(self.book.turn_off(Turn(LEVEL, Rule.H, at + US, 9.0, 10.5, 3)))
        await self.write(now=at + US, work=Work([], [event for event in events if event is not None]))

    async def veto(self, begin: int, end: int, now: int) -> None:
        """A stretch that does not count."""
        await self.write(now=now, work=Work([], vetoes=[Veto(f"replay/{begin}", "E02/PT-1", "replay", begin, end)]))

    async def exempt(self, begin: int, end: int) -> None:
        """An exemption of the first source, filed an hour ahead and approved at once."""
        filed = Filed("E01", "E01-S1", None, "检修", "计划检修", begin, end, begin - HOUR, "企业")
        found = await file(self.connection, filed)
        await decide(self.connection, found.id, True, "班长", "同意", begin - HOUR + 60 * US)


@asynccontextmanager
async def keeping(url: str, witness: Path) -> AsyncGenerator[Keeper]:
    """A keeper on a fresh database."""
    await migrate(url)
    park = kept_park()
    async with await connect(url) as connection:
        keeper = Keeper(url, connection, await Register.open(connection, park), witness, park)
        keeper.start(START)
        yield keeper
        await keeper.recorder.close()


async def three_days(keeper: Keeper, days: int = 3, every: int = 30, heads: int = 60) -> None:
    """Two boxes, a batch each half hour; holes, a late backlog, an exemption, a veto, an alarm; a head each `heads` minutes."""
    backlog: list[Delivery] = []
    for minute in range(0, days * 1440, every):
        hour = minute // 60
        if minute % heads == 0 and minute:
            await keeper.seal(START + minute * MINUTE_US + 3 * MINUTE_US, _day_before(minute))
        if minute == 10 * 60:
            await keeper.exempt(START + 12 * HOUR, START + 14 * HOUR)
        if minute == 20 * 60:
            await keeper.veto(START + 15 * HOUR, START + 16 * HOUR, START + 20 * HOUR)
        if minute == 30 * 60:
            await keeper.alarm(START + 30 * HOUR)
        for edge in ("E01", "E02"):
            if edge == "E01" and hour in (13, 40):
                continue  # nothing comes, nothing is told
            minutes = range(minute, minute + every)
            late = edge == "E02" and hour in (33, 34)
            found = await keeper.batch(edge, minutes, late_s=5 * 3600 if late else 1, missing=minute if hour == 5 else None)
            if late:
                backlog.append(found)
            else:
                await keeper.write(found, now=max(found.arrived, START + minute * MINUTE_US))
        while backlog and backlog[0].arrived <= START + (minute + every) * MINUTE_US:
            await keeper.write(backlog.pop(0), now=START + (minute + every) * MINUTE_US)
    end = START + days * DAY
    await keeper.seal(end + 3 * MINUTE_US, _day_before(days * 1440))


def _day_before(minute: int) -> date | None:
    """The day that ends with this minute."""
    return as_datetime(START + (minute - 1) * MINUTE_US).date() if minute % 1440 == 0 else None
