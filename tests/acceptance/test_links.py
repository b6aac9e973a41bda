"""Four cases in which others lose readings or invent them: links cut, links swallowed, devices gone, devices slow.

One park of five boxes; what is done to one must not show in another.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import datetime
from itertools import pairwise

import pytest
from acceptance.park import PLANTS, Park, running_park
from acceptance.readings import Series, differences, due, recorded
from acceptance.stream import Seen, Stream

pytestmark = pytest.mark.timeout(900)
CLOSED, SWALLOWED, SWALLOWED_LONG, DEVICES, ALARM = "E07", "E02", "E08", "E01", "E03"
FIRST, LONG = 60, 300


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory, module_database: str, mosquitto: str) -> Generator[Park]:
    boxes = (CLOSED, SWALLOWED, SWALLOWED_LONG, DEVICES, ALARM)
    with running_park(tmp_path_factory.mktemp("links"), boxes, module_database, mosquitto) as park:
        yield park


@pytest.fixture(scope="module")
def story(park: Park) -> tuple[Park, Stream, dict[str, float], Series, Series]:
    """Do everything at once, then wait until nothing is left in any box: the record and the ledger to hold against each other."""
    stream = Stream(park.port)
    marks = {
        "began": time.time(),
        CLOSED: park.fault("link_down", CLOSED, FIRST),
        SWALLOWED: park.fault("link_blackhole", SWALLOWED, FIRST),
        SWALLOWED_LONG: park.fault("link_blackhole", SWALLOWED_LONG, LONG),
        "dead": park.fault("plc_down", f"{DEVICES}/plc1", 60),
        "slow": park.fault("slow_plc", f"{DEVICES}/plc2", 60, 2.0),
        "leak": park.fault("gas_leak", f"{ALARM}/GT-1104", 90),
    }
    park.wait_until(lambda: bool(stream.of(f"{ALARM}/GT-1104", "HH")), 60, "the leak's level 2")
    marks["gone"] = park.fault("plc_down", f"{ALARM}/plc1", 20)
    time.sleep(marks[CLOSED] + FIRST + 2.5 - time.time())
    for box in (CLOSED, SWALLOWED):
        marks[f"{box} live"] = _newest(park, box)
    marks["looked"] = time.time()
    time.sleep(marks[SWALLOWED_LONG] + LONG + 20 - time.time())
    marks["ended"] = time.time()
    park.simulators.stop()
    park.past_the_relays()
    park.wait_until(park.drained, 60, "nothing left in any box")
    stream.close(park.home / "events.jsonl")
    return park, stream, marks, due(park.ledger, PLANTS), recorded(park.database)


def _newest(park: Park, box: str) -> float:
    """Unix second of the newest live value of any of the box's points."""
    sources = [source["id"] for source in park.get("sources?limit=100")["items"] if source["enterprise"] == box]
    latest = [reading for source in sources for reading in park.get(f"sources/{source}/latest")["readings"]]
    times = [reading["at"] for reading in latest if reading["at"]]
    return max(datetime.fromisoformat(at).timestamp() for at in times)


Story = tuple[Park, Stream, dict[str, float], Series, Series]


@pytest.mark.parametrize("box", [CLOSED, SWALLOWED, SWALLOWED_LONG, DEVICES, ALARM])
def test_nothing_is_lost_and_nothing_comes_twice(story: Story, box: str) -> None:
    park, _, marks, wanted, found = story
    mine = {point: readings for point, readings in wanted.items() if point.startswith(box)}
    theirs = {point: readings for point, readings in found.items() if point.startswith(box)}
    wrong = [d for d in differences(mine, theirs) if marks["began"] < d.at < marks["ended"] - 1.5]
    wrong = [d for d in wrong if not _unanswered(d.point, park, marks, d.at)]
    assert wrong == [], f"{len(wrong)} of {sum(map(len, mine.values()))}: {wrong[:10]}"
    assert sum(map(len, theirs.values())) > 10_000


def _unanswered(point: str, park: Park, marks: dict[str, float], at: float) -> bool:
    """A slow PLC answers when nobody waits any more: the ledger has its answer, the box a miss."""
    in_time = marks["slow"] - 3 < at < marks["slow"] + 65
    tags = (park.config / DEVICES / "tags.csv").read_text("utf-8").splitlines()
    slow = {f"{DEVICES}/{line.split(',')[0]}" for line in tags if line.split(",")[1] == "plc2"}
    return in_time and point in slow


def test_live_values_are_back_at_once(story: Story) -> None:
    _, _, marks, _, _ = story
    for box in (CLOSED, SWALLOWED):
        assert marks["looked"] - marks[f"{box} live"] < 4, "2.5 s after the link came back the newest value is of now"


def test_an_alarm_holds_while_its_device_is_gone(story: Story) -> None:
    _, stream, marks, _, _ = story
    mine = [seen for seen in stream.seen if seen.alarm["enterprise"] == ALARM and seen.at < marks["gone"] + 20]
    after = [seen for seen in mine if seen.at > marks["gone"] and seen.stimulus != "health"]
    assert [(seen.point, seen.rule, seen.stimulus) for seen in after] == [(f"{ALARM}/plc1", "STALE", "raise")]
    assert after[0].at - marks["gone"] < 3.0
    assert after[0].received - marks["gone"] < 3.5
    doubts = [seen for seen in mine if seen.stimulus == "health" and seen.point == f"{ALARM}/GT-1104"]
    assert [seen.alarm["health"] for seen in doubts] == ["stale"]
    ends = [seen for seen in stream.of(f"{ALARM}/GT-1104") if seen.stimulus in ("ease", "clear")]
    assert all(seen.at > marks["gone"] + 20 for seen in ends)
    assert ends[-1].stimulus == "clear"
    assert ends[-1].alarm["worst"]["rule"] == "HH"


def test_a_dead_and_a_slow_device_delay_nobody(story: Story) -> None:
    park, stream, marks, _, found = story
    tags = (park.config / DEVICES / "tags.csv").read_text("utf-8").splitlines()
    for connection in ("plc3",):
        tag = next(line.split(",")[0] for line in tags if line.split(",")[1] == connection)
        times = [at for at, _ in found[f"{DEVICES}/{tag}"] if marks["dead"] < at < marks["dead"] + 60]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert len(times) >= 59, f"{connection}: {len(times)} readings in 60 s"
        assert max(gaps) < 1.5, f"{connection}: a gap of {max(gaps):.2f} s"
    mine = [seen for seen in stream.seen if seen.alarm["enterprise"] == DEVICES and seen.at < marks["ended"]]
    raised = {seen.point for seen in mine if seen.stimulus == "raise"}
    assert raised == {f"{DEVICES}/plc1", f"{DEVICES}/plc2"}


def test_silent_boxes_are_told_once(story: Story) -> None:
    _, stream, marks, _, _ = story
    for box in (CLOSED, SWALLOWED, SWALLOWED_LONG):
        mine: list[Seen] = [seen for seen in stream.seen if seen.alarm["enterprise"] == box and seen.at < marks["ended"]]
        told = [(seen.point, seen.rule, seen.stimulus) for seen in mine]
        assert told == [(f"{box}/box", "STALE", "raise"), (f"{box}/box", "STALE", "clear")], told
        assert 9 < mine[0].at - marks[box] < 17
