"""Replay, identical series and clocks that go back: a plain copy is found with its borders, honest signals never are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.coverage.signals_of_a_plant import DAY_S, HONEST, START, Kind, faint, noisy, sine, smooth, strip, track

from hazmon.clock import US
from hazmon.coverage.book import Veto
from hazmon.coverage.fingerprints import CHOSEN, WINDOW, Strip, Windows, chosen, living, strip_of, surprise
from hazmon.coverage.honesty import (
    CLOCK_STEP_US,
    FEW_LEVELS,
    FEW_LEVELS_BITS,
    IDENTICAL,
    LONGEST_US,
    LOOK_BACK_US,
    REPLAY,
    Copy,
    Finding,
    Suspect,
    against,
    clock_steps,
    copies,
    findings_of,
    fresh,
    vetoes_of,
    within,
)
from hazmon.rules.frame import Floats, ScanBlock

NAMES = {0: "E01/LT-1", 1: "E01/PT-1", 2: "E02/TT-1"}


def alone(of: Strip) -> list[Copy]:
    """What a strip shows twice."""
    return [
        copy for suspect in within(of, living(of)) for copy in copies(suspect, of.track(suspect.point), of.track(suspect.other))
    ]


def looked_at(of: Strip) -> tuple[Windows, Windows]:
    """Its living and its chosen windows."""
    return living(of), chosen(of, living(of))


def covered(found: list[Copy], point: int, count: int) -> set[int]:
    """The seconds of START that are within a copy shown by this point."""
    spans = [((copy.begin - START) // US, (copy.end - START) // US) for copy in found if copy.suspect.point == point]
    return {second for begin, end in spans for second in range(max(0, begin), min(count, end))}


LIVING = st.sampled_from((noisy, faint, sine))
LIVELY = st.sampled_from((noisy, sine))


@settings(max_examples=60, deadline=None)
@given(kind=LIVING, seed=st.integers(0, 2**32), length=st.integers(420, 900), gap=st.integers(0, 900), lead=st.integers(0, 200))
def test_a_copy_is_found_with_its_borders(kind: Kind, seed: int, length: int, gap: int, lead: int) -> None:
    values = kind(lead + length + gap + length + 100, np.random.default_rng(seed))
    begin = lead + length + gap
    values[begin : begin + length] = values[lead : lead + length]
    found = alone(strip(track(values)))
    seconds = covered(found, 0, values.size)
    assert set(range(begin, begin + length)) <= seconds
    assert seconds <= set(range(begin - 20, begin + length + 20)), "beyond the borders a sample or two may be equal by chance"
    assert {copy.suspect.shift for copy in found} == {(length + gap) * US}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(140, 400))
def test_two_and_a_half_minutes_of_noise_are_enough(seed: int, length: int) -> None:
    values = noisy(1200, np.random.default_rng(seed))
    values[700 : 700 + length] = values[100 : 100 + length]
    assert set(range(700, 700 + length)) <= covered(alone(strip(track(values))), 0, 1200)


@settings(max_examples=30, deadline=None)
@given(kind=LIVING, seed=st.integers(0, 2**32), period=st.integers(60, 400))
def test_a_loop_is_found_from_its_second_round_on(kind: Kind, seed: int, period: int) -> None:
    random = np.random.default_rng(seed)
    values = kind(1200, random)
    values[200:] = np.resize(values[200 : 200 + period], 1000)
    few = np.unique(values[200:]).size < FEW_LEVELS
    if surprise(values[200 + period :]) < (FEW_LEVELS_BITS if few else REPLAY.bits):  # too little to accuse anybody by
        return
    seconds = covered(alone(strip(track(values))), 0, 1200)
    assert set(range(200 + period, 1200)) <= seconds
    assert min(seconds) >= 200 + period - 20


@settings(max_examples=30, deadline=None)
@given(kind=LIVELY, seed=st.integers(0, 2**32), length=st.integers(450, 900), shift=st.integers(0, 90))
def test_two_tags_of_one_series_are_both_found(kind: Kind, seed: int, length: int, shift: int) -> None:
    random = np.random.default_rng(seed)
    one, other = kind(1200, random), kind(1200, random)
    other[100 + shift : 100 + shift + length] = one[100 : 100 + length]
    found = vetoes_of(alone(strip(track(one), track(other))), NAMES)
    assert {(each.kind, each.point) for each in found} == {("identical", NAMES[0]), ("identical", NAMES[1])}
    for each in found:
        begin = START + (100 + (shift if each.point == NAMES[1] else 0)) * US
        assert abs(each.begin - begin) <= 20 * US
        assert abs(each.end - begin - length * US) <= 20 * US


def test_one_series_on_three_tags_accuses_all_of_them() -> None:
    values = noisy(900, np.random.default_rng(1))
    found = vetoes_of(alone(strip(track(values), track(values), track(values))), NAMES)
    assert {each.point for each in found} == set(NAMES.values())


@pytest.mark.parametrize("kind", HONEST, ids=lambda kind: kind.__name__)
def test_a_week_of_an_honest_signal_never_accuses(kind: Kind) -> None:
    """Twenty minutes at a time against themselves, and every one of them against the whole week's chosen windows."""
    values = kind(7 * DAY_S, np.random.default_rng(7))
    week = track(values)
    whole = strip(week)
    picked = chosen(whole, living(whole))
    for first in range(0, values.size, 1800):
        part = strip(track(values[first : first + 1800], first))
        assert alone(part) == []
        suspects, late = against(part, chosen(part, living(part)), picked.prints, picked.start * 0, whole.times[picked.start])
        assert [copy for each in suspects for copy in copies(each, part.track(0), week)] == []
        assert [copy for each in late for copy in copies(each, week, part.track(0))] == []


def test_honest_signals_side_by_side_never_accuse_each_other() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        assert alone(strip(*(track(kind(1800, random)) for kind in (*HONEST, *HONEST)))) == [], "two of each kind"


@settings(max_examples=40, deadline=None)
@given(
    pattern=st.lists(st.integers(0, 9), min_size=2, max_size=16),
    hold=st.integers(1, 20),
)
def test_a_machine_that_does_the_same_thing_again_is_no_replay(pattern: list[int], hold: int) -> None:
    values = np.resize(np.repeat(np.array(pattern, float), hold), 1800)
    assert alone(strip(track(values))) == []


def test_a_copy_of_a_rest_is_no_evidence() -> None:
    values = smooth(3000, np.random.default_rng(0))
    values[1800:2600] = values[200:1000]
    assert alone(strip(track(values))) == []


def test_what_was_shown_days_ago_is_known_by_its_chosen_windows_whichever_came_first() -> None:
    random = np.random.default_rng(11)
    old, new = noisy(1200, random), noisy(1200, random)
    new[200:900] = old[300:1000]
    past, now = strip(track(old)), strip(track(new, 3 * DAY_S))
    kept, asked = chosen(past, living(past)), chosen(now, living(now))
    later, earlier = against(now, asked, kept.prints, kept.start * 0, past.times[kept.start])
    shift = (3 * DAY_S - 100) * US
    assert (later, earlier) == ([Suspect(0, 0, shift)], [])
    (copy,) = copies(later[0], now.track(0), past.track(0))
    assert abs(copy.begin - START - (3 * DAY_S + 200) * US) <= 5 * US
    assert 700 <= copy.times.size <= 710
    assert against(past, kept, asked.prints, asked.start * 0, now.times[asked.start]) == ([], [Suspect(0, 0, shift)])


def test_holes_and_jitter_do_not_hide_a_copy_and_a_changed_sample_ends_it() -> None:
    random = np.random.default_rng(5)
    old, new = track(noisy(1000, random)), track(noisy(1000, random), DAY_S)
    new.values[:] = old.values
    new.times[:] += random.integers(-100_000, 100_000, 1000)
    new.values[500] += 0.01
    keep = np.ones(1000, bool)
    keep[[100, 101, 250]] = False
    later = strip(type(new)(new.times[keep], new.values[keep])).track(0)
    found = list(copies(Suspect(0, 0, DAY_S * US), later, old))
    assert [copy.times.size for copy in found] == [497, 499]


@given(st.lists(st.integers(0, 3), min_size=WINDOW, max_size=400), st.integers(0, 100), st.integers(0, 100))
def test_what_is_chosen_depends_on_the_window_alone(values: list[int], before: int, after: int) -> None:
    random = np.random.default_rng(before)
    cells = np.array(values, float)
    plain = strip(track(cells))
    around = np.concatenate((random.random(before), cells, random.random(after)))
    inside = strip(track(around, -before))
    for one, other in zip(looked_at(plain), looked_at(inside), strict=True):
        here = (other.start >= before) & (other.start + WINDOW <= before + cells.size)
        assert (other.start[here] - before).tolist() == one.start.tolist()
        assert other.prints[here].tolist() == one.prints.tolist()


def test_one_of_so_many_windows_is_chosen_and_minus_zero_is_zero() -> None:
    values = np.round(np.random.default_rng(2).normal(0, 1, 60_000))
    whole = strip(track(np.where(values == 0, -0.0, values)))
    windows = living(whole)
    assert chosen(whole, windows).start.size == pytest.approx(windows.start.size / CHOSEN, rel=0.2)
    assert living(strip(track(values + 0.0))).prints.tolist() == windows.prints.tolist()


def test_only_usable_samples_of_known_points_at_their_own_times_are_looked_at() -> None:
    block = ScanBlock(
        1,
        START + np.arange(3, dtype=np.int64) * US,
        np.array([[1.0, 2, 9], [np.nan, 3, 9], [4, 5, 9]]),
        np.array([[0, 8, 0], [129, 0, 0], [4, 0, 0]], np.uint8),
        np.array([[0, 5, 0]] * 3, np.int32),
        np.array([7, 3, -1]),
    )
    found = strip_of([block, block])
    assert found.points.tolist() == [3, 3, 3, 7]
    assert ((found.times - START) / US).tolist() == [0.005, 1.005, 2.005, 0]
    assert found.values.tolist() == [2, 3, 5, 1]


@pytest.mark.parametrize(("deviation", "bits"), [(0.01, 1.6), (0.02, 2.4)])
def test_surprise_is_below_what_noise_tells(deviation: float, bits: float) -> None:
    values = np.round(np.random.default_rng(4).normal(0, deviation, 2000), 2)
    shares = np.unique(values, return_counts=True)[1] / values.size
    entropy = float(-(shares * np.log2(shares)).sum()) * values.size
    assert bits * 2000 * 0.6 < surprise(values) < entropy


def test_clock_steps_and_what_they_veto() -> None:
    made = [START + at * US for at in (10, 11, 12, 5, 6, 7)]
    (step,) = clock_steps("E01", 9, [1, 2, 3, 4, 5, 8], made)
    assert (step.earlier_seq, step.later_seq, step.earlier_made - step.later_made) == (3, 4, 7 * US)
    found = findings_of(step, ["E01/LT-1", "E01/PT-1"])
    assert [(each.point, each.begin, each.end) for each in found] == [
        ("E01/LT-1", START + 5 * US, START + 12 * US),
        ("E01/PT-1", START + 5 * US, START + 12 * US),
    ]
    assert clock_steps("E01", 9, [1, 2], [START, START - CLOCK_STEP_US]) == [], "two seconds may be jitter"
    (far,) = clock_steps("E01", 9, [1, 2], [START, START - 400 * DAY_S * US])
    assert findings_of(far, ["E01/LT-1"])[0].begin == START - LOOK_BACK_US


def finding(begin_s: int, end_s: int, shift_s: int = 3600) -> Finding:
    times = START + np.arange(begin_s, end_s, dtype=np.int64) * US
    evidence = {"of": "E01/LT-1", "shift_us": shift_s * US, "samples": end_s - begin_s}
    return Finding("replay", "E01/LT-1", START + begin_s * US, START + end_s * US, "E01/LT-1", evidence, times)


def spans(vetoes: list[Veto]) -> list[tuple[str, int, int, object]]:
    return [(veto.id, (veto.begin - START) // US, ((veto.end or 0) - START) // US, veto.evidence["samples"]) for veto in vetoes]


def test_looking_again_finds_nothing_new_and_what_goes_on_is_one_veto() -> None:
    first = fresh([finding(100, 400), finding(120, 390)], [])
    name = f"replay/E01/LT-1/E01/LT-1/{START + 100 * US}"
    assert spans(first) == [(name, 100, 400, 300)]
    assert fresh([finding(100, 400)], first) == []
    longer = fresh([finding(300, 900)], first)
    assert spans(longer) == [(name, 100, 900, 800)], "the samples that were counted already count once"
    other = f"replay/E01/LT-1/E01/LT-1/{START + 300 * US}"
    assert spans(fresh([finding(300, 900, 7200)], first)) == [(other, 300, 900, 600)], "another shift is another replay"
    late = LONGEST_US // US + 150
    assert spans(fresh([finding(350, late)], first))[0][:2] == (f"replay/E01/LT-1/E01/LT-1/{START + 350 * US}", 350)


def test_too_little_accuses_nobody() -> None:
    values: Floats = noisy(1200, np.random.default_rng(8))
    short = values.copy()
    short[1000 : 1000 + REPLAY.samples - 15] = values[500 : 500 + REPLAY.samples - 15]
    assert alone(strip(track(short))) == []
    other = noisy(1200, np.random.default_rng(9))
    other[200 : 200 + IDENTICAL.samples - 15] = values[200 : 200 + IDENTICAL.samples - 15]
    assert alone(strip(track(values), track(other))) == []
