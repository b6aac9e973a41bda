"""A range of the record as it counts: which slots, whose, under which schemes and exemptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from hazmon.coverage.book import in_force
from hazmon.coverage.calendar import counting_end, months, slots_of
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.facts import SLOT_US
from hazmon.coverage.layout import Scheme
from hazmon.coverage.settled import Judgement, Settled, Units, concerns, settle
from hazmon.errors import CommandRefused, NotFound
from hazmon.model import CoverageRules, Park
from hazmon.store.audit import DAY_SLOTS, exemptions_between, failing_units, judged_days
from hazmon.store.coverage import schemes as all_schemes
from hazmon.store.marks import is_simulated
from hazmon.store.pool import Connection

NO_RULES = "园区没有覆盖率规则 coverage.toml · the park has no config/coverage.toml, so nobody has said what must be monitored"


@dataclass(frozen=True, slots=True)
class Window:
    """What an answer is about: the slots [first, end) that count, and the sources, in the configuration's order."""

    park: Park
    rules: CoverageRules
    zone: ZoneInfo
    first: int
    end: int  # not less than first
    schemes: list[Scheme]
    sources: dict[str, str]  # with the enterprise of each
    simulated: bool  # the record's times were told, not measured


@dataclass(frozen=True, slots=True)
class Reading:
    """What the record says of a window, not yet reckoned. `first` of a source with exemptions is the first slot of a month."""

    window: Window
    exemptions: list[Exemption]
    judgements: list[Judgement]

    def settled(self) -> list[Settled]:
        """Every source as it counts within the window; pure, and heavy for a year of the park."""
        window = self.window
        found: list[Settled] = []
        for each in self.judgements:
            whole = settle(each, window.schemes, self.exemptions, window.rules, window.zone)
            found.append(whole.part(window.first, window.end))
        return found


async def open_window(connection: Connection, park: Park, begin: int, end: int, now: int, of: str | None) -> Window:
    """The window of [begin, end) microseconds; `of` a source, an enterprise, or all (None).

    Raises CommandRefused where the park has no rules for coverage, NotFound for an unknown `of`.
    """
    rules = park.coverage
    if rules is None:
        raise CommandRefused(NO_RULES)
    schemes = await all_schemes(connection)
    first, stop = slots_of(begin, end)
    stop = max(first, min(stop, counting_end(now, rules.prompt_s)))
    known = {source.id: source.enterprise for source in park.sources}
    for scheme, _, _ in in_force(schemes, first, stop):
        known |= {source: duty.enterprise for source, duty in scheme.duties.items() if source not in known}
    chosen = {source: enterprise for source, enterprise in known.items() if of in (None, source, enterprise)}
    if not chosen:
        raise NotFound(f"no source or enterprise {of}")
    return Window(park, rules, ZoneInfo(park.settings.timezone), first, stop, schemes, chosen, await is_simulated(connection))


async def read(connection: Connection, window: Window) -> Reading:
    """Read what is recorded of the window: two or three round trips, whatever its length."""
    first, end = window.first, window.end
    if first >= end:  # nothing counts yet
        return Reading(window, [], [Judgement(*each, first, np.zeros(0, np.uint8)) for each in window.sources.items()])
    early = months(first, end, window.zone)[0][0]
    exemptions = await exemptions_between(connection, early * SLOT_US, end * SLOT_US)
    spans = list(_spans(window, exemptions, early))
    touched = {source for source, _, _ in spans}
    days, early_days = _days(first, end), _days(early, end)
    slots = await judged_days(connection, [each for each in window.sources if each not in touched], *days)
    failing: dict[str, Units] = {}
    if touched:
        slots |= await judged_days(connection, sorted(touched), *early_days)
        failing = await failing_units(connection, spans, *early_days)
    judgements: list[Judgement] = []
    for source, enterprise in window.sources.items():
        begin, since = (early, early_days[0]) if source in touched else (first, days[0])
        where = slice(begin - since * DAY_SLOTS, end - since * DAY_SLOTS)
        units = failing.get(source)
        judgements.append(Judgement(source, enterprise, begin, slots[source][where], None if units is None else units[where]))
    return Reading(window, exemptions, judgements)


def _spans(window: Window, exemptions: Iterable[Exemption], early: int) -> Iterable[tuple[str, int, int]]:
    """(source, first day, day after the last) of the window that a valid exemption touches."""
    for each in exemptions:
        valid = each.valid(window.rules.grace_s)
        if valid is None:
            continue
        begin, end = max(early, valid[0] // SLOT_US), min(window.end, -(-valid[1] // SLOT_US))
        for source in window.sources if begin < end else ():
            if any(source in scheme.duties and concerns(each, scheme.duties[source]) for scheme in window.schemes):
                yield source, *_days(begin, end)


def _days(first: int, end: int) -> tuple[int, int]:
    """The UTC days that the slots [first, end) lie in."""
    return first // DAY_SLOTS, -(-end // DAY_SLOTS)
