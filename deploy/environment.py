"""The project's own environment, `.venv`, from `requirements.lock`: made and kept up to date, without root.

    python3 deploy/environment.py        (what `make setup` runs)
    python3 deploy/environment.py lock   (what `make lock` runs)

Needs Python 3.11 or later and nothing else: uv comes from pip, and on a Debian without pip, pip comes from Debian's own
package, unpacked. A step whose inputs have not changed is skipped.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
UV_LOCK = ROOT / "deploy/uv.lock.txt"
PROJECTS = ("edge", "simulators", ".")
OLDEST = (3, 11)
PAGE_SOURCES = "src/hazmon/web/ui"
NOT_SOURCES = {"node_modules", ".vite", "dist"}
BUILT = ("src/hazmon/web/static/index.html", "src/hazmon/exports/fonts/font-info.json")
TYPEFACE = ("src/hazmon/exports/typeface.py", "src/hazmon/exports/font_package/package-lock.json")

if sys.version_info < OLDEST:  # before anything that an older Python cannot import
    for name in ("python3.13", "python3.12", "python3.11"):
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606
    sys.exit(f"✗ Python 3.11 or later is needed; this is {sys.version.split()[0]}. 需要 Python 3.11 以上。")

from embedded.debian import Bundle, unpack  # noqa: E402
from embedded.report import EmbeddedError, say, tail  # noqa: E402

PIP = Bundle(name="pip", packages=("python3-pip-whl",), skip=("*",), programs=())


def main() -> int:
    home = Path(os.environ.get("HAZMON_HOME", ROOT / ".hazmon")).absolute()
    (home / "cache").mkdir(parents=True, exist_ok=True)
    try:
        with (home / "cache" / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if sys.argv[1:] == ["lock"]:
                write_locks(uv(home))
            else:
                set_up(home)
    except EmbeddedError as error:
        say(f"✗ {error}")
        return 1
    return 0


def set_up(home: Path) -> None:
    """Bring `.venv` to the state that the lock and the sources describe."""
    synced = digest([LOCK], sys.version)
    page = [path for path in (ROOT / PAGE_SOURCES).rglob("*") if path.is_file() and not NOT_SOURCES & set(path.parts)]
    manifests = [ROOT / project / "pyproject.toml" for project in PROJECTS]
    installed = digest([*manifests, ROOT / "hatch_build.py", *(ROOT / name for name in TYPEFACE), *page], synced)
    if stamp("installed") == installed and (not page or all((ROOT / name).exists() for name in BUILT)):
        return
    began = time.monotonic()
    tool = uv(home)
    if stamp("synced") != synced:
        say("· environment: installing the locked packages into .venv (about 160 MB the first time)")
        if not (VENV / "bin/python").exists():
            run([tool, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)], "making .venv")
        run([tool, "pip", "sync", "--quiet", "--python", str(VENV), "--require-hashes", str(LOCK)], "installing the packages")
        (VENV / "hazmon.synced").write_text(synced)
    say("· environment: installing hazmon itself and building the page (the first time: 57 MB for the reports' typeface)")
    editable = [word for project in PROJECTS for word in ("-e", str(ROOT / project))]
    run([tool, "pip", "install", "--quiet", "--python", str(VENV), "--no-deps", "--reinstall", *editable], "installing hazmon")
    (VENV / "hazmon.installed").write_text(installed)
    say(f"· environment: ready after {time.monotonic() - began:.0f} s")


def write_locks(tool: str) -> None:
    """Resolve anew: `requirements.lock` for the project, `deploy/uv.lock.txt` for uv itself. Neither names a host or a path."""
    common = [
        tool, "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links",
    ]  # fmt: skip
    sources = [f"{project}/pyproject.toml" for project in (".", "edge", "simulators")]
    project = ["--all-extras", "--group", "dev", "--no-emit-package", "hazmon-edge"]
    os.environ["UV_CUSTOM_COMPILE_COMMAND"] = "make lock"
    run([*common, *project, *sources, "-o", LOCK.name], "resolving the packages")
    run([*common, "-", "-o", str(UV_LOCK.relative_to(ROOT))], "resolving uv", stdin="uv\n")
    say(f"· wrote {LOCK.name} and {UV_LOCK.relative_to(ROOT)}")


def uv(home: Path) -> str:
    """The locked uv, installed by pip (whose hash check it passes) into a folder of its own."""
    folder = home / "cache" / f"uv-{digest([UV_LOCK], '')[:10]}"
    program = folder / "bin/uv"
    if not program.exists():
        say("· environment: installing uv (about 25 MB)")
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--disable-pip-version-check"]
        shutil.rmtree(folder, ignore_errors=True)
        run([*pip(home), "install", *options, "--target", str(folder), "-r", str(UV_LOCK)], "installing uv")
    os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
    mirror = package_index(home)
    if mirror:
        os.environ.setdefault("UV_DEFAULT_INDEX", mirror)
    return str(program)


def pip(home: Path) -> list[str]:
    """The command that is pip: this Python's own, else the wheel in Debian's package run as it lies."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:
        return own
    wheel = next((unpack(PIP, home) / "usr/share/python-wheels").glob("pip-*.whl"))
    return [sys.executable, f"{wheel}/pip"]


def package_index(home: Path) -> str | None:
    """The package index that this machine's pip was told to use, which uv does not read; None for the usual one."""
    listing = subprocess.run([*pip(home), "config", "list"], capture_output=True, text=True, check=False).stdout
    found = [line.partition("=")[2].strip("'") for line in listing.splitlines() if ".index-url=" in line]
    return found[-1] if found else None


def digest(files: list[Path], start: str) -> str:
    """One hash over names and contents."""
    total = hashlib.sha256(start.encode())
    for file in sorted(files):
        if file.exists():
            total.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


def stamp(step: str) -> str:
    """What `step` was last done for; empty if never."""
    file = VENV / f"hazmon.{step}"
    return file.read_text() if file.exists() and (VENV / "bin/python").exists() else ""


def run(command: list[str], purpose: str, stdin: str | None = None) -> None:
    """Run `command` in the checkout. Raises EmbeddedError with its last lines if it fails."""
    done = subprocess.run(command, cwd=ROOT, input=stdin, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise EmbeddedError(f"{purpose} failed:\n{tail(done.stderr, 25)}")


if __name__ == "__main__":
    sys.exit(main())
