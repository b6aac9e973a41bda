"""Debian 13 packages, unpacked into a folder: no root, nothing of the system touched, no host written down.

A private apt root (its own source list, lists and empty status file) lets the machine's own apt check signatures and
resolve dependencies; the mirror is the one that the machine's apt already uses, or HAZMON_DEBIAN_MIRROR.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import unquote

from embedded.accounts import remove, settle
from embedded.elf import adopt
from embedded.report import EmbeddedError, say, tail

_SUITE = "trixie"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_LAYOUT = 1  # raise when what is done to the unpacked files changes


@dataclass(frozen=True, slots=True)
class Bundle:
    """Packages that are unpacked together; `programs` of them are made to run from where they lie."""

    name: str
    packages: tuple[str, ...]
    skip: tuple[str, ...]  # patterns of dependencies that are not needed to run
    programs: tuple[str, ...]  # path patterns below the root, each of one ELF executable

    @property
    def key(self) -> str:
        recipe = json.dumps([_SUITE, _LAYOUT, self.packages, self.skip, self.programs])
        return f"{self.name}-{_SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:10]}"


@dataclass(frozen=True, slots=True)
class _Package:
    name: str
    version: str
    size: int


def unpack(bundle: Bundle, home: Path) -> Path:
    """The root folder of the unpacked bundle in `home`/cache; fetched by the first caller, the others wait for it."""
    cache = home / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{bundle.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = cache / bundle.key
        if _fits(place, bundle):
            return place.resolve()
        remove(place)
        return _build(bundle, cache, settle(place))


def _fits(place: Path, bundle: Bundle) -> bool:
    """Whether `place` was finished, and at this very path: the programs know the absolute path of their libraries."""
    manifest = place / "manifest.json"
    if not manifest.exists():
        return False
    if json.loads(manifest.read_text())["at"] != str(place.resolve()):
        say(f"· {bundle.name}: the cache was moved; its programs are adapted to the new place")
        _finish(place.resolve(), place.resolve(), bundle, json.loads(manifest.read_text())["packages"])
    return True


def _build(bundle: Bundle, cache: Path, final: Path) -> Path:
    began = time.monotonic()
    apt = cache / f"{bundle.name}.apt"
    shutil.rmtree(apt, ignore_errors=True)
    try:
        options = _private_apt(apt)
        say(f"· {bundle.name}: reading the package lists of Debian {_SUITE} (about 10 MB)")
        _apt(options, "update", apt)
        wanted = _resolve(options, bundle, apt)
        megabytes = sum(package.size for package in wanted) / 1e6
        say(f"· {bundle.name}: downloading {len(wanted)} packages, {megabytes:.0f} MB ({', '.join(bundle.packages)})")
        _download(options, wanted, apt)
        say(f"· {bundle.name}: unpacking")
        root = final.with_name(final.name + ".new")
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        for archive in sorted((apt / "archives").glob("*.deb")):
            _quiet(["dpkg", "-x", str(archive), str(root)], f"unpacking {archive.name}")
        root.chmod(0o755)
        _finish(root, final, bundle, {package.name: package.version for package in wanted})
        root.rename(final)
    finally:
        shutil.rmtree(apt, ignore_errors=True)
    say(f"· {bundle.name}: ready after {time.monotonic() - began:.0f} s in {final}")
    return final


def _finish(root: Path, final: Path, bundle: Bundle, versions: dict[str, str]) -> None:
    """Adapt the programs in `root` to run from `final`; the manifest, written last, says that the tree is whole."""
    programs: list[str] = []
    for pattern in bundle.programs:
        found = [str(path.relative_to(root)) for path in root.glob(pattern)]
        if not found:
            raise EmbeddedError(f"{bundle.name}: {pattern} is not in the unpacked packages")
        programs += found
    if programs:
        adopt(root, final, tuple(programs))
    (root / "manifest.json").write_text(json.dumps({"at": str(final), "packages": versions}, indent=1))


def _private_apt(apt: Path) -> list[str]:
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise EmbeddedError(
                f"{tool} is missing, so the database and broker cannot be fetched: "
                "set HAZMON_DATABASE_URL (PostgreSQL with TimescaleDB) and HAZMON_MQTT_URL to servers of your own"
            )
    if not _KEYRING.exists():
        raise EmbeddedError(f"{_KEYRING} is missing: install the package debian-archive-keyring")
    for folder in ("lists/partial", "cache/archives/partial", "archives"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_mirror()} {_SUITE} main\n")
    settings = {
        "Dir::Etc::sourcelist": apt / "sources.list", "Dir::Etc::sourceparts": "/dev/null", "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt / "cache", "Dir::State::status": apt / "status", "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root", "Debug::NoLocking": "1", "Acquire::Retries": "3",
    }  # fmt: skip
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _mirror() -> str:
    """The Debian mirror of this machine's apt sources; its origin is known only after an `apt-get update`, so by path too."""
    given = os.environ.get("HAZMON_DEBIAN_MIRROR")
    if given:
        return given
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)"], capture_output=True, text=True, check=False
    ).stdout
    targets = [line.split("|", 1) for line in listing.splitlines() if "|" in line]
    for origin, uri in sorted(targets, key=lambda target: target[0] != "Debian"):
        if uri.rstrip("/").endswith("/debian") and origin in ("Debian", ""):
            return uri
    raise EmbeddedError("no Debian mirror in this machine's apt sources: name one with HAZMON_DEBIAN_MIRROR")


def _resolve(options: list[str], bundle: Bundle, apt: Path) -> list[_Package]:
    """What apt would install, less what is never run; `'URI' name_version_arch.deb size hash` a line."""
    wanted: list[_Package] = []
    for line in _apt(options, "install", apt, "--print-uris", "-y", *bundle.packages).splitlines():
        cells = line.split()
        name, version, _ = unquote(cells[1]).rsplit("_", 2)
        if name in bundle.packages or not any(fnmatch(name, pattern) for pattern in bundle.skip):
            wanted.append(_Package(name, version, int(cells[2])))
    return wanted


def _download(options: list[str], wanted: list[_Package], apt: Path) -> None:
    total = sum(package.size for package in wanted) / 1e6
    names = [f"{package.name}={package.version}" for package in wanted]
    archives = apt / "archives"
    with (apt / "download.log").open("w+") as log:
        child = subprocess.Popen(["apt-get", *options, "-qq", "download", *names], cwd=archives, stdout=log, stderr=log)
        told = time.monotonic()
        while child.poll() is None:
            time.sleep(0.2)
            if time.monotonic() - told > 5:
                told = time.monotonic()
                done = sum(path.stat().st_size for path in archives.rglob("*") if path.is_file()) / 1e6
                say(f"    {done:.0f} of {total:.0f} MB")
        log.seek(0)
        if child.returncode:
            raise EmbeddedError(f"the download failed; is the Debian mirror reachable?\n{tail(log.read())}")


def _apt(options: list[str], verb: str, apt: Path, *arguments: str) -> str:
    done = subprocess.run(["apt-get", *options, "-qq", verb, *arguments], capture_output=True, text=True, cwd=apt, check=False)
    if done.returncode:
        raise EmbeddedError(f"apt-get {verb} failed; is the Debian mirror reachable?\n{tail(done.stderr)}")
    return done.stdout


def _quiet(command: list[str], purpose: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmbeddedError(f"{purpose} failed:\n{tail(done.stderr)}")
