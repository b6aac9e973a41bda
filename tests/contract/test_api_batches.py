"""Delivering: receipts, and every way in which a delivery is not taken."""

from __future__ import annotations

import asyncio

import httpx
import psycopg
import pytest
from contract.rooms import Service, running, small_park
from hazmon_edge import wire

from hazmon.clock import US


def problem(response: httpx.Response, status: int) -> str:
    """The detail of a problem of that status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    return body["detail"]


async def test_a_batch_is_recorded_before_its_receipt(service: Service) -> None:
    box = service.box()
    now = service.room.clock.now()
    response = await box.post(box.batch((now - US, (5.0, 1.0, None)), (now, (5.1, 1.0, 20.0))))
    assert response.status_code == 200
    body = response.json()
    assert body["receipts"] == [
        {"boot": "4211", "seq": "0", "outcome": "accepted", "retry": False, "reason": None, "refused": []}
    ]
    assert abs(body["server_time_us"] - now) < 60 * US
    async with await psycopg.AsyncConnection.connect(service.database) as connection:
        rows = await (await connection.execute("SELECT tag, value FROM reading ORDER BY ts, tag")).fetchall()
    assert rows == [("LT-1", 5.0), ("PT-1", 1.0), ("LT-1", 5.1), ("PT-1", 1.0), ("TT-1", 20.0)]


async def test_receipts_come_in_the_order_of_the_batches_and_a_batch_again_is_a_duplicate(service: Service) -> None:
    box = service.box()
    now = service.room.clock.now()
    first, second = box.batch((now - US, (5.0, 1.0, 20.0))), box.batch((now, (5.0, 1.0, 20.0)))
    await box.post(first)
    response = await box.post(second, first)
    assert [(r["seq"], r["outcome"]) for r in response.json()["receipts"]] == [("1", "accepted"), ("0", "duplicate")]


async def test_what_is_refused_is_named(service: Service) -> None:
    box = service.box()
    future = service.room.clock.now() + 3600 * US
    response = await box.post(box.batch((future, (5.0, 1.0, 20.0))))
    (receipt,) = response.json()["receipts"]
    assert receipt["outcome"] == "accepted"
    assert [(r["tag"], r["reason"], r["count"]) for r in receipt["refused"]] == [
        ("LT-1", "future", 1),
        ("PT-1", "future", 1),
        ("TT-1", "future", 1),
    ]
    assert receipt["refused"][0]["at"] == future


async def test_a_group_that_was_never_declared_is_asked_for(service: Service) -> None:
    box = service.box()
    response = await box.post(box.batch((service.room.clock.now(), (5.0, 1.0, 20.0)), groups=()))
    (receipt,) = response.json()["receipts"]
    assert (receipt["outcome"], receipt["retry"], receipt["reason"]) == ("rejected", True, "unknown-group")


@pytest.mark.parametrize("authorization", [None, "Bearer nobody", "Basic dG9rZW4="])
async def test_without_a_token_of_a_box_401(service: Service, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await service.http.post("/api/v1/batches", content=wire.pack([]), headers=headers)
    problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_batch_of_another_enterprise_403_and_nothing_is_kept(service: Service) -> None:
    own, other = service.box("E01"), service.box("E02")
    now = service.room.clock.now()
    body = wire.pack([own.batch((now, (5.0, 1.0, 20.0))), other.batch((now, (5.0, 1.0, 20.0)))])
    problem(await service.http.post("/api/v1/batches", content=body, headers=own.headers), 403)
    assert service.room.engine.counts.batches == 0


@pytest.mark.parametrize("body", [b"", b"not zstd", wire.pack([b"no batch"]), wire.pack([b"HZ\x09\x00"]), wire.pack([b""])])
async def test_what_cannot_be_decoded_400(service: Service, body: bytes) -> None:
    problem(await service.http.post("/api/v1/batches", content=body, headers=service.box().headers), 400)


async def test_a_body_that_unpacks_to_too_much_400(service: Service) -> None:
    body = wire.pack([bytes(wire.MAX_UNPACKED + 1)])
    assert len(body) < 100_000
    problem(await service.http.post("/api/v1/batches", content=body, headers=service.box().headers), 400)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_8_mib_413_also_when_its_length_is_not_told(service: Service, chunked: bool) -> None:
    async def parts():
        for _ in range(9):
            yield bytes(1024 * 1024)

    content = parts() if chunked else bytes(9 * 1024 * 1024)
    response = await service.http.post("/api/v1/batches", content=content, headers=service.box().headers)
    problem(response, 413)
    assert (await service.box().beat()).status_code == 200


async def test_a_full_queue_503_and_everything_comes_through_later(database: str) -> None:
    async with running(database, small_park(queue_batches=2)) as service:
        box = service.box()
        await box.post(box.batch())
        async with await psycopg.AsyncConnection.connect(database) as blocker:
            await blocker.execute("LOCK TABLE batch IN ACCESS EXCLUSIVE MODE")
            held = [asyncio.create_task(box.post(box.batch())) for _ in range(2)]
            while service.room.engine.queue < 2:
                await asyncio.sleep(0.01)
            late = box.batch()
            response = await box.post(late)
            problem(response, 503)
            assert int(response.headers["retry-after"]) >= 1
            await blocker.rollback()
        for response in await asyncio.gather(*held):
            assert [r["outcome"] for r in response.json()["receipts"]] == ["accepted"]
        response = await box.post(late)
        assert response.json()["receipts"][0]["outcome"] in ("accepted", "duplicate")


async def test_a_token_made_while_the_service_runs_works(service: Service) -> None:
    from hashlib import sha256

    from hazmon.store.pool import connect
    from hazmon.store.register import add_edge_token

    async with await connect(service.database) as connection:
        await add_edge_token(connection, "E01", sha256(b"brand-new").digest())
    headers = {"Authorization": "Bearer brand-new"}
    async with asyncio.timeout(10):
        while (await service.http.post("/api/v1/batches", content=wire.pack([]), headers=headers)).status_code != 200:
            await asyncio.sleep(0.2)


async def test_a_heartbeat_is_answered_with_the_parks_time_and_shown(service: Service) -> None:
    never = (await service.http.get("/api/v1/edges")).json()["items"][0]
    assert (never["edge"], never["state"], never["last_heartbeat"]) == ("E01", "never", None)
    before = service.room.clock.now()
    response = await service.box().beat()
    assert response.status_code == 200
    assert before <= response.json()["server_time_us"] <= service.room.clock.now()
    edge = (await service.http.get("/api/v1/edges")).json()["items"][0]
    assert (edge["state"], edge["outbox_batches"], edge["clock_offset_ms"]) == ("ok", 2, -3)
    assert edge["connections"][0]["name"] == "plc1"
    assert edge["connections"][0]["last_error"] is None


async def test_a_heartbeat_of_another_box_403_and_a_malformed_one_422(service: Service) -> None:
    box = service.box()
    problem(await box.beat(edge="E02"), 403)
    assert "outbox_batches" in problem(await box.beat(outbox_batches=-1), 422)
    headers = {"Authorization": box.headers["Authorization"], "Content-Type": "application/json"}
    problem(await service.http.post("/api/v1/heartbeats", content=b"{", headers=headers), 422)
    problem(await service.http.post("/api/v1/heartbeats", content=b"[" * 70_000, headers=headers), 413)
    problem(await service.http.post("/api/v1/heartbeats", json={}), 401)
