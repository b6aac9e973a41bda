"""The park for real, with everything that goes wrong in a day pressed into minutes.

Faults in the plants, then kill -9 of the service and of a box in the middle. Every alarm that the readings call for comes on the
stream, exactly once, at the right time, and no other; the record holds exactly what left the plants.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator

import pytest
from acceptance.oracle import Expected, expected
from acceptance.park import PLANTS, Park, running_park
from acceptance.readings import Difference, Series, differences, due, recorded
from acceptance.stream import Seen, Stream

pytestmark = pytest.mark.timeout(900)
ENTERPRISES = [f"E{number:02}" for number in range(1, 12)]
KILLED = "E03"
NEAR_S = 1.3  # a sample early or late


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory, module_database: str, mosquitto: str) -> Generator[Park]:
    with running_park(tmp_path_factory.mktemp("park"), ENTERPRISES, module_database, mosquitto) as park:
        yield park


def test_a_day_in_the_park(park: Park) -> None:
    stream = Stream(park.port)
    began = time.time()
    park.wait_until(lambda: bool(stream.snapshots), 10, "a snapshot on the stream")
    assert stream.snapshots[0]["alarms"] == [], "a park in good order has no alarm"
    park.fault("fast_fill", "E01/LT-1101", 50)
    park.fault("toxic_leak", "E02/AT-1101", 40)
    park.fault("gas_leak", "E03/GT-1104", 40)
    silent = park.fault("plc_silent", "E06/plc2", 40)
    park.fault("frozen", "E05/TT-1201A", 60)
    park.fault("bad_value", "E08/TT-1101A", 20)
    park.fault("spike", "E10/GT-1104")
    cut = park.fault("link_down", "E04", 20)
    time.sleep(30)
    park.service.kill()
    time.sleep(2)
    park.service.start()
    time.sleep(10)
    killed = time.time()
    park.boxes[KILLED].kill()
    time.sleep(2)
    park.boxes[KILLED].start()
    time.sleep(100)  # the faults' ends, and a DCS file after the last of them
    park.simulators.stop()
    ended = time.time()
    park.past_the_relays()
    park.wait_until(park.drained, 60, "nothing left in any box")
    stream.close(park.home / "events.jsonl")

    wanted = due(park.ledger, PLANTS)
    found = recorded(park.database)
    _readings_agree(wanted, found, began, killed, ended, _crossed(park, silent))
    _alarms_agree(park, stream, wanted, began, ended, {"E06/plc2": silent, "E04/box": cut})


def _crossed(park: Park, silent: float) -> Callable[[Difference], bool]:
    """Whether an answer of the PLC met the moment at which it fell silent, or came back: given, and thrown away on the way."""
    tags = (park.config / "E06/tags.csv").read_text("utf-8").splitlines()
    points = {f"E06/{line.split(',')[0]}" for line in tags if line.split(",")[1] == "plc2"}
    return lambda d: d.kind == "lost" and d.point in points and min(abs(d.at - silent), abs(d.at - silent - 40)) < 1.2


def _readings_agree(
    wanted: Series, found: Series, began: float, killed: float, ended: float, crossed: Callable[[Difference], bool]
) -> None:
    """Only what a killed box had read and not yet written, and what it never read while it was dead, may be absent."""
    wrong = [d for d in _without_waiting(differences(wanted, found), killed) if d.at > began]
    assert [d for d in wrong if d.kind == "made-up" and d.at < ended - 1.5] == []
    excused = [d for d in wrong if d.point.startswith(KILLED) and killed - 2 < d.at < killed + 1]
    last = [d for d in wrong if d.at > ended - 1.5]  # asked for as the plants stopped: the answer may have met no asker
    lost = [d for d in wrong if d not in excused and d not in last and not crossed(d)]
    assert lost == [], f"{len(lost)} lost of {sum(map(len, wanted.values()))}: {lost[:10]}"
    assert all(count <= 2 for count in Counter(d.point for d in excused).values())


def _without_waiting(wrong: list[Difference], killed: float) -> list[Difference]:
    """Take out what waited with the broker for the dead box: a message that names no time is stamped when it comes."""
    rest = list(wrong)
    for late in wrong:
        if late.kind == "made-up" and late.point.startswith(KILLED) and killed < late.at < killed + 10:
            sent = (d for d in rest if d.kind == "lost" and (d.point, d.value) == (late.point, late.value))
            match = next((d for d in sent if 0 < late.at - d.at < 8), None)
            if match is not None:
                rest.remove(match)
                rest.remove(late)
    return rest


def _alarms_agree(park: Park, stream: Stream, wanted: Series, began: float, ended: float, links: dict[str, float]) -> None:
    events = [seen for seen in stream.seen if seen.event["recorded"] and seen.at < ended]
    twice = [key for key, count in Counter(seen.event["event"] for seen in events).items() if count > 1]
    assert twice == [], "an event was told twice"
    raises = [seen for seen in events if seen.stimulus in ("raise", "escalate", "raise_late")]
    falls = [seen for seen in events if seen.stimulus in ("clear", "ease")]
    unmatched = list(raises)
    for want in expected(park.config, wanted):
        if want.raised < began:
            continue
        seen = _take(unmatched, want.point, want.rule, want.raised) or _jumped(raises, want)
        assert seen is not None, f"never came: {want}\n{_story(events, want.point)}"
        if want.cleared is not None and want.cleared < ended - 2:
            assert _near(falls, want.point, seen.kind, want.cleared), f"never fell: {want}\n{_story(events, want.point)}"
    assert _take(unmatched, "E08/TT-1101A", "QUALITY", None) is not None
    assert _take(unmatched, "E01/LT-1101", "FORECAST_UP", None) is not None, "a tank that fills so fast is foreseen"
    for link, since in links.items():
        seen = _take(unmatched, link, "STALE", None)
        assert seen is not None, f"no alarm of {link}"
        assert 0 < seen.at - since < (14 if link.endswith("box") else 3.2), f"{link}: {seen.at - since:.1f} s after"
    assert unmatched == [], f"alarms that nothing calls for: {[(s.point, s.rule, s.event) for s in unmatched]}"
    for rule in ("RATE_UP", "H", "HH"):
        assert [seen.rule for seen in raises if seen.point == "E01/LT-1101"].count(rule) == 1
    order = [seen.rule for seen in raises if seen.point == "E01/LT-1101"]
    assert order == ["RATE_UP", "FORECAST_UP", "H", "HH"]
    levels = {seen.alarm["id"] for seen in raises if seen.point == "E01/LT-1101" and seen.kind == "HIGH"}
    assert len(levels) == 1, "one record through the whole rise"


def _take(unmatched: list[Seen], point: str, rule: str, at: float | None) -> Seen | None:
    for seen in unmatched:
        if (seen.point, seen.rule) == (point, rule) and (at is None or abs(seen.at - at) < NEAR_S):
            unmatched.remove(seen)
            return seen
    return None


def _jumped(raises: list[Seen], want: Expected) -> Seen | None:
    """A value that jumped past both limits raised the worse status, once."""
    worse = {"H": "HH", "L": "LL"}.get(want.rule)
    mine = (seen for seen in raises if (seen.point, seen.rule) == (want.point, worse))
    return next((seen for seen in mine if abs(seen.at - want.raised) < NEAR_S), None)


def _near(events: list[Seen], point: str, kind: str, at: float) -> bool:
    return any((seen.point, seen.kind) == (point, kind) and abs(seen.at - at) < NEAR_S for seen in events)


def _story(events: list[Seen], point: str) -> str:
    return "\n".join(f"{seen.at:.2f} {seen.rule} {seen.stimulus} {seen.event['value']}" for seen in events if seen.point == point)
