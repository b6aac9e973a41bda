"""The auditor's questions over HTTP: readings really sent, figures counted by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from contract.rooms import Service, running, small_park

from hazmon.clock import MINUTE_US, SystemClock, iso
from hazmon.store.coverage import CoverageKeeper
from hazmon.store.park_runs import note_alive, note_run
from hazmon.store.pool import connect, migrate

HOUR_US = 60 * MINUTE_US
GOOD = (5.0, 1.0, 20.0)


@pytest.fixture
async def begun(database: str) -> AsyncGenerator[Service]:
    """A service whose record began three days ago, with the duty of the small park."""
    park = small_park()
    assert park.coverage is not None
    await migrate(database)
    async with await connect(database) as connection, connection.transaction():
        since = SystemClock().now() - 72 * HOUR_US
        await CoverageKeeper(park, park.coverage, since).keep(connection, [], [], [], since)
    async with running(database, park) as service:
        yield service


def hours_ago(hours: int) -> int:
    """The full hour so long ago."""
    return (SystemClock().now() // HOUR_US - hours) * HOUR_US


async def send(service: Service, begin: int, minutes: int, values: tuple[float | None, ...] = GOOD, edge: str = "E01") -> None:
    """A scan a minute, all in one batch."""
    box = service.box(edge)
    answer = await box.post(box.batch(*((begin + k * MINUTE_US + 1, values) for k in range(minutes))))
    assert [each["outcome"] for each in answer.json()["receipts"]] == ["accepted"], answer.text


async def ask(service: Service, path: str = "coverage", **query: str) -> dict[str, Any]:
    answer = await service.http.get(f"/api/v1/{path}", params={key.rstrip("_"): value for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(service: Service, path: str = "coverage", **query: str) -> tuple[int, str]:
    answer = await service.http.get(f"/api/v1/{path}", params={key.rstrip("_"): value for key, value in query.items()})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


async def test_an_hour_sent_late_and_an_hour_of_nothing(begun: Service) -> None:
    start = hours_ago(10)
    await send(begun, start, 60)
    answer = await ask(begun, from_=iso(start), to=iso(start + 2 * HOUR_US))
    one, other = answer["rows"]
    lost = {"connect": 0, "online": 60, "complete": 0, "valid": 0}
    assert (one["of"], one["name"], one["name_en"]) == ("E01-S1", "液氨球罐区", "Liquid ammonia spheres")
    assert (one["slots"], one["covered"], one["prompt"], one["excused"], one["lost"]) == (120, 60, 0, 0, lost)
    assert one["raw"] == one["net"] == {"numerator": 60, "denominator": 120, "rate": "50.0000"}
    assert one["real_time"] == {"numerator": 0, "denominator": 120, "rate": "0.0000"}
    assert (other["of"], other["covered"], other["lost"]["online"]) == ("E02-S1", 0, 120)
    total = answer["total"]
    assert (total["slots"], total["covered"], total["lost"]["online"]) == (240, 60, 180)
    assert total["factors"]["online"] == {"numerator": 60, "denominator": 240, "rate": "25.0000"}
    assert total["factors"]["complete"] == {"numerator": 60, "denominator": 60, "rate": "100.0000"}
    assert (answer["timezone"], answer["simulated"], answer["by"], answer["step"]) == ("Asia/Shanghai", False, "source", "all")


async def test_the_park_is_the_sum_of_its_enterprises(begun: Service) -> None:
    start = hours_ago(10)
    await send(begun, start, 30)
    await send(begun, start, 45, edge="E02")
    when = {"from_": iso(start), "to": iso(start + HOUR_US)}
    (park,) = (await ask(begun, by="park", **when))["rows"]
    assert (park["of"], park["name"], park["slots"], park["covered"]) == ("", "示例园区", 120, 75)
    enterprises = (await ask(begun, by="enterprise", **when))["rows"]
    assert [(row["of"], row["covered"]) for row in enterprises] == [("E01", 30), ("E02", 45)]
    only = await ask(begun, by="source", of="E02", **when)
    assert [row["of"] for row in only["rows"]] == ["E02-S1"]
    assert only["total"]["covered"] == 45


async def test_days_begin_at_local_midnight(begun: Service) -> None:
    start = hours_ago(40)
    answer = await ask(begun, from_=iso(start), to=iso(start + 39 * HOUR_US), step="day", of="E01-S1")
    rows = answer["rows"]
    assert len(rows) in (2, 3)
    assert sum(row["slots"] for row in rows) == 39 * 60
    for row in rows[1:]:
        moment = datetime.fromisoformat(row["from"]).astimezone(UTC)
        assert (moment.hour, moment.minute) == (16, 0)  # midnight in Shanghai
    assert [row["from"] for row in rows[1:]] == [row["to"] for row in rows[:-1]]


async def test_what_is_not_over_does_not_count(begun: Service) -> None:
    now = begun.room.clock.now()
    answer = await ask(begun, from_=iso(hours_ago(1)), to=iso(hours_ago(-5)), by="park")
    counted = datetime.fromisoformat(answer["counted_to"])
    assert 60 <= now / 1e6 - counted.timestamp() <= 130
    assert answer["total"]["slots"] == 2 * (counted.timestamp() - hours_ago(1) / 1e6) // 60


async def test_nothing_was_owed_before_the_record_began(begun: Service) -> None:
    answer = await ask(begun, from_=iso(hours_ago(96)), to=iso(hours_ago(0)), by="park")
    assert answer["total"]["slots"] in (2 * 72 * 60 - 2 * k for k in range(61))
    before = await ask(begun, from_=iso(hours_ago(200)), to=iso(hours_ago(100)), by="park")
    assert before["total"]["slots"] == 0
    assert before["total"]["raw"] == {"numerator": 0, "denominator": 0, "rate": None}


async def test_what_cannot_be_asked(begun: Service) -> None:
    when = {"from_": iso(hours_ago(10)), "to": iso(hours_ago(9))}
    assert await refusal(begun, of="E09", **when) == (404, "no source or enterprise E09")
    assert await refusal(begun, from_=when["to"], to=when["from_"]) == (422, "from must be before to")
    assert await refusal(begun, from_=iso(hours_ago(24 * 401)), to=when["to"]) == (422, "400 days at most")
    assert (await refusal(begun, by="moon", **when))[0] == 422
    assert await refusal(begun, by="group", **when) == (422, "by group: name one source or enterprise with `of`")
    month = {"from_": iso(hours_ago(24 * 32)), "to": when["to"]}
    assert await refusal(begun, by="point", of="E01-S1", **month) == (422, "31 days at most")
    assert await refusal(begun, "coverage/gaps", source="E01-S1", enterprise="E02", **when) == (404, "no source E01-S1 in E02")


async def test_by_group_and_by_point(begun: Service) -> None:
    start = hours_ago(10)
    await send(begun, start, 60)
    await send(begun, start + HOUR_US, 60, (5.0, None, 20.0))  # no pressure
    when = {"from_": iso(start), "to": iso(start + 3 * HOUR_US), "of": "E01-S1"}
    groups = {row["of"]: row for row in (await ask(begun, by="group", **when))["rows"]}
    assert list(groups) == ["E01-S1/level", "E01-S1/pressure", "E01-S1/temperature"]
    assert groups["E01-S1/level"]["name"] == "液氨球罐区 · level"
    assert (groups["E01-S1/level"]["covered"], groups["E01-S1/pressure"]["covered"]) == (120, 60)
    assert groups["E01-S1/pressure"]["lost"] == {"connect": 0, "online": 60, "complete": 60, "valid": 0}
    points = {row["of"]: row for row in (await ask(begun, by="point", **when))["rows"]}
    assert points["E01/PT-1"]["point"]["good"] == 60
    assert points["E01/PT-1"]["point"]["missed"]["hole"] == 60
    for row in points.values():
        point = row["point"]
        assert point["owed"] == 180 == point["good"] + point["bad"] + point["exempt"] + sum(point["missed"].values())
    hours = await ask(begun, by="point", step="day", **when)
    assert hours["total"]["covered"] == 120 + 60 + 120


async def test_gaps_with_cause_and_the_batches_around_them(begun: Service) -> None:
    start = hours_ago(10)
    await send(begun, start, 30)
    await send(begun, start + 30 * MINUTE_US, 30, (5.0, 200.0, 20.0))  # beyond the instrument
    await send(begun, start + 90 * MINUTE_US, 30)
    when = {"from_": iso(start), "to": iso(start + 2 * HOUR_US), "source": "E01-S1"}
    answer = await ask(begun, "coverage/gaps", **when)
    range_gap, silence = answer["items"]
    assert (range_gap["factor"], range_gap["cause"], range_gap["minutes"]) == ("valid", "out_of_range", 30)
    assert (range_gap["units"], range_gap["groups"], range_gap["points"]) == (["V-1"], ["pressure"], ["E01/PT-1"])
    assert range_gap["id"] == f"E01-S1@{iso(start + 30 * MINUTE_US)[:16]}Z"
    assert (silence["factor"], silence["minutes"], silence["from"]) == ("online", 30, iso(start + HOUR_US))
    assert silence["cause"] == "park_down"  # no run of the service is noted for that time
    assert silence["groups"] == ["level", "pressure", "temperature"]
    assert (silence["before"]["seq"], silence["after"]["seq"]) == ("1", "2")
    assert len(silence["after"]["digest"]) % 16 == 0
    assert (silence["exemption"], silence["filed"], silence["excused"]) == (None, None, 0)
    assert answer["next"] is None
    first = await ask(begun, "coverage/gaps", limit="1", **when)
    assert [gap["id"] for gap in first["items"]] == [range_gap["id"]]
    second = await ask(begun, "coverage/gaps", limit="1", cursor=first["next"], **when)
    assert ([gap["id"] for gap in second["items"]], second["next"]) == ([silence["id"]], None)
    longer = await ask(begun, "coverage/gaps", minutes="31", **when)
    assert longer["items"] == []
    assert await refusal(begun, "coverage/gaps", cursor="moon", **when) == (
        400,
        "cursor: not one that this list has given",
    )


async def test_a_gap_without_a_sound_from_the_box_while_the_service_ran(begun: Service) -> None:
    start = hours_ago(10)
    async with await connect(begun.database) as connection:
        run = await note_run(connection, start - HOUR_US)
        await note_alive(connection, run, start + 5 * HOUR_US)
    await send(begun, start, 60, (5.0, None, 20.0))
    when = {"from_": iso(start), "to": iso(start + 2 * HOUR_US), "of": "E01-S1"}
    (level, pressure, _) = (await ask(begun, by="point", **when))["rows"]
    assert level["point"]["missed"] == {"box_silent": 60}
    assert pressure["point"]["missed"] == {"box_silent": 60, "hole": 60}


async def test_the_two_targets(begun: Service) -> None:
    start = hours_ago(10)
    await send(begun, start, 57)
    await send(begun, start, 56, edge="E02")
    when = {"from_": iso(start), "to": iso(start + HOUR_US)}
    answer = await ask(begun, "coverage/targets", **when)
    assert answer["period"] == "asked"
    assert answer["online_min"] == {"numerator": 19, "denominator": 20, "rate": "95.0000"}
    assert answer["online"] == {"numerator": 1, "denominator": 2, "rate": "50.0000"}  # 57 of 60 is 95 %
    assert answer["equipped"] == {"numerator": 2, "denominator": 2, "rate": "100.0000"}
    assert [(each["source"], each["covered"]) for each in answer["offline"]] == [("E02-S1", 56)]
    assert (await ask(begun, "coverage/targets"))["period"] in ("today", "yesterday")


async def test_a_park_that_has_not_said_what_must_be_monitored(database: str) -> None:
    async with running(database, replace(small_park(), coverage=None)) as service:
        for path in ("coverage", "coverage/targets", "coverage/gaps", "coverage/report"):
            status, told = await refusal(service, path, from_=iso(hours_ago(2)), to=iso(hours_ago(1)))
            assert status == 409
            assert "coverage.toml" in told
