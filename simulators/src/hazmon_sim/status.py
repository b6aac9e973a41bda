"""sim-status.json in the home: what is wrong now and what comes next, for a screen that wants to show it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from hazmon_sim.faults import FAULTS
from hazmon_sim.switchboard import Incident

STATUS = "sim-status.json"


class Coming(Struct, frozen=True):
    """The next fault of the script; `at` is when, ISO 8601 UTC, `target` to what."""

    at: str
    fault: str
    target: str
    text: str
    text_en: str


class Active(Struct, frozen=True):
    """A fault that is happening: its cause ends at `stop`, its last effect at `until`."""

    since: str
    stop: str
    until: str
    fault: str
    target: str
    text: str
    text_en: str


class Status(Struct, frozen=True):
    """The whole file."""

    started: str
    next: Coming | None
    active: list[Active]


def moment(t: float) -> str:
    """ISO 8601, UTC, to the millisecond."""
    return datetime.fromtimestamp(t, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def coming(t: float, fault: str, target: str) -> Coming:
    """The scripted fault at t."""
    return Coming(moment(t), fault, target, FAULTS[fault].text, FAULTS[fault].text_en)


def write(home: Path, started: float, following: Coming | None, incidents: Iterable[Incident]) -> None:
    """Replace the file; a reader never sees half of it."""
    active = [
        Active(
            moment(item.since),
            moment(item.stop),
            moment(item.until),
            item.fault.name,
            item.at,
            item.fault.text,
            item.fault.text_en,
        )
        for item in incidents
    ]
    path = home / STATUS
    aside = path.with_name(path.name + ".tmp")
    aside.write_bytes(msgspec.json.format(msgspec.json.encode(Status(moment(started), following, active)), indent=1))
    aside.replace(path)


def local(t: float, offset: timedelta) -> str:
    """The time of day at the plant."""
    return (datetime.fromtimestamp(t, UTC) + offset).strftime("%H:%M:%S")
