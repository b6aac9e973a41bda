"""Sensors' messages through a real broker: the cases of mqtt/ as folders, then what a session must survive."""

from __future__ import annotations

import asyncio
import json
import math
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import aiomqtt
import pytest
from collectors.cases import HEADER, cases, check, load, told, toml
from embedded import Servers, start_mosquitto
from hazmon_edge.clock import SECOND_NS, SystemClock
from hazmon_edge.collectors.mqtt import MqttCollector
from hazmon_edge.config import Wiring
from hazmon_edge.errors import Cause, NotConnected
from hazmon_edge.scans import Collected, Stamps
from hazmon_edge.settings import Mqtt
from hazmon_edge.wire import WHOLE_GROUP

TAGS = "A,mqtt,{t}/a,number,,,,,,E01-S1\nB,mqtt,{t}/b,json,,,,$.value,$.ts,E01-S1\n"


class Box:
    """A collector on a broker, with what its outbox would have stored."""

    def __init__(self, home: Path, broker: str, tags: str = TAGS, link: dict[str, Any] | None = None) -> None:
        url = urlsplit(broker)
        self.host, self.port = str(url.hostname), int(url.port or 1883)
        self.root = f"t{uuid.uuid4().hex[:12]}"
        keys: dict[str, Any] = {"name": self.root, "kind": "mqtt", "host": self.host, "port": self.port, "period_s": 1.0}
        text = HEADER + tags.replace("{t}", self.root).replace(",mqtt,", f",{self.root},")
        self.wiring: Wiring = load(home / "config", home, keys | (link or {}), text).wirings[0]
        self.clock = SystemClock()
        self.stored: bytes | None = None
        self.collector = self.start()

    def start(self) -> MqttCollector:
        """A box that has just started, with what was stored."""
        link = cast("Mqtt", self.wiring.connection)
        self.collector = MqttCollector(link, self.wiring.groups, self.clock, Stamps(), "E01", self.stored)
        return self.collector

    async def tick(self, *, keep: bool = True) -> Collected:
        """Collect once everything sent so far is here; `keep` is whether it reached the disk."""
        await asyncio.sleep(0.15)
        found = await self.collector.collect(self.clock.monotonic_ns() + SECOND_NS)
        if keep:
            self.stored = found.position[1] if found.position else self.stored
            assert found.kept is not None
            found.kept()
        return found

    def die(self) -> None:
        """The process is gone: the socket closes without a goodbye."""
        session = self.collector._session
        assert session is not None
        sock = session._client.socket()
        assert sock is not None
        asyncio.get_running_loop().remove_reader(sock.fileno())
        sock.close()
        if session._misc_task is not None:
            session._misc_task.cancel()

    @asynccontextmanager
    async def sensors(self) -> AsyncGenerator[aiomqtt.Client]:
        """Who publishes."""
        async with aiomqtt.Client(self.host, self.port) as client:
            yield client

    async def say(self, *values: float) -> None:
        """Sensor A sends each value."""
        async with self.sensors() as client:
            for value in values:
                await client.publish(f"{self.root}/a", str(value), qos=1)


def values(found: Collected, column: int = 0) -> list[float]:
    """What a column brought, scan by scan, absent left out."""
    return [scan.values[column] for scan in found.scans if not math.isnan(scan.values[column])]


@pytest.mark.parametrize("case", cases("mqtt"), ids=lambda path: path.name)
async def test_case(case: Path, tmp_path: Path, mosquitto: str) -> None:
    described = toml(case / "messages.toml")
    box = Box(tmp_path, mosquitto, (case / "tags.csv").read_text())
    async with box.sensors() as client:
        for message in described.get("before", []):
            await client.publish(f"{box.root}/{message['topic']}", _payload(message), qos=1, retain=message.get("retain", False))
        await box.collector.connect()
        before_us = box.clock.now_us()
        for message in described.get("message", []):
            await client.publish(f"{box.root}/{message['topic']}", _payload(message), qos=1)
        found = await box.tick()
    await box.collector.close()
    expected = toml(case / "expected.toml")
    check(expected, told(box.wiring.groups, [found], with_time=False))
    for scan in found.scans:
        assert scan.at_us // 1_000_000 * 1_000_000 + 10 > scan.at_us
        assert scan.offsets_ms is not None
        for offset, quality in zip(scan.offsets_ms, scan.quality, strict=True):
            if quality == 0 and not any("ago_s" in message for message in described["message"]):
                assert before_us - 1_000 <= scan.at_us + 1_000 * offset <= box.clock.now_us() + 1_000
    if "ago_s" in expected:
        assert [_ago_s(box, scan.at_us, scan.offsets_ms or [0]) for scan in found.scans] == pytest.approx(
            expected["ago_s"], abs=1
        )


def _payload(message: dict[str, Any]) -> bytes:
    if "hex" in message:
        return bytes.fromhex(message["hex"])
    if "repeat" in message:
        return cast("str", message["payload"]).encode() * message["repeat"]
    now = SystemClock().now_us() / 1e6 - message.get("ago_s", 0)
    return cast("str", message["payload"]).replace("MILLIS", str(round(now * 1_000))).encode()


def _ago_s(box: Box, at_us: int, offsets_ms: list[int]) -> float:
    return (box.clock.now_us() - at_us - 1_000 * min(offsets_ms)) / 1e6


async def test_messages_that_came_while_the_box_was_away_are_not_lost(tmp_path: Path, mosquitto: str) -> None:
    box = Box(tmp_path, mosquitto)
    await box.collector.connect()
    await box.tick()
    await box.collector.close()
    await box.say(1, 2, 3)
    await box.collector.connect()
    found = await box.tick()
    await box.collector.close()
    assert values(found) == [1, 2, 3]
    assert [scan.quality[0] for scan in found.scans] == [8, 8, 0]  # when the queued ones were sent, nobody knows
    assert len({scan.at_us for scan in found.scans}) == 3


async def test_a_queued_message_with_its_own_time_keeps_it(tmp_path: Path, mosquitto: str) -> None:
    box = Box(tmp_path, mosquitto)
    await box.collector.connect()
    await box.say(1)
    await box.tick()
    await box.collector.close()
    now_us = box.clock.now_us()
    box.stored = (now_us - 600_000_000).to_bytes(8, "big") + (box.stored or b"")[8:]  # ten minutes away
    box.start()
    async with box.sensors() as client:
        await client.publish(f"{box.root}/b", json.dumps({"value": 5, "ts": now_us // 1_000 - 300_000}), qos=1)
        await client.publish(f"{box.root}/b", json.dumps({"value": 6, "ts": now_us // 1_000 - 700_000}), qos=1)
    await box.collector.connect()
    found = await box.tick()
    await box.collector.close()
    assert values(found, 1) == [5, 6]
    assert [scan.quality[1] for scan in found.scans] == [0, 8]  # the second is older than the time away
    offsets = found.scans[0].offsets_ms
    assert offsets is not None
    assert found.scans[0].at_us + 1_000 * offsets[1] == pytest.approx(now_us - 300_000_000, abs=2_000)


async def test_a_box_killed_before_the_disk_gets_the_messages_again(tmp_path: Path, mosquitto: str) -> None:
    box = Box(tmp_path, mosquitto)
    await box.collector.connect()
    await box.say(1, 2)
    assert values(await box.tick(keep=False)) == [1, 2]
    box.die()
    box.start()
    await box.collector.connect()
    await box.say(3)
    assert values(await box.tick()) == [1, 2, 3]
    await box.collector.close()


async def test_a_box_killed_between_disk_and_acknowledgement_counts_each_message_once(tmp_path: Path, mosquitto: str) -> None:
    box = Box(tmp_path, mosquitto)
    await box.collector.connect()
    await box.say(7, 7)
    found = await box.tick(keep=False)
    assert values(found) == [7, 7]
    assert found.position is not None
    box.stored = found.position[1]  # on disk, and then the end
    box.die()
    await box.say(7)
    box.start()
    await box.collector.connect()
    assert values(await box.tick()) == [7]  # the third, though it says the same
    await box.say(8)
    assert values(await box.tick()) == [8]
    await box.collector.close()


async def test_more_messages_than_a_broker_s_default_window_arrive_in_one_second(tmp_path: Path, mosquitto: str) -> None:
    box = Box(tmp_path, mosquitto)
    await box.collector.connect()
    await box.say(*range(300))
    found = await box.tick()
    await box.collector.close()
    assert values(found) == list(range(300))


async def test_protocol_3_1_1_works_where_a_broker_knows_no_better(tmp_path: Path, mosquitto: str) -> None:
    box = Box(tmp_path, mosquitto, link={"version": "3.1.1"})
    await box.collector.connect()
    await box.say(*range(50))
    assert values(await box.tick()) == list(range(50))
    await box.collector.close()
    await box.say(50)
    await box.collector.connect()
    assert values(await box.tick()) == [50]
    await box.collector.close()


async def test_a_broker_that_is_not_there_is_told_in_its_own_words(tmp_path: Path) -> None:
    box = Box(tmp_path, "mqtt://127.0.0.1:9")
    with pytest.raises(NotConnected, match=r"127\.0\.0\.1:9: .*refused"):
        await box.collector.connect()
    assert not box.collector.connected


async def test_a_broker_that_dies_and_comes_back(tmp_path: Path, server_programs: Servers, session_folder: Path) -> None:
    folder = session_folder / f"broker-{uuid.uuid4().hex[:8]}"
    daemon = start_mosquitto(server_programs, folder)
    try:
        box = Box(tmp_path, daemon.url)
        await box.collector.connect()
        await box.say(1)
        assert values(await box.tick()) == [1]
    finally:
        daemon.stop()
    await asyncio.sleep(0.3)
    assert not box.collector.connected
    with pytest.raises(NotConnected, match="is gone"):
        await box.collector.collect(box.clock.monotonic_ns() + SECOND_NS)
    misses = box.collector.owe(Cause.NOT_CONNECTED, box.clock.now_us(), 3)
    assert [(miss.cause, miss.count) for miss in misses] == [(Cause.NOT_CONNECTED, 3)]
    await box.collector.close()


async def test_a_sensor_that_falls_silent_is_missed_and_the_others_are_not(tmp_path: Path, mosquitto: str) -> None:
    box = Box(tmp_path, mosquitto)
    await box.collector.connect()
    missed: list[list[tuple[int, int]]] = []
    for _ in range(5):
        async with box.sensors() as client:
            await client.publish(f"{box.root}/b", '{"value": 1}', qos=1)
        found = await box.tick()
        assert [scan.quality[0] for scan in found.scans] == [128]
        missed.append([(miss.column, miss.cause) for miss in found.misses])
    await box.collector.close()
    late = [(0, Cause.TIMEOUT)]
    assert missed == [[], [], late, late, late]  # part of a second owes nothing, and one period is carried


async def test_when_every_sensor_is_silent_the_group_is_missed_as_one(tmp_path: Path, mosquitto: str) -> None:
    box = Box(tmp_path, mosquitto)
    await box.collector.connect()
    found = [await box.tick() for _ in range(3)]
    await box.collector.close()
    assert [each.scans for each in found] == [[], [], []]
    assert [(miss.column, miss.count) for miss in found[2].misses] == [(WHOLE_GROUP, 1)]
    assert found[2].error == "no message from any sensor"
