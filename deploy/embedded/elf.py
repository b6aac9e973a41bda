"""Make unpacked programs run from where they lie: their own loader and libraries instead of the machine's older ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from embedded.report import EmbeddedError, tail


def library_folder(root: Path) -> Path:
    """The folder of an unpacked tree that holds its C library."""
    for loader in sorted(root.glob("usr/lib/*-linux-gnu*/ld-linux*.so.*")):
        return loader.parent
    raise EmbeddedError(f"no C library among the packages unpacked in {root}")


def adopt(root: Path, final: Path, programs: tuple[str, ...]) -> None:
    """Set interpreter and library path of `programs` (paths below `root`) to the tree's own, as it will lie at `final`."""
    libraries = library_folder(root)
    loader = next(libraries.glob("ld-linux*.so.*"))
    inside = final / libraries.relative_to(root)
    for program in programs:
        command = [
            str(_patchelf()), "--set-interpreter", str(inside / loader.name),
            "--force-rpath", "--set-rpath", str(inside), str(root / program),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EmbeddedError(f"patchelf could not adapt {program}:\n{tail(done.stderr)}")


def _patchelf() -> Path:
    beside = Path(sys.executable).parent / "patchelf"
    checkout = Path(__file__).resolve().parents[2] / ".venv/bin/patchelf"
    for candidate in (beside, checkout):
        if candidate.exists():
            return candidate
    found = shutil.which("patchelf")
    if found is None:
        raise EmbeddedError("patchelf is missing: run `make setup` first (it is in the project's environment)")
    return Path(found)
