"""The same report gives the same bytes: in another process, with other hashes, in another zone, on another day."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from exports.sample import sample_report

from hazmon.exports.csv_table import csv_table
from hazmon.exports.pdf import pdf
from hazmon.exports.workbook import workbook

TESTS = Path(__file__).resolve().parents[1]
MAKERS = {"csv_table": csv_table, "workbook": workbook, "pdf": pdf}
# Moves every clock that a library may read 400 days on, before any library is loaded.
ELSEWHERE = """
import datetime, sys, time
real = (time.time, time.localtime, time.gmtime)
later = 400 * 86400
time.time = lambda: real[0]() + later
time.localtime = lambda at=None: real[1](time.time() if at is None else at)
time.gmtime = lambda at=None: real[2](time.time() if at is None else at)
class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)
datetime.datetime = Later
sys.path.insert(0, sys.argv[1])
import hashlib
from exports.sample import sample_report
from hazmon.exports.csv_table import csv_table
from hazmon.exports.pdf import pdf
from hazmon.exports.workbook import workbook
assert time.localtime()[:3] != real[1]()[:3]
for make in (csv_table, workbook, pdf):
    print(make.__name__, hashlib.sha256(make(sample_report(9))).hexdigest())
"""


def elsewhere(seed: str, zone: str) -> dict[str, str]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(TESTS)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.parametrize(("seed", "zone"), [("1", "America/New_York"), ("4711", "Asia/Kathmandu")])
def test_in_another_process_on_another_day(seed: str, zone: str) -> None:
    report = sample_report(9)
    here = {name: hashlib.sha256(make(report)).hexdigest() for name, make in MAKERS.items()}
    assert elsewhere(seed, zone) == here


@pytest.mark.parametrize("name", MAKERS)
def test_what_was_made_before_leaves_no_trace(name: str) -> None:
    make, report = MAKERS[name], sample_report(4)
    first = make(report)
    make(sample_report(40))
    assert make(report) == first


@pytest.mark.parametrize("name", MAKERS)
def test_another_figure_gives_other_bytes(name: str) -> None:
    assert MAKERS[name](sample_report(4)) != MAKERS[name](sample_report(5))
