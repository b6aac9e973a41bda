"""What an exempt unit is not heard of: the alarms that it has, each once."""

from __future__ import annotations

from park import START, park, point

from hazmon.clock import US
from hazmon.plant import Exempt, Plant
from hazmon.rulebook import Kind
from hazmon.step import step


def test_only_alarms_that_there_are_count_as_suppressed_and_they_follow_the_exemption() -> None:
    plant = Plant.of(park(point("LT-1")), START)
    for second, exempt, reason in [
        (1, {"E01/V-1": (lasting("检修", 0, 60),)}, "检修"),
        (2, {"E01/V-1": (lasting("停用", 0, 60),)}, "停用"),
        (3, {"E01/V-2": (lasting("停用", 0, 60),)}, None),
        (4, {"E01/V-1": (lasting("检修", 0, 5),)}, "检修"),
        (5, plant.exempt, None),
        (6, {"E01-S1": (lasting("全源停用", 0, 60),)}, "全源停用"),
        (7, {"E01-S2": (lasting("全源停用", 0, 60),)}, None),
        (8, {"E01/V-1": (lasting("离线", 0, 60, quiet=False),)}, None),
        (9, {"E01/V-1": (lasting("短", 0, 20),), "E01-S1": (lasting("长", 0, 60),)}, "长"),
        (10, {"E01/V-1": (lasting("长", 0, 60),), "E01-S1": (lasting("短", 0, 20),)}, "长"),
    ]:
        plant.exempt = dict(exempt)
        assert suppressed(plant, second) == every(reason)


def test_planned_exemptions_begin_and_end_by_themselves_and_the_longest_of_a_unit_holds() -> None:
    plant = Plant.of(park(point("LT-1")), START)
    plant.exempt = {"E01/V-1": (lasting("短", 3, 6), lasting("长", 5, 10), lasting("离线", 0, 30, quiet=False))}
    told = [suppressed(plant, second) for second in range(1, 13)]
    assert told == [every(None)] * 2 + [every("短")] * 2 + [every("长")] * 5 + [every(None)] * 3
    assert "E01/V-1" in plant.exempt, "an offline filing marks its source until it is over"
    suppressed(plant, 30)
    assert plant.exempt == {}


def lasting(reason: str, begins_s: int, until_s: int, *, quiet: bool = True) -> Exempt:
    return Exempt(START + begins_s * US, START + until_s * US, reason, quiet)


def suppressed(plant: Plant, second: int) -> dict[tuple[str, Kind], str]:
    """What is suppressed by design after a step at that second."""
    step(plant, [], [], START + second * US)
    return dict(plant.book.designs)


def every(reason: str | None) -> dict[tuple[str, Kind], str]:
    """All alarms of the point, for that reason."""
    kinds = () if reason is None else (Kind.HIGH, Kind.STALE, Kind.QUALITY, Kind.RANGE, Kind.ERROR)
    return {("E01/LT-1", kind): reason or "" for kind in kinds}
