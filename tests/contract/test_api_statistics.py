"""Alarm statistics over HTTP: what the room heard, measured; bounded; with advice from the recorded signal."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import psycopg
import pytest
from contract.rooms import Service
from contract.test_api_batches import problem

from hazmon.api import statistics
from hazmon.api.statistics_views import StatisticsView
from hazmon.clock import US, as_datetime, iso

DAY_US = 86_400 * US


async def asked(service: Service, **query: Any) -> dict[str, Any]:
    response = await service.http.get("/api/v1/alarms/statistics", params=query)
    assert response.status_code == 200, response.text
    StatisticsView.model_validate(response.json())
    return response.json()


def measure(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in answer["measures"] if one["id"] == name)


async def noisy(service: Service) -> None:
    """A level that goes to and fro over its limit each second, eleven times."""
    now = service.room.clock.now()
    scans = [(now - (21 - k) * US, (9.88 if k % 2 else 10.02, 1.0, 10.0)) for k in range(22)]
    response = await service.box().post(service.box().batch(*scans))
    assert response.json()["receipts"][0]["outcome"] == "accepted"


async def test_a_day_with_a_chattering_point(service: Service) -> None:
    await noisy(service)
    await service.box("E02").post(service.box("E02").batch((service.room.clock.now(), (0.5, 1.0, 10.0))))
    answer = await asked(service)
    assert (answer["annunciated"], answer["late"], answer["standing"], answer["advice"]) == (12, 0, 1, None)
    assert answer["top"] == [
        {"point": "E01/LT-1", "name": "名 LT-1", "kind": "HIGH", "alarms": 11, "share": 11 / 12},
        {"point": "E02/LT-1", "name": "名 LT-1", "kind": "LOW", "alarms": 1, "share": 1 / 12},
    ]
    assert answer["chattering"] == [{"point": "E01/LT-1", "name": "名 LT-1", "kind": "HIGH", "raises": 11, "most_per_minute": 11}]
    assert (answer["floods"]["count"], answer["floods"]["items"][0]["ended_at"]) == (1, None)
    mean = measure(answer, "per_10_min_mean")
    assert (mean["numerator"], mean["denominator"], mean["met"], mean["target"]["trust"]) == (12, 144, True, "published")
    chattering = measure(answer, "chattering")
    assert (chattering["numerator"], chattering["denominator"], chattering["met"]) == (1, 2, False)
    assert measure(answer, "top_ten")["value"] == 1
    assert [one["alarms"] for one in answer["priorities"]] == [0, 0, 12, 0]


async def test_how_long_alarms_wait_for_somebody(service: Service) -> None:
    await service.box().post(service.box().batch((service.room.clock.now(), (10.6, 1.0, 10.0))))
    assert measure(await asked(service), "unacknowledged")["value"] == 1
    (alarm,) = (await service.http.get("/api/v1/alarms", params={"priority": 3})).json()["items"]
    body = {"by": "值班员", "note": ""}
    assert (await service.http.post(f"/api/v1/alarms/{alarm['id']}/acknowledge", json=body)).status_code == 200
    answer = await asked(service)
    waited = answer["priorities"][2]
    assert waited["acknowledged"] == 1
    assert 0 <= waited["p50_s"] == waited["p95_s"] < 60
    assert measure(answer, "unacknowledged")["value"] == 0


async def test_any_range_in_any_zone_for_any_part(service: Service) -> None:
    await noisy(service)
    now = service.room.clock.now()
    shanghai = as_datetime(now - DAY_US).astimezone(timezone(timedelta(hours=8))).isoformat()
    whole = await asked(service, start=shanghai, end=iso(now))
    assert (whole["start"], whole["end"], whole["annunciated"]) == (iso(now - DAY_US), iso(now), 11)
    before = await asked(service, start=iso(now - 2 * DAY_US), end=iso(now - DAY_US))
    assert (before["annunciated"], before["top"], measure(before, "top_ten")["value"]) == (0, [], None)
    assert (await asked(service, enterprise="E02"))["annunciated"] == 0
    assert (await asked(service, source="E01-S1"))["annunciated"] == 11
    assert (await asked(service, source="E99-S1"))["annunciated"] == 0
    later = await asked(service, end=iso(now + DAY_US), start=iso(now - DAY_US))
    assert later["end"] < iso(now + US * 60), "there are no statistics of the future"
    assert (await asked(service, start=iso(now - 366 * DAY_US), end=iso(now)))["annunciated"] == 11


async def test_advice_is_taken_from_the_recorded_signal(service: Service) -> None:
    await noisy(service)
    await service.box("E02").post(service.box("E02").batch((service.room.clock.now(), (1.5, 2.5, 999.0))))
    advice = (await asked(service, advice=True))["advice"]
    level, *others = advice
    assert (level["point"], level["readings"], level["recounted"], level["note"]) == ("E01/LT-1", 22, 11, "")
    assert level["proposals"][0] == {
        "setting": "deadband",
        "value": 0.15,
        "unit": "m",
        "observed": pytest.approx(0.14),
        "remaining": 1,
    }
    assert level["preferred"] == "deadband"
    assert level["start"] < level["end"]
    notes = {(one["point"], one["kind"]): one["note"] for one in others}
    assert notes["E02/PT-1", "HIGH"].startswith("调整死区或延时无明显作用")
    assert notes["E02/TT-1", "RANGE"].startswith("仅限值报警")


async def test_what_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    now = service.room.clock.now()
    for query, expected in (
        ({"start": iso(now), "end": iso(now - US)}, "start must be before end"),
        ({"start": iso(now + DAY_US)}, "start must be before end"),
        ({"start": iso(now - 367 * DAY_US)}, "366 days at most"),
        ({"start": "1999-01-01T00:00:00Z"}, "between 2000 and 2100"),
        ({"start": "2026-01-01T00:00:00"}, "timezone"),
        ({"advice": "perhaps"}, "advice"),
        ({"enterprise": "E" * 65}, "enterprise"),
    ):
        assert expected in problem(await service.http.get("/api/v1/alarms/statistics", params=query), 422)
    await noisy(service)
    monkeypatch.setattr(statistics, "MOST_EVENTS", 5)
    refused = await service.http.get("/api/v1/alarms/statistics")
    assert "more than 5 events" in problem(refused, 422)


async def test_a_silent_record_gives_no_statistics(service: Service) -> None:
    async with await psycopg.AsyncConnection.connect(service.database) as blocker:
        await blocker.execute("LOCK TABLE alarm IN ACCESS EXCLUSIVE MODE")
        problem(await service.http.get("/api/v1/alarms/statistics"), 503)


async def test_its_description_has_an_example_that_fits(service: Service) -> None:
    described = (await service.http.get("/openapi.json")).json()
    assert {"200", "422", "503"} <= set(described["paths"]["/api/v1/alarms/statistics"]["get"]["responses"])
    StatisticsView.model_validate(StatisticsView.model_json_schema()["example"])
