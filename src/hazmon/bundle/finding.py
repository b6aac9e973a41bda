"""What a check found, in a plain sentence of each language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN = 5  # of findings of one kind; the others are counted


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: it holds, or it does not, or (None) it is something that was not proved."""

    holds: bool | None
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{'·' if self.holds is None else '✓' if self.holds else '✗'} {self.zh} · {self.en}"


def good(zh: str, en: str) -> Finding:
    """It holds."""
    return Finding(True, zh, en)


def bad(zh: str, en: str) -> Finding:
    """It does not."""
    return Finding(False, zh, en)


def all_bad(zh: str, en: str, faults: Sequence[str]) -> list[Finding]:
    """A line for each of the first faults, and how many more there are."""
    found = [bad(zh, f"{en}: {fault}") for fault in faults[:SHOWN]]
    if len(faults) > SHOWN:
        found.append(bad(f"{zh}（另有 {len(faults) - SHOWN} 处）", f"{en}: {len(faults) - SHOWN} more"))
    return found
