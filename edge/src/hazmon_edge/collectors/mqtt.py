"""MQTT sensors: QoS 1, a persistent session, and an acknowledgement only once the reading is on disk.

The sensors of one source are gathered per second of arrival: one scan with the full second as its time and each reading's own
offset. A tag that sent more than once makes further scans, a microsecond apart, so that nothing is dropped. Retained messages
are yesterday's news and never a reading. Protocol 5 lets the box say how many messages may be unacknowledged; with 3.1.1 the
library acknowledges on receipt, and a box that is killed loses up to a second.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from hashlib import blake2b
from typing import cast

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hazmon_edge.clock import SECOND_NS, SECOND_US, Clock
from hazmon_edge.config import ScanGroup
from hazmon_edge.errors import Cause, NotConnected
from hazmon_edge.payloads import read_payload
from hazmon_edge.registers import Scaling
from hazmon_edge.scans import CLOCK_SUSPECT, Collected, Scan, Stamps, whole_misses
from hazmon_edge.settings import Mqtt
from hazmon_edge.tags import MqttTag
from hazmon_edge.ticks import Debts
from hazmon_edge.wire import GOOD, WHOLE_GROUP, Miss

CONNECT_S = 3.0
KEEPALIVE_S = 15
SESSION_S = 7 * 86_400
SANE_US = 60 * SECOND_US
PER_TICK = 5_000  # messages of one batch; a long queue takes several
UNACKNOWLEDGED = 20_000  # messages the broker may have under way
REMEMBERED = 4  # batches whose messages are recognised when the broker sends them again
GRACE_NS = 20_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it came."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    again: bool  # the broker says it may have sent it before
    at_us: int

    @property
    def fingerprint(self) -> bytes:
        """Eight bytes that tell this message from others."""
        whole = b"%d %s %s" % (self.mid, self.topic.encode(), self.payload)  # sent again, a message keeps its number
        return blake2b(whole, digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class _Target:
    """A point that a topic feeds."""

    group: int
    column: int
    tag: MqttTag
    scaling: Scaling


class _Session(aiomqtt.Client):
    """aiomqtt with the messages taken as they arrive and acknowledged when we say so."""

    def __init__(self, link: Mqtt, identifier: str, clock: Clock) -> None:
        self._is_v5 = link.version == "5"
        super().__init__(
            link.host,
            link.port,
            identifier=identifier,
            protocol=aiomqtt.ProtocolVersion.V5 if self._is_v5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if self._is_v5 else False,
            clean_start=False if self._is_v5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=_wishes() if self._is_v5 else None,
            keepalive=KEEPALIVE_S,
            timeout=CONNECT_S,
        )
        self._clock = clock
        self._client.manual_ack_set(self._is_v5)
        self._client.connect_timeout = CONNECT_S
        self.arrivals: deque[Arrival] = deque()

    @property
    def lost(self) -> bool:
        """The connection is gone."""
        return self._disconnected.done()

    def acknowledge(self, arrivals: list[Arrival]) -> None:
        """Tell the broker that these need not be sent again."""
        if self._is_v5 and not self.lost:
            for arrival in arrivals:
                self._client.ack(arrival.mid, arrival.qos)

    def _on_message(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        if message.retain:
            if self._is_v5:
                self._client.ack(message.mid, message.qos)
            return
        self.arrivals.append(
            Arrival(message.topic, bytes(message.payload), message.mid, message.qos, message.dup, self._clock.now_us())
        )


class MqttCollector:
    """All sources of one broker."""

    def __init__(
        self, connection: Mqtt, groups: tuple[ScanGroup, ...], clock: Clock, stamps: Stamps, edge: str, position: bytes | None
    ) -> None:
        self._link = connection
        self._groups = groups
        self._clock = clock
        self._stamps = stamps
        self._identifier = f"hazmon-edge-{edge}-{connection.name}"
        self._targets: dict[str, list[_Target]] = {}
        for index, group in enumerate(groups):
            for column, tag in enumerate(group.tags):
                tag = cast("MqttTag", tag)
                self._targets.setdefault(tag.topic, []).append(_Target(index, column, tag, Scaling(tag.scale, tag.offset)))
        self._debts = [Debts(len(group.tags)) for group in groups]
        self._period_ticks = max(1, round(connection.period_s))
        self._ticks = 0
        self._is_first_tick = True
        self._session: _Session | None = None
        self._draining = False  # taking what the broker queued while the box was away
        self._since_us, known = _read_position(position)  # and since when it was away
        self._committed: deque[frozenset[bytes]] = deque([known], maxlen=REMEMBERED)

    @property
    def interval_ns(self) -> int:
        return SECOND_NS

    @property
    def connected(self) -> bool:
        return self._session is not None and not self._session.lost

    def first_ns(self, proposed_ns: int) -> int:
        """Just behind the full second, so that a tick gathers a calendar second."""
        into_us = self._clock.now_us() % SECOND_US
        return self._clock.monotonic_ns() + (SECOND_US - into_us) * 1_000 + GRACE_NS

    async def connect(self) -> None:
        """Connect and subscribe. Raises NotConnected with the broker's words."""
        await self.close()
        link = self._link
        session = _Session(link, self._identifier, self._clock)
        try:
            await session.__aenter__()
            await session.subscribe([(topic, 1) for topic in self._targets])
        except (aiomqtt.MqttError, OSError) as error:
            raise NotConnected(f"{link.host}:{link.port}: {error}") from None
        self._session = session
        self._is_first_tick = True
        self._draining = self._since_us > 0  # a box that never listened left no queue

    async def collect(self, deadline_ns: int) -> Collected:
        """What arrived since the last tick, gathered into scans, with a miss for each tag that owed a reading."""
        session = self._session
        if session is None:
            raise NotConnected("not connected")
        if session.lost and not session.arrivals:
            await self.close()
            raise NotConnected(f"the broker {self._link.host}:{self._link.port} is gone")
        arrivals = [session.arrivals.popleft() for _ in range(min(len(session.arrivals), PER_TICK))]
        fresh = [arrival for arrival in arrivals if not (arrival.again and self._is_known(arrival.fingerprint))]
        collected = Collected()
        now_us = self._clock.now_us()
        second_us = (now_us - SECOND_US // 2) // SECOND_US * SECOND_US
        for index, scans in enumerate(self._gather(fresh, second_us, collected)):
            self._stamp(self._groups[index], scans, second_us, collected)
        if not session.arrivals:
            self._draining = False
            self._since_us = now_us
        collected.misses += self._settle_debts(now_us)
        known = frozenset(arrival.fingerprint for arrival in arrivals)
        if known:
            collected.position = (self._link.name, _write_position(now_us, known.union(*self._committed)))
        collected.kept = lambda: self._kept(session, arrivals, known)
        if collected.misses and not collected.scans:
            collected.error = "no message from any sensor"
        return collected

    def owe(self, cause: Cause, at_us: int, ticks: int) -> list[Miss]:
        """Seconds without a broker: every period that passed in them is owed by every point."""
        before = self._ticks // self._period_ticks
        self._ticks += ticks
        periods = self._ticks // self._period_ticks - before
        for debts in self._debts:
            debts.clear()
        return whole_misses(self._groups, cause, at_us, periods)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None and not session.lost:
            try:
                await session.__aexit__(None, None, None)
            except aiomqtt.MqttError:
                return  # it was gone already

    def _is_known(self, fingerprint: bytes) -> bool:
        return any(fingerprint in each for each in self._committed)

    def _kept(self, session: _Session, arrivals: list[Arrival], known: frozenset[bytes]) -> None:
        if known:
            self._committed.append(known)
        session.acknowledge(arrivals)

    def _gather(self, arrivals: list[Arrival], second_us: int, collected: Collected) -> list[list[Scan]]:
        """Per group, the scans of this second: the first message of each tag in the first scan, its second in the second."""
        scans: list[list[Scan]] = [[] for _ in self._groups]
        counts = [[0] * len(group.tags) for group in self._groups]
        newest = {arrival.topic: arrival for arrival in arrivals}
        for arrival in arrivals:
            is_queued = self._draining and newest[arrival.topic] is not arrival
            for target in self._targets.get(arrival.topic, ()):
                try:
                    raw, device_us = read_payload(arrival.payload, target.tag)
                except ValueError as error:
                    digest = self._groups[target.group].digest
                    collected.misses.append(Miss(digest, target.column, arrival.at_us, 1, Cause.DECODE))
                    collected.error = f"{target.tag.tag}: {error}"
                    self._debts[target.group].pay(target.column)
                    continue
                rows, count = scans[target.group], counts[target.group]
                if count[target.column] == len(rows):
                    rows.append(Scan.empty(self._groups[target.group]))
                    rows[-1].offsets_ms = [0] * len(count)
                scan = rows[count[target.column]]
                count[target.column] += 1
                time_us, suspect = self._time(arrival.at_us, device_us, is_queued)
                _put(scan, target, raw, suspect, round((time_us - second_us) / 1_000))
                self._debts[target.group].pay(target.column)
        return scans

    def _time(self, at_us: int, device_us: int | None, is_queued: bool) -> tuple[int, bool]:
        """The reading's time, and whether it is in doubt.

        The device's own time if it is sane; from the broker's queue also one from the time the box was away. A message from
        the queue that has no time of its own is a reading of nobody knows when.
        """
        if device_us is None:
            return at_us, is_queued
        earliest_us = self._since_us if self._draining else at_us
        if min(earliest_us, at_us) - SANE_US <= device_us <= at_us + SANE_US:
            return device_us, False
        return at_us, True

    def _stamp(self, group: ScanGroup, scans: list[Scan], second_us: int, collected: Collected) -> None:
        for number, scan in enumerate(scans):
            scan.at_us, suspect = self._stamps.stamp(group.digest, second_us + number, self._clock.monotonic_ns())
            if suspect:
                offsets = cast("list[int]", scan.offsets_ms)
                scan.offsets_ms = [offset + round((second_us - scan.at_us) / 1_000) for offset in offsets]
            collected.scans.append(scan)

    def _settle_debts(self, now_us: int) -> list[Miss]:
        if self._is_first_tick:  # only part of a second since the subscription: nobody owes for it
            self._is_first_tick = False
            for debts in self._debts:
                debts.clear()
            return []
        self._ticks += 1
        if self._ticks % self._period_ticks:
            return []
        at_us = now_us - self._period_ticks * SECOND_US
        misses: list[Miss] = []
        for group, debts in zip(self._groups, self._debts, strict=True):
            columns = debts.owe()
            if len(columns) == len(group.tags):
                columns = [WHOLE_GROUP]
            misses += [Miss(group.digest, column, at_us, 1, Cause.TIMEOUT) for column in columns]
        return misses


def _put(scan: Scan, target: _Target, raw: float, suspect: bool, offset_ms: int) -> None:
    column = target.column
    target.scaling.put(raw, column, scan.values, scan.quality)
    if suspect and scan.quality[column] == GOOD:
        scan.quality[column] = CLOCK_SUSPECT
    cast("list[int]", scan.offsets_ms)[column] = offset_ms


def _read_position(stored: bytes | None) -> tuple[int, frozenset[bytes]]:
    """When messages were last put on disk (0: never), and the fingerprints of the last ones."""
    if not stored:
        return 0, frozenset()
    return int.from_bytes(stored[:8], "big"), frozenset(stored[at : at + 8] for at in range(8, len(stored), 8))


def _write_position(at_us: int, known: frozenset[bytes]) -> bytes:
    return at_us.to_bytes(8, "big") + b"".join(known)


def _wishes() -> Properties:
    """Keep the session a week; send everything without waiting for acknowledgements, which come once a second."""
    wishes = Properties(PacketTypes.CONNECT)
    wishes.SessionExpiryInterval = SESSION_S
    wishes.ReceiveMaximum = UNACKNOWLEDGED
    return wishes
