"""What the routers need of the running service, in one place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from hazmon.api.board import Board
from hazmon.api.boxes import Boxes
from hazmon.api.hub import Hub
from hazmon.api.tokens import Tokens
from hazmon.clock import Clock, SteppedClock
from hazmon.engine import Engine
from hazmon.errors import StoreUnavailable
from hazmon.ledger.note import Verifier
from hazmon.model import Park
from hazmon.store.pool import Connection, Pool

READ_S = 5.0  # how long an answer from the record is waited for
STUCK_S = 5.0  # an engine that has not turned for so long does not turn


@dataclass(frozen=True, slots=True)
class PageBundle:
    """The page's files: where they lie, the hash of the sources they were built from, and why they cannot be served."""

    folder: Path
    version: str
    fault: str | None = None


@dataclass(slots=True)
class Room:
    """The engine and what stands around it. `epoch` names this run of the service, in hex; `config` is the configuration folder.

    Made before the engine runs.
    """

    engine: Engine
    pool: Pool
    clock: Clock
    tokens: Tokens
    page: PageBundle
    epoch: str
    config: Path
    verifiers: tuple[Verifier, ...] = ()  # of the record's checkpoints
    boxes: Boxes = field(init=False)
    board: Board = field(init=False)
    hub: Hub = field(init=False)
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]], init=False)
    closing: bool = field(default=False, init=False)
    reloading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)  # one configuration after the other
    exempting: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)  # the engine hears of exemptions as they were filed

    def __post_init__(self) -> None:
        self.boxes = Boxes(self.park, self.clock)
        self.board = Board(self.engine, self.epoch)
        self.hub = Hub(self.engine, self.board, self.boxes, self.page.version)

    @property
    def simulated(self) -> bool:
        """Whether its time is told by a simulator; said with every figure."""
        return isinstance(self.clock, SteppedClock)

    @property
    def park(self) -> Park:
        """The configuration in force."""
        return self.engine.plant.park

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection for reading. Raises StoreUnavailable when the database does not answer in time."""
        try:
            async with asyncio.timeout(READ_S), self.pool.connection() as connection:
                yield connection
        except TimeoutError as error:
            raise StoreUnavailable("the database does not answer") from error

    def start(self) -> None:
        """Begin to tell the room."""
        self.tasks = [asyncio.create_task(self.board.run(), name="board"), asyncio.create_task(self.hub.run(), name="hub")]

    def end_streams(self) -> None:
        """Let every stream end now: the service stops."""
        self.closing = True
        self.board.stream.close()
        self.hub.frames.close()

    async def stop(self) -> None:
        """End the streams and the tasks behind them."""
        self.end_streams()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def fault(self) -> str | None:
        """What has stopped that must run, None while all of it does."""
        dead = [task.get_name() for task in self.tasks if task.done()]
        if dead or not self.tasks:
            return f"not running: {', '.join(dead) or 'board, hub'}"
        if self.engine.turned_at is None or self.clock.monotonic() - self.engine.turned_at > STUCK_S:
            return "the engine does not turn"
        return None


def room_of(connection: HTTPConnection) -> Room:
    """The room of the application that serves this connection."""
    return connection.app.state.room


TheRoom = Annotated[Room, Depends(room_of)]
