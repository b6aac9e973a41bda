"""The outbox on a real file: what a commit promised survives kill -9, a full disk loses nothing silently."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from hazmon_edge import wire
from hazmon_edge.clock import SECOND_NS, ManualClock, SystemClock
from hazmon_edge.errors import Cause, OutboxError
from hazmon_edge.outbox import Outbox
from hazmon_edge.store import Entry

GROUP = wire.Group("plc1", 1_000_000, ("A", "B"))
DIGEST = GROUP.digest

WRITER = """
import asyncio, sys
from pathlib import Path
from hazmon_edge import wire
from hazmon_edge.clock import SystemClock
from hazmon_edge.outbox import Outbox

async def main():
    outbox = await Outbox.open(Path(sys.argv[1]), "E01", SystemClock())
    digest = wire.Group("plc1", 1_000_000, ("A", "B")).digest
    number = int.from_bytes(outbox.position("n") or b"", "big")
    while True:
        for _ in range(3):
            number += 1
            block = wire.Block(digest, [number], [number, number], 2)
            entry, saved = await outbox.append(blocks=[block], positions=[("n", number.to_bytes(8, "big"))])
            assert saved
            print(entry.boot, entry.seq, number, flush=True)
        if number % 7 == 0:
            outbox.settle(await outbox.oldest(0, 1, 1 << 20))

asyncio.run(main())
"""


def block(at_us: int) -> wire.Block:
    return wire.Block(DIGEST, [at_us], [1.5, 2.5], 2)


async def all_of(outbox: Outbox) -> list[Entry]:
    """Everything in it, in the order of making."""
    return await outbox.oldest(0, 1_000_000, 1 << 40)


async def opened(path: Path) -> Outbox:
    return await Outbox.open(path, "E01", SystemClock())


@pytest.mark.parametrize("seed", range(10))
async def test_killed_in_the_middle_of_writing_everything_told_is_there(tmp_path: Path, seed: int) -> None:
    """kill -9 three times in a row: every batch that append returned is on disk once, the position goes with it, the chain
    goes on across boots."""
    path = tmp_path / "outbox.sqlite"
    chance = random.Random(seed)
    told: list[tuple[int, int, int]] = []
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]  # it writes now
            killer = asyncio.get_running_loop().call_later(chance.uniform(0.0, 0.15), os.kill, process.pid, signal.SIGKILL)
            lines += (await asyncio.to_thread(process.stdout.read)).splitlines(keepends=True)
            killer.cancel()
        told += [(int(b), int(s), int(n)) for b, s, n in (line.split() for line in lines if line.endswith("\n"))]
    outbox = await opened(path)
    entries = await all_of(outbox)
    numbers = {wire.unpack_block(wire.decode(e.canonical).blocks[0]).times_us[0]: e for e in entries}
    assert len(numbers) == len(entries)
    settled = {n for _, _, n in told} - set(numbers)
    assert len(settled) <= len(told) // 7 + 3
    for boot, seq, number in told:
        if number not in settled:
            assert (numbers[number].boot, numbers[number].seq) == (boot, seq)
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))
    assert int.from_bytes(outbox.position("n") or b"", "big") == max(numbers)
    for before, after in itertools.pairwise(entries):
        assert wire.decode(after.canonical).previous == wire.link(wire.digest(before.canonical))
        assert after.n == before.n + 1
    await outbox.close()


async def test_boots_number_their_batches_from_one_and_go_on_with_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    boots: list[int] = []
    last = bytes(8)
    for _ in range(3):
        outbox = await opened(path)
        boots.append(outbox.boot)
        for seq in (1, 2):
            entry, _ = await outbox.append(blocks=[block(seq)])
            assert entry.seq == seq
            assert wire.decode(entry.canonical).previous == last
            last = wire.link(entry.digest)
        outbox.settle(await all_of(outbox))  # also when nothing is left
        await outbox.close()
    assert len(set(boots)) == 3
    assert all(0 < boot < 2**63 for boot in boots)


async def test_only_a_receipt_takes_a_batch_out(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = await opened(path)
    entries = [(await outbox.append(blocks=[block(n)]))[0] for n in range(5)]
    assert outbox.depth.batches == 5
    assert outbox.depth.bytes == sum(len(e.canonical) for e in entries)
    assert outbox.depth.oldest_us == entries[0].made_us
    outbox.settle([entries[1]], [(entries[2], "no such century")])
    outbox.settle([entries[1]])  # told twice
    assert outbox.depth.batches == 3
    await outbox.close()
    outbox = await opened(path)
    assert [e.seq for e in await all_of(outbox)] == [1, 4, 5]
    assert outbox.depth.batches == 3
    await outbox.close()
    rows = list(apsw.Connection(str(path)).execute("SELECT seq, reason FROM parked"))
    assert rows == [(3, "no such century")]


async def test_batches_that_wait_share_one_commit(tmp_path: Path) -> None:
    outbox = await opened(tmp_path / "outbox.sqlite")
    commits = 0
    whole = outbox._file.commit

    def counting(changes: object) -> None:
        nonlocal commits
        commits += 1
        whole(changes)  # pyright: ignore[reportArgumentType]

    outbox._file.commit = counting  # pyright: ignore[reportAttributeAccessIssue]
    results = await asyncio.gather(*(outbox.append(blocks=[block(n)]) for n in range(50)))
    assert all(saved for _, saved in results)
    assert commits <= 2
    assert [e.seq for e, _ in results] == list(range(1, 51))
    await outbox.close()


async def test_a_bundle_is_bounded_and_never_empty(tmp_path: Path) -> None:
    outbox = await opened(tmp_path / "outbox.sqlite")
    for n in range(20):
        await outbox.append(blocks=[block(n)])
    size = outbox.depth.bytes // 20
    assert len(await outbox.oldest(0, 200, 5 * size)) == 5
    assert len(await outbox.oldest(0, 3, 1 << 20)) == 3
    assert len(await outbox.oldest(0, 200, 1)) == 1
    assert [e.n for e in await outbox.oldest(18, 200, 1 << 20)] == [19, 20]
    await outbox.close()


@pytest.mark.parametrize("harm", ["garbage", "torn", "flipped"])
async def test_a_damaged_file_is_set_aside_and_the_box_goes_on(
    tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = await opened(path)
    for n in range(200):
        await outbox.append(blocks=[block(n)])
    await outbox.close()
    data = bytearray(path.read_bytes())
    if harm == "garbage":
        data = bytearray(b"this is no database, " * 1000)
    elif harm == "torn":
        del data[len(data) // 2 :]
    else:
        for at in range(4096, len(data), 4096):
            data[at] ^= 0xFF
    path.write_bytes(data)
    outbox = await opened(path)
    entry, saved = await outbox.append(blocks=[block(1)])
    assert saved
    assert [e.n for e in await all_of(outbox)] == [entry.n]
    await outbox.close()
    (aside,) = tmp_path.glob("outbox.sqlite.damaged-*[0-9]")
    assert aside.read_bytes()[100:] == bytes(data)[100:]  # SQLite counts openings in the file's head
    assert "is damaged" in caplog.text
    assert aside.name in caplog.text


async def test_a_torn_log_behind_the_last_commit_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = await opened(path)
    for n in range(5):
        await outbox.append(blocks=[block(n)])
    copy = tmp_path / "copy"
    copy.mkdir()
    for suffix in ("", "-wal"):
        (copy / f"outbox.sqlite{suffix}").write_bytes((tmp_path / f"outbox.sqlite{suffix}").read_bytes())
    with (copy / "outbox.sqlite-wal").open("ab") as log:
        log.write(b"\x07" * 3000)  # the power went in the middle of a frame
    await outbox.close()
    again = await opened(copy / "outbox.sqlite")
    assert [e.seq for e in await all_of(again)] == [1, 2, 3, 4, 5]
    await again.close()


async def test_a_full_disk_keeps_batches_in_memory_ships_them_and_writes_them_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = await opened(tmp_path / "outbox.sqlite")
    await outbox.append(blocks=[block(0)])
    outbox._file._db.execute("PRAGMA max_page_count = 1")  # SQLite's own way of a disk without room
    entries: list[Entry] = []
    for n in range(50):
        entry, saved = await outbox.append(blocks=[block(n)], positions=[("p", bytes([n]))])
        entries.append(entry)
        if not saved:
            break
    assert "the disk is full; batches stay in memory" in caplog.text
    assert outbox.position("p") != bytes([len(entries) - 1])  # not on disk, so nobody may rely on it
    assert entries[-1].n in [e.n for e in await all_of(outbox)]
    shipped, _ = await outbox.append(blocks=[block(99)])
    outbox.settle([shipped])  # the park has it: it need not be written any more
    outbox._file._db.execute("PRAGMA max_page_count = 1000000")
    _, saved = await outbox.append(blocks=[block(100)])
    assert saved
    await outbox.close()
    outbox = await opened(tmp_path / "outbox.sqlite")
    seqs = [e.seq for e in await all_of(outbox)]
    assert seqs == [seq for seq in range(1, seqs[-1] + 1) if seq != shipped.seq]
    assert outbox.position("p") == bytes([len(entries) - 1])
    await outbox.close()


async def test_memory_for_a_full_disk_is_bounded_and_what_goes_is_told_as_misses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = await opened(tmp_path / "outbox.sqlite")
    await outbox.append(groups=[GROUP])
    monkeypatch.setattr("hazmon_edge.outbox.MEMORY_BYTES", 3_000)
    outbox._file._db.execute("PRAGMA max_page_count = 1")
    scans = refused = 0
    while refused < 60:
        scans += 1
        _, saved = await outbox.append(blocks=[block(1_000_000 * scans)])
        refused += not saved
    await asyncio.sleep(0.05)
    outbox._file._db.execute("PRAGMA max_page_count = 1000000")
    await outbox.append(blocks=[block(1_000_000 * (scans + 1))])
    batches = [wire.decode(e.canonical) for e in await all_of(outbox)]
    kept = [t for batch in batches for b in batch.blocks for t in wire.unpack_block(b).times_us]
    misses = [miss for batch in batches for miss in batch.misses]
    assert len(kept) + sum(miss.count for miss in misses) == scans + 1
    assert {miss.cause for miss in misses} == {Cause.LINK_OFF}
    assert min(miss.at_us for miss in misses) == min(set(range(1_000_000, max(kept), 1_000_000)) - set(kept))  # the oldest
    await outbox.close()


async def test_what_is_older_than_the_box_may_keep_goes_oldest_first_and_is_told(tmp_path: Path) -> None:
    clock = ManualClock()
    outbox = await Outbox.open(tmp_path / "outbox.sqlite", "E01", clock, max_days=1)
    await outbox.append(groups=[GROUP])
    day_s = 86_400
    for _hour in range(30):
        await outbox.append(blocks=[block(clock.now_us())], misses=[wire.Miss(DIGEST, 1, clock.now_us(), 1, 2)])
        await clock.advance(3600)
    assert await outbox.trim() == 7
    batches = [wire.decode(e.canonical) for e in await all_of(outbox)]
    scans = sum(len(wire.unpack_block(b).times_us) for batch in batches for b in batch.blocks)
    lost = [m for batch in batches for m in batch.misses if m.cause == Cause.LINK_OFF]
    kept = [m for batch in batches for m in batch.misses if m.cause == 2]
    assert scans + sum(m.count for m in lost) == 30
    assert len(kept) == 30  # what was missed before stays missed
    assert clock.now_us() - min(e.made_us for e in await all_of(outbox)) <= day_s * 1_000_000
    assert await outbox.trim() == 0
    await outbox.close()


async def test_a_wall_clock_ten_years_ahead_throws_nothing_away(tmp_path: Path) -> None:
    clock = ManualClock()
    outbox = await Outbox.open(tmp_path / "outbox.sqlite", "E01", clock, max_days=1)
    for n in range(5):
        await outbox.append(blocks=[block(n)])
    clock.step_wall(10 * 365 * 86_400 * 1_000_000)
    assert await outbox.trim() == 0
    await outbox.close()
    later = ManualClock(clock.now_us(), 5 * SECOND_NS)
    outbox = await Outbox.open(tmp_path / "outbox.sqlite", "E01", later, max_days=1)
    assert await outbox.trim() == 0
    assert outbox.depth.batches == 5
    await outbox.close()


async def test_a_folder_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutboxError, match=r"file.*outbox\.sqlite"):
        await opened(tmp_path / "file" / "outbox.sqlite")


async def test_a_file_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    await (await opened(path)).close()
    db = apsw.Connection(str(path))
    db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(OutboxError, match="is of version 9; this box writes version 1"):
        await opened(path)


async def test_bytes_on_disk_are_few(tmp_path: Path) -> None:
    """A plain second of 40 readings takes fewer bytes than the doubles alone, and comes back bit for bit."""
    outbox = await opened(tmp_path / "outbox.sqlite")
    values = [20.0 + n / 10 for n in range(40)]
    entry, _ = await outbox.append(blocks=[wire.Block(DIGEST, [1], values, 40)])
    ((stored,),) = list(outbox._file._db.execute("SELECT length(bytes) FROM batch"))
    assert stored < 8 * 40
    ((back,),) = [await all_of(outbox)]
    assert back.canonical == entry.canonical
    await outbox.close()
