"""The alarm picture as the room has been told it, and the stream that tells it: each frame is built once, for all readers.

Numbers on the stream are those of recorded events, which come in their order. An event that is shown before it is recorded
carries none and comes again when it is, so the number a reader heard last is always one that the record knows: whoever comes
back with it gets every event after it, from memory or from the record, and none twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from hazmon.alarms.alarm import Alarm, AlarmEvent
from hazmon.api.alarm_json import alarm_json, event_json, iso_or_none
from hazmon.clock import iso
from hazmon.engine import Engine, Notice
from hazmon.feed import Cut, Feed, Subscription

log = structlog.get_logger()

HEARTBEAT_S = 1.0
REMEMBERED = 4096  # recorded events whose frames are kept for readers that come back


class Board:
    """Alarms by id as last told, each with whether that is recorded."""

    def __init__(self, engine: Engine, epoch: str) -> None:
        self.epoch = epoch
        self.stream: Feed[bytes] = Feed(limit=200)
        self.told: Feed[list[Notice]] = Feed(limit=200)
        self.event = _newest_recorded(engine)  # the newest recorded event told
        self.open: dict[str, tuple[Alarm, bool]] = {}
        self._engine = engine
        self._remembered: deque[tuple[int, bytes]] = deque(maxlen=REMEMBERED)
        self._unrecorded: dict[int, bytes] = {}
        self._over: dict[str, int] = {}  # alarms told to be over by an event that is not recorded yet
        self._notices = engine.alarms.subscribe()
        self._resume_from = self.event  # frames of all events after it are remembered
        self._take_over()

    @property
    def waiting(self) -> int:
        """Events that are told and not yet recorded."""
        return len(self._unrecorded)

    async def run(self) -> None:
        """Tell until cancelled."""
        beat = self._engine.clock.monotonic()
        while True:
            beat = max(beat + HEARTBEAT_S, self._engine.clock.monotonic())
            try:
                while True:
                    async with asyncio.timeout(max(0.0, beat - self._engine.clock.monotonic())):
                        notices = await self._notices.take()
                    self._tell(notices)
            except TimeoutError:
                self.stream.publish(self._heartbeat())
            except Cut:
                self._start_again()

    def join(self) -> tuple[Subscription[bytes], bytes]:
        """A subscription and the snapshot before it."""
        return self.stream.subscribe(), self.snapshot()

    def resume(self, after: int) -> tuple[Subscription[bytes], bytes | None, int]:
        """A subscription for a reader that heard event `after`, what it missed, and the newest event at this moment.

        What was missed is None when memory does not reach back so far: then the record must tell the events up to that one,
        and `unrecorded()` the rest.
        """
        subscription = self.stream.subscribe()
        if after < self._resume_from:
            return subscription, None, self.event
        missed = [frame for number, frame in self._remembered if number > after]
        return subscription, b"".join(missed) + self.unrecorded(), self.event

    def snapshot(self) -> bytes:
        """The open alarms as an SSE frame."""
        body = {
            "epoch": self.epoch,
            "event": self.event,
            "alarms": [alarm_json(alarm, recorded) for alarm, recorded in self.open.values()],
            "server_time": iso(self._engine.clock.now()),
        }
        return _frame("snapshot", body, f"{self.epoch}.{self.event}")

    def unrecorded(self) -> bytes:
        """Frames of the events that are told and not yet recorded."""
        return b"".join(self._unrecorded.values())

    def frame(self, event: AlarmEvent, recorded: bool = True) -> bytes:
        """An event as an SSE frame."""
        body = {"alarm": alarm_json(event.alarm, recorded), "event": event_json(event, recorded)}
        return _frame("alarm", body, f"{self.epoch}.{event.number}" if recorded else None)

    def _tell(self, notices: Sequence[Notice]) -> None:
        frames: list[bytes] = []
        for notice in notices:
            event = notice.event
            frame = self.frame(event, notice.recorded)
            frames.append(frame)
            if notice.recorded:
                self.event = event.number
                self._unrecorded.pop(event.number, None)
                if len(self._remembered) == REMEMBERED:
                    self._resume_from = self._remembered[0][0]
                self._remembered.append((event.number, frame))
            else:
                self._unrecorded[event.number] = frame
            self._keep(event.alarm, notice.recorded)
        self.stream.publish(b"".join(frames))
        self.told.publish(list(notices))

    def _keep(self, alarm: Alarm, recorded: bool) -> None:
        """A later event of the alarm, told while the record was silent, is not undone by an earlier one recorded now."""
        held = self.open.get(alarm.id)
        newest = held[0].event if held is not None else self._over.get(alarm.id, 0)
        if newest > alarm.event:
            return
        self._over.pop(alarm.id, None)
        if alarm.open:
            self.open[alarm.id] = (alarm, recorded)
            return
        self.open.pop(alarm.id, None)
        if not recorded:
            self._over[alarm.id] = alarm.event

    def _take_over(self) -> None:
        self.open = {alarm.id: (alarm, recorded) for alarm, recorded in self._engine.open_alarms()}

    def _start_again(self) -> None:
        """More came at once than the feed holds: all readers are cut, and find the picture as the engine has it."""
        log.error("alarm events came faster than they could be told: all readers start again")
        self._engine.alarms.unsubscribe(self._notices)
        self._notices = self._engine.alarms.subscribe()
        self._take_over()
        waiting = self._engine.unrecorded
        self.event = _newest_recorded(self._engine)
        self._remembered.clear()
        self._over.clear()
        self._resume_from = self.event
        self._unrecorded = {number: self.frame(event, recorded=False) for number, event in waiting.items()}
        self.stream.close()
        self.told.close()

    def _heartbeat(self) -> bytes:
        body = {
            "epoch": self.epoch,
            "event": self.event,
            "server_time": iso(self._engine.clock.now()),
            "watermark": iso_or_none(self._engine.watermark),
        }
        return _frame("heartbeat", body, None)


def _newest_recorded(engine: Engine) -> int:
    return min(engine.unrecorded, default=engine.plant.book.next_event) - 1


def _frame(kind: str, body: Any, identity: str | None) -> bytes:
    head = f"event: {kind}\n" if identity is None else f"event: {kind}\nid: {identity}\n"
    return head.encode() + b"data: " + msgspec.json.encode(body) + b"\n\n"
