"""How the embedded services speak: progress lines on stderr, and one error that says plainly what to do."""

from __future__ import annotations

import sys


class EmbeddedError(RuntimeError):
    """A service cannot be had or started; the message is for a person and says what to do about it."""


def say(text: str) -> None:
    """One progress line on stderr, at once (stdout is kept for answers that a script reads)."""
    print(text, file=sys.stderr, flush=True)


def tail(text: str, lines: int = 8) -> str:
    """The last `lines` non-empty lines, indented, to be shown under a sentence that says what failed."""
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(f"    {line}" for line in kept)
