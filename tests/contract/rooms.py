"""A park service for tests: the real engine on a real database behind a real HTTP server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import httpx
from hazmon_edge import wire

from hazmon.api.room import PageBundle, Room
from hazmon.api.server import ParkServer, listen
from hazmon.api.tokens import Tokens
from hazmon.clock import US, SystemClock
from hazmon.engine import Engine
from hazmon.ledger.note import generate
from hazmon.model import (
    Chemical,
    CoverageRules,
    Enterprise,
    Level,
    ParameterGroup,
    Park,
    Point,
    Quantity,
    Settings,
    Source,
    Unit,
    UnitKind,
    UnitType,
)
from hazmon.recovery import recover
from hazmon.rulebook import Limits
from hazmon.store.coverage import CoverageKeeper
from hazmon.store.ledger import LedgerKeeper
from hazmon.store.pool import Pool, connect, migrate
from hazmon.store.record import Recorder
from hazmon.store.register import Lookups, Register, add_edge_token, edge_tokens

KEY = generate("hazmon-test")
TOKENS = {"E01": "token-of-the-first-box", "E02": "token-of-the-second-box"}
TAGS = ("LT-1", "PT-1", "TT-1")
GROUP = wire.Group("plc1", 1_000_000, TAGS)
NO_CONFIG = Path("/nonexistent")  # of a park that no folder describes
NO_PAGE = PageBundle(Path("/nonexistent"), "none", "the page was not built")


def small_park(queue_batches: int = 64) -> Park:
    """Two enterprises with a source of three points each: a level with L and H, a pressure with H, a bare temperature."""
    enterprises: list[Enterprise] = []
    points: list[Point] = []
    for edge in TOKENS:
        units = (Unit("V-1", "1#罐", UnitKind.PRESSURE_TANK),)
        source = Source(
            id=f"{edge}-S1",
            enterprise=edge,
            name="液氨球罐区",
            name_en="Liquid ammonia spheres",
            unit_type=UnitType.STORAGE,
            level=Level.THREE,
            s=6.0,
            r=14.4,
            position=(116.3, 35.0),
            chemicals=(Chemical("液氨", "7664-41-7", 60.0),),
            units=units,
        )
        enterprises.append(Enterprise(edge, f"示例企业{edge[1:]}", f"Example enterprise {edge[1:]}", 40, (source,)))
        for tag, quantity, limits in (
            ("LT-1", Quantity.LEVEL, Limits(l=1.0, h=10.0, deadband=0.1, stale_s=600)),
            ("PT-1", Quantity.PRESSURE, Limits(h=2.0, stale_s=600)),
            ("TT-1", Quantity.TEMPERATURE, Limits(stale_s=600)),
        ):
            points.append(Point(edge, tag, source.id, "V-1", f"名 {tag}", f"name {tag}", quantity, "m", 0.0, 100.0, 1.0, limits))
    settings = Settings("示例园区", "Example park", queue_batches=queue_batches)
    quantities = (Quantity.LEVEL, Quantity.PRESSURE, Quantity.TEMPERATURE)
    groups = {each.value: ParameterGroup(each.value, each.value, each.value, frozenset({each})) for each in quantities}
    coverage = CoverageRules(groups, {UnitKind.PRESSURE_TANK: tuple(groups)})
    return Park(settings, tuple(enterprises), tuple(points), coverage=coverage)


@dataclass(slots=True)
class Service:
    """A running service and its clients' way in."""

    room: Room
    server: ParkServer
    url: str
    http: httpx.AsyncClient
    database: str
    boxes: dict[str, Box] = field(default_factory=dict[str, "Box"])

    def box(self, edge: str = "E01") -> Box:
        """The box of an enterprise."""
        return self.boxes.setdefault(edge, Box(self, edge))

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])


@dataclass(slots=True)
class Box:
    """A box that delivers scans of GROUP."""

    service: Service
    edge: str
    boot: int = 4211
    seq: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKENS[self.edge]}", "Content-Type": "application/vnd.hazmon.batches"}

    def batch(self, *scans: tuple[int, Sequence[float | None]], groups: tuple[wire.Group, ...] = (GROUP,)) -> bytes:
        """Canonical bytes of the next batch: scans as (microseconds, values of TAGS; None = no reading)."""
        values = [math.nan if value is None else value for _, row in scans for value in row]
        quality = bytes(wire.ABSENT if value is None else 0 for _, row in scans for value in row)
        block = wire.Block(GROUP.digest, [at for at, _ in scans], values, len(TAGS), quality)
        batch = wire.Batch(
            self.edge,
            self.boot,
            self.seq,
            made_us=self.service.room.clock.now(),
            groups=groups,
            blocks=(wire.pack_block(block),) if scans else (),
        )
        self.seq += 1
        return wire.encode(batch)

    async def post(self, *batches: bytes) -> httpx.Response:
        """Deliver the batches in one body."""
        return await self.service.http.post("/api/v1/batches", content=wire.pack(batches), headers=self.headers)

    async def level(self, *levels: float | None) -> None:
        """Deliver these levels as scans a millisecond apart, the last of them now; waits for the receipt."""
        now = self.service.room.clock.now()
        scans = [(now - 1000 * (len(levels) - 1 - k), (level, 1.0, 20.0)) for k, level in enumerate(levels)]
        response = await self.post(self.batch(*scans))
        assert response.status_code == 200, response.text
        assert [receipt["outcome"] for receipt in response.json()["receipts"]] == ["accepted"]

    async def beat(self, **more: object) -> httpx.Response:
        """Send a heartbeat."""
        now = self.service.room.clock.now()
        body: dict[str, object] = {
            "edge": self.edge,
            "boot": str(self.boot),
            "sent_us": now,
            "outbox_batches": 2,
            "outbox_bytes": 2048,
            "oldest_us": None,
            "last_seq": str(self.seq - 1),
            "disk_free_bytes": 10**10,
            "clock_offset_ms": -3,
            "connections": [{"name": "plc1", "state": "ok", "since_us": now - US, "last_error": "", "points": 3}],
            "version": "0.1.0",
        }
        headers = {"Authorization": self.headers["Authorization"]}
        return await self.service.http.post("/api/v1/heartbeats", json=body | more, headers=headers)


@asynccontextmanager
async def running(
    database: str, park: Park | None = None, page: PageBundle = NO_PAGE, config: Path = NO_CONFIG
) -> AsyncGenerator[Service]:
    """A service on the database (a URL), started as a restarted one is: from the record."""
    park = park or small_park()
    clock = SystemClock()
    await migrate(database)
    async with await connect(database) as connection:
        register = await Register.open(connection, park)
        plant, groups, _ = await recover(connection, register, park, clock.now())
        known = await edge_tokens(connection)
        for edge, token in TOKENS.items():
            if sha256(token.encode()).digest() not in known:
                await add_edge_token(connection, edge, sha256(token.encode()).digest())
        known = await edge_tokens(connection)
    pool = Pool(database)
    await pool.open()
    keeper = None if park.coverage is None else CoverageKeeper(park, park.coverage, clock.now())
    engine = Engine(plant, Recorder(database, keeper, LedgerKeeper(KEY.name, [KEY])), Lookups(pool, register), groups, clock)
    room = Room(engine, pool, clock, Tokens(pool, clock, known), page, f"{clock.now():x}", config, (KEY.verifier,))
    server = ParkServer(room)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    turning = asyncio.create_task(engine.run())
    serving = asyncio.create_task(server._serve([listener]))
    try:
        async with httpx.AsyncClient(base_url=url, timeout=15, trust_env=False) as http:
            await until(lambda: server.started and engine.turned_at is not None)
            yield Service(room, server, url, http, database)
    finally:
        server.should_exit = True
        await serving
        turning.cancel()
        await asyncio.gather(turning, return_exceptions=True)
        await engine.finish()
        await pool.close()


async def until(condition: object, seconds: float = 10.0) -> None:
    """Wait for what the service does by itself. Raises TimeoutError."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
