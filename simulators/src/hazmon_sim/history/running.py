"""The run: minute by minute everything that every box sends, the clock moved along, and the ledger closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from hazmon_sim.errors import SimulatorError
from hazmon_sim.history import wire
from hazmon_sim.history.box import Made, SimulatedBox
from hazmon_sim.history.compare import Verdict, ask_coverage, compare
from hazmon_sim.history.expected import expect
from hazmon_sim.history.filing import Desk
from hazmon_sim.history.ledger import DAY_MINUTES, MINUTE_US, Ledger
from hazmon_sim.history.park import Box, Park
from hazmon_sim.history.script import Script, write_script
from hazmon_sim.history.sending import ANSWER_S, Answer, Link, ParkError


@dataclass(frozen=True, slots=True)
class Options:
    """What to write, where to, and where to keep account of it. Without a `start` it is the park's next midnight."""

    park_url: str
    tokens: Path
    ledger: Path
    days: int
    start: date | None = None
    seed: int = 1
    scan_s: int = 30


@dataclass(slots=True)
class Tally:
    """What went out so far."""

    minutes: int = 0
    batches: int = 0
    readings: int = 0
    busy: int = 0
    filed: int = 0
    resent: int = 0


class _Receipt(msgspec.Struct):
    boot: str
    seq: str
    outcome: str
    reason: str | None = None
    refused: list[dict[str, object]] = []


class _Receipts(msgspec.Struct):
    receipts: list[_Receipt]


_receipts = msgspec.json.Decoder(_Receipts)


async def write_history(
    park: Park, options: Options, told: Callable[[Tally], None], script: Script | None = None
) -> tuple[Verdict, Tally]:
    """Write the days and compare. `told` hears how far it is, every simulated hour. Raises SimulatorError, loudly, on a rejected
    receipt, a refused reading, or an answer that is not the park's.
    """
    if 60 % options.scan_s or options.days < 1:
        raise SimulatorError(f"--scan-s {options.scan_s}, --days {options.days}: a divisor of 60 and at least 1")
    links = {box.edge: Link(options.park_url, box.edge, _token(options.tokens, box.edge)) for box in park.boxes}
    desk_link = Link(options.park_url, "coverage")
    from_us = await _beginning(links[park.boxes[0].edge], park, options)
    to_us = from_us + options.days * DAY_MINUTES * MINUTE_US
    script = script or write_script(park, options.days, options.seed)
    ledger = Ledger(options.ledger)
    try:
        edges = [box.edge for box in park.boxes]
        zone = park.timezone.key
        ledger.write(
            "run", from_us=from_us, days=options.days, seed=options.seed, scan_s=options.scan_s, timezone=zone, edges=edges
        )
        for what, found in script.happenings():
            ledger.write("happening", what=what, how=asdict(found))
        run = _Run(park, options, script, links, desk_link, from_us, ledger, told)
        await run.all_days()
        ledger.close()
        answered = await ask_coverage(desk_link, from_us, to_us, park.timezone)
        return compare(expect(options.ledger, park), answered, park.timezone), run.tally
    finally:
        ledger.close()
        for link in (*links.values(), desk_link):
            link.close()


def midnight_us(day: date, zone: ZoneInfo) -> int:
    """The first instant of the day in the zone, in microseconds since 1970."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


class _Run:
    def __init__(
        self,
        park: Park,
        options: Options,
        script: Script,
        links: dict[str, Link],
        desk: Link,
        from_us: int,
        ledger: Ledger,
        told: Callable[[Tally], None],
    ) -> None:
        self._days, self._from_us, self._ledger, self._told, self._links = options.days, from_us, ledger, told, links
        minutes = options.days * DAY_MINUTES
        self._boxes = [
            SimulatedBox(box, script, options.seed, from_us, minutes, options.scan_s, park.terms) for box in park.boxes
        ]
        self._connections = {box.edge: _connections(box, from_us) for box in park.boxes}
        self._desk = Desk(script.filings, desk, from_us, minutes)
        self.tally = Tally()
        self._written = 0  # days whose facts are in the ledger

    async def all_days(self) -> None:
        """Send everything; on return the ledger is complete."""
        for day in range(self._days):
            for box in self._boxes:
                box.begin_day(day)
            await self._day(day)
            for box in self._boxes:
                box.end_day()
            self._write_facts(min(box.unsettled for box in self._boxes) // DAY_MINUTES)
        self._write_facts(self._days)
        self._desk.record(self._ledger)
        tally = self._count()
        self._ledger.write("end", batches=tally.batches, readings=tally.readings, resent=tally.resent, busy=tally.busy)
        self._told(tally)

    async def _day(self, day: int) -> None:
        """While the park works on a minute, the next one is made."""
        first = day * DAY_MINUTES
        ready = self._make(first)
        for minute in range(first, first + DAY_MINUTES):
            await self._desk.act(minute)
            sending = asyncio.ensure_future(asyncio.gather(*[self._send(minute, *what) for what in ready]))
            await asyncio.sleep(0)
            ready = self._make(minute + 1) if minute + 1 < first + DAY_MINUTES else []
            try:
                async with asyncio.timeout(ANSWER_S):
                    await sending
            except TimeoutError:
                raise ParkError(f"minute {minute}: no answer in {ANSWER_S:g} s") from None
            self.tally.minutes = minute + 1
            if minute % 60 == 59:
                self._told(self._count())

    def _make(self, minute: int) -> list[tuple[SimulatedBox, list[list[Made]], bytes, list[bytes]]]:
        """For every box that sends: the bodies' batches, its heartbeat, and the bodies."""
        found: list[tuple[SimulatedBox, list[list[Made]], bytes, list[bytes]]] = []
        for box in self._boxes:
            bodies = box.minute(minute)
            if bodies:
                packed = [wire.body([made.canonical for made in body]) for body in bodies]
                found.append((box, bodies, self._beat(minute, box), packed))
        return found

    async def _send(self, minute: int, box: SimulatedBox, bodies: list[list[Made]], beat: bytes, packed: list[bytes]) -> None:
        now_us = self._from_us + (minute + 1) * MINUTE_US
        link = self._links[box.edge]
        requests = [link.request("POST", "/api/v1/heartbeats", now_us, beat)]
        requests += [link.request("POST", "/api/v1/batches", now_us, body, wire.CONTENT_TYPE) for body in packed]
        heard, *answers = await link.ask(requests)
        if heard.status != 200:
            raise ParkError(f"{box.edge}: a heartbeat at minute {minute}: {heard.status} {_text(heard)}")
        for body, answer in zip(bodies, answers, strict=True):
            self._check(box.edge, minute, body, answer)
            for made in body:
                box.arrived(made, now_us)
                self.tally.resent += made.is_duplicate
                if made.how != "live":
                    self._note(box.edge, made, now_us)
            self.tally.batches += len(body)

    def _check(self, edge: str, minute: int, body: list[Made], answer: Answer) -> None:
        """Every batch of the body has its receipt, and it is the one that it must be."""
        where = f"{edge}: batches at minute {minute}"
        if answer.status != 200:
            raise ParkError(f"{where}: {answer.status} {_text(answer)}")
        try:
            receipts = _receipts.decode(answer.body).receipts
        except msgspec.DecodeError as error:
            raise ParkError(f"{where}: receipts that cannot be read: {error}") from error
        if [(each.boot, each.seq) for each in receipts] != [(str(made.boot), str(made.seq)) for made in body]:
            raise ParkError(f"{where}: the receipts are for other batches: {_text(answer)}")
        for made, receipt in zip(body, receipts, strict=True):
            may_be_known = made.is_duplicate or answer.again  # two copies in one transaction of the park may both be accepted
            if receipt.outcome != "accepted" and not (may_be_known and receipt.outcome == "duplicate"):
                raise ParkError(f"{where}: {made.how} batch {made.seq} is {receipt.outcome}, not accepted: {receipt.reason}")
            if receipt.refused:
                raise ParkError(f"{where}: {made.how} batch {made.seq}: readings refused: {receipt.refused[:3]}")

    def _note(self, edge: str, made: Made, now_us: int) -> None:
        first_us, last_us = (self._from_us + at * MINUTE_US for at in (made.start, made.end))
        self._ledger.write("delivery", edge=edge, at_us=now_us, first_us=first_us, last_us=last_us, how=made.how)

    def _beat(self, minute: int, box: SimulatedBox) -> bytes:
        sent_us = self._from_us + (minute + 1) * MINUTE_US
        return b'{"edge":"%s","boot":"%d","sent_us":%d,"outbox_batches":%d,"outbox_bytes":%d,"last_seq":"%d",%s' % (
            box.edge.encode(),
            box.boot,
            sent_us,
            box.waiting,
            box.waiting * 1000,
            box.seq,
            self._connections[box.edge],
        )

    def _count(self) -> Tally:
        tally = self.tally
        tally.readings = sum(box.readings for box in self._boxes)
        tally.busy = sum(link.busy for link in self._links.values())
        tally.filed = self._desk.count
        return tally

    def _write_facts(self, until_day: int) -> None:
        """Days before `until_day` are as they will stay: into the ledger with them, and out of memory."""
        for day in range(self._written, until_day):
            for box in self._boxes:
                self._ledger.write("facts", edge=box.edge, day=day, runs=box.account.runs(day))
                del box.account.days[day]
        self._written = max(self._written, until_day)


def _connections(box: Box, from_us: int) -> bytes:
    """The tail of every heartbeat of a box."""
    states = [
        {"name": group.name, "state": "ok", "since_us": from_us, "last_error": "", "points": group.last - group.first}
        for group in box.groups
    ]
    return b'"clock_offset_ms":0,"disk_free_bytes":80000000000,"version":"simulated","connections":%s}' % msgspec.json.encode(
        states
    )


async def _beginning(link: Link, park: Park, options: Options) -> int:
    """The first instant: that of --from, or the next midnight of the park after the clock of the service."""
    if options.start is not None:
        return midnight_us(options.start, park.timezone)
    edge = park.boxes[0].edge
    beat: dict[str, object] = {
        "edge": edge,
        "boot": "1",
        "sent_us": 0,
        "outbox_batches": 0,
        "outbox_bytes": 0,
        "last_seq": "0",
        "connections": [],
    }
    answer = await link.json("POST", "/api/v1/heartbeats", None, beat)
    now = datetime.fromtimestamp(int(answer["server_time_us"]) / 1e6, park.timezone)
    today = now.date()
    return midnight_us(today if now.time() == datetime.min.time() else today + timedelta(days=1), park.timezone)


def _token(folder: Path, edge: str) -> str:
    path = folder / f"{edge}.token"
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise SimulatorError(f"{path}: {error}") from error


def _text(answer: Answer) -> str:
    return answer.body[:400].decode(errors="replace")
