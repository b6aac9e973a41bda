"""Gaming that the record itself shows: a stretch played again, one series on two tags, a clock that went back.

What is held against whom. A new sample of each of 1,200 points at 1 Hz is in effect compared with a week of the same point:
2^55 comparisons a year. Noise that tells b bits a stretch meets itself by chance once in 2^b of them, so REPLAY asks for 96
bits, estimated from below (`surprise`): by chance once in 2^41 years. Against all other points it is 2^65 a year, and two
instruments may follow one quantity: IDENTICAL asks for 192 bits and five minutes at 1 Hz.

Bits alone are not enough. A machine may do the same thing twice to the second: its cycle tells some tens of bits, and it knows
few positions, so of FEW_LEVELS many more bits are asked for. A rounded ramp or wave has many bits in the moments of its steps,
and may come again: so turns are asked for as well. What moves smoothly, rests, counts or switches does not turn enough, or
tells nothing new, and is never accused, even where it does repeat; a copy of such a stretch is no evidence that anybody could
stand by. What has noise in its last digits is found if one stretch of it lives for 120 samples (300 for two tags), what only
flickers between two of them from about 300 samples on.

The price of being sure: a copy that was altered, scaled or thinned is not found here.
"""

# numpy types what masks select as unknown
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hazmon.clock import MINUTE_US, US
from hazmon.coverage.book import Veto
from hazmon.coverage.fingerprints import Strip, Track, Windows, surprise, turns_of
from hazmon.rules.frame import Bools, Ints

CLOCK_STEP_US = 2 * US
TOGETHER_US = 10 * MINUTE_US  # two tags that are equal within so much are one series; beyond it, one was played again
HOLE_US = 60 * US  # of an equal stretch in which one of the two has no samples
LONGEST_US = 360 * MINUTE_US  # of a veto that grows; then it is followed by another
LOOK_BACK_US = 7 * 86_400 * US
MOST_SURPRISE = 4096  # samples of which the surprise is taken
MOST_SHIFTS = 4  # that are tried of two points and a strip


@dataclass(frozen=True, slots=True)
class Asked:
    """What an equal stretch must have before anybody is accused by it."""

    samples: int
    turns: int
    levels: int
    bits: float


FEW_LEVELS = 5  # fewer than these
FEW_LEVELS_BITS = 256.0  # must tell so much
REPLAY = Asked(samples=120, turns=24, levels=2, bits=96.0)
IDENTICAL = Asked(samples=300, turns=60, levels=3, bits=192.0)


@dataclass(frozen=True, slots=True)
class Suspect:
    """What `point` shows may be what `other` showed `shift` microseconds (not negative) before."""

    point: int
    other: int
    shift: int

    @property
    def together(self) -> bool:
        """Two points at the same time: which of them is the copy, nobody can say."""
        return self.point != self.other and self.shift <= TOGETHER_US

    @property
    def asked(self) -> Asked:
        """How much it takes to accuse."""
        return REPLAY if self.point == self.other else IDENTICAL


@dataclass(frozen=True, slots=True)
class Copy:
    """An equal stretch, at `times` int64[n] of the later point; its life as it was found."""

    suspect: Suspect
    times: Ints
    period: int  # microseconds between its samples
    turns: int
    levels: int
    bits: float

    @property
    def begin(self) -> int:
        """The first equal sample."""
        return int(self.times[0])

    @property
    def end(self) -> int:
        """When the sample after the last equal one was due."""
        return int(self.times[-1]) + self.period


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A box's clock went back between two batches of one run: microseconds by that clock."""

    edge: str
    boot: int
    earlier_seq: int
    later_seq: int
    earlier_made: int
    later_made: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found of a point; `times` are those of the samples, where it rests on samples."""

    kind: str  # replay | identical | clock
    point: str
    begin: int
    end: int
    of: str  # the point that it is a copy of; the batches, of a clock
    evidence: Mapping[str, object]
    times: Ints = field(default_factory=lambda: np.zeros(0, np.int64), compare=False)


def within(strip: Strip, windows: Windows) -> list[Suspect]:
    """Who shows in this strip what was shown in it before: itself, or another point."""
    order = np.argsort(windows.prints, kind="stable")  # of equal ones, by point and time
    prints = windows.prints[order]
    same = np.zeros(prints.size, bool)
    same[1:] = prints[1:] == prints[:-1]
    again = order[same | np.append(same[1:], False)]
    point, time, prints = strip.points[windows.start[again]], strip.times[windows.start[again]], windows.prints[again]
    own = (prints[1:] == prints[:-1]) & (point[1:] == point[:-1])
    found = suspects(point[1:][own], time[1:][own], point[:-1][own], time[:-1][own])
    by_time = np.lexsort((point, time, prints))
    point, time, prints = point[by_time], time[by_time], prints[by_time]
    others = (prints[1:] == prints[:-1]) & (point[1:] != point[:-1])
    return found + suspects(point[1:][others], time[1:][others], point[:-1][others], time[:-1][others])


def against(strip: Strip, windows: Windows, prints: Ints, points: Ints, times: Ints) -> tuple[list[Suspect], list[Suspect]]:
    """Who shows in this strip what is known of another time, by fingerprints int64[k] with their points and times.

    First the ones of whom the strip holds the later showing, then those of whom it holds the earlier: it came late.
    """
    order = np.argsort(windows.prints, kind="stable")
    begin, end = (np.searchsorted(windows.prints[order], prints, side) for side in ("left", "right"))
    hits = end - begin
    which = np.repeat(np.arange(prints.size), hits)
    first = np.repeat(begin - np.concatenate((np.zeros(1, np.int64), np.cumsum(hits)[:-1])) if hits.size else begin, hits)
    start = windows.start[order[np.arange(which.size) + first]]
    here, at, there, then = strip.points[start], strip.times[start], points[which], times[which]
    later = at >= then
    return (
        suspects(here[later], at[later], there[later], then[later]),
        suspects(there[~later], then[~later], here[~later], at[~later]),
    )


def suspects(point: Ints, time: Ints, other: Ints, other_time: Ints) -> list[Suspect]:
    """Pairs of equal windows, the later first, put together: of two points at most MOST_SHIFTS shifts, by their windows."""
    shift = time - other_time
    keep = (shift > 0) | (point != other)
    point, other, shift = point[keep], other[keep], shift[keep]
    rough = (shift + US // 4) // (US // 2)
    keys, first, hits = np.unique(np.stack((point, other, rough)), axis=1, return_index=True, return_counts=True)
    found: dict[tuple[int, int], list[Suspect]] = {}
    for at in np.argsort(-hits, kind="stable"):
        each = found.setdefault((int(keys[0, at]), int(keys[1, at])), [])
        if len(each) < MOST_SHIFTS:
            each.append(Suspect(int(keys[0, at]), int(keys[1, at]), int(shift[first[at]])))
    return [suspect for each in found.values() for suspect in each]


def copies(suspect: Suspect, later: Track, earlier: Track) -> Iterator[Copy]:
    """The stretches, as long as they go, in which `later` is what `earlier` was `shift` before; only what accuses.

    A sample that only one of the two has neither breaks a stretch nor belongs to it; a minute of them does.
    """
    if later.times.size < suspect.asked.samples or earlier.times.size < suspect.asked.samples:
        return
    period = int(np.median(np.diff(later.times)))
    target = later.times - suspect.shift
    right = np.clip(np.searchsorted(earlier.times, target), 1, earlier.times.size - 1)
    nearest = right - (target - earlier.times[right - 1] < earlier.times[right] - target)
    paired = np.flatnonzero(np.abs(earlier.times[nearest] - target) <= period // 2)
    equal = later.values[paired] == earlier.values[nearest[paired]]
    for begin, end in _runs(equal, later.times[paired]):
        where = paired[begin:end]
        values = later.values[where]
        life = _life(values, suspect.asked)
        if life is not None:
            yield Copy(suspect, later.times[where], period, *life)


def vetoes_of(found: Iterable[Copy], names: Mapping[int, str]) -> list[Finding]:
    """What is found of which point, by the points' names."""
    findings: list[Finding] = []
    for copy in found:
        point, other = names[copy.suspect.point], names[copy.suspect.other]
        numbers: dict[str, object] = {
            "samples": int(copy.times.size),
            "turns": copy.turns,
            "levels": copy.levels,
            "bits": round(copy.bits),
            "shift_us": copy.suspect.shift,
        }
        if copy.suspect.together:
            shift = copy.suspect.shift
            there, back = {"with": other, **numbers}, {"with": point, **numbers, "shift_us": -shift}
            findings.append(Finding("identical", point, copy.begin, copy.end, other, there, copy.times))
            findings.append(Finding("identical", other, copy.begin - shift, copy.end - shift, point, back, copy.times - shift))
        else:
            source = {"of": other, "original_us": copy.begin - copy.suspect.shift, **numbers}
            findings.append(Finding("replay", point, copy.begin, copy.end, other, source, copy.times))
    return findings


def clock_steps(edge: str, boot: int, seqs: Sequence[int], made: Sequence[int]) -> list[ClockStep]:
    """Where a run's clock went back by more than CLOCK_STEP_US, of its batches in the order of their numbers."""
    steps: list[ClockStep] = []
    for at in range(1, len(seqs)):
        if made[at - 1] - made[at] > CLOCK_STEP_US:
            steps.append(ClockStep(edge, boot, seqs[at - 1], seqs[at], made[at - 1], made[at]))
    return steps


def findings_of(step: ClockStep, points: Iterable[str]) -> list[Finding]:
    """The minutes that the box has twice, of each of its points; of a step of more than LOOK_BACK_US its end."""
    evidence: dict[str, object] = {
        "edge": step.edge,
        "boot": str(step.boot),
        "earlier_seq": step.earlier_seq,
        "later_seq": step.later_seq,
        "earlier_made_us": step.earlier_made,
        "later_made_us": step.later_made,
        "step_us": step.earlier_made - step.later_made,
    }
    begin = max(step.later_made, step.earlier_made - LOOK_BACK_US)
    batches = f"{step.boot}/{step.earlier_seq}"
    return [Finding("clock", point, begin, step.earlier_made, batches, evidence) for point in points]


def fresh(findings: Iterable[Finding], known: Iterable[Veto]) -> list[Veto]:
    """What of the findings the vetoes that are known do not say yet: new ones, and known ones that go on."""
    held: dict[tuple[str, str], list[Veto]] = {}
    for veto in known:
        held.setdefault((veto.kind, veto.point), []).append(veto)
    changed: dict[str, Veto] = {}
    for finding in sorted(findings, key=lambda each: (each.begin, each.end - each.begin)):
        mine = held.setdefault((finding.kind, finding.point), [])
        if any(veto.begin <= finding.begin and finding.end <= _end(veto) for veto in mine):
            continue
        before = next((veto for veto in mine if _goes_on(veto, finding)), None)
        if before is None:
            identity = f"{finding.kind}/{finding.point}/{finding.of}/{finding.begin}"
            veto = Veto(identity, finding.point, finding.kind, finding.begin, finding.end, finding.evidence)
        else:
            more = int((finding.times >= _end(before)).sum())
            evidence = {**before.evidence, "samples": int(str(before.evidence.get("samples", 0))) + more}
            veto = Veto(before.id, before.point, before.kind, before.begin, finding.end, evidence)
            mine.remove(before)
        mine.append(veto)
        changed[veto.id] = veto
    return list(changed.values())


def _goes_on(veto: Veto, finding: Finding) -> bool:
    """Whether it is the same thing at the same shift, not longer than LONGEST_US by now."""
    shift, before = finding.evidence.get("shift_us"), veto.evidence.get("shift_us")
    if not isinstance(shift, int) or not isinstance(before, int) or abs(shift - before) > US:
        return False
    same = finding.evidence.get("with", finding.evidence.get("of")) == veto.evidence.get("with", veto.evidence.get("of"))
    near = veto.begin <= finding.begin <= _end(veto) + HOLE_US
    return same and near and finding.end > _end(veto) and finding.end - veto.begin <= LONGEST_US


def _end(veto: Veto) -> int:
    return 2**62 if veto.end is None else veto.end


def _runs(equal: Bools, times: Ints) -> Iterator[tuple[int, int]]:
    """Where samples are equal one after the other, without a hole of more than HOLE_US: [begin, end)."""
    if not equal.size:
        return
    broken = np.ones(equal.size + 1, bool)
    broken[1:-1] = (equal[1:] != equal[:-1]) | (np.diff(times) > HOLE_US)
    borders = np.flatnonzero(broken)
    for begin, end in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        if equal[begin]:
            yield begin, end


def _life(values: np.ndarray[tuple[int], np.dtype[np.float64]], asked: Asked) -> tuple[int, int, float] | None:
    """Turns, levels and bits of the values, if that is enough to accuse."""
    if values.size < asked.samples or (turns := turns_of(values)) < asked.turns:
        return None
    levels = int(np.unique(values).size)
    if levels < asked.levels:
        return None
    bits = surprise(values[:MOST_SURPRISE])
    if bits < (asked.bits if levels >= FEW_LEVELS else FEW_LEVELS_BITS):
        return None
    return turns, levels, bits
