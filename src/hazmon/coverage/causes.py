"""Causes by name: what a box reported, what its readings said of themselves, and what the park infers of nothing at all."""

from __future__ import annotations

from hazmon.coverage.account import Inferred
from hazmon.coverage.facts import Fact
from hazmon.model import MissCause

NOT_EQUIPPED = 200  # an item that no configured point can satisfy
FLAGGED = 300  # and from here on, by the kind of veto
KINDS = ("frozen", "replay", "identical", "clock")
_NAMES = {
    **{int(fact): fact.name.lower() for fact in Fact},
    **{int(cause): cause.name.lower() for cause in MissCause},
    Inferred.PARK_DOWN: "park_down",
    Inferred.BOX_SILENT: "box_silent",
    Inferred.UNEXPLAINED: "unexplained",
    NOT_EQUIPPED: "not_equipped",
    **{FLAGGED + number: f"flagged:{kind}" for number, kind in enumerate(KINDS)},
}


def cause_name(code: int) -> str:
    """Of a Fact below GOOD, a MissCause, an Inferred, NOT_EQUIPPED, or FLAGGED plus the number of its kind."""
    return _NAMES[code]
