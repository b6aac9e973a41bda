"""Health, metrics, the page, the description, and errors nobody foresaw."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from contract.rooms import Service, running, until
from contract.test_api_batches import problem

from hazmon.api.room import PageBundle


@pytest.fixture
async def served(database: str, tmp_path: Path) -> AsyncGenerator[Service]:
    """A service with a page."""
    (tmp_path / "assets").mkdir()
    for name in ("index.html", "assets/index-abc123.js"):
        text = f"<!doctype html><p>{name}</p>".encode()
        (tmp_path / name).write_bytes(text)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text))
    (tmp_path / "favicon.svg").write_text("<svg/>")
    async with running(database, page=PageBundle(tmp_path, "cafe")) as service:
        yield service


async def test_alive_and_ready(service: Service) -> None:
    health = (await service.http.get("/healthz")).json()
    assert health == {
        "status": "ok",
        "epoch": service.room.epoch,
        "database": "ok",
        "unrecorded": 0,
        "watermark": None,
        "page": "the page was not built",
    }
    assert (await service.http.get("/readyz")).status_code == 200


async def test_alive_but_not_ready_while_the_database_refuses(service: Service) -> None:
    name = service.database.rsplit("/", 1)[1]
    server = service.database.replace(f"/{name}", "/postgres")
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as administrator:
        await administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        try:
            await administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            problem(await service.http.get("/readyz"), 503)
            assert (await service.http.get("/healthz")).status_code == 200
        finally:
            await administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    async with service.http.stream("GET", "/healthz"):
        await service.box().level(5.0)


async def test_not_alive_when_a_part_has_stopped(service: Service) -> None:
    board = service.room.tasks[0]
    board.cancel()
    await until(board.done)
    assert "board" in problem(await service.http.get("/healthz"), 503)


async def test_metrics_count_what_happened(service: Service) -> None:
    await service.box().level(5.0, 10.6)
    await service.box().beat()
    response = await service.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    found = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    expected = {
        "hazmon_readings_total": 6,
        "hazmon_batches_total": 1,
        "hazmon_readings_refused_total": 0,
        'hazmon_missed_total{cause="timeout"}': 0,
        'hazmon_alarms_total{rule="H"}': 1,
        'hazmon_alarms_total{rule="LL"}': 0,
        'hazmon_alarms_open{priority="3",state="unacknowledged"}': 1,
        "hazmon_queue_batches": 0,
        "hazmon_database_up": 1,
        "hazmon_alarm_events_unrecorded": 0,
        'hazmon_feed_readers{feed="stream"}': 0,
        'hazmon_box_clock_offset_seconds{edge="E01"}': -0.003,
        'hazmon_box_outbox_batches{edge="E01"}': 2,
        "hazmon_page_ok": 0,
    }
    assert {name: float(found[name]) for name in expected} == expected
    assert 0 < float(found["hazmon_commit_seconds"]) < 10
    assert 0 <= float(found["hazmon_watermark_age_seconds"]) < 60
    assert float(found["process_resident_memory_bytes"]) > 0


async def test_without_its_bundle_the_page_says_how_to_repair_it(service: Service) -> None:
    response = await service.http.get("/")
    assert response.status_code == 503
    assert "the page was not built" in response.text
    assert "make setup" in response.text
    assert "画面不可用" in response.text


async def test_the_page_is_served_compressed_and_cached_as_long_as_it_is_right(served: Service) -> None:
    index = await served.http.get("/", headers={"Accept-Encoding": "gzip"})
    assert index.text == "<!doctype html><p>index.html</p>"
    assert index.headers["cache-control"] == "no-store"
    assert index.headers["content-encoding"] == "gzip"
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["vary"] == "Accept-Encoding"
    assert "default-src 'self'" in index.headers["content-security-policy"]
    asset = await served.http.get("/assets/index-abc123.js", headers={"Accept-Encoding": "gzip, deflate"})
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"].startswith("text/javascript")
    plain = await served.http.get("/assets/index-abc123.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == asset.text
    refused = await served.http.get("/", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    icon = await served.http.get("/favicon.svg")
    assert (icon.headers["cache-control"], icon.headers["content-type"]) == ("no-cache", "image/svg+xml")
    again = await served.http.get("/favicon.svg", headers={"If-None-Match": icon.headers["etag"]})
    assert again.status_code == 304
    assert (await served.http.get("/healthz")).json()["page"] is None


@pytest.mark.parametrize(
    "path", ["/nothing.js", "/assets/../../secret", "/assets/%2e%2e/%2e%2e/etc/passwd", "/index.html.gz", "/%00"]
)
async def test_nothing_beside_the_page_is_served(served: Service, path: str) -> None:
    problem(await served.http.get(path), 404)


async def test_an_unforeseen_error_is_a_problem_too_and_tells_no_secrets(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("the password is 1234")

    monkeypatch.setattr("hazmon.api.edges.page_of", broken)
    detail = problem(await service.http.get("/api/v1/edges"), 500)
    assert "1234" not in detail


async def test_the_description_is_complete(service: Service) -> None:
    schema = (await service.http.get("/openapi.json")).json()
    paths = set(schema["paths"])
    assert {
        "/api/v1/batches",
        "/api/v1/heartbeats",
        "/api/v1/enterprises",
        "/api/v1/sources",
        "/api/v1/sources/{source}/latest",
        "/api/v1/points",
        "/api/v1/points/{enterprise}/{tag}/readings",
        "/api/v1/alarms",
        "/api/v1/alarms/{alarm}",
        "/api/v1/alarms/{alarm}/events",
        "/api/v1/alarms/{alarm}/acknowledge",
        "/api/v1/alarms/stream",
        "/api/v1/alarms/statistics",
        "/api/v1/alarms/suppressed",
        "/api/v1/alarms/{alarm}/verify",
        "/api/v1/points/{enterprise}/{tag}/alarms/{kind}/shelve",
        "/api/v1/exemptions",
        "/api/v1/coverage",
        "/api/v1/coverage/targets",
        "/api/v1/coverage/gaps",
        "/api/v1/coverage/report",
        "/api/v1/edges",
        "/healthz",
        "/readyz",
        "/metrics",
    } <= paths
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            assert operation["description"], place
            answers: dict[str, Any] = operation["responses"]
            done = answers.get("200") or answers["201"]
            assert done["content"], place
            for status, answer in answers.items():
                if status >= "400":
                    (content,) = answer["content"].items()
                    assert content == ("application/problem+json", {"schema": {"$ref": "#/components/schemas/Problem"}}), place
            body = done["content"].get("application/json")
            if body is not None:
                text = json.dumps(_followed(schema, body["schema"]))
                assert '"example"' in text, f"{place} shows no example"
    assert "HTTPValidationError" not in json.dumps(schema)


def _followed(schema: dict[str, Any], part: Any) -> Any:
    """A schema with its references put in."""
    if isinstance(part, dict):
        if "$ref" in part:
            return _followed(schema, schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]])  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        return {key: _followed(schema, value) for key, value in part.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(part, list):
        return [_followed(schema, value) for value in part]  # pyright: ignore[reportUnknownVariableType]
    return part
