"""How far it is: a bar with the day, batches a second and the time left; lines now and then where there is no terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hazmon_sim.clock import Now
from hazmon_sim.history.ledger import DAY_MINUTES
from hazmon_sim.history.running import Tally

QUIET_S = 30.0


class Bar:
    """Give `tell` to the run."""

    def __init__(self, days: int, now: Now, console: Console | None = None) -> None:
        self._days = days
        self._now = now
        self._console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("day {task.fields[day]}/{task.fields[days]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]} batches/s  elapsed"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[busy]}"),
            console=self._console,
        )
        self._task = self._progress.add_task("", total=days * DAY_MINUTES, day=1, days=days, rate="-", busy="")
        self._began = now()
        self._said = self._began

    def __enter__(self) -> Bar:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def tell(self, tally: Tally) -> None:
        """Of the run: what went out so far."""
        now = self._now()
        elapsed = max(now - self._began, 1e-3)
        rate = f"{tally.batches / elapsed:,.0f}"
        day = min(tally.minutes // DAY_MINUTES + 1, self._days)
        busy = f"503: {tally.busy}" if tally.busy else ""
        self._progress.update(self._task, completed=tally.minutes, day=day, rate=rate, busy=busy)
        if not self._console.is_terminal and now - self._said >= QUIET_S:
            self._said = now
            left = elapsed / tally.minutes * (self._days * DAY_MINUTES - tally.minutes)
            self._console.print(f"day {day}/{self._days}: {tally.batches} batches, {rate} a second, {left:.0f} s left {busy}")

    def sum_up(self, tally: Tally) -> str:
        """The last line."""
        elapsed = max(self._now() - self._began, 1e-3)
        return (
            f"{self._days} days: {tally.batches:,} batches ({tally.resent} sent twice), {tally.readings:,} readings, "
            f"{tally.filed} exemptions in {elapsed:,.0f} s: {tally.batches / elapsed:,.0f} batches/s; 503 {tally.busy} times"
        )
