"""The house's rules that a linter can see. A rule that is broken names each place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from house.sources import FOLDERS, PRODUCT, ROOT, files, name, nodes

SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|TRUNCATE|COPY|WITH|PRAGMA|BEGIN|SET)\s+\w")
STORES = ("src/hazmon/store/", "edge/src/hazmon_edge/store.py")
_READERS = (
    r"\bimport time\b",
    r"\bfrom time import",
    r"\bdatetime\.(now|utcnow|today)\(",
    r"\bdate\.today\(",
    r"\bloop(\(\))?\.time\(\)",
)
CLOCK = re.compile("|".join(_READERS))
# one task for each connection of a box, one for each subscriber of the feed: what ends there must not end the others
TASK_BOUNDARIES = {"edge/src/hazmon_edge/connection.py", "src/hazmon/feed.py"}
RULE_BOUNDARY = "src/hazmon/rules/failures.py"  # where one rule fails, and has an alarm for it, all others go on
UNNAMED = {"utils", "util", "helpers", "common", "managers", "misc"}
LONGEST = 400
_HOSTS = (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"))
HOSTS = [f"{host}.{end}" for host, end in _HOSTS]
PRIVATE = re.compile(r"(?<![\w.])/(work|root|home/\w+)/")


def told(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_only_the_clock_reads_the_time() -> None:
    told(
        [
            f"{name(path)}:{number}: {line.strip()}"
            for path in files(*PRODUCT)
            if path.name != "clock.py"
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if CLOCK.search(line)
        ]
    )


def test_sql_lives_in_the_store() -> None:
    told(
        [
            place
            for place, node in nodes(*PRODUCT)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and SQL.match(node.value)
            and not place.startswith(STORES)
        ]
    )


def test_sql_is_never_assembled() -> None:
    """An f-string, `%`, `+` or str.format that makes a statement; psycopg's own composition of identifiers is not that."""
    found: list[str] = []
    for place, node in nodes(*PRODUCT):
        parts: list[ast.expr] = []
        if isinstance(node, ast.JoinedStr):
            parts = node.values[:1]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            parts = [node.left]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "format_map"):
            parts = [node.func.value]
        found += [
            place for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str) and SQL.match(part.value)
        ]
    told(found)


def test_no_broad_except_but_at_the_boundaries_of_tasks_and_rules() -> None:
    def broad(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")) for kind in caught)

    places = [place for place, node in nodes("src", "edge/src", "simulators/src", "deploy") if broad(node)]
    told([place for place in places if place.rpartition(":")[0] not in {*TASK_BOUNDARIES, RULE_BOUNDARY}])


def test_files_are_short() -> None:
    every = files(*FOLDERS, suffixes=(".py", ".ts", ".tsx", ".css", ".sql", ".sh"))
    lengths = [(len(path.read_text().splitlines()), name(path)) for path in every]
    told([f"{place}: {length} lines, {LONGEST} at most" for length, place in lengths if length > LONGEST])


def test_files_are_named_for_what_they_are() -> None:
    told([name(path) for path in files(*FOLDERS) if {path.stem, path.parent.name} & UNNAMED])


def test_the_repository_names_no_host_and_no_place_of_one_machine() -> None:
    found: list[str] = []
    for path in [*files(*FOLDERS, suffixes=("",)), *(file for file in ROOT.iterdir() if file.is_file())]:
        try:
            text = path.read_text()
        except UnicodeDecodeError:  # wire bytes, fonts, GB18030 exports
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if any(host in line for host in HOSTS) or (PRIVATE.search(line) and path != Path(__file__)):
                found.append(f"{name(path)}:{number}: {line.strip()[:120]}")
    told(found)


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_nothing_is_left_for_later(word: str) -> None:
    told(
        [
            name(path)
            for path in files(*FOLDERS, suffixes=(".py", ".ts", ".tsx", ".sql"))
            if word in path.read_text() and path != Path(__file__)
        ]
    )


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    skips = {"skip", "skipif", "xfail", "importorskip"}
    told([place for place, node in nodes("tests") if isinstance(node, ast.Attribute) and node.attr in skips and _of_pytest(node)])


def _of_pytest(node: ast.Attribute) -> bool:
    return "pytest" in ast.unparse(node.value)


def test_unit_tests_do_not_sleep() -> None:
    """`asyncio.sleep(0)` lets another task run; it waits for nothing."""
    told(
        [
            place
            for place, node in nodes("tests/unit", "tests/house")
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("time.sleep", "asyncio.sleep", "sleep")
            and ast.unparse(node.args[0]) != "0"
        ]
    )
