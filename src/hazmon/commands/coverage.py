"""`hazmon coverage`: the auditor's table at a prompt, from the record itself; no service needs to run."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.table import Table

from hazmon.auditing.evidence import detailed_rows
from hazmon.auditing.window import Window, open_window, read
from hazmon.clock import Clock
from hazmon.coverage.account import FACTORS, total
from hazmon.coverage.calendar import Step, edges
from hazmon.coverage.facts import SLOT_US
from hazmon.coverage.figures import By, count, names_of, rows
from hazmon.coverage.report import Row
from hazmon.instants import clock_text
from hazmon.model import Park
from hazmon.store.pool import Connection, connect

_FACTORS = {"connect": "接入", "online": "在线", "complete": "完整", "valid": "有效"}
SIMULATED = "模拟数据 simulated: these times were told by a simulator, not measured"


@dataclass(frozen=True, slots=True)
class Answer:
    """The lines, and the window that they are about."""

    window: Window
    rows: list[Row]


async def coverage(url: str, park: Park, asked: tuple[int, int], by: By, step: Step, of: str | None, clock: Clock) -> Answer:
    """The lines over [begin, end) microseconds. Raises CommandRefused, NotFound, StoreUnavailable."""
    async with await connect(url) as connection:

        @asynccontextmanager
        async def connecting() -> AsyncGenerator[Connection]:
            yield connection

        now = clock.now()
        found = await read(connection, await open_window(connection, park, *asked, now, of))
        window = found.window
        if by in (By.GROUP, By.POINT):
            return Answer(window, await detailed_rows(connecting, found, by, step, now))
    cut = edges(window.first, window.end, step, window.zone)
    return Answer(window, rows(count(found.settled(), cut), by, names_of(park)))


def table(answer: Answer, step: Step) -> Table:
    """The lines and their total, every rate with its numerator and denominator."""
    window = answer.window
    zone = window.zone.key
    first, end = (clock_text(slot * SLOT_US, zone)[:16] for slot in (window.first, window.end))
    made = Table(title=f"连续监测覆盖率 coverage  {first} – {end}  {zone}", caption=SIMULATED if window.simulated else None)
    made.add_column("对象\nof", no_wrap=True)
    if step is not Step.ALL:
        made.add_column("起\nfrom", no_wrap=True)
    for title in ("时隙\nslots", "原始\nraw", "净\nnet", "实时\nreal-time", "豁免\nexcused"):
        made.add_column(title, justify="right", no_wrap=True)
    for factor in FACTORS:
        made.add_column(f"{_FACTORS[factor]}损失\n{factor} lost", justify="right", no_wrap=True)
    for row in answer.rows:
        made.add_row(*_cells(row, zone, step))
    made.add_section()
    whole = total(row.tally for row in answer.rows)
    last = Row("合计 total", "", "", window.first * SLOT_US, window.end * SLOT_US, whole)
    made.add_row(*_cells(last, zone, step), style="bold")
    return made


def factor_line(answer: Answer) -> str:
    """接入 x 在线 x 完整 x 有效 of the total."""
    whole = total(row.tally for row in answer.rows)
    return " × ".join(f"{_FACTORS[name]} {name} {share(*rate)}" for name, rate in whole.factors.items())


def share(numerator: int, denominator: int) -> str:
    """`1431/1440 99.3750%`, cut off, so that what is less than 100 % is never shown as 100 %."""
    if not denominator:
        return f"{numerator}/{denominator} –"
    parts = numerator * 1_000_000 // denominator
    return f"{numerator}/{denominator} {parts // 10_000}.{parts % 10_000:04d}%"


def _cells(row: Row, zone: str, step: Step) -> list[str]:
    tally = row.tally
    when = [] if step is Step.ALL else [clock_text(row.begin, zone)[:10]]
    rates = [share(*tally.raw), share(*tally.net), share(*tally.real_time)]
    name = f"{row.of} {row.name}".strip()
    return [name, *when, str(tally.slots), *rates, str(tally.excused), *(str(lost) for lost in tally.lost)]
