"""A point's past over HTTP: raw when it fits, buckets when it does not, minutes over long spans; bounded."""

from __future__ import annotations

from typing import Any

import pytest
from contract.rooms import Service
from contract.test_api_batches import problem

from hazmon.api import readings
from hazmon.clock import MINUTE_US, US, iso
from hazmon.store.minutes import roll
from hazmon.store.pool import connect


async def asked(service: Service, start: int, end: int, tag: str = "LT-1", **more: Any) -> dict[str, Any]:
    params = {"start": iso(start), "end": iso(end)} | more
    response = await service.http.get(f"/api/v1/points/E01/{tag}/readings", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def delivered(service: Service, seconds: int) -> int:
    """A scan each second up to now; answers the time of the first."""
    start = service.room.clock.now() - seconds * US
    scans = [(start + k * US, (5.0 + k % 10, 1.0, None if k % 2 else 20.0)) for k in range(seconds)]
    response = await service.box().post(service.box().batch(*scans))
    assert response.json()["receipts"][0]["outcome"] == "accepted"
    return start


async def test_raw_when_they_fit(service: Service) -> None:
    start = await delivered(service, 20)
    answer = await asked(service, start, start + 20 * US)
    assert (answer["point"], answer["uom"], answer["form"], answer["made_of"]) == ("E01/LT-1", "m", "raw", "readings")
    assert (answer["start"], answer["end"], answer["bucket_s"]) == (iso(start), iso(start + 20 * US), None)
    assert answer["readings"] == [{"at": iso(start + k * US), "value": 5.0 + k % 10, "quality": 0} for k in range(20)]
    assert len((await asked(service, start, start + 20 * US, "TT-1"))["readings"]) == 10
    assert len((await asked(service, start, start + 20 * US, max_points=20))["readings"]) == 20
    assert len((await asked(service, start + 1, start + 5 * US))["readings"]) == 4, "start is included, end is not"


async def test_never_more_than_asked(service: Service) -> None:
    start = await delivered(service, 20)
    answer = await asked(service, start, start + 20 * US, max_points=4)
    assert (answer["form"], answer["made_of"], answer["bucket_s"]) == ("buckets", "readings", 5.0)
    assert answer["readings"] == [
        {"at": iso(start), "low": 5.0, "high": 9.0, "mean": 7.0, "last": 9.0, "good": 5},
        {"at": iso(start + 5 * US), "low": 10.0, "high": 14.0, "mean": 12.0, "last": 14.0, "good": 5},
        {"at": iso(start + 10 * US), "low": 5.0, "high": 9.0, "mean": 7.0, "last": 9.0, "good": 5},
        {"at": iso(start + 15 * US), "low": 10.0, "high": 14.0, "mean": 12.0, "last": 14.0, "good": 5},
    ]
    for most in (1, 3, 7, 19):
        assert 0 < len((await asked(service, start, start + 20 * US, max_points=most))["readings"]) <= most


async def test_long_spans_are_told_by_minutes(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    start = await delivered(service, 300)
    async with await connect(service.database) as connection:
        await roll(connection, start + 10 * MINUTE_US)
    monkeypatch.setattr(readings, "MOST_READ", 200)
    answer = await asked(service, start, start + 300 * US)
    first = start - start % MINUTE_US
    assert (answer["form"], answer["made_of"], answer["bucket_s"]) == ("buckets", "minutes", 60.0)
    assert answer["start"] == iso(first)
    assert sum(bucket["good"] for bucket in answer["readings"]) == 300
    assert all(bucket["at"].endswith(":00.000000Z") for bucket in answer["readings"])
    answer = await asked(service, start, start + 300 * US, max_points=2)
    assert (answer["bucket_s"], len(answer["readings"])) == (180.0, 2)
    assert (answer["readings"][0]["low"], answer["readings"][0]["high"]) == (5.0, 14.0)
    assert len((await asked(service, start - 300 * 86_400 * US, start + 300 * US))["readings"]) <= 1000


async def test_a_point_without_a_past(service: Service) -> None:
    now = service.room.clock.now()
    answer = await asked(service, now - US, now)
    assert (answer["form"], answer["readings"]) == ("raw", [])


@pytest.mark.parametrize(
    "query",
    [
        "",
        "start=2026-01-01T00:00:00Z",
        "start=2026-01-01T00:00:00&end=2026-01-01T01:00:00",
        "start=2026-01-01T00:00:00Z&end=2026-01-01T00:00:00Z",
        "start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z",
        "start=2024-01-01T00:00:00Z&end=2026-01-01T00:00:00Z",
        "start=1900-01-01T00:00:00Z&end=1900-01-02T00:00:00Z",
        "start=0001-01-01T00:00:00%2B14:00&end=2026-01-01T00:00:00Z",
        "start=2026-01-01T00:00:00Z&end=2026-01-01T01:00:00Z&max_points=0",
        "start=2026-01-01T00:00:00Z&end=2026-01-01T01:00:00Z&max_points=10001",
        "start=yesterday&end=today",
    ],
)
async def test_spans_are_bounded_and_have_a_time_zone(service: Service, query: str) -> None:
    problem(await service.http.get(f"/api/v1/points/E01/LT-1/readings?{query}"), 422)
