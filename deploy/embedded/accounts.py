"""Which user a server runs as. PostgreSQL refuses to run as root, so root hands its servers to an unprivileged account."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from embedded.report import EmbeddedError, say

_CANDIDATES = ("postgres", "nobody")
_SHELTER = Path("/var/lib/hazmon")


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user that root runs a server as."""

    name: str
    uid: int
    gid: int

    def command(self) -> list[str]:
        """The `setpriv` options that turn a command of root into one of this account."""
        return ["--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups"]


def account_for(data: Path) -> Account | None:
    """The account that runs the server of `data`: None = ourselves (we are not root). The owner of existing data keeps it."""
    if os.geteuid() != 0:
        _refuse_foreign(data)
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return Account(_name_of(owner), owner, data.stat().st_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("this machine has no account 'nobody' to run the database as: run as a normal user instead of root")


def _refuse_foreign(data: Path) -> None:
    if data.exists() and data.stat().st_uid != os.geteuid():
        raise EmbeddedError(
            f"{data} belongs to {_name_of(data.stat().st_uid)} (an earlier start as root?): "
            "start as root again, or name another folder with HAZMON_HOME"
        )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def hand_over(folder: Path, account: Account | None) -> None:
    """Give `folder` and all that is in it to `account`."""
    if account is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def settle(folder: Path) -> Path:
    """Where `folder`'s content can live so that a server of another account can reach it.

    That is `folder` itself, except for root with a closed folder above it (/root is): then a new folder under
    /var/lib/hazmon, with `folder` a link to it. Returns the real path; its parent exists.
    """
    if folder.is_symlink() and not folder.exists():
        folder.unlink()  # what it pointed to was deleted by hand
    if folder.exists():
        return folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    real = folder.parent.resolve() / folder.name
    if os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in real.parents):
        return real
    _SHELTER.mkdir(mode=0o755, parents=True, exist_ok=True)
    shelter = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=_SHELTER))
    shelter.chmod(0o755)
    real.symlink_to(shelter / folder.name)
    say(f"· {real} is a closed place for an unprivileged server: kept in {shelter / folder.name}, linked from there")
    return shelter / folder.name


def remove(folder: Path) -> None:
    """Delete `folder`, wherever `settle` put it."""
    real = folder.resolve()
    shutil.rmtree(real, ignore_errors=True)
    if real.parent.parent == _SHELTER:
        shutil.rmtree(real.parent, ignore_errors=True)
    folder.unlink(missing_ok=True) if folder.is_symlink() else None
