"""Floods: where they begin and end, against a count made anew at every instant."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hazmon.alarms.flood import BEGINS_ABOVE, ENDS_BELOW, WINDOW_US, Flood, FloodTurn
from hazmon.clock import MINUTE_US, US

DAY_US = 1440 * MINUTE_US
# steps of whole minutes fall together with the window's end again and again
STEPS = st.lists(st.one_of(st.sampled_from([0, MINUTE_US, 2 * MINUTE_US]), st.integers(0, 4 * MINUTE_US)), max_size=120)


def instants_of(steps: Sequence[int]) -> list[int]:
    at, found = DAY_US, list[int]()
    for step in steps:
        at += step
        found.append(at)
    return found


def counted(instants: Sequence[int], upto: int) -> list[tuple[int, bool, int]]:
    """(instant, begins, most alarms within ten minutes until then), counted anew at every instant at which a count changes."""
    turns: list[tuple[int, bool, int]] = []
    running, peak = False, 0
    for t in sorted({*instants, *(at + WINDOW_US for at in instants)}):
        if t > upto:
            break
        seen = [sum(t - WINDOW_US < at <= t for at in instants[: k + 1]) for k, at in enumerate(instants) if at == t]
        left = sum(t - WINDOW_US < at <= t for at in instants)
        for count in seen:
            if not running and count > BEGINS_ABOVE:
                running, peak = True, count
                turns.append((t, True, count))
            peak = max(peak, count)
        if running and left < ENDS_BELOW:
            running = False
            turns.append((t, False, peak))
    return turns


@given(STEPS)
def test_turns_are_where_counting_finds_them(steps: list[int]) -> None:
    instants = instants_of(steps)
    flood = Flood()
    for at in instants:
        flood.note(at)
    turns = flood.turns(DAY_US * 2)
    assert [(turn.at, turn.begins, turn.peak) for turn in turns] == counted(instants, DAY_US * 2)
    assert flood.begun_at is None


@given(STEPS, st.lists(st.integers(0, 8 * 60 * MINUTE_US), max_size=20))
def test_how_often_it_is_asked_changes_nothing(steps: list[int], asked: list[int]) -> None:
    instants = instants_of(steps)
    end = DAY_US * 2
    silent = Flood()
    for at in instants:
        silent.note(at)
    flood, told = Flood(), list[FloodTurn]()
    for at, is_alarm in sorted(
        [(at, True) for at in instants] + [(DAY_US + at, False) for at in asked], key=lambda x: (x[0], not x[1])
    ):
        if is_alarm:
            flood.note(at)
        else:
            flood = flood.copy()
            told += flood.turns(at)
    assert told + flood.turns(end) == silent.turns(end)


@given(STEPS)
def test_rebuilt_from_past_instants_it_goes_on_the_same(steps: list[int]) -> None:
    instants = instants_of(steps)
    half = len(instants) // 2
    flood = Flood()
    for at in instants[:half]:
        flood.note(at)
    flood.turns(instants[half - 1] if half else 0)
    again = Flood.of(reversed(instants[:half]))
    for at in instants[half:]:
        flood.note(at)
        again.note(at)
    assert flood.turns(2 * DAY_US) == again.turns(2 * DAY_US)


@given(STEPS)
def test_an_alarm_belongs_to_one_flood(steps: list[int]) -> None:
    instants = instants_of(steps)
    flood = Flood()
    for at in instants:
        flood.note(at)
    over = [turn for turn in flood.turns(2 * DAY_US) if not turn.begins]
    assert sum(turn.count for turn in over) <= len(instants)
    for turn in over:
        assert turn.count > BEGINS_ABOVE - ENDS_BELOW
        assert turn.first_at <= turn.begun_at < turn.at


def test_eleven_in_ten_minutes_are_a_flood_and_ten_are_none() -> None:
    flood = Flood()
    for k in range(10):
        flood.note(k * US)
    assert flood.watch(10 * US) is None
    flood.note(WINDOW_US)  # the first has just left
    assert flood.begun_at is None
    flood.note(WINDOW_US + 1)
    begins = FloodTurn(WINDOW_US + 1, True, WINDOW_US + 1, US, 11, 11)
    assert (flood.watch(WINDOW_US + 1), flood.watch(WINDOW_US + 1)) == (begins, None)
    ends = 7 * US + WINDOW_US  # then four are left: of second 8, of second 9, and the two last
    assert flood.watch(ends - 1) is None
    assert flood.watch(ends) == FloodTurn(ends, False, WINDOW_US + 1, US, 11, 11)
    assert (flood.begun_at, flood.watch(2 * ends)) == (None, None)


def test_the_next_flood_counts_its_own_alarms_only() -> None:
    flood = Flood.of(k * US for k in range(11))
    ends = 6 * US + WINDOW_US  # those of seconds 7 to 10 are left
    (over,) = flood.turns(ends)
    assert (over.at, over.count) == (ends, 11)
    for _ in range(7):
        flood.note(ends + US // 2)
    (again,) = flood.turns(ends + US)
    assert (again.begins, again.count, again.peak, again.first_at) == (True, 7, 11, ends + US // 2)


def test_a_copy_goes_its_own_way() -> None:
    flood = Flood.of(k * US for k in range(10))
    copied = flood.copy()
    for _ in range(3):
        copied.note(10 * US)
    assert (flood.turns(10 * US), len(copied.turns(10 * US))) == ([], 1)
    assert (len(flood.recent), len(copied.recent)) == (10, 13)


def test_an_alarm_that_is_told_late_counts_when_it_is_told() -> None:
    flood = Flood.of(k * US for k in range(10))
    flood.note(5 * US)
    turn = flood.watch(9 * US)
    assert turn is not None
    assert turn.at == 9 * US
