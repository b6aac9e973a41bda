"""When the fonts count as built, and what is said without them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exports.sample import sample_report

from hazmon.errors import ExportUnavailable
from hazmon.exports import typeface
from hazmon.exports.pages import pen
from hazmon.exports.pdf import pdf

NAMES = (typeface.REGULAR, typeface.BOLD, typeface.LICENCE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "package-lock.json").write_text('{"lockfileVersion": 3}\n')
    return folder


def install(project: Path, work: Path) -> None:
    """What `npm ci` leaves of a package."""
    assert (project / "package-lock.json").is_file()
    for place in ("400Regular/NotoSansSC_400Regular.ttf", "700Bold/NotoSansSC_700Bold.ttf", "LICENSE_FONT"):
        file = work / "node_modules/@expo-google-fonts/noto-sans-sc" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(place)


def test_collected_fonts_are_current_until_another_version_is_locked(project: Path, tmp_path: Path) -> None:
    fonts = tmp_path / "fonts"
    assert not typeface.is_current(project, fonts)
    typeface.collect(install, project, fonts)
    assert sorted(file.name for file in fonts.iterdir()) == sorted([*NAMES, typeface.INFO])
    assert typeface.is_current(project, fonts)
    (project / "package-lock.json").write_bytes(b'{"lockfileVersion": 3}\r\n')
    assert typeface.is_current(project, fonts)  # line ends are not content
    (project / "package-lock.json").write_text('{"lockfileVersion": 4}\n')
    assert not typeface.is_current(project, fonts)


@pytest.mark.parametrize("gone", [*NAMES, typeface.INFO])
def test_half_a_typeface_is_none(project: Path, tmp_path: Path, gone: str) -> None:
    fonts = tmp_path / "fonts"
    typeface.collect(install, project, fonts)
    (fonts / gone).unlink()
    assert not typeface.is_current(project, fonts)


def test_an_installed_wheel_has_no_lock_file_and_trusts_its_fonts(tmp_path: Path) -> None:
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    for name in NAMES:
        (fonts / name).write_text(name)
    (fonts / typeface.INFO).write_text(json.dumps({"lock_sha256": "of the lock it was built from"}))
    assert typeface.is_current(tmp_path / "no project", fonts)


def test_a_failed_fetch_leaves_the_old_fonts(project: Path, tmp_path: Path) -> None:
    fonts = tmp_path / "fonts"
    typeface.collect(install, project, fonts)
    with pytest.raises(FileNotFoundError):
        typeface.collect(lambda _project, work: work.mkdir(), project, fonts)
    assert typeface.is_current(project, fonts)


def test_the_lock_names_the_bytes_and_no_host() -> None:
    lock = json.loads((typeface.PROJECT / "package-lock.json").read_text())
    package = lock["packages"]["node_modules/@expo-google-fonts/noto-sans-sc"]
    assert package["integrity"].startswith("sha512-")
    assert "resolved" not in package


def test_the_fonts_of_this_environment_come_with_their_licence() -> None:
    assert typeface.is_current()
    assert "SIL Open Font License" in (typeface.FONTS / typeface.LICENCE).read_text("utf-8")


def test_without_the_fonts_a_pdf_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = sample_report(1)
    pen._font.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(typeface, "FONTS", tmp_path)
        with pytest.raises(ExportUnavailable, match=r"NotoSansSC-Regular\.ttf: .*make setup.*缺少报告字体"):
            pdf(report)
    assert pdf(report).startswith(b"%PDF")
