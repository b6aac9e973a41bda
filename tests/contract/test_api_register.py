"""What the park is and how it is now: enterprises, sources, points, the newest readings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract.rooms import GROUP, Service, running, small_park
from contract.test_api_batches import problem
from hazmon_edge import wire

from hazmon.clock import US
from hazmon.registry.colours import load_colours

CONFIG = Path(__file__).resolve().parents[2] / "config"


async def get(service: Service, path: str, **query: object) -> dict[str, Any]:
    response = await service.http.get(f"/api/v1/{path}", params={name: str(value) for name, value in query.items()})
    assert response.status_code == 200, response.text
    return response.json()


async def test_enterprises(service: Service) -> None:
    page = await get(service, "enterprises")
    assert page["next"] is None
    assert page["items"] == [
        {
            "id": edge,
            "name": f"示例企业{edge[1:]}",
            "name_en": f"Example enterprise {edge[1:]}",
            "residents_500m": 40,
            "sources": [f"{edge}-S1"],
            "points": 3,
        }
        for edge in ("E01", "E02")
    ]
    assert await get(service, "enterprises/E02") == page["items"][1]


async def test_a_source_has_its_level_and_how_it_is_now(service: Service) -> None:
    source = await get(service, "sources/E01-S1")
    assert (source["level"], source["s"], source["r"], source["position"]) == ("三级", 6.0, 14.4, [116.3, 35.0])
    assert source["chemicals"] == [{"name": "液氨", "cas": "7664-41-7", "tonnes": 60.0}]
    assert source["units"] == [{"id": "V-1", "name": "1#罐", "kind": "pressure_tank"}]
    assert source["live"] == {
        "worst_priority": None,
        "active": 0,
        "unacknowledged": 0,
        "suppressed": 0,
        "colour": None,
        "connection": "never",
        "newest_at": None,
    }
    await service.box().beat()
    await service.box().level(10.6)
    live = (await get(service, "sources/E01-S1"))["live"]
    assert isinstance(live, dict)
    assert live.pop("newest_at") is not None
    expected = {"worst_priority": 3, "active": 1, "unacknowledged": 1, "suppressed": 0, "colour": None, "connection": "ok"}
    assert live == expected
    await service.box().level(5.0)
    live = (await get(service, "sources/E01-S1"))["live"]
    assert isinstance(live, dict)
    assert (live["worst_priority"], live["active"], live["unacknowledged"]) == (None, 0, 1)


async def test_a_source_whose_scans_are_missed_is_down(service: Service) -> None:
    box = service.box()
    await box.beat()
    await box.level(5.0)
    now = service.room.clock.now()
    misses = (wire.Miss(GROUP.digest, wire.WHOLE_GROUP, now, 3, 2),)
    response = await box.post(wire.encode(wire.Batch("E01", box.boot, 100, made_us=now, misses=misses)))
    assert response.json()["receipts"][0]["outcome"] == "accepted"
    live = (await get(service, "sources/E01-S1"))["live"]
    assert isinstance(live, dict)
    assert live["connection"] == "down"


async def test_sources_by_enterprise_and_level(service: Service) -> None:
    def ids(page: dict[str, Any]) -> list[str]:
        return [item["id"] for item in page["items"]]

    assert ids(await get(service, "sources", enterprise="E02")) == ["E02-S1"]
    assert ids(await get(service, "sources", level="三级")) == ["E01-S1", "E02-S1"]
    assert ids(await get(service, "sources", level="一级")) == []


async def test_points_come_in_parts_and_by_filter(service: Service) -> None:
    first = await get(service, "points", limit=4)
    second = await get(service, "points", limit=4, cursor=first["next"])
    ids = [item["id"] for part in (first, second) for item in part["items"]]
    assert ids == [f"{edge}/{tag}" for edge in ("E01", "E02") for tag in ("LT-1", "PT-1", "TT-1")]
    assert second["next"] is None
    only = await get(service, "points", enterprise="E02", quantity="pressure")
    assert [item["id"] for item in only["items"]] == ["E02/PT-1"]
    point = await get(service, "points/E01/LT-1")
    assert (point["range_high"], point["limits"]["h"], point["limits"]["hh"]) == (100.0, 10.0, None)
    empty = await get(service, "points", source="E01-S1", quantity="smoke")
    assert empty == {"items": [], "next": None}


async def test_the_newest_readings_of_a_source(service: Service) -> None:
    never = await get(service, "sources/E01-S1/latest")
    assert never["readings"][0] == {"point": "E01/LT-1", "value": None, "quality": 128, "at": None, "stale": True}
    box = service.box()
    now = service.room.clock.now()
    await box.post(box.batch((now - US, (5.0, 1.0, 20.0)), (now, (5.1, 1.1, None))))
    latest = await get(service, "sources/E01-S1/latest")
    assert [(r["point"], r["value"], r["quality"], r["stale"]) for r in latest["readings"]] == [
        ("E01/LT-1", 5.1, 0, False),
        ("E01/PT-1", 1.1, 0, False),
        ("E01/TT-1", 20.0, 0, False),
    ]
    assert latest["readings"][0]["at"] > latest["readings"][2]["at"]


@pytest.mark.parametrize(
    "path",
    [
        "enterprises/E99",
        "sources/E99-S1",
        "sources/E99-S1/latest",
        "points/E01/LT-9",
        "points/E99/LT-1",
        "points/E01/LT-9/readings?start=2026-01-01T00:00:00Z&end=2026-01-01T01:00:00Z",
        "alarms/0123456789abcdef",
        "alarms/0123456789abcdef/events",
        "nothing",
    ],
)
async def test_what_is_not_there_404(service: Service, path: str) -> None:
    problem(await service.http.get(f"/api/v1/{path}"), 404)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("points?limit=0", 422),
        ("points?limit=1001", 422),
        ("points?quantity=colour", 422),
        ("points?cursor=E01/LT-9", 400),
        ("sources?level=五级", 422),
        *((f"{path}?enterprise=%00", 422) for path in ("sources", "points", "alarms", "alarms/statistics")),
        *((f"{path}?source=E01%00", 422) for path in ("points", "alarms", "alarms/statistics")),
        ("edges?cursor=E99", 400),
        ("alarms?state=open", 422),
        ("alarms?priority=5", 422),
        ("alarms?start=2026-01-01T00:00:00", 422),
        ("alarms?start=0001-01-01T00:00:00%2B14:00", 422),
        ("alarms?cursor=nonsense", 400),
        ("alarms?cursor=99999999999999999.abc", 400),
        ("alarms/nonsense", 422),
        ("alarms/0123456789abcdef/events?cursor=x", 400),
    ],
)
async def test_what_is_asked_wrongly_is_refused(service: Service, path: str, status: int) -> None:
    problem(await service.http.get(f"/api/v1/{path}"), status)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/api/v1/points"), ("GET", "/api/v1/batches"), ("POST", "/healthz")])
async def test_what_cannot_be_done_405(service: Service, method: str, path: str) -> None:
    problem(await service.http.request(method, path), 405)


async def test_a_source_has_its_warning_colour_and_why(database: str) -> None:
    coloured = replace(small_park(), colours=load_colours(CONFIG))
    async with running(database, coloured) as service:

        async def now() -> dict[str, Any]:
            return (await service.http.get("/api/v1/sources/E01-S1")).json()["live"]["colour"]

        await service.box().beat()
        await service.box().level(9.0)
        quiet = await now()
        assert (quiet["colour"], quiet["exempt"]) == ("蓝", False)
        await service.box().level(10.5)
        risen = await now()
        assert risen["colour"] in ("黄", "橙")
        assert risen["reason"]
        assert risen["version"] == quiet["version"] == "2026-1"
        shelf = {"by": "班长", "role": "shift_leader", "reason": "校验", "minutes": 5}
        assert (await service.http.post("/api/v1/points/E01/LT-1/alarms/HIGH/shelve", json=shelf)).status_code == 200
        source = (await service.http.get("/api/v1/sources/E01-S1")).json()["live"]
        assert (source["colour"]["colour"], source["suppressed"], source["active"]) == ("蓝", 1, 0)
