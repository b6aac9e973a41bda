"""What the demo tells, and how its environment knows that it is up to date."""

from __future__ import annotations

import json
import os
from pathlib import Path

import demo
import environment
import pytest

COMING = {
    "at": "2026-03-01T06:03:20.000Z", "fault": "toxic_leak", "target": "E03/AT-3101", "text": "泄漏", "text_en": "leak",
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"next": COMING}, "14:03:20 E03/AT-3101 泄漏 · leak"),
        ({"next": None}, demo.NO_SCRIPT),
        ({}, demo.NO_SCRIPT),
    ],
)
def test_the_next_fault_is_told_in_the_parks_time(tmp_path: Path, status: dict[str, object], told: str) -> None:
    (tmp_path / "sim-status.json").write_text(json.dumps(status))
    assert demo.next_fault(tmp_path) == told


def test_a_missing_or_half_written_status_is_no_fault(tmp_path: Path) -> None:
    assert demo.next_fault(tmp_path) == demo.NO_SCRIPT
    (tmp_path / "sim-status.json").write_text('{"next": {"at"')
    assert demo.next_fault(tmp_path) == demo.NO_SCRIPT


def test_children_are_told_where_everything_is_and_kept_from_proxies(tmp_path: Path) -> None:
    park = demo.Park(tmp_path, 8090, ("E01",), "postgresql://x", "mqtt://y")
    told = park.environment()
    assert told["HAZMON_PORT"] == "8090"
    assert "HAZMON_PARK_URL" not in park.environment().keys() - os.environ.keys()  # the boxes' links are the simulators' to cut
    assert told["HAZMON_HOME"] == str(tmp_path)
    assert "127.0.0.1" in told["NO_PROXY"]


def test_a_changed_input_changes_the_stamp() -> None:
    lock = environment.LOCK
    assert environment.digest([lock], "3.11") == environment.digest([lock], "3.11")
    assert environment.digest([lock], "3.11") != environment.digest([lock], "3.12")
    assert environment.digest([lock], "3.11") != environment.digest([lock, environment.UV_LOCK], "3.11")


def test_the_locks_name_no_host_and_no_place() -> None:
    for lock in (environment.LOCK, environment.UV_LOCK):
        text = lock.read_text()
        assert "://" not in text
        assert "file:" not in text
        assert " /" not in text
        requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#", "-"))]
        assert all("==" in line for line in requirements)
        assert text.count("--hash=sha256:") >= len(requirements) > 0
