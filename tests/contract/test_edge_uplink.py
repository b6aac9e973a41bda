"""The uplink against a real HTTP server: live first, nothing lost, nothing twice, whatever the line does."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from contract.edge_park import Line, ParkServer, Reply, accepted, park_and_line, problem, receipt
from hazmon_edge import wire
from hazmon_edge.clock import SECOND_US, SystemClock
from hazmon_edge.outbox import Outbox
from hazmon_edge.park import Park
from hazmon_edge.uplink import Uplink

GROUP = wire.Group("plc1", SECOND_US, tuple(f"T-{n}" for n in range(40)))
DIGEST = GROUP.digest


def block(at_us: int, value: float = 1.0) -> wire.Block:
    return wire.Block(DIGEST, [at_us], [value] * 40, 40)


class Box:
    """An outbox and its uplink; `tick` makes a batch as an assembler would."""

    def __init__(self, outbox: Outbox, uplink: Uplink) -> None:
        self.outbox = outbox
        self.uplink = uplink
        self.clock = SystemClock()
        self.made: list[tuple[int, int]] = []

    async def introduce(self) -> None:
        entry, _ = await self.outbox.append(groups=[GROUP])
        self.made.append((entry.boot, entry.seq))
        self.uplink.offer(entry)

    async def tick(self, *, offer: bool = True) -> None:
        entry, saved = await self.outbox.append(blocks=[block(self.clock.now_us())])
        assert saved
        self.made.append((entry.boot, entry.seq))
        if offer:
            self.uplink.offer(entry)

    async def until(self, done: Callable[[], bool], seconds: float = 10.0) -> float:
        """Wait; returns how long it took."""
        start = self.clock.monotonic_ns()
        async with asyncio.timeout(seconds):
            while not done():
                await asyncio.sleep(0.01)
        return (self.clock.monotonic_ns() - start) / 1e9

    async def empty(self, seconds: float = 10.0) -> float:
        return await self.until(lambda: self.outbox.depth.batches == 0, seconds)


@asynccontextmanager
async def a_box(url: str, folder: Path, token: str = "secret") -> AsyncGenerator[Box]:
    outbox = await Outbox.open(folder / "outbox.sqlite", "E01", SystemClock())
    uplink = Uplink(outbox, "E01", lambda: Park(url, lambda: token), SystemClock(), list, folder)
    task = asyncio.create_task(uplink.run())
    try:
        yield Box(outbox, uplink)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await outbox.close()


@asynccontextmanager
async def joined(folder: Path) -> AsyncGenerator[tuple[ParkServer, Line, Box]]:
    async with park_and_line() as (park, line), a_box(line.url, folder) as box:
        yield park, line, box


async def test_a_batch_is_with_the_park_in_milliseconds_and_out_of_the_outbox(tmp_path: Path) -> None:
    async with joined(tmp_path) as (park, _, box):
        await box.introduce()
        for _ in range(20):
            await box.tick()
            await asyncio.sleep(0.05)
        await box.empty()
        waits_ms = sorted((park.arrived_us[key] - park.committed[key].made_us) / 1_000 for key in box.made)
        assert park.order == box.made
        assert waits_ms[len(waits_ms) // 2] < 50
        assert park.duplicates == 0


async def test_the_chain_of_digests_has_no_hole(tmp_path: Path) -> None:
    async with park_and_line() as (park, line):
        for _ in range(3):  # three boots
            async with a_box(line.url, tmp_path) as box:
                await box.introduce()
                for _ in range(5):
                    await box.tick()
                await box.empty()
        previous = bytes(8)
        for key in park.order:
            batch = park.committed[key]
            assert batch.previous == previous
            previous = wire.link(wire.digest(wire.encode(batch)))
        assert len({boot for boot, _ in park.order}) == 3
        assert len(park.order) == 18


async def test_a_backlog_drains_oldest_first_and_live_data_does_not_wait_for_it(tmp_path: Path) -> None:
    async with park_and_line() as (park, line):
        line.cut()
        async with a_box(line.url, tmp_path) as box:
            await box.introduce()
            for _ in range(1500):
                await box.tick(offer=False)
            park.delay_s = 0.05  # so that the drain takes a while
            line.mode = "open"
            await box.until(lambda: len(park.order) > 0)
            live: list[tuple[int, int]] = []
            while box.outbox.depth.batches > 50:
                await box.tick()
                live.append(box.made[-1])
                await asyncio.sleep(0.1)
            assert len(live) >= 3
            await box.empty()
            waits_ms = [(park.arrived_us[key] - park.committed[key].made_us) / 1_000 for key in live]
            assert max(waits_ms) < 500
            backlog = [key for key in park.order if key not in set(live)]
            assert backlog == sorted(backlog, key=lambda key: key[1])
            assert sorted(park.order) == sorted(box.made)
            assert park.duplicates == 0
            assert max(len(bundle) for bundle in park.bundles) <= 200


async def test_a_line_that_is_cut_and_comes_back(tmp_path: Path) -> None:
    async with joined(tmp_path) as (park, line, box):
        await box.introduce()
        await box.empty()
        line.cut()
        for _ in range(30):
            await box.tick()
            await asyncio.sleep(0.05)
        assert box.outbox.depth.batches == 30
        line.mode = "open"
        waited = await box.until(lambda: box.made[-1] in park.committed)
        assert waited < 2
        await box.empty()
        assert sorted(park.order) == sorted(box.made)


async def test_a_black_hole_is_noticed_and_nothing_is_lost_or_counted_twice(tmp_path: Path) -> None:
    """Packets vanish for twelve seconds, no reset ever comes; answers on their way vanish too."""
    async with joined(tmp_path) as (park, line, box):
        await box.introduce()
        await box.empty()
        line.mode = "hole"
        for _ in range(60):
            await box.tick()
            await asyncio.sleep(0.2)
        held = len(park.order)
        line.mode = "open"
        waited = await box.until(lambda: box.made[-1] in park.committed)
        await box.empty()
        assert held == 1
        assert waited < 6
        assert sorted(park.order) == sorted(box.made)


async def test_an_answer_lost_on_its_way_back_makes_a_duplicate_and_no_second_commit(tmp_path: Path) -> None:
    async with joined(tmp_path) as (park, line, box):
        await box.introduce()
        await box.empty()
        park.delay_s = 0.3
        await box.tick()
        await asyncio.sleep(0.1)
        line.mode = "hole"  # the request is through, the answer is not
        await asyncio.sleep(0.5)
        assert box.made[-1] in park.committed
        assert box.outbox.depth.batches == 1
        line.mode = "open"
        park.delay_s = 0
        await box.empty(15)
        assert park.duplicates >= 1
        assert sorted(park.order) == sorted(box.made)


async def test_a_full_park_is_obeyed(tmp_path: Path) -> None:
    async with joined(tmp_path) as (park, _, box):
        await box.introduce()
        await box.empty()
        asked: list[int] = []

        def full(batches: list[wire.Batch]) -> Reply | None:
            asked.append(box.clock.monotonic_ns())
            return problem(503, "the queue is full", retry_after="1") if len(asked) <= 3 else None

        park.say = full
        await box.tick()
        await box.empty()
        live_waits = [(b - a) / 1e9 for a, b in itertools.pairwise(asked)]
        assert live_waits[-1] > 0.3
        assert len(asked) < 8
        assert sorted(park.order) == sorted(box.made)


async def test_a_wrong_token_is_said_once_and_everything_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with joined(tmp_path) as (park, _, box):
        park.say = lambda batches: problem(401, "no such token")
        await box.introduce()
        for _ in range(10):
            await box.tick()
            await asyncio.sleep(0.05)
        assert box.outbox.depth.batches == 11
        warnings = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
        assert warnings == ["uplink: 401 the park does not know this token; everything is kept"]
        assert set(park.tokens) == {"secret"}


async def test_a_batch_rejected_for_good_is_parked_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with joined(tmp_path) as (park, _, box):
        await box.introduce()
        await box.empty()

        def judge(batches: list[wire.Batch]) -> Reply | None:
            bad = [receipt(b, "rejected", reason="made_us is no time") if b.seq == 3 else None for b in batches]
            return accepted([no or park.judge(batch) for no, batch in zip(bad, batches, strict=True)])

        park.say = judge
        for _ in range(4):
            await box.tick()
        await box.empty()
    async with a_box("http://127.0.0.1:9", tmp_path) as box:
        parked = list(box.outbox._file._db.execute("SELECT seq, reason FROM parked"))
    assert parked == [(3, "made_us is no time")]
    assert [seq for _, seq in park.order] == [1, 2, 4, 5]


async def test_one_batch_the_park_cannot_decode_is_found_among_many(tmp_path: Path) -> None:
    async with park_and_line() as (park, line):
        line.cut()
        async with a_box(line.url, tmp_path) as box:
            await box.introduce()
            for _ in range(40):
                await box.tick(offer=False)
            park.say = lambda batches: problem(400, "not decodable") if any(b.seq == 17 for b in batches) else None
            line.mode = "open"
            await box.empty()
            parked = list(box.outbox._file._db.execute("SELECT seq, reason FROM parked"))
            assert [seq for seq, _ in parked] in ([], [17])  # settled now, on disk within a second
            await asyncio.sleep(1.2)
            assert list(box.outbox._file._db.execute("SELECT seq, reason FROM parked")) == [(17, "400 not decodable")]
            assert len(park.order) == 40


async def test_a_proxy_s_page_of_status_400_parks_nothing(tmp_path: Path) -> None:
    async with joined(tmp_path) as (park, _, box):
        park.say = lambda batches: (400, {"content-type": "text/html"}, b"<h1>Bad Request</h1>")
        await box.introduce()
        await asyncio.sleep(0.5)
        assert box.outbox.depth.batches == 1
        park.say = None
        await box.empty()
        assert park.order == box.made


async def test_a_park_that_forgot_the_groups_is_told_them_and_gets_the_batch_again(tmp_path: Path) -> None:
    async with joined(tmp_path) as (park, _, box):
        await box.introduce()
        await box.empty()
        park.known.clear()
        park.demands_groups = True
        await box.tick()
        await box.tick()
        await box.empty()
        declared = [batch for batch in park.committed.values() if batch.groups and batch.seq > 1]
        assert len(declared) == 1
        assert set(box.made) <= set(park.order)


async def test_readings_refused_by_name_are_told_and_the_batch_is_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with joined(tmp_path) as (park, _, box):
        refused = [{"tag": "T-3", "at": "2026-05-01T04:00:00Z", "reason": "future", "count": 40}]
        park.say = lambda batches: accepted([receipt(batch, "accepted", refused=refused) for batch in batches])
        await box.tick()
        await box.empty()
    assert "the park refused 40 readings of batch 1, the first: T-3 future" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"receipts": []}',
        b'{"receipts": [{"boot": "1", "seq": "1", "outcome": "accepted"}]}',
        b'{"receipts": [{"boot": "x"}]}',
        b"\xff\xfe",
        b'{"receipts": null}',
    ],
)
async def test_an_answer_that_makes_no_sense_deletes_nothing(tmp_path: Path, answer: bytes) -> None:
    async with joined(tmp_path) as (park, _, box):
        park.say = lambda batches: (200, {}, answer)
        await box.introduce()
        await asyncio.sleep(0.3)
        assert box.outbox.depth.batches == 1
        park.say = None
        await box.empty()
        assert park.order == box.made


async def test_receipts_in_another_order_settle_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with joined(tmp_path) as (park, line, box):
        line.cut()
        await box.introduce()
        await box.until(lambda: "no park" in caplog.text)  # both lanes wait, so the two that follow go together
        await box.tick(offer=False)
        await box.tick(offer=False)

        def reversed_receipts(batches: list[wire.Batch]) -> Reply | None:
            if len(batches) == 1:
                return None
            return accepted([receipt(batch, "accepted") for batch in reversed(batches)])

        park.say = reversed_receipts
        line.mode = "open"
        await asyncio.sleep(1.5)
        assert box.outbox.depth.batches >= 2
        park.say = None
        await box.empty()
        assert sorted(park.order) == sorted(box.made)


async def test_heartbeats_tell_depth_and_clock(tmp_path: Path) -> None:
    async with park_and_line() as (park, line):
        park.offset_us = 7_000_000
        park.say = lambda batches: problem(503, "no", retry_after="30")
        async with a_box(line.url, tmp_path) as box:
            await box.introduce()
            await box.tick()
            await box.until(lambda: len(park.heartbeats) >= 2, 8)
            first, second = park.heartbeats[:2]
            assert first["edge"] == "E01"
            assert first["boot"] == str(box.outbox.boot)
            assert first["clock_offset_ms"] is None
            assert second["clock_offset_ms"] == pytest.approx(7_000, abs=100)
            assert second["outbox_batches"] == 2
            assert second["last_seq"] == "2"
            assert second["outbox_bytes"] > 0
            assert second["disk_free_bytes"] > 0
            assert box.uplink.clock_offset_ms == pytest.approx(7_000, abs=100)
