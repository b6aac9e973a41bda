"""Another configuration, taken over while the service runs: all of it or nothing, and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from bench.bench_park import cells, write_config
from contract.rooms import Service, running, until
from contract.test_api_batches import problem
from hazmon_edge import wire

from hazmon.registry import load
from hazmon.store.configurations import configurations, note_start
from hazmon.store.pool import connect

RELOAD = "/api/v1/configuration/reload"
BODY: dict[str, object] = {"by": "eng1", "why": "高报改低"}
POINT = "E01/LT-0000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration of two boxes, a source of three points each; H 12, HH 13."""
    write_config(tmp_path / "config", cells(sources=2, points=3, boxes=2))
    return tmp_path / "config"


@pytest.fixture
async def served(database: str, folder: Path) -> AsyncGenerator[Service]:
    async with running(database, load(folder), config=folder) as service:
        yield service


def edit(folder: Path, old: str, new: str, file: str = "E01/points.csv") -> None:
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


async def versions(service: Service) -> list[dict[str, Any]]:
    return (await service.http.get("/api/v1/configuration")).json()["items"]


async def high(service: Service) -> float:
    found = (await service.http.get(f"/api/v1/points/{POINT}")).json()
    return found["limits"]["h"]


async def test_a_limit_is_changed_while_the_service_runs(served: Service, folder: Path) -> None:
    edit(folder, "0,15,1,2,12,13", "0,15,1,2,10.2,13")
    answer = (await served.http.post(RELOAD, json=BODY)).raise_for_status().json()
    wanted = [{"subject": POINT, "field": "H", "old": 12.0, "new": 10.2}]
    assert (answer["number"], answer["dry_run"], answer["changes"]) == (1, False, wanted)
    assert await high(served) == 10.2
    assert served.room.engine.plant.table.limit[0, 2] == 10.2
    (version,) = await versions(served)
    assert (version["number"], version["by"], version["why"], version["changes"]) == (1, "eng1", "高报改低", wanted)
    assert version["digest"] == answer["digest"] == load(folder).digest


async def test_versions_come_newest_first_and_in_parts(served: Service, folder: Path) -> None:
    for number, limit in enumerate(("11", "10", "9"), 1):
        edit(folder, f"0,15,1,2,{13 - number},13", f"0,15,1,2,{limit},13")
        await served.http.post(RELOAD, json=BODY)
    first = (await served.http.get("/api/v1/configuration", params={"limit": 2})).json()
    assert [item["number"] for item in first["items"]] == [3, 2]
    rest = (await served.http.get("/api/v1/configuration", params={"limit": 2, "cursor": first["next"]})).json()
    assert ([item["number"] for item in rest["items"]], rest["next"]) == ([1], None)


async def test_a_dry_run_changes_nothing(served: Service, folder: Path) -> None:
    edit(folder, "0,15,1,2,12,13", "0,15,1,2,10.2,13")
    answer = (await served.http.post(RELOAD, json=BODY | {"dry_run": True})).raise_for_status().json()
    assert (answer["number"], answer["dry_run"], len(answer["changes"])) == (None, True, 1)
    assert await high(served) == 12
    assert await versions(served) == []


async def test_a_folder_that_is_refused_changes_nothing(served: Service, folder: Path) -> None:
    edit(folder, "0,15,1,2,12,13", "0,15,1,2,14,13")
    edit(folder, "0,15,1,2,12,13", "0,15,1,2,abc,13", "E02/points.csv")
    response = await served.http.post(RELOAD, json=BODY)
    assert problem(response, 422) == "the configuration is refused: 2 findings"
    errors = response.json()["errors"]
    assert [(found["file"], found["row"], found["key"]) for found in errors] == [
        ("E01/points.csv", 2, "H"),
        ("E02/points.csv", 2, "H"),
    ]
    assert all(found["expected"] and found["found"] for found in errors)
    assert await high(served) == 12
    assert await versions(served) == []


async def test_another_point_needs_a_restart(served: Service, folder: Path) -> None:
    edit(folder, "LT-0000", "LT-0009")
    edit(folder, "LT-0000", "LT-0009", "E01/tags.csv")
    response = await served.http.post(RELOAD, json=BODY)
    assert problem(response, 409) == "needs a restart: point E01/LT-0009 is new; point E01/LT-0000 is gone"
    assert await high(served) == 12


async def test_nothing_changes_when_it_cannot_be_recorded(served: Service, folder: Path) -> None:
    edit(folder, "0,15,1,2,12,13", "0,15,1,2,10.2,13")
    plant = served.room.engine.plant
    async with await connect(served.database) as connection:
        await connection.execute("ALTER TABLE configuration RENAME TO elsewhere")
        assert (await served.http.post(RELOAD, json=BODY)).status_code >= 500
        assert served.room.engine.plant is plant
        await connection.execute("ALTER TABLE elsewhere RENAME TO configuration")
    assert await high(served) == 12
    assert (await served.http.post(RELOAD, json=BODY)).json()["number"] == 1
    assert await high(served) == 10.2


async def test_a_change_without_effect_is_a_version_and_no_change_is_none(served: Service, folder: Path) -> None:
    edit(folder, "name_en", "# 说明\nname_en", "park.toml")
    for _ in range(2):
        answer = (await served.http.post(RELOAD, json=BODY)).raise_for_status().json()
        assert (answer["number"], answer["changes"]) == (1, [])
    assert len(await versions(served)) == 1


async def test_the_alarm_of_a_rule_that_is_gone_is_told_and_recorded_ended(served: Service, folder: Path) -> None:
    engine = served.room.engine
    await _scan(served, 12.5)
    await until(lambda: len(engine.plant.book.open) == 1)
    (alarm,) = engine.plant.book.open
    edit(folder, "0,15,1,2,12,13", "0,15,1,2,,")
    await served.http.post(RELOAD, json=BODY)
    await until(lambda: not engine.unrecorded)
    events = (await served.http.get(f"/api/v1/alarms/{alarm}/events")).json()["items"]
    assert [(event["stimulus"], event["reason"]) for event in events] == [
        ("raise", ""),
        ("clear", "no longer in the configuration"),
    ]


async def test_readings_come_in_while_the_configuration_changes(served: Service, folder: Path) -> None:
    limits = ["12", *(f"{12 + step / 100}" for step in range(1, 9))]

    async def reload() -> None:
        for old, new in pairwise(limits):
            edit(folder, f"0,15,1,2,{old},13", f"0,15,1,2,{new},13")
            (await served.http.post(RELOAD, json=BODY)).raise_for_status()

    async def read() -> None:
        for _ in range(20):
            await _scan(served, 5.0)

    await asyncio.gather(reload(), read())
    assert served.room.engine.counts.batches == 20
    assert await high(served) == 12.08
    assert len(await versions(served)) == 8


async def test_a_service_that_starts_with_another_folder_makes_a_version(served: Service) -> None:
    async with await connect(served.database) as connection:
        assert await note_start(connection, "one", 1_000_000) == 1
        assert await note_start(connection, "one", 2_000_000) == 1
        assert await note_start(connection, "two", 3_000_000) == 2
        found = await configurations(connection, None, 10)
    assert [(each.number, each.digest, each.at, each.by) for each in found] == [
        (2, "two", 3_000_000, "service start"),
        (1, "one", 1_000_000, "service start"),
    ]


async def _scan(service: Service, level: float) -> None:
    """A scan of the first source, its first point at that level."""
    box, cell = service.box("E01"), cells(sources=2, points=3, boxes=2)[0]
    block = wire.Block(cell.group.digest, [service.room.clock.now()], [level, 5.0, 5.0], 3)
    batch = wire.Batch(
        "E01", 7, box.seq, made_us=service.room.clock.now(), groups=(cell.group,), blocks=(wire.pack_block(block),)
    )
    box.seq += 1
    response = await box.post(wire.encode(batch))
    assert response.json()["receipts"][0]["outcome"] == "accepted"
