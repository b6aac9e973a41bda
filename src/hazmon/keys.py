"""The keys that the record's checkpoints are signed with: made at first start, readable by the service alone, rotated by hand.

The newest signs first; the older ones sign beside it until their files are taken away, so that whoever knows an old key can go
over to the new one.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from hazmon.errors import HazmonError, LedgerError
from hazmon.ledger.note import Signer, generate

_FILES = "ledger-*.key"


def signers(folder: Path) -> list[Signer]:
    """The keys in the folder, the newest first; at first start a new one. Raises HazmonError."""
    try:
        files = sorted(folder.glob(_FILES), reverse=True)
        if not files:
            return [_add(folder, 1, f"hazmon-{secrets.token_hex(4)}")]
        return [_read(file) for file in files]
    except OSError as error:
        raise HazmonError(f"the ledger's keys in {folder}: {error.strerror or error}") from error


def rotate(folder: Path) -> Signer:
    """A new key of the same name, which signs first from the next start on. Raises HazmonError."""
    try:
        files = sorted(folder.glob(_FILES))
        if not files:
            return signers(folder)[0]
        return _add(folder, int(files[-1].stem.partition("-")[2]) + 1, _read(files[-1]).name)
    except OSError as error:
        raise HazmonError(f"the ledger's keys in {folder}: {error.strerror or error}") from error


def _add(folder: Path, number: int, name: str) -> Signer:
    signer = generate(name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"ledger-{number:04}.key"
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(signer.text() + "\n", "ascii")
    (folder / f"ledger-{number:04}.pub").write_text(f"{signer.verifier}\n", "ascii")
    return signer


def _read(file: Path) -> Signer:
    if file.stat().st_mode & 0o077:
        raise HazmonError(f"{file}: others may read it (mode {file.stat().st_mode & 0o777:o}); chmod 600 it")
    try:
        return Signer.parse(file.read_text("ascii").strip())
    except (LedgerError, UnicodeDecodeError) as error:
        raise HazmonError(f"{file}: {error}") from error
