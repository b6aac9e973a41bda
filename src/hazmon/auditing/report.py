"""The whole report of a range, as plain data: figures, the two targets, gaps, exemptions, and the checkpoint that it rests on."""

from __future__ import annotations

import asyncio

from hazmon.auditing.evidence import Connecting, longest_gaps
from hazmon.auditing.window import Reading, Window
from hazmon.clock import US
from hazmon.coverage.account import total
from hazmon.coverage.calendar import Step, edges
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.facts import SLOT_US
from hazmon.coverage.figures import By, Names, count, line, names_of, rows
from hazmon.coverage.layout import Scheme
from hazmon.coverage.report import Report, Row, Targets
from hazmon.coverage.settled import Settled, concerns
from hazmon.coverage.targets import targets
from hazmon.store.audit_pages import checkpoint_after

MOST_GAPS = 1000


async def report(connecting: Connecting, reading: Reading, now: int) -> Report:
    """The report. Its gaps are those of the MOST_GAPS longest stretches; `gaps_left_out` counts the other stretches."""
    window = reading.window
    settled = await asyncio.to_thread(reading.settled)
    figures = await asyncio.to_thread(_figures, window, settled)
    gaps, left_out = await longest_gaps(connecting, reading, settled, now, MOST_GAPS)
    end = window.end * SLOT_US
    async with connecting() as connection:
        checkpoint = await checkpoint_after(connection, end + window.rules.late_deadline_s * US)
    total_row, enterprises, sources, days = figures
    return Report(
        park=window.park.settings.name,
        park_en=window.park.settings.name_en,
        timezone=window.zone.key,
        simulated=window.simulated,
        begin=window.first * SLOT_US,
        end=end,
        made_at=end + window.rules.prompt_s * US,
        total=total_row,
        enterprises=tuple(enterprises),
        sources=tuple(sources),
        days=tuple(days),
        targets=rates(window, sources),
        gaps=tuple(gaps),
        gaps_left_out=left_out,
        exemptions=_own(window, reading.exemptions),
        checkpoint=checkpoint,
    )


def rates(window: Window, sources: list[Row]) -> Targets:
    """The county's two rates over the window; `sources` has one row for each."""
    figures = [(row.of, row.tally) for row in sources]
    groups = window.rules.groups
    return targets(figures, scheme_at(window), window.rules.online_min, groups)


def scheme_at(window: Window) -> Scheme | None:
    """The scheme in force in the window's last slot."""
    return next((scheme for scheme in reversed(window.schemes) if scheme.since < max(window.end, window.first + 1)), None)


def _figures(window: Window, settled: list[Settled]) -> tuple[Row, list[Row], list[Row], list[Row]]:
    names: Names = names_of(window.park)
    over_all = count(settled, edges(window.first, window.end, Step.ALL, window.zone))
    by_day = count(settled, edges(window.first, window.end, Step.DAY, window.zone))
    sources = rows(over_all, By.SOURCE, names)
    whole = line("", names, window.first, window.end, total(row.tally for row in sources))
    return whole, rows(over_all, By.ENTERPRISE, names), sources, rows(by_day, By.SOURCE, names)


def _own(window: Window, exemptions: list[Exemption]) -> tuple[Exemption, ...]:
    """Those that have to do with the window's sources and time."""
    duties = [scheme.duties[source] for scheme in window.schemes for source in window.sources if source in scheme.duties]
    return tuple(
        each for each in exemptions if each.until > window.first * SLOT_US and any(concerns(each, duty) for duty in duties)
    )
