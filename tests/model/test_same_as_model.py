"""The alarm engine against the reference model: the same readings, silences, commands and restarts, the same events and book."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from model.__main__ import lived
from model.comparing import Comparison
from model.reference import SECOND
from model.world import BAD, HAUNTS, LENGTHS, NAN, POINTS, SCAN_AGE, SUBJECTS, UNITS, VERBS, Beat, Cell, Deed, Temper

from hazmon.alarms.commands import Role
from hazmon.model import Quality
from hazmon.rulebook import Kind

STEPS = int(os.environ.get("HAZMON_MODEL_STEPS", "100000"))
A_LIFE = 1000  # steps

weights = st.integers(0, 9)


def test_random_lives_go_the_same_way_in_engine_and_model() -> None:
    """Shrinking a seed says nothing: a divergence tells its story, and the line that lives it again."""
    counted = 0

    @settings(
        max_examples=-(-STEPS // A_LIFE),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.integers(0, 2**32), st.builds(Temper, st.integers(1, 9), weights, weights, weights, weights, weights, weights))
    def live(seed: int, temper: Temper) -> None:
        nonlocal counted
        counted += lived(seed, A_LIFE, temper)

    live()
    assert counted >= STEPS


deeds = st.builds(
    Deed,
    verb=st.sampled_from(VERBS),
    record=st.none() | st.integers(0, 4),
    name=st.builds("{}.{}".format, st.sampled_from(SUBJECTS), st.sampled_from(Kind)),
    role=st.sampled_from(Role),
    length=st.sampled_from([length * SECOND for length in LENGTHS]),
)


class Lives(RuleBasedStateMachine):
    """Short lives, every part of them drawn, so that a divergence shrinks to the fewest steps that show it."""

    def __init__(self) -> None:
        super().__init__()
        self.comparison = Comparison()
        self.cells: list[Cell] = [(HAUNTS[point.tag][-1], int(Quality.GOOD), 0) for point in POINTS]

    def scan(self) -> Beat:
        return Beat(scans=((SCAN_AGE, tuple(self.cells)),))

    @rule(point=st.integers(0, len(POINTS) - 1), which=st.integers(0, 20), steps=st.integers(1, 6))
    def go_to(self, point: int, which: int, steps: int) -> None:
        haunts = HAUNTS[POINTS[point].tag]
        self.cells[point] = (haunts[which % len(haunts)], int(Quality.GOOD), 0)
        self.comparison.live([self.scan()] * steps)

    @rule(point=st.integers(0, len(POINTS) - 1), code=st.none() | st.sampled_from(BAD), steps=st.integers(1, 12))
    def lose(self, point: int, code: Quality | None, steps: int) -> None:
        kept = self.cells[point]
        self.cells[point] = None if code is None else (NAN, int(code), 0)
        self.comparison.live([self.scan()] * steps)
        self.cells[point] = kept
        self.comparison.take(self.scan())

    @rule(steps=st.integers(1, 15), alive=st.booleans())
    def be_silent(self, steps: int, alive: bool) -> None:
        self.comparison.live([Beat(alive=alive)] * steps)
        self.comparison.take(self.scan())

    @rule(steps=st.integers(1, 40))
    def go_on(self, steps: int) -> None:
        self.comparison.live([self.scan()] * steps)

    @rule(asked=st.lists(deeds, min_size=1, max_size=2))
    def ask(self, asked: list[Deed]) -> None:
        self.comparison.take(Beat(scans=self.scan().scans, deeds=tuple(asked)))

    @rule(before=st.integers(0, 15), after=st.integers(0, 15))
    def restart(self, before: int, after: int) -> None:
        self.comparison.live([Beat(alive=False)] * before)
        self.comparison.live([Beat(alive=False, restart=True)] + [Beat(alive=False)] * after)
        self.comparison.take(self.scan())

    @rule(unit=st.sampled_from(UNITS), length=st.integers(1, 30))
    def exempt(self, unit: str, length: int) -> None:
        self.comparison.take(Beat(scans=self.scan().scans, exempt=((unit, length * SECOND),)))


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
