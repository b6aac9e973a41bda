"""Where the server programs are: the machine's own PostgreSQL with TimescaleDB and Mosquitto, else unpacked ones."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from embedded.debian import Bundle, unpack

_TOOLS = ("postgres", "initdb", "psql", "pg_dump", "pg_restore", "pg_isready", "pg_ctl")

SERVERS = Bundle(
    name="servers",
    packages=("postgresql-17-timescaledb", "mosquitto"),
    # jit is off, so no LLVM; no Debian cluster scripts, so no perl; accounts and locales are the machine's own
    skip=(
        "libllvm*", "libz3*", "*perl*", "locales", "libc-l10n", "passwd", "login.defs", "procps", "libproc2*", "openssl",
        "adduser", "debconf", "base-passwd", "postgresql-common*", "postgresql-client-common", "libpam-modules*",
        "libpam-runtime", "readline-common", "libdb5*", "libgdbm*", "libsemanage*", "libsepol*", "netbase",
        "sensible-utils", "ssl-cert", "ucf",
    ),
    programs=(*(f"usr/lib/postgresql/17/bin/{tool}" for tool in _TOOLS), "usr/sbin/mosquitto"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Servers:
    """Paths of the programs; `origin` says for a person where they came from."""

    postgres_bin: Path
    mosquitto: Path
    origin: str


def servers(home: Path) -> Servers:
    """The server programs, fetched into `home`/cache unless the machine has both."""
    local_postgres, local_mosquitto = _local_postgres(), _local_mosquitto()
    if local_postgres and local_mosquitto:
        return Servers(local_postgres, local_mosquitto, "this machine's own")
    root = unpack(SERVERS, home)
    return Servers(
        local_postgres or root / "usr/lib/postgresql/17/bin",
        local_mosquitto or root / "usr/sbin/mosquitto",
        f"Debian packages unpacked in {root}",
    )


def _local_postgres() -> Path | None:
    """The newest Debian PostgreSQL of this machine that has the timescaledb extension."""
    found = Path("/usr/share/postgresql").glob("*/extension/timescaledb.control")
    versions = sorted((control.parent.parent.name for control in found), key=float, reverse=True)
    for version in versions:
        folder = Path("/usr/lib/postgresql") / version / "bin"
        if all((folder / tool).exists() for tool in _TOOLS):
            return folder
    return None


def _local_mosquitto() -> Path | None:
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    return Path(found) if found else None
