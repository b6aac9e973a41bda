"""`hazmon verify`: a bundle checked offline, with no database, no secret and no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hazmon.bundle.heads import Trust
from hazmon.bundle.verify import Verdict
from hazmon.bundle.verify import verify as check
from hazmon.errors import LedgerError
from hazmon.ledger.note import Verifier


def verify(bundle: Path, keys: Sequence[str], witness: Path | None) -> Verdict:
    """Check the file against keys (each a verifier key, or a file of such) and a witness's folder.

    Raises LedgerError when it is no bundle or a key is none, OSError when a file cannot be read.
    """
    trust = Trust(tuple(key for text in keys for key in _keys(text)), None if witness is None else _notes(witness))
    return check(bundle.read_bytes(), trust)


def _keys(text: str) -> list[Verifier]:
    """The key that the text is, or those of the file that it names."""
    if text.count("+") >= 2 and not Path(text).exists():
        return [Verifier.parse(text)]
    lines = Path(text).read_text("utf-8").splitlines()
    found = [Verifier.parse(line.strip()) for line in lines if line.strip()]
    if not found:
        raise LedgerError(f"{text} has no key in it")
    return found


def _notes(folder: Path) -> dict[str, bytes]:
    """The checkpoints in a witness's folder. Raises NotADirectoryError where there is no folder."""
    if not folder.is_dir():
        raise NotADirectoryError(20, "no folder", str(folder))
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.note"))}
