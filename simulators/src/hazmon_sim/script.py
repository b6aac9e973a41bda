"""A day of faults: an opening, once, then a programme that repeats for ever. Times count from the simulator's start."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from hazmon_sim.errors import SimulatorError

Seconds = Annotated[float, Meta(ge=0)]


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a script: every key known."""


class OpeningStep(Strict, frozen=True):
    """`[[opening]]`: `at_s` seconds after the start."""

    at_s: Seconds
    fault: str
    at: str
    for_s: Seconds | None = None
    value: float | None = None


class ProgrammeStep(Strict, frozen=True):
    """`[[programme]]`: `after_s` seconds after the beginning of the step before it (the first: after the last of the opening)."""

    after_s: Annotated[float, Meta(gt=0)]
    fault: str
    at: str
    for_s: Seconds | None = None
    value: float | None = None


class Script(Strict, frozen=True):
    """A whole file."""

    opening: tuple[OpeningStep, ...] = ()
    programme: tuple[ProgrammeStep, ...] = ()

    def steps(self, sites: frozenset[str]) -> Iterator[OpeningStep]:
        """The steps at these sites in the order of time; without end when the programme has any."""
        at_s = 0.0
        for step in sorted(self.opening, key=lambda step: step.at_s):
            at_s = step.at_s
            if site_of(step.at) in sites:
                yield step
        while any(site_of(step.at) in sites for step in self.programme):
            for step in self.programme:
                at_s += step.after_s
                if site_of(step.at) in sites:
                    yield OpeningStep(at_s, step.fault, step.at, step.for_s, step.value)


def site_of(at: str) -> str:
    """The site of a fault's target."""
    return at.partition("/")[0]


def load_script(path: Path) -> Script:
    """Raises SimulatorError with the file and the place in it."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Script)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SimulatorError(f"{path}: {error}") from error
