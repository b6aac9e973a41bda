"""/metrics: the service in Prometheus' words, read from the engine when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hazmon.api.room import Room, TheRoom
from hazmon.clock import US
from hazmon.model import MissCause
from hazmon.rulebook import Rule

router = APIRouter(tags=["service"])
_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}, "example": "hazmon_readings_total 1680.0\n"}}}


@router.get("/metrics", response_class=Response, responses={200: _TEXT})
async def metrics(room: TheRoom) -> Response:
    """Counters and gauges since this run began, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(RoomCollector(room))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class RoomCollector(Collector):
    """The metrics of one room."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield from self._counters()
        yield from self._gauges()
        yield from self._alarms()
        yield from self._boxes()

    def _counters(self) -> Iterator[Metric]:
        counts = self._room.engine.counts
        for name, text, value in (
            ("readings", "Readings taken in and kept.", counts.readings),
            ("readings_refused", "Readings refused by name in a receipt.", counts.refused),
            ("batches", "Batches evaluated.", counts.batches),
            ("batches_duplicate", "Batches that were recorded already.", counts.duplicates),
            ("batches_rejected", "Batches that were rejected whole.", counts.rejected),
        ):
            yield CounterMetricFamily(f"hazmon_{name}", text, value)
        missed = CounterMetricFamily("hazmon_missed", "Readings owed and absent, by cause.", labels=["cause"])
        for cause in MissCause:
            missed.add_metric([cause.name.lower()], counts.missed.get(cause.name.lower(), 0))
        yield missed

    def _gauges(self) -> Iterator[Metric]:
        room, engine = self._room, self._room.engine
        for name, text, value in (
            ("queue_batches", "Batches that wait for a commit.", engine.queue),
            ("commit_seconds", "How long the newest transaction took.", engine.commit_s),
            ("alarm_events_unrecorded", "Alarm events told and not yet recorded.", room.board.waiting),
            ("database_up", "Whether the database answers the engine.", int(not engine.down)),
            ("page_ok", "Whether the page can be served.", int(room.page.fault is None)),
        ):
            yield GaugeMetricFamily(f"hazmon_{name}", text, value)
        if engine.watermark is not None:
            age = (room.clock.now() - engine.watermark) / US
            yield GaugeMetricFamily("hazmon_watermark_age_seconds", "Age of the newest commit.", age)
        readers = GaugeMetricFamily("hazmon_feed_readers", "Clients of the streams.", labels=["feed"])
        readers.add_metric(["stream"], room.board.stream.readers)
        readers.add_metric(["live"], room.hub.frames.readers)
        yield readers

    def _alarms(self) -> Iterator[Metric]:
        raised = CounterMetricFamily("hazmon_alarms", "Alarms raised, by rule.", labels=["rule"])
        for rule in Rule:
            raised.add_metric([rule], self._room.engine.counts.alarms.get(rule, 0))
        yield raised
        standing = Counter((alarm.priority, alarm.state) for alarm, _ in self._room.board.open.values())
        there = GaugeMetricFamily("hazmon_alarms_open", "Alarms that are not over.", labels=["priority", "state"])
        for (priority, state), count in sorted(standing.items()):
            there.add_metric([str(priority), state], count)
        yield there

    def _boxes(self) -> Iterator[Metric]:
        now = self._room.clock.now()
        families = {
            "clock_offset_seconds": GaugeMetricFamily(
                "hazmon_box_clock_offset_seconds", "The park's clock minus the box's.", labels=["edge"]
            ),
            "outbox_batches": GaugeMetricFamily("hazmon_box_outbox_batches", "Batches in the box's outbox.", labels=["edge"]),
            "heartbeat_age": GaugeMetricFamily(
                "hazmon_box_heartbeat_age_seconds", "Time since the box's newest heartbeat.", labels=["edge"]
            ),
        }
        for edge, heard in self._room.boxes.newest().items():
            if heard is None:
                continue
            if heard.beat.clock_offset_ms is not None:
                families["clock_offset_seconds"].add_metric([edge], heard.beat.clock_offset_ms / 1000)
            families["outbox_batches"].add_metric([edge], heard.beat.outbox_batches)
            families["heartbeat_age"].add_metric([edge], (now - heard.at) / US)
        yield from families.values()
