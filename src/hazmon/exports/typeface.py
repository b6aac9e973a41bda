"""The typeface that reports are set in: a Chinese TrueType font that is built into the package, never looked for on the host.

Standard library only and no import of ours: the build hook loads this file before hazmon is installed. The font (Noto Sans SC,
SIL Open Font License 1.1) comes from an npm package whose lock file fixes its bytes; `fonts/` holds regular, bold and licence.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE / "font_package"
FONTS = HERE / "fonts"
REGULAR = "NotoSansSC-Regular.ttf"
BOLD = "NotoSansSC-Bold.ttf"
LICENCE = "LICENSE.txt"
INFO = "font-info.json"
_PACKAGE = Path("node_modules/@expo-google-fonts/noto-sans-sc")
_FILES = {
    REGULAR: _PACKAGE / "400Regular/NotoSansSC_400Regular.ttf",
    BOLD: _PACKAGE / "700Bold/NotoSansSC_700Bold.ttf",
    LICENCE: _PACKAGE / "LICENSE_FONT",
}

REPAIR = (
    "the report's typeface is missing: run `make setup` in the checkout (or install hazmon anew, without HAZMON_UI=skip), "
    "or install the release wheel, which carries it · 缺少报告字体：请在源码目录运行 make setup，或安装发布的 wheel"
)


def wanted_hash(project: Path = PROJECT) -> str:
    """SHA-256 of the lock file, which names the package and its bytes (line ends are not content)."""
    return hashlib.sha256((project / "package-lock.json").read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def is_current(project: Path = PROJECT, fonts: Path = FONTS) -> bool:
    """True when `fonts` is whole and of this lock file; an installed wheel has no lock file, and its fonts came with it."""
    try:
        built = str(json.loads((fonts / INFO).read_text("utf-8"))["lock_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    whole = all((fonts / name).is_file() for name in _FILES)
    return whole and (not (project / "package-lock.json").is_file() or built == wanted_hash(project))


def collect(install: Callable[[Path, Path], None], project: Path = PROJECT, fonts: Path = FONTS) -> None:
    """Fetch the package with `install(project, work)`, which is `npm ci`, and put the fonts into `fonts`, replacing it whole.

    Raises what `install` raises, and FileNotFoundError when the package does not hold what it should.
    """
    with tempfile.TemporaryDirectory(prefix="hazmon-font-") as folder:
        work = Path(folder) / "package"
        install(project, work)
        out = Path(folder) / "fonts"
        out.mkdir()
        for name, place in _FILES.items():
            shutil.copyfile(work / place, out / name)
        (out / INFO).write_text(json.dumps({"lock_sha256": wanted_hash(project)}) + "\n", "utf-8")
        shutil.rmtree(fonts, ignore_errors=True)
        shutil.copytree(out, fonts)
