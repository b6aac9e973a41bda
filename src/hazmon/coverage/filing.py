"""The life of an exemption: filed by the enterprise, approved or refused by the park, withdrawn by the enterprise. Pure.

filed -> approved | refused; filed | approved -> withdrawn; an approved one that reached its end is over. Nothing else happens
to it, and nothing of it is ever deleted. Who may do what goes by the role that somebody claims, until there is log-in.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from hazmon.alarms.commands import Role
from hazmon.clock import US, iso
from hazmon.coverage.exempting import Exemption
from hazmon.errors import CommandRefused
from hazmon.model import Park

DAY_US = 86_400 * US
BACK_DAYS = 31  # what is older belongs to a month that is closed
LONGEST_DAYS = 366
AHEAD_DAYS = 366
DECIDERS = frozenset({Role.SHIFT_LEADER})


class ExemptionKind(StrEnum):
    """What an exemption is for."""

    STOPPED = "停用"
    MAINTENANCE = "检修"
    OFFLINE = "离线报备"  # no data will come: nothing is said of the plant itself, so its alarms go on


QUIET = frozenset({ExemptionKind.STOPPED, ExemptionKind.MAINTENANCE})  # while in force, alarms are suppressed by design


class ExemptionState(StrEnum):
    """How far an exemption has come. One that is not decided stays filed, also when its time is over: it may still excuse."""

    FILED = "filed"
    APPROVED = "approved"  # planned or in force
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OVER = "over"


def sources_by_unit(park: Park) -> dict[str, list[str]]:
    """By unit (`E01/V-1101`), the sources that have one of that name: as a rule one."""
    found: dict[str, list[str]] = {}
    for source in park.sources:
        for unit in source.units:
            found.setdefault(f"{source.enterprise}/{unit.id}", []).append(source.id)
    return found


def target_of(exemption: Exemption) -> str:
    """What it is of: `E01/V-1101`, or a whole source `E01-S1`."""
    return exemption.source if exemption.unit is None else f"{exemption.enterprise}/{exemption.unit}"


def state_of(exemption: Exemption, now: int) -> ExemptionState:
    """Its state at that microsecond."""
    if exemption.withdrawn_at is not None:
        return ExemptionState.WITHDRAWN
    if exemption.refused_at is not None:
        return ExemptionState.REFUSED
    if exemption.approved_at is None:
        return ExemptionState.FILED
    return ExemptionState.OVER if exemption.until <= now else ExemptionState.APPROVED


def in_force(exemption: Exemption, now: int) -> bool:
    """Approved, begun, and neither over nor withdrawn."""
    return state_of(exemption, now) is ExemptionState.APPROVED and exemption.begins <= now


def quiet(exemption: Exemption) -> bool:
    """While it is in force, the alarms of its unit or source mean nothing."""
    return exemption.kind in QUIET


def may_file(role: Role, begins: int, until: int, now: int) -> None:
    """Raises CommandRefused with the reason. Times in microseconds."""
    if role is not Role.ENTERPRISE:
        raise CommandRefused("an exemption is filed by the enterprise (企业)")
    if until <= begins:
        raise CommandRefused(f"an exemption ends after it begins: from {iso(begins)} until {iso(until)}")
    if until - begins > LONGEST_DAYS * DAY_US:
        raise CommandRefused(f"an exemption lasts at most {LONGEST_DAYS} days: from {iso(begins)} until {iso(until)}")
    if begins < now - BACK_DAYS * DAY_US:
        raise CommandRefused(f"an exemption begins at most {BACK_DAYS} days before it is filed, not at {iso(begins)}")
    if begins > now + AHEAD_DAYS * DAY_US:
        raise CommandRefused(f"an exemption is planned at most {AHEAD_DAYS} days ahead, not for {iso(begins)}")


def may_decide(exemption: Exemption, by: str, role: Role, now: int) -> None:
    """Raises CommandRefused with the reason."""
    if role not in DECIDERS:
        raise CommandRefused("an exemption is approved or refused by the park's shift leader (班长)")
    if state_of(exemption, now) is not ExemptionState.FILED:
        raise CommandRefused(told(exemption))
    if _same_person(by, exemption.filed_by):
        raise CommandRefused(f"{exemption.filed_by} filed exemption {exemption.id}: another person decides it")


def may_withdraw(exemption: Exemption, role: Role, now: int) -> None:
    """Raises CommandRefused with the reason."""
    if role is not Role.ENTERPRISE:
        raise CommandRefused("an exemption is withdrawn by the enterprise (企业) that filed it")
    match state_of(exemption, now):
        case ExemptionState.REFUSED | ExemptionState.WITHDRAWN:
            raise CommandRefused(told(exemption))
        case ExemptionState.OVER:
            raise CommandRefused(f"exemption {exemption.id} was over at {iso(exemption.until)}")
        case ExemptionState.FILED | ExemptionState.APPROVED:
            return


def told(exemption: Exemption) -> str:
    """What was done to it last, by whom and when."""
    for at, by, what in (
        (exemption.withdrawn_at, exemption.withdrawn_by, "withdrawn"),
        (exemption.refused_at, exemption.decided_by, "refused"),
        (exemption.approved_at, exemption.decided_by, "approved"),
    ):
        if at is not None:
            return f"exemption {exemption.id} was {what} by {by} at {iso(at)}"
    return f"exemption {exemption.id} was filed by {exemption.filed_by} at {iso(exemption.filed_at)}"


def _same_person(one: str, other: str) -> bool:
    """One name, however it was typed: width, case and spaces make no other person."""

    def plain(name: str) -> str:
        return "".join(unicodedata.normalize("NFKC", name).casefold().split())

    return plain(one) == plain(other)
