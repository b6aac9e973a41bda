"""The page's own checks: its types, its unit tests, its size, and a build that gives the same bytes twice."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from hazmon.web import bundle

LARGEST_GZIPPED = 120_000
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def project() -> Path:
    """The page's project with the packages of its lock file, kept between runs under HAZMON_HOME/cache."""
    lock = hashlib.sha256((bundle.UI / "package-lock.json").read_bytes() + bundle.find_node().as_posix().encode()).hexdigest()
    home = Path(os.environ.get("HAZMON_HOME", ROOT / ".hazmon")).absolute()
    kept = home / "cache" / f"page-{lock[:16]}"
    if not (kept / "installed").is_file():
        shutil.rmtree(kept, ignore_errors=True)
        bundle.install(bundle.UI, kept)
        (kept / "installed").touch()
    for name in ("src", "tests", "public"):
        shutil.rmtree(kept / name, ignore_errors=True)
    bundle.copy_sources(bundle.UI, kept)
    return kept


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """Two builds from nothing: name -> bytes."""
    found: list[dict[str, bytes]] = []
    for name in ("first", "second"):
        out = tmp_path_factory.mktemp(name) / "static"
        bundle.build(static=out)
        found.append({path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    return found


def test_types(project: Path) -> None:
    bundle.run_node(project, "node_modules/typescript/bin/tsc", "--noEmit")


def test_a_missing_translation_does_not_compile(project: Path) -> None:
    dictionary = project / "src" / "text.ts"
    whole = dictionary.read_text("utf-8")
    dictionary.write_text(whole.replace('  "list.none": "No alarms",\n', ""), "utf-8")
    with pytest.raises(bundle.BundleError, match=r"list\.none"):
        bundle.run_node(project, "node_modules/typescript/bin/tsc", "--noEmit")
    dictionary.write_text(whole, "utf-8")


def test_units(project: Path) -> None:
    bundle.run_node(project, "node_modules/vitest/vitest.mjs", "run", "--reporter=dot")


def test_two_builds_are_equal(builds: list[dict[str, bytes]]) -> None:
    assert builds[0].keys() == builds[1].keys()
    assert builds[0] == builds[1]


def test_the_bundle_is_small_and_precompressed(builds: list[dict[str, bytes]]) -> None:
    files = builds[0]
    assert sum(len(content) for name, content in files.items() if name.endswith(".gz")) <= LARGEST_GZIPPED
    for name, content in files.items():
        if name.endswith((".js", ".css", ".html")):
            assert gzip.decompress(files[f"{name}.gz"]) == content


def test_the_bundle_names_its_sources(builds: list[dict[str, bytes]]) -> None:
    named = json.loads(builds[0]["build-info.json"])["source_sha256"]
    assert named == bundle.source_hash()
    script = next(content for name, content in builds[0].items() if name.endswith(".js"))
    assert named.encode() in script  # the page compares it with what the service says of itself


def test_the_bundle_asks_nothing_of_other_hosts(builds: list[dict[str, bytes]]) -> None:
    shown = {name: content.decode() for name, content in builds[0].items() if name.endswith((".js", ".css", ".html"))}
    hosts = {host for content in shown.values() for host in re.findall(r"(?:https?:)?//([a-z0-9.-]+\.[a-z]{2,})", content)}
    assert hosts <= {"www.w3.org"}  # names of XML namespaces, never fetched


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((bundle.UI / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in packages.items() if name)


def test_every_version_is_exact() -> None:
    project = json.loads((bundle.UI / "package.json").read_text("utf-8"))
    for version in [*project["dependencies"].values(), *project["devDependencies"].values()]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
