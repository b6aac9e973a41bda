"""The real service for the page: engine, record and HTTP in a thread of their own, beside a browser that is driven in step."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from contract.rooms import GROUP, Service, running, small_park

from hazmon.api.room import PageBundle
from hazmon.model import Park, Point
from hazmon.rulebook import ByDesign, Handling, Kind, Limits, Term
from hazmon.web import bundle

T = TypeVar("T")
CALM = (5.0, 1.0, 20.0)  # LT-1, PT-1, TT-1
REASON = "停车检修，液位无意义"


def lively_park() -> Park:
    """The small park with what this page must show: HH above H, a latching temperature, a level that may mean nothing."""
    park = small_park()
    return replace(
        park,
        points=tuple(_lively(point) for point in park.points),
        by_design=(ByDesign("E01", "IDLE", Term("E01/PT-1", ">", 1.5), (("E01/LT-1", Kind.HIGH),), REASON),),
        by_id={},
        rows={},
    )


def _lively(point: Point) -> Point:
    if point.tag == "LT-1":
        return replace(point, limits=Limits(h=10.0, hh=12.0, deadband=0.1, stale_s=600), range_high=15.0)
    if point.tag == "TT-1":
        return replace(point, limits=Limits(h=60.0, stale_s=600), range_high=100.0, uom="℃", handling=Handling(latch=True))
    return point


class RealRoom:
    """A running service; its box goes on delivering the readings of `be`, once a second."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self.url = service.url + "/"
        self._service = service
        self.loop = loop
        self._row = CALM
        self._turn = asyncio.Lock()

    def be(self, level: float = CALM[0], pressure: float = CALM[1], temperature: float = CALM[2]) -> None:
        """The plant is like this from now on; returns when the service has recorded it."""
        self._row = (level, pressure, temperature)
        self._wait(self._deliver())

    def ask(self, path: str, **body: Any) -> Any:
        """The service's answer to a GET, or to a POST where there is a body."""
        return self._wait(self._ask(path, body))

    async def go_on(self) -> None:
        """Deliver until cancelled."""
        while True:
            await self._deliver()
            await self._service.box().beat()
            await asyncio.sleep(1)

    async def _deliver(self) -> None:
        async with self._turn:
            box = self._service.box()
            response = await box.post(box.batch((self._service.room.clock.now(), self._row), groups=(GROUP,)))
            response.raise_for_status()

    async def _ask(self, path: str, body: dict[str, Any]) -> Any:
        url = f"/api/v1{path}"
        http = self._service.http
        response = await (http.post(url, json=body) if body else http.get(url))
        response.raise_for_status()
        return response.json()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)


@contextmanager
def a_room(database: str) -> Generator[RealRoom]:
    """A service of `lively_park` on a fresh database (a URL), with the page's bundle; ended at the end."""
    begun: Future[RealRoom] = Future()
    ended = asyncio.Event()

    async def live() -> None:
        page = PageBundle(bundle.STATIC, bundle.built_hash() or "")
        async with running(database, lively_park(), page) as service:
            room = RealRoom(service, asyncio.get_running_loop())
            delivering = asyncio.create_task(room.go_on())
            begun.set_result(room)
            await ended.wait()
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    with ThreadPoolExecutor(1, "room") as thread:
        life = thread.submit(asyncio.run, live())
        life.add_done_callback(lambda over: begun.done() or begun.set_exception(over.exception() or RuntimeError("over")))
        room = begun.result(30)
        try:
            yield room
        finally:
            room.loop.call_soon_threadsafe(ended.set)
            life.result(30)
