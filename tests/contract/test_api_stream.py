"""The alarm stream: snapshot, then every event once, also for who comes back."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator

import psycopg
import pytest
from contract.rooms import Service, running, until
from contract.streams import Told, stream

from hazmon.api import alarm_stream, board

OPEN = {"state": ["unacknowledged", "acknowledged", "returned_unacknowledged"]}


def number(frame: Told) -> int:
    return frame.data["event"]["event"]


async def raise_and_clear(service: Service, times: int) -> None:
    """H of LT-1 comes and goes; each time two events, of one alarm that nobody acknowledges."""
    for _ in range(times):
        await service.box().level(10.6, 5.0)


async def test_snapshot_then_an_alarm_then_heartbeats(service: Service) -> None:
    async with stream(service) as listener:
        first = await listener.frame()
        assert (first.kind, first.id) == ("snapshot", f"{service.room.epoch}.0")
        assert first.data["alarms"] == []
        await service.box().level(10.6)
        told = await listener.next()
        alarm, event = told.data["alarm"], told.data["event"]
        assert told.id == f"{service.room.epoch}.1"
        assert (alarm["point"], alarm["rule"], alarm["state"], alarm["value"]) == ("E01/LT-1", "H", "unacknowledged", 10.6)
        assert (alarm["recorded"], alarm["event"], alarm["late"]) == (True, 1, False)
        assert (event["event"], event["from"], event["to"], event["stimulus"]) == (1, "normal", "unacknowledged", "raise")
        beat = await listener.next("heartbeat")
        assert beat.id is None
        assert beat.data["event"] == 1
        assert beat.data["watermark"] is not None
        again = await listener.next("heartbeat", seconds=2)
        assert again.data["server_time"] > beat.data["server_time"]
        assert again.data["watermark"] == beat.data["watermark"], "nothing was committed in between"
    async with stream(service) as listener:
        snapshot = await listener.frame()
        assert snapshot.id == f"{service.room.epoch}.1"
        assert [entry["id"] for entry in snapshot.data["alarms"]] == [alarm["id"]]


async def test_what_is_shown_is_recorded(service: Service) -> None:
    async with stream(service) as listener:
        await listener.frame()
        await service.box().level(10.6)
        told = await listener.next()
        async with await psycopg.AsyncConnection.connect(service.database) as connection:
            row = await (await connection.execute("SELECT event, alarm_id FROM alarm_event")).fetchone()
        assert row == (1, told.data["alarm"]["id"])


@pytest.mark.parametrize("remembered", [board.REMEMBERED, 3], ids=["from memory", "from the record"])
async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(
    service: Service, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "REMEMBERED", remembered)
    monkeypatch.setattr(alarm_stream, "PAGE", 4)
    await raise_and_clear(service, 1)
    heard: list[Told] = []
    async with stream(service) as listener:
        last = (await listener.frame()).id
    for round_ in range(5):
        await raise_and_clear(service, round_ + 2)
        async with stream(service, last) as listener:
            await raise_and_clear(service, 1)
            upto = service.room.engine.plant.book.next_event - 1
            while not heard or number(heard[-1]) < upto - round_ % 2:
                heard.append(await listener.next())
        last = heard[-1].id
    assert [number(frame) for frame in heard] == list(range(3, number(heard[-1]) + 1))
    states = [frame.data["alarm"]["state"] for frame in heard]
    assert set(states[::2]) == {"unacknowledged"}
    assert set(states[1::2]) == {"returned_unacknowledged"}
    assert all((frame.data["alarm"]["cleared_at"] is None) == (k % 2 == 0) for k, frame in enumerate(heard))


async def test_the_record_tells_an_event_exactly_as_the_room_heard_it(service: Service) -> None:
    async with stream(service) as listener:
        await listener.frame()
        await service.box().level(10.6)
        alarm = (await listener.next()).data["alarm"]["id"]
        await service.http.post(f"/api/v1/alarms/{alarm}/acknowledge", json={"by": "值班员", "note": "看见了"})
        await service.box().level(5.0)
        await listener.next()
        await listener.next()
    async with stream(service, "0.0") as listener:
        live = [await listener.next() for _ in range(3)]
    service.room.board._resume_from = 10
    async with stream(service, "0.0") as listener:
        recorded = [await listener.next() for _ in range(3)]
    assert recorded == live


async def test_who_comes_back_to_a_restarted_service_misses_nothing(database: str) -> None:
    async with running(database) as service:
        await raise_and_clear(service, 2)
        async with stream(service, f"{service.room.epoch}.1") as listener:
            heard = await listener.next()
            assert number(heard) == 2
        epoch = service.room.epoch
    async with running(database) as service:
        assert service.room.epoch != epoch
        service.box().boot += 1
        async with stream(service, heard.id) as listener:
            await raise_and_clear(service, 1)
            assert [number(await listener.next()) for _ in range(4)] == [3, 4, 5, 6]


@pytest.mark.parametrize("last", ["5f3c.999", "nonsense", "5f3c.-1", "x.1", ""])
async def test_a_number_that_the_record_does_not_know_gets_a_snapshot(service: Service, last: str) -> None:
    await service.box().level(10.6)
    async with stream(service, last) as listener:
        snapshot = await listener.frame()
        assert snapshot.kind == "snapshot"
        assert len(snapshot.data["alarms"]) == 1


async def test_an_alarm_is_shown_while_the_record_is_silent_and_again_when_it_is_recorded(service: Service) -> None:
    box = service.box()
    await box.level(5.0)
    async with stream(service) as listener:
        start = await listener.frame()
        async with await psycopg.AsyncConnection.connect(service.database) as blocker:
            await blocker.execute("LOCK TABLE batch IN ACCESS EXCLUSIVE MODE")
            delivering = asyncio.create_task(box.level(10.6))
            shown = await listener.next()
            assert (number(shown), shown.id) == (1, None)
            assert (shown.data["alarm"]["recorded"], shown.data["event"]["recorded"]) == (False, False)
            async with stream(service, start.id) as other:
                assert (await other.next()).data == shown.data
            async with stream(service) as other:
                snapshot = await other.frame()
                assert snapshot.id == start.id
                assert [alarm["recorded"] for alarm in snapshot.data["alarms"]] == [False]
            await blocker.rollback()
        recorded = await listener.next()
        await delivering
        assert (number(recorded), recorded.id) == (1, f"{service.room.epoch}.1")
        assert recorded.data["alarm"] == shown.data["alarm"] | {"recorded": True}
    async with stream(service, start.id) as listener:
        assert await listener.next() == recorded


@pytest.fixture
def stuck() -> Iterator[socket.socket]:
    """The socket of a client that takes next to nothing; reset at the end."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        yield client


async def test_a_client_that_does_not_read_is_cut_and_the_others_hear_on(service: Service, stuck: socket.socket) -> None:
    stuck.connect(("127.0.0.1", service.port))
    stuck.sendall(b"GET /api/v1/alarms/stream HTTP/1.1\r\nHost: park\r\n\r\n")
    board = service.room.board
    await until(lambda: board.stream.readers == 1)
    async with stream(service) as listener:
        await listener.frame()
        hearing = asyncio.create_task(listener.next(seconds=60))
        large = b": " + b"x" * 200_000 + b"\n\n"
        for _ in range(300):
            board.stream.publish(large)
            await asyncio.sleep(0.005)
        await until(lambda: board.stream.readers == 1)
        await service.box().level(10.6)
        assert number(await hearing) == 1


async def test_a_stopping_service_ends_its_streams_at_once(database: str) -> None:
    clock = asyncio.get_running_loop().time
    async with running(database) as service, stream(service) as listener:
        await listener.frame()
        began = clock()
        service.server.should_exit = True
        await listener.end()
        assert clock() - began < 1.5
    assert clock() - began < 3.0
