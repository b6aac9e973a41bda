"""A scenario file:

    title   = "H waits out its delay"
    points  = "points.csv"            # as a configuration's, and the rules.toml beside it
    step    = "1s"
    do      = [{ at = "12s", acknowledge = "LT-1101.HIGH", by = "op7" },
               { at = "20s", shelve = "LT-1101.HIGH", for = "10min", by = "op7", note = "tuning" }]
    cut     = [{ from = "20s", to = "90s" }]               # the box's line to the park
    again   = [{ at = "95s", from = "3s", to = "9s" }]     # the box sends these samples a second time
    clock   = [{ at = "40s", by = "-30s" }]                # the box's clock jumps
    exempt  = [{ unit = "V-1", from = "5s", to = "60s", reason = "检修" }]
    restart = ["30s"]                                      # the park service is killed and started again
    groups  = [["LT-1101"], ["TT-1101"]]                   # read over connections of their own, in batches of their own
    expect  = '''
     8s  LT-1101.H  raise: normal -> unacknowledged  10.6
    '''
    [series]
    "LT-1101" = "9.0*3 10.6*8 10.4 _*5 !9.0 9.0..12.0*10 9.0~0.1*60"

`a*n` is exactly n samples, `a..b*n` a ramp of n samples from a to b, `a~d*n` n samples within d around a, the same in every run,
`_` nothing arrived, `!a` a reading of bad quality; a number may be 1e200. Sample k is at k steps. What a cut held back comes in
order when it was short, else behind the newest sample, as boxes do it; with `groups`, one group's with each sample, in the
order given. Every event, and every refusal of what was asked, must be in the transcript; one that is not listed is a failure.
"""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hazmon.alarms.commands import Role
from hazmon.alarms.states import Verdict
from hazmon.clock import US
from hazmon.model import Quality

_REACH = r"\d+(?:\.\d+)?(?:e\d+)?"
_NUMBER = rf"-?{_REACH}"
_SAMPLES = re.compile(rf"(?P<bad>!?)(?P<a>_|{_NUMBER})(?:\.\.(?P<b>{_NUMBER})|~(?P<d>{_REACH}))?(?:\*(?P<n>\d+))?$")
_TIME = re.compile(r"(?P<sign>-?)(?P<n>\d+(?:\.\d+)?)(?P<unit>s|min|h)$")
_UNITS = {"s": 1, "min": 60, "h": 3600}
VERBS = ("acknowledge", "comment", "verify", "dispose", "reset", "shelve", "unshelve", "remove", "return")
_KEYS = {"title", "points", "step", "do", "cut", "again", "clock", "exempt", "restart", "groups", "expect", "series"}

Sample = tuple[float, int]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something somebody does, at microseconds from the beginning. `target` is `tag.KIND` or `tag.RULE`."""

    at: int
    verb: str
    target: str
    by: str
    note: str
    role: Role
    verdict: Verdict
    length: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, read; times in microseconds from its beginning. `points` is a file beside it."""

    file: Path
    title: str
    points: Path
    step_us: int
    series: dict[str, list[Sample]]  # (value, quality) a sample, quality ABSENT where nothing arrives
    do: list[Deed]
    cut: list[tuple[int, int]]
    again: list[tuple[int, int, int]]  # at, from, to
    clock: list[tuple[int, int]]  # at, by
    exempt: list[tuple[str, int, int, str]]  # unit, from, to, reason
    restart: list[int]
    groups: list[list[str]]  # tags of each; every tag with a series is in one
    expect: list[str]

    @property
    def length(self) -> int:
        """Samples of the longest series."""
        return max(len(series) for series in self.series.values())


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises ValueError naming file, key and what cannot be read."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        return _scenario(path, raw)
    except KeyError as error:
        raise ValueError(f"{path}: no key {error}") from None
    except (ValueError, tomllib.TOMLDecodeError, OSError) as error:
        raise ValueError(f"{path}: {error}") from error


def _scenario(path: Path, raw: dict[str, Any]) -> Scenario:
    unknown = set(raw) - _KEYS
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}; expected {', '.join(sorted(_KEYS))}")
    series = {tag: samples(text, tag) for tag, text in raw["series"].items()}
    if not series:
        raise ValueError("[series] is empty")
    groups = raw.get("groups", [list(series)])
    if sorted(tag for tags in groups for tag in tags) != sorted(series):
        raise ValueError(
            "groups: every tag of [series] once expected, found " + ", ".join(tag for tags in groups for tag in tags)
        )
    return Scenario(
        file=path,
        title=raw["title"],
        points=path.parent / raw["points"],
        step_us=seconds(raw["step"]),
        series=series,
        do=[_deed(entry) for entry in raw.get("do", [])],
        cut=[(seconds(entry["from"]), seconds(entry["to"])) for entry in raw.get("cut", [])],
        again=[(seconds(e["at"]), seconds(e["from"]), seconds(e["to"])) for e in raw.get("again", [])],
        clock=[(seconds(entry["at"]), seconds(entry["by"])) for entry in raw.get("clock", [])],
        exempt=[(e["unit"], seconds(e["from"]), seconds(e["to"]), e["reason"]) for e in raw.get("exempt", [])],
        restart=[seconds(at) for at in raw.get("restart", [])],
        groups=groups,
        expect=[" ".join(line.split()) for line in raw["expect"].splitlines() if line.strip()],
    )


def _deed(entry: dict[str, str]) -> Deed:
    verbs = [verb for verb in VERBS if verb in entry]
    if len(verbs) != 1:
        raise ValueError(f"do: one of {', '.join(VERBS)} expected, found {', '.join(verbs) or 'none'}")
    return Deed(
        at=seconds(entry["at"]),
        verb=verbs[0],
        target=entry[verbs[0]],
        by=entry["by"],
        note=entry.get("note", ""),
        role=Role(entry.get("role", Role.OPERATOR)),
        verdict=Verdict(entry.get("verdict", Verdict.REAL)),
        length=seconds(entry.get("for", "0s")),
    )


def samples(text: str, seed: str = "") -> list[Sample]:
    """Samples of the series notation: (value, quality code) each. Raises ValueError."""
    found: list[Sample] = []
    jitter = random.Random(seed)  # noqa: S311 - the same noise in every run is the point
    for word in text.split():
        match = _SAMPLES.match(word)
        if match is None:
            raise ValueError(f"not a sample: {word!r}")
        count = int(match["n"] or 1)
        if match["a"] == "_":
            found += [(float("nan"), Quality.ABSENT)] * count
            continue
        quality = Quality.DEVICE_FAULT if match["bad"] else Quality.GOOD
        first = float(match["a"])
        if match["d"]:
            reach = float(match["d"])
            values = [round(first + jitter.uniform(-reach, reach), 6) for _ in range(count)]
        else:
            values = np.linspace(first, float(match["b"]) if match["b"] else first, count).tolist()
        found += [(value, quality) for value in values]
    return found


def seconds(text: str) -> int:
    """Microseconds of `8s`, `0.5s`, `10min`, `2h` or `-30s`. Raises ValueError."""
    match = _TIME.match(text)
    if match is None:
        raise ValueError(f"not a time: {text!r}")
    return round(float(match["n"]) * _UNITS[match["unit"]] * US) * (-1 if match["sign"] else 1)
