"""A site's sensor gateway: every sensor once a second to the broker, QoS 1."""

from __future__ import annotations

import asyncio
import logging
import math
from datetime import UTC, datetime

import aiomqtt

from hazmon_sim.clock import Now
from hazmon_sim.ledger import Ledger, Publish
from hazmon_sim.plant import Plant, Sensor

PERIOD_S = 1.0
RETRY_S = 2.0
CONFIRM_S = 5.0  # a publish not confirmed within this is a broken connection

_PAHO = logging.getLogger("hazmon_sim.paho")
_PAHO.addHandler(logging.NullHandler())  # what it warns of, the gateway says itself
_PAHO.propagate = False


def payload(sensor: Sensor, t: float) -> str:
    """What the sensor says at t; null, or `nan` in plain form, when it reports itself broken."""
    text = sensor.instrument.text(t)
    match sensor.payload:
        case "plain":
            return "nan" if text is None else text
        case "flat":
            return f'{{"ts": {int(t * 1000)}, "value": {text or "null"}}}'
        case "nested":
            moment = datetime.fromtimestamp(int(t * 1000) / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            return f'{{"time": "{moment}", "data": {{"v": {text or "null"}}}}}'


async def _watch(client: aiomqtt.Client) -> None:
    """Raises MqttError as soon as the connection is lost; a gateway subscribes to nothing."""
    async for _ in client.messages:
        pass


class Gateway:
    """Publishes for as long as it runs; connects again by itself. `silent` and `mute` (tags) are how it fails."""

    def __init__(self, plant: Plant, now: Now, ledger: Ledger, host: str, port: int, phase_s: float) -> None:
        self.plant = plant
        self.silent = False
        self.mute: set[str] = set()
        self._now = now
        self._ledger = ledger
        self._host = host
        self._port = port
        self._phase_s = phase_s
        self._lost = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with aiomqtt.Client(
                    self._host,
                    self._port,
                    identifier=self.plant.gateway,
                    timeout=CONFIRM_S,
                    max_inflight_messages=200,
                    logger=_PAHO,
                ) as client:
                    client.pending_calls_threshold = len(self.plant.sensors)
                    self._say(None)
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(_watch(client))
                        tasks.create_task(self._publish(client))
            except* aiomqtt.MqttError as errors:
                self._say(str(errors.exceptions[0]))
            await asyncio.sleep(RETRY_S)

    def _say(self, trouble: str | None) -> None:
        """Loss and return of the broker, once each."""
        if trouble is not None and not self._lost:
            print(f"{self.plant.gateway}: no broker at {self._host}:{self._port}: {trouble}; tries again", flush=True)
        elif trouble is None and self._lost:
            print(f"{self.plant.gateway}: publishes again", flush=True)
        self._lost = trouble is not None

    async def _publish(self, client: aiomqtt.Client) -> None:
        due = self._after(self._now())
        while True:
            await asyncio.sleep(max(0.0, due - self._now()))
            t = self._now()
            due = max(due + PERIOD_S, self._after(t))
            speaking = () if self.silent else [item for item in self.plant.sensors if item.instrument.tag not in self.mute]
            done = await asyncio.gather(*(self._send(client, sensor, t) for sensor in speaking), return_exceptions=True)
            for failed in done:
                if isinstance(failed, BaseException):
                    raise failed

    def _after(self, t: float) -> float:
        return math.floor(t - self._phase_s) + PERIOD_S + self._phase_s

    async def _send(self, client: aiomqtt.Client, sensor: Sensor, t: float) -> None:
        text = payload(sensor, t)
        confirmed = False
        try:
            await client.publish(sensor.topic, text, qos=1)
            confirmed = True
        finally:
            if self._ledger.keeps:
                stamp = math.floor(t * 1000) * 1000
                self._ledger.write(Publish(stamp, sensor.instrument.id, sensor.topic, text, confirmed))
