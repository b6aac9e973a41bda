"""The park that engine and model are asked about, and the random life in it: readings that like limits, silences, people."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from model.reference import SECOND

from hazmon.alarms.commands import (
    Acknowledge,
    Command,
    Comment,
    Dispose,
    Remove,
    Reset,
    Return,
    Role,
    Shelve,
    Unshelve,
    Verify,
)
from hazmon.alarms.states import Verdict
from hazmon.model import Enterprise, Park, Point, Quality, Quantity, Settings
from hazmon.rulebook import All, ByDesign, Escalation, Handling, Kind, Limits, Not, Some, Term

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
NAN = float("nan")
SCAN_AGE = 400_000  # a scan is so old when it arrives; its readings are up to 200 ms younger
HOUR = 3600 * SECOND
UNJUDGED = 15  # beats
BAD = (Quality.MAINTENANCE, Quality.DEVICE_FAULT, Quality.COMMUNICATION, Quality.BAD)


def _point(tag: str, unit: str, quantity: Quantity, limits: Limits, handling: Handling | None = None) -> Point:
    return Point("E01", tag, "E01-S1", unit, tag, tag, quantity, "", -1000, 1000, 1, limits, handling or Handling())


# every number is a sum of powers of two, so that values fall exactly on limits and on the edges of deadbands
POINTS = (
    _point("LT-1", "V-1", Quantity.LEVEL, Limits(2, 4, 10.5, 11.5, 0.5, 3, 5, stale_s=4), Handling(realarm_min=0.4)),
    _point("TX-1", "A-1", Quantity.TOXIC_GAS, Limits(h=10, hh=20, deadband=1), Handling(latch=True, realarm_min=0.5)),
    _point("TT-1", "V-1", Quantity.TEMPERATURE, Limits(h=80, deadband=2, on_delay_s=2), Handling(priority=2, realarm_min=0.3)),
    _point("OX-1", "A-1", Quantity.OXYGEN, Limits(ll=18, l=19.5, h=23.5, deadband=0.25, stale_s=3)),
    _point("P-1", "V-2", Quantity.POWER, Limits()),
    _point("FT-1", "V-2", Quantity.FLOW, Limits(ll=3, l=5, off_delay_s=4, stale_s=6)),
    _point("GD-1", "V-2", Quantity.COMBUSTIBLE_GAS, Limits(h=25, hh=50, off_delay_s=2), Handling(latch=True, priority=1)),
)
STOPPED = Term("E01/P-1", "==", 0)
DESIGNS = (
    ByDesign("E01", "P-1-STOPPED", STOPPED, (("E01/FT-1", Kind.LOW), ("E01/FT-1", Kind.QUALITY)), "the pump stands"),
    ByDesign(
        "E01",
        "FILLING",
        Some((All((Not(STOPPED), Term("E01/FT-1", ">", 8))), Term("E01/TT-1", ">=", 84))),
        (("E01/LT-1", Kind.HIGH), ("E01/TX-1", Kind.HIGH)),
        "filling",
    ),
)
PARK = Park(
    Settings("园区", "park", escalation=Escalation((0.1, 0.25, 0.5), (0.2, 0.6), 0.35)),
    (Enterprise("E01", "E01", "E01", 0, ()),),
    POINTS,
    by_design=DESIGNS,
)
UNITS = ("E01/V-1", "E01/A-1", "E01/V-2")
SUBJECTS = (*(point.id for point in POINTS), "E01/box", "E01/plc1", "E01/none", "none")
# values worth visiting: each limit, its deadband's edge, and a hair to both sides of them
HAUNTS = {
    point.tag: [
        round(limit + sign * band + hair, 3)
        for limit in (point.limits.ll, point.limits.l, point.limits.h, point.limits.hh)
        if limit is not None
        for sign in (-1, 0, 1)
        for band in (point.limits.deadband,)
        for hair in (-0.125, 0, 0.125)
    ]
    + [float(middle) for middle in _MIDDLE[point.tag]]
    for _MIDDLE in (
        {
            "LT-1": (7, 8),
            "TX-1": (0, 5, 30),
            "TT-1": (60, 86),
            "OX-1": (21, 15),
            "P-1": (0, 1, 1),
            "FT-1": (9, 7),
            "GD-1": (0, 60),
        },
    )
    for point in POINTS
}


@dataclass(frozen=True)
class Temper:
    """How often things happen, 0 never to 9 all the time."""

    wild: int = 4  # values jump
    holes: int = 2  # readings are missing
    bad: int = 2
    silence: int = 2  # the box, or its scans, do not come
    people: int = 4
    restarts: int = 2
    exempt: int = 1

    def arguments(self) -> str:
        """As the replay takes them."""
        return " ".join(
            str(weight) for weight in (self.wild, self.holes, self.bad, self.silence, self.people, self.restarts, self.exempt)
        )


@dataclass(frozen=True)
class Deed:
    """What somebody does: a command without its target. `record` counts the model's records, newest first; or a name."""

    verb: str
    record: int | None
    name: str
    role: Role
    length: int

    def command(self, target: str, now: int) -> Command:
        """The command at that target."""
        by, note = f"{self.role}1", "why"
        match self.verb:
            case "acknowledge":
                return Acknowledge(target, by, note)
            case "comment":
                return Comment(target, by, note)
            case "verify":
                return Verify(target, by, Verdict.FALSE, note)
            case "dispose":
                return Dispose(target, by, note)
            case "reset":
                return Reset(target, by, note)
            case "shelve":
                return Shelve(target, by, self.role, note, now + self.length)
            case "unshelve":
                return Unshelve(target, by, note)
            case "remove":
                return Remove(target, by, self.role, note)
            case _:
                return Return(target, by, self.role, note)


VERBS = ("acknowledge", "comment", "verify", "dispose", "reset", "shelve", "unshelve", "remove", "return")
ODDS = (8, 1, 2, 1, 4, 5, 4, 2, 4)
LENGTHS = (3, 7, 20, 45, 8 * 3600, 8 * 3600 + 1, 0, -5)

Cell = tuple[float, int, int] | None  # value, quality code, milliseconds after the scan; None = no reading


@dataclass(frozen=True)
class Beat:
    """One step of the world: `lasts` microseconds after the one before.

    `alive`: the box gives a sign. `scans`: (microseconds before now, a cell a point), the newest last.
    """

    lasts: int = SECOND
    alive: bool = True
    scans: tuple[tuple[int, tuple[Cell, ...]], ...] = ()
    deeds: tuple[Deed, ...] = ()
    restart: bool = False
    exempt: tuple[tuple[str, int], ...] = ()  # unit, for how long


@dataclass
class Life:
    """Random beats, the same for the same seed and temper.

    A restart reads a minute back. A delay that has run for longer, over readings that did not come or were bad, begins anew;
    so in a life with restarts every point is judged now and then.
    """

    seed: int
    temper: Temper
    value: dict[str, float] = field(default_factory=dict[str, float])
    bad_for: dict[str, int] = field(default_factory=dict[str, int])
    gone_for: dict[str, int] = field(default_factory=dict[str, int])
    unjudged: dict[str, int] = field(default_factory=dict[str, int])  # beats
    silent_for: int = 0
    mute: bool = False

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.value = {tag: self.chance.choice(values) for tag, values in HAUNTS.items()}

    def beat(self) -> Beat:
        """What happens next."""
        chance, temper = self.chance, self.temper
        deeds = tuple(self._deed() for _ in range(2 if chance.random() < 0.2 else 1)) if self._often(temper.people, 0.08) else ()
        exempt = ((chance.choice(UNITS), chance.choice((2, 10, 40)) * SECOND),) if self._often(temper.exempt, 0.01) else ()
        restart = self._often(temper.restarts, 0.005)
        if not self.silent_for and self._often(temper.silence, 0.005):
            self.silent_for, self.mute = chance.choice((1, 3, 5, 8, 12, 14, 30)), chance.random() < 0.6
        if temper.restarts and max(self.unjudged.values(), default=0) >= UNJUDGED:
            self.silent_for = 0
        if self.silent_for:
            self.silent_for -= 1
            self.unjudged = {point.tag: self.unjudged.get(point.tag, 0) + 1 for point in POINTS}
            return Beat(SECOND, not self.mute, (), deeds, restart, exempt)
        count = 1 if chance.random() < 0.93 else chance.choice((2, 3))
        jitter = chance.random() < 0.5
        scans = tuple(
            (
                SCAN_AGE + back * SECOND + (chance.choice((-60, -50, -49, -30, 0, 0, 30, 50)) * 1000 if jitter else 0),
                tuple(self._cell(point.tag) for point in POINTS),
            )
            for back in reversed(range(count))
        )
        return Beat(count * SECOND, True, scans, deeds, restart, exempt)

    def _often(self, weight: int, each: float) -> bool:
        return self.chance.random() < weight * each

    def _cell(self, tag: str) -> Cell:
        chance, temper = self.chance, self.temper
        draw = chance.random()
        if draw < temper.wild * 0.02:
            self.value[tag] = chance.choice(HAUNTS[tag])
        elif draw < temper.wild * 0.04 and tag != "P-1":
            self.value[tag] += chance.choice((-1, -0.25, 0.25, 1))
        self.unjudged[tag] = self.unjudged.get(tag, 0) + 1
        if temper.restarts and self.unjudged[tag] > UNJUDGED:
            self.bad_for[tag] = self.gone_for[tag] = 0
        elif not self.gone_for.get(tag) and self._often(temper.holes, 0.005):
            self.gone_for[tag] = chance.choice((1, 2, 3, 5, 8, 14))
        elif not self.bad_for.get(tag) and self._often(temper.bad, 0.004):
            self.bad_for[tag] = chance.choice((1, 1, 2, 3, 6, 20))
        if self.gone_for.get(tag):
            self.gone_for[tag] -= 1
            return None
        offset = chance.choice((0, 0, 0, 40, 120, 200))
        if self.bad_for.get(tag):
            self.bad_for[tag] -= 1
            code = chance.choice(BAD)
            return (NAN if code is Quality.BAD else self.value[tag], int(code), offset)
        self.unjudged[tag] = 0
        code = Quality.CLOCK_SUSPECT if chance.random() < 0.01 else Quality.GOOD
        return self.value[tag], int(code), offset

    def _deed(self) -> Deed:
        chance = self.chance
        verb = chance.choices(VERBS, ODDS)[0]
        role = chance.choice((Role.SHIFT_LEADER, Role.SHIFT_LEADER, Role.OPERATOR, Role.ENTERPRISE))
        length = chance.choice(LENGTHS) * SECOND
        name = f"{chance.choice(SUBJECTS)}.{chance.choice((*Kind, Kind.LOW, Kind.HIGH, Kind.HIGH, 'H', ''))}"
        record = int(chance.expovariate(0.4)) if chance.random() < 0.75 else None
        return Deed(verb, record, name, role, length)
