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
        (1, {"E01/V-1": Exempt(START + 60 * US, "检修")}, "检修"),
        (2, {"E01/V-1": Exempt(START + 60 * US, "停用")}, "停用"),
        (3, {"E01/V-2": Exempt(START + 60 * US, "停用")}, None),
        (4, {"E01/V-1": Exempt(START + 5 * US, "检修")}, "检修"),
        (5, plant.exempt, None),
    ]:
        plant.exempt = dict(exempt)
        step(plant, [], [], START + second * US)
        kinds = () if reason is None else (Kind.HIGH, Kind.STALE, Kind.QUALITY, Kind.RANGE, Kind.ERROR)
        assert plant.book.designs == {("E01/LT-1", kind): reason for kind in kinds}
