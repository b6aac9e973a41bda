"""A connection's life on a clock that the test moves: every tick accounted for, back-off bounded, state told once."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable

import pytest
from hazmon_edge.clock import SECOND_NS, ManualClock
from hazmon_edge.connection import LAST_RETRY_S, ConnectionRunner, retry_delay_s
from hazmon_edge.errors import Cause, CollectError, NotConnected, TimedOut
from hazmon_edge.scans import Collected, Scan
from hazmon_edge.wire import WHOLE_GROUP, Miss

GROUP = b"groupgrp"


class Bench:
    """A collector whose device does what the test says, and the disk behind the runner."""

    interval_ns = SECOND_NS

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.connected = False
        self.reachable = True
        self.takes_s = 0.0
        self.disk_takes_s = 0.0
        self.fails: Callable[[], CollectError | Exception | None] = lambda: None
        self.attempts: list[int] = []
        self.kept: list[Collected] = []

    def first_ns(self, proposed_ns: int) -> int:
        return proposed_ns

    async def connect(self) -> None:
        self.attempts.append(self.clock.monotonic_ns())
        if not self.reachable:
            raise NotConnected("refused")
        self.connected = True

    async def collect(self, deadline_ns: int) -> Collected:
        if not self.connected:
            raise NotConnected("gone")
        await self.clock.sleep_until(self.clock.monotonic_ns() + round(self.takes_s * SECOND_NS))
        error = self.fails()
        if error is not None:
            raise error
        return Collected(scans=[Scan(GROUP, self.clock.now_us(), [1.0], bytearray(1))])

    def owe(self, cause: Cause, at_us: int, ticks: int) -> list[Miss]:
        return [Miss(GROUP, WHOLE_GROUP, at_us, ticks, cause)]

    async def close(self) -> None:
        self.connected = False

    async def keep(self, collected: Collected) -> None:
        await self.clock.sleep_until(self.clock.monotonic_ns() + round(self.disk_takes_s * SECOND_NS))
        self.kept.append(collected)

    @property
    def scans(self) -> int:
        return sum(len(each.scans) for each in self.kept)

    def missed(self, cause: Cause) -> int:
        return sum(miss.count for each in self.kept for miss in each.misses if miss.cause == cause)


class Life:
    """A runner on a bench."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.bench = Bench(self.clock)
        self.runner = ConnectionRunner("plc1", 1, self.bench, self.clock, self.bench.keep, jitter=lambda: 0.0)
        self.task = asyncio.create_task(self.runner.run(0))

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


async def test_a_good_device_is_read_at_every_instant_of_the_grid() -> None:
    life = Life()
    life.bench.takes_s = 0.3
    await life.clock.advance(10.5)
    assert life.bench.scans == 11
    assert [each.misses for each in life.bench.kept] == [[]] * 11
    stamps = [scan.at_us for each in life.bench.kept for scan in each.scans]
    assert {after - before for before, after in itertools.pairwise(stamps)} == {1_000_000}
    assert life.runner.state.state == "ok"
    await life.end()


async def test_a_device_slower_than_its_period_misses_ticks_with_cause_timeout() -> None:
    life = Life()
    life.bench.takes_s = 2.5
    await life.clock.advance(8.9)  # reads at 0, 3, 6 end at 2.5, 5.5, 8.5
    assert life.bench.scans == 3
    assert life.bench.missed(Cause.TIMEOUT) == 6  # 1 2, 4 5, 7 8
    first = life.bench.kept[0].misses[0]
    assert (first.at_us, first.count) == (1_700_000_001_000_000, 2)
    await life.end()


async def test_a_slow_disk_is_the_box_s_own_fault() -> None:
    life = Life()
    life.bench.disk_takes_s = 2.5
    await life.clock.advance(10.1)  # instants 0, 2, 5 and 7 are read; each is 2.5 s on its way to the disk
    assert life.bench.missed(Cause.TIMEOUT) == 0
    assert (life.bench.scans, life.bench.missed(Cause.BOX_OFF)) == (4, 4)
    await life.end()


async def test_a_dead_device_costs_a_miss_a_tick_and_tries_grow_rarer_within_bounds() -> None:
    life = Life()
    life.bench.reachable = False
    await life.clock.advance(60.5)
    assert life.bench.scans == 0
    assert life.bench.missed(Cause.NOT_CONNECTED) == 61
    waits = [b - a for a, b in zip(life.bench.attempts, life.bench.attempts[1:], strict=False)]
    assert max(waits) <= (LAST_RETRY_S + 1) * SECOND_NS
    assert len(life.bench.attempts) < 25
    life.bench.reachable = True
    await life.clock.advance(LAST_RETRY_S + 1)
    assert life.runner.state.state == "ok"
    await life.end()


async def test_a_lost_connection_is_tried_again_at_the_very_next_tick() -> None:
    life = Life()
    await life.clock.advance(3.5)
    await life.bench.close()
    life.bench.fails = lambda: None
    await life.clock.advance(2)
    assert life.bench.missed(Cause.NOT_CONNECTED) == 0
    assert life.bench.scans == 6
    await life.end()


async def test_a_connection_that_hangs_does_not_stop_the_misses() -> None:
    life = Life()
    await life.end()
    hanging = Life()

    async def never() -> None:
        await asyncio.Event().wait()

    hanging.bench.connect = never
    await hanging.clock.advance(0.1)
    # the first tick waits half a period of the loop's own time for the attempt; the clock here is the test's
    async with asyncio.timeout(5):
        while not hanging.bench.kept:
            await asyncio.sleep(0)
    await hanging.clock.advance(3)
    await hanging.end()
    assert hanging.bench.missed(Cause.NOT_CONNECTED) >= 1


async def test_state_is_told_once_not_at_each_tick(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hazmon.edge")
    life = Life()
    await life.clock.advance(3.5)
    life.bench.fails = lambda: TimedOut("no answer in 0.8 s")
    await life.clock.advance(5)
    state = life.runner.state
    assert (state.state, state.last_error) == ("down", "no answer in 0.8 s")
    assert state.since_us == 1_700_000_004_000_000
    assert life.bench.missed(Cause.TIMEOUT) == 5
    life.bench.fails = lambda: None
    await life.clock.advance(5)
    assert [record.message for record in caplog.records] == [
        "connection plc1 up: 1 points",
        "connection plc1 down: no answer in 0.8 s",
        "connection plc1 up: 1 points",
    ]
    await life.end()


async def test_an_error_nobody_thought_of_ends_one_connection_s_tick_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    life = Life()
    life.bench.fails = lambda: ZeroDivisionError("bug")
    await life.clock.advance(2.5)
    assert life.bench.missed(Cause.DECODE) == 3
    life.bench.fails = lambda: None
    await life.clock.advance(2)
    assert life.bench.scans == 2
    assert "ZeroDivisionError" in caplog.text
    await life.end()


def test_back_off_begins_at_nothing_and_is_bounded() -> None:
    waits = [retry_delay_s(failures, 0.0) for failures in range(12)]
    assert waits[:4] == [0, 0, 0.25, 0.5]
    assert waits == sorted(waits)
    assert waits[-1] == LAST_RETRY_S
    assert all(retry_delay_s(failures, 1.0) >= wait / 2 for failures, wait in enumerate(waits))
