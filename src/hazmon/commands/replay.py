"""`hazmon replay`: a stretch of the record through the rules again, perhaps with other limits, and how it differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hazmon.clock import Clock
from hazmon.instants import clock_text
from hazmon.model import Park
from hazmon.replay import history
from hazmon.replay.comparison import Line, compared
from hazmon.store.pool import connect

TENTHS = 10
NO_READINGS = "The record holds no readings of that stretch: none were taken, or they are older than the record keeps them."
_MARKS = {"same": "=", "only in the replay": "+", "only in the record": "-"}
NOT_REPLAYED = "Silence (STALE of points, connections and boxes) and what people did are not replayed, and not compared."


async def replay(url: str, park: Park, start: int, end: int, clock: Clock) -> tuple[list[Line], int]:
    """Every ring of [start, end), microseconds, of the replay and of the record, and how many readings it took.

    Progress goes to stderr.

    Raises StoreUnavailable.
    """
    async with await connect(url) as connection:
        readings = 0
        with _progress(start, end, clock) as tell:

            def progress(at: int, count: int) -> None:
                nonlocal readings
                readings = count
                tell(at, count)

            rings = await history.replay(connection, park, start, end, progress)
        return compared(rings, await history.recorded(connection, start, end)), readings


def report(lines: Sequence[Line], readings: int, zone: str) -> Iterator[str]:
    """The lines of the answer: each ring with its mark, then the counts."""
    for line in lines:
        ring = line.ring
        value = "" if ring.value is None else f"{ring.value:.6g}"
        notes = " ".join(note for note, on in (("suppressed", ring.suppressed), ("late", ring.late)) if on)
        text = f"{_MARKS[line.found]} {clock_text(ring.at, zone)}  {ring.subject:<24} {ring.rule:<13} {value:>10}  {notes}"
        yield text.rstrip()
    counts = Counter(line.found for line in lines)
    ring = counts["same"] + counts["only in the replay"]
    yield f"{ring} would have rung: {counts['same']} as in the record (=), {counts['only in the replay']} only in the replay (+);"
    yield f"{counts['only in the record']} only in the record (-)."
    yield f"{readings:,} readings replayed. {NOT_REPLAYED}" if readings else NO_READINGS


@contextmanager
def _progress(start: int, end: int, clock: Clock) -> Generator[history.Progress]:
    """How far it has come: a bar on a terminal, else a line at each tenth."""
    console = Console(stderr=True)
    began = clock.monotonic()
    if console.is_terminal:
        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("replay", total=end - start, rate="")

            def move(at: int, readings: int) -> None:
                rate = readings / max(clock.monotonic() - began, 1e-9)
                bar.update(task, completed=max(0, at - start), rate=f"{rate:,.0f} readings/s")

            yield move
        return
    told = 0

    def tell(at: int, readings: int) -> None:
        nonlocal told
        share = max(0, at - start) / (end - start)
        if int(share * TENTHS) > told:
            told = int(share * TENTHS)
            took = max(clock.monotonic() - began, 1e-9)
            left = took / share - took
            console.print(f"{share:.0%}  {readings:,} readings, {readings / took:,.0f}/s, {left:.0f} s left", highlight=False)

    yield tell
