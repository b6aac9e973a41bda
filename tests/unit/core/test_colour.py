"""The warning colour: every rule of the park's own rule set is reached, and a wrong rule set is refused with all its findings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazmon.alarms.states import AlarmState
from hazmon.clock import MINUTE_US, US
from hazmon.colour import ACTIVE_STATES, UNSEEN_STATES, Colour, OpenAlarm, SourceFacts, colour
from hazmon.errors import ConfigError
from hazmon.registry.colours import load_colours
from hazmon.rulebook import Kind

CONFIG = Path(__file__).parents[3] / "config"
RULES = load_colours(CONFIG)
NOW = 1_767_225_600 * US


def alarm(priority: int, minutes: float = 1, state: str = "unacknowledged", **more: Any) -> OpenAlarm:
    kind = more.pop("kind", Kind.HIGH)
    return OpenAlarm(priority, kind, state, NOW - round(minutes * MINUTE_US), **more)


def facts(*alarms: OpenAlarm, **more: Any) -> SourceFacts:
    return SourceFacts(NOW, alarms, **more)


CASES = [
    (facts(), "蓝", "default"),
    (facts(unknown_share=0.09), "蓝", "default"),
    (facts(unknown_share=0.1), "黄", "tenth-unknown"),
    (facts(unknown_share=0.5), "橙", "half-unknown"),
    (facts(box_silent=True), "黄", "silent"),
    (facts(box_silent=True, unknown_share=1.0), "橙", "half-unknown"),
    (facts(alarm(1)), "红", "priority-1"),
    (facts(alarm(1, state="acknowledged", minutes=600)), "红", "priority-1"),
    (facts(alarm(1, state="latched_acknowledged")), "红", "priority-1"),
    (facts(alarm(1, state="returned_unacknowledged")), "蓝", "default"),
    (facts(alarm(1, minutes=15, state="returned_unacknowledged")), "红", "priority-2-unanswered"),
    (facts(alarm(2)), "橙", "priority-2"),
    (facts(alarm(2, minutes=14.99)), "橙", "priority-2"),
    (facts(alarm(2, minutes=15)), "红", "priority-2-unanswered"),
    (facts(alarm(2, minutes=60, state="acknowledged")), "橙", "priority-2"),
    (facts(*[alarm(2)] * 2), "橙", "priority-2"),
    (facts(*[alarm(2)] * 3), "红", "priority-2-several"),
    (facts(alarm(3)), "黄", "priority-3"),
    (facts(*[alarm(3)] * 4), "黄", "priority-3"),
    (facts(*[alarm(3)] * 5), "橙", "priority-3-several"),
    (facts(alarm(3), box_silent=True), "橙", "blind-in-alarm"),
    (facts(alarm(4), box_silent=True), "黄", "silent"),
    (facts(alarm(3, kind=Kind.FORECAST_UP)), "黄", "forecast"),
    (facts(alarm(4, kind=Kind.FORECAST_DOWN)), "黄", "forecast"),
    (facts(alarm(4)), "蓝", "default"),
    (facts(alarm(4, minutes=30)), "黄", "unanswered"),
    (facts(alarm(1, suppressed=True)), "黄", "urgent-suppressed"),
    (facts(alarm(2, minutes=99, suppressed=True)), "黄", "urgent-suppressed"),
    (facts(alarm(3, minutes=99, suppressed=True)), "蓝", "default"),
]


@pytest.mark.parametrize(("given_facts", "expected", "rule"), CASES)
def test_cases(given_facts: SourceFacts, expected: str, rule: str) -> None:
    found, why = colour(RULES, given_facts)
    assert (found, why.rule, why.version) == (expected, rule, RULES.version)


def test_every_rule_of_the_park_is_reached() -> None:
    assert {rule for _, _, rule in CASES} == {rule.id for rule in RULES.rules} | {"default"}


@pytest.mark.parametrize("given_facts", [given_facts for given_facts, _, _ in CASES])
def test_an_exempt_source_has_the_same_colour_and_is_marked(given_facts: SourceFacts) -> None:
    open_colour, why = colour(RULES, given_facts)
    exempt_colour, marked = colour(RULES, replace(given_facts, exempt=True))
    assert (open_colour, why.exempt) == (exempt_colour, False)
    assert marked == replace(why, exempt=True)


ALARMS = st.builds(
    OpenAlarm,
    st.integers(1, 4),
    st.sampled_from(Kind),
    st.sampled_from([state.value for state in AlarmState]),
    st.integers(NOW - 3600 * US, NOW),
    st.booleans(),
)
WORST = list(Colour)


@given(st.lists(ALARMS, max_size=8), ALARMS, st.floats(0, 1), st.booleans())
def test_one_more_alarm_never_makes_a_source_look_better(
    alarms: list[OpenAlarm], another: OpenAlarm, share: float, silent: bool
) -> None:
    before, _ = colour(RULES, SourceFacts(NOW, alarms, share, silent))
    after, _ = colour(RULES, SourceFacts(NOW, [*alarms, another], share, silent))
    assert WORST.index(after) <= WORST.index(before)


def test_the_words_for_states_are_those_of_the_alarms() -> None:
    assert {state.value for state in AlarmState} - {"normal"} == ACTIVE_STATES | UNSEEN_STATES


TABLE = '[[rule]]\nid = "a"\ncolour = "红"\nreason = "一"\nreason_en = "one"\n'
DEFAULT = '[default]\ncolour = "蓝"\nreason = "无"\nreason_en = "none"\n'
KINDS = ", ".join(Kind)


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (
            'versions = "1"\n' + TABLE + DEFAULT,
            [
                "colour.toml  version: expected a text, found nothing",
                "colour.toml:1  versions: expected one of version, rule, default, found an unknown key",
                "colour.toml:2  rule[a]: expected at least one condition: one of alarms, priority, kinds, unacknowledged_min,"
                " suppressed, unknown_share, box_silent, found none",
            ],
        ),
        (
            'version = "1"\n' + DEFAULT.replace("蓝", "绿"),
            [
                "colour.toml  rule: expected at least one table [[rule]], found nothing",
                'colour.toml:3  default.colour: expected one of 红, 橙, 黄, 蓝, found "绿"',
            ],
        ),
        (
            'version = "1"\n'
            + TABLE
            + 'priority = 5\nkinds = ["HIGH"]\n'
            + TABLE
            + 'kinds = ["HIGHER"]\n'
            + TABLE
            + "alarms = 0\n",
            [
                "colour.toml  default: expected a table [default], found nothing",
                "colour.toml:7  rule[a].priority: expected a priority, 1 to 4, found 5",
                f'colour.toml:14  rule[a].kinds: expected a list of alarm kinds, each one of {KINDS}, found "HIGHER"',
                "colour.toml:20  rule[a].alarms: expected a whole number >= 1, found 0",
            ],
        ),
        (
            'version = "1"\n' + TABLE + "priority = 1\n" + TABLE + "unknown_share = 0.5\n" + DEFAULT,
            ['colour.toml:9  rule[a].id: expected an id that no rule above has, found "a"'],
        ),
        ("version = x\n", ["colour.toml:1  syntax: expected valid TOML, found an error: invalid value"]),
        (None, ["colour.toml  file: expected a readable file, found no such file or directory"]),
    ],
)
def test_a_wrong_rule_set_is_refused_with_all_its_findings(tmp_path: Path, text: str | None, findings: list[str]) -> None:
    if text is not None:
        (tmp_path / "colour.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_colours(tmp_path)
    assert [str(finding) for finding in refused.value.findings] == findings
