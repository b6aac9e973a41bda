"""The page's socket: a snapshot, deltas without a gap, heartbeats that move only with commits, and the cut."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import psycopg
import websockets
from contract.rooms import Service, running, until
from contract.streams import closing_code, live_frame, page


async def test_a_snapshot_holds_everything_the_page_shows(service: Service) -> None:
    await service.box().level(10.6)
    await service.box().beat()
    async with page(service) as connection:
        frame = await live_frame(connection)
    assert frame["type"] == "snapshot"
    assert frame["epoch"] == service.room.epoch
    assert frame["version"] == "none"
    assert frame["park"] == {"name": "示例园区", "name_en": "Example park"}
    assert frame["watermark"] is not None
    assert frame["health"] == {"database": "ok", "unrecorded": 0}
    assert [source["id"] for source in frame["sources"]] == ["E01-S1", "E02-S1"]
    assert frame["sources"][0]["enterprise_name"] == "示例企业01"
    assert (frame["sources"][0]["level"], frame["sources"][0]["r"], frame["sources"][0]["edge"]) == ("三级", 14.4, "E01")
    assert frame["points"][0] == {
        "id": "E01/LT-1",
        "source": "E01-S1",
        "tag": "LT-1",
        "name": "名 LT-1",
        "name_en": "name LT-1",
        "quantity": "level",
        "uom": "m",
        "low": 0.0,
        "high": 100.0,
        "ll": None,
        "l": 1.0,
        "h": 10.0,
        "hh": None,
        "period_s": 1.0,
        "stale_s": 600,
    }
    assert [value[:3] for value in frame["values"]] == [[0, 10.6, 0], [1, 1.0, 0], [2, 20.0, 0]]
    at_ms = frame["values"][0][3]
    assert abs(at_ms - service.room.clock.now() // 1000) < 60_000
    assert [(alarm["point"], alarm["rule"]) for alarm in frame["alarms"]] == [("E01/LT-1", "H")]
    assert [(edge["edge"], edge["state"]) for edge in frame["edges"]] == [("E01", "ok"), ("E02", "never")]


async def test_deltas_follow_the_snapshot_without_a_gap(service: Service) -> None:
    box = service.box()
    async with page(service) as connection:
        seq = (await live_frame(connection))["seq"]
        values: dict[int, float] = {}
        for level in (5.0, 5.5, 10.6, 10.7, 5.0):
            await box.level(level)
        alarms: list[str] = []
        while values.get(0) != 5.0 or not alarms or alarms[-1] != "returned_unacknowledged":
            frame = await live_frame(connection)
            if frame["type"] == "delta":
                seq += 1
                values |= {index: value for index, value, _, _ in frame.get("values", [])}
                alarms += [alarm["state"] for alarm in frame.get("alarms", [])]
            assert frame["seq"] == seq
        assert alarms[0] == "unacknowledged"


async def test_only_what_changed_is_told(service: Service) -> None:
    await service.box().level(5.0)
    async with page(service) as connection:
        await live_frame(connection)
        now = service.room.clock.now()
        await service.box().post(service.box().batch((now, (5.1, None, None))))
        frame = await live_frame(connection, "delta")
        assert [value[:3] for value in frame["values"]] == [[0, 5.1, 0]]
        await service.box("E02").beat()
        frame = await live_frame(connection, "delta")
        assert [edge["edge"] for edge in frame["edges"]] == ["E02"]
        assert "values" not in frame


async def test_frames_are_merged_to_ten_a_second(service: Service) -> None:
    box = service.box()
    async with page(service) as connection:
        await live_frame(connection)
        deltas = 0

        async def count() -> None:
            nonlocal deltas
            while True:
                deltas += (await live_frame(connection))["type"] == "delta"

        counting = asyncio.create_task(count())
        began = asyncio.get_running_loop().time()
        sent = 0
        while (elapsed := asyncio.get_running_loop().time() - began) < 2:
            await box.level(5.0 + sent % 3)
            sent += 1
        counting.cancel()
        assert sent > elapsed * 12, "otherwise there is nothing to merge"
        assert deltas <= elapsed * 10 + 2


async def test_the_watermark_moves_with_commits_only(service: Service) -> None:
    box = service.box()
    async with page(service) as connection:
        snapshot = await live_frame(connection)
        assert snapshot["watermark"] is None
        beats = [await live_frame(connection, "heartbeat") for _ in range(2)]
        assert [beat["watermark"] for beat in beats] == [None, None]
        assert beats[1]["server_time"] > beats[0]["server_time"]
        await box.level(5.0)
        first = (await live_frame(connection, "heartbeat"))["watermark"]
        assert first is not None
        async with await psycopg.AsyncConnection.connect(service.database) as blocker:
            await blocker.execute("LOCK TABLE batch IN ACCESS EXCLUSIVE MODE")
            delivering = asyncio.create_task(box.level(5.1))
            await until(lambda: service.room.engine.down)
            assert (await live_frame(connection, "heartbeat"))["watermark"] == first
            await blocker.rollback()
        await delivering
        while (await live_frame(connection, "heartbeat"))["watermark"] == first:
            pass


async def test_a_silent_record_is_shown(service: Service) -> None:
    box = service.box()
    await box.level(5.0)
    async with page(service) as connection:
        await live_frame(connection)
        async with await psycopg.AsyncConnection.connect(service.database) as blocker:
            await blocker.execute("LOCK TABLE batch IN ACCESS EXCLUSIVE MODE")
            delivering = asyncio.create_task(box.level(10.6))
            alarms: list[dict[str, Any]] = []
            health: dict[str, Any] = {}
            while not alarms or not health:
                frame = await live_frame(connection, "delta")
                alarms += frame.get("alarms", [])
                health = frame.get("health", health)
            assert [(alarm["rule"], alarm["recorded"]) for alarm in alarms] == [("H", False)]
            assert health["database"] == "down"
            await blocker.rollback()
        await delivering
        while health != {"database": "ok", "unrecorded": 0}:
            frame = await live_frame(connection, "delta")
            alarms += frame.get("alarms", [])
            health = frame.get("health", health)
        assert (alarms[-1]["id"], alarms[-1]["recorded"]) == (alarms[0]["id"], True)


async def test_a_page_that_does_not_keep_up_is_cut_with_4008(service: Service) -> None:
    hub = service.room.hub
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", service.port))
    async with page(service) as healthy:
        url = service.url.replace("http", "ws") + "/api/v1/live"
        async with websockets.connect(url, sock=slow, max_size=None, max_queue=1, proxy=None, ping_interval=None) as connection:
            await until(lambda: hub.frames.readers == 2)
            for _ in range(300):
                hub.frames.publish('{"type":"delta","seq":0,"x":"' + "x" * 100_000 + '"}')
                await healthy.recv()
            await until(lambda: hub.frames.readers == 1)
            assert await closing_code(connection) == 4008
        await service.box().level(10.6)
        while not (await live_frame(healthy, "delta")).get("alarms"):
            pass


async def test_a_page_that_goes_is_forgotten(service: Service) -> None:
    async with page(service) as connection:
        await live_frame(connection)
        assert service.room.hub.frames.readers == 1
    await until(lambda: service.room.hub.frames.readers == 0)


async def test_a_stopping_service_closes_its_pages_at_once(database: str) -> None:
    clock = asyncio.get_running_loop().time
    async with running(database) as service, page(service) as connection:
        began = clock()
        service.server.should_exit = True
        assert await closing_code(connection) == 1012
    assert clock() - began < 3.0
