"""`make bench`, or `python -m bench [FIGURE ...]`: measure, print the table, write bench.json in the repository's root.

With names, only the stands that give those figures are run, and the other lines of bench.json stay as they were.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from bench import audit, ingest, kernels, latency, record_tree, replay, slow_devices, whole_park
from bench.figures import Figure, read, report, write
from bench.stand import ROOT

FILE = ROOT / "bench.json"


@dataclass(frozen=True, slots=True)
class Stand:
    """Figures that are measured together."""

    what: str
    minutes: float
    measure: Callable[[], list[Figure]]
    figures: tuple[str, ...]


STANDS = (
    Stand("the rules alone, on one core", 1, kernels.measure, kernels.FIGURES),
    Stand("the record's tree and its proofs", 0.5, record_tree.measure, record_tree.FIGURES),
    Stand("the service takes in a backlog, and the real case", 2, ingest.measure, ingest.FIGURES),
    Stand("alarms under load", 4, latency.measure, latency.FIGURES),
    Stand("an auditor asks for a year of the whole park", 1, audit.measure, audit.FIGURES),
    Stand("an hour of the park again", 1, replay.measure, replay.FIGURES),
    Stand("42 slow Modbus devices", 2, slow_devices.measure, slow_devices.FIGURES),
    Stand("the whole park", 3, whole_park.measure, whole_park.FIGURES),
)


def main(names: list[str]) -> int:
    """Exit status: 0 when every goal is met, 1 when not, 2 for a name that no figure has."""
    known = [name for stand in STANDS for name in stand.figures]
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"no figure {', '.join(unknown)}: there are {', '.join(known)}\n")
        return 2
    found: list[Figure] = []
    console = Console() if sys.stdout.isatty() else Console(width=130)
    for stand in STANDS:
        if names and not set(names) & set(stand.figures):
            continue
        console.print(f"· bench: {stand.what} (about {stand.minutes:g} min)")
        began = time.monotonic()
        measured = stand.measure()
        assert {each.name for each in measured} == set(stand.figures), measured
        found += measured
        console.print(f"· bench: {stand.what}: done in {time.monotonic() - began:.0f} s")
    report(found, console)
    before = {each.name: each for each in read(FILE)}
    write(FILE, list((before | {each.name: each for each in found}).values()) if names else found)
    missed = [each.name for each in found if each.met is False]
    console.print(f"goals not met: {', '.join(missed)}" if missed else "every goal is met", f"· {FILE.name} written")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
