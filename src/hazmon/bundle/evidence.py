"""What the leaves in a bundle say, in the order of the log."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from hazmon.coverage.book import Veto
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.layout import Scheme
from hazmon.coverage.statements import Terms, hear_exemption, hear_scheme, hear_veto, latest_exemptions, latest_vetoes
from hazmon.errors import LedgerError
from hazmon.ledger.content import Batch, Facts, Statement, parse

KEPT_WHOLE = ("scheme", "exemption", "veto", "configuration")
"""Statements that every bundle holds all of, from the record's first day on."""


@dataclass(frozen=True, slots=True)
class SealLeaf:
    """The last leaf under a checkpoint: when it was made (microseconds), the day it ends, and what stands before it."""

    n: int
    at: int
    day: date | None
    counts: Mapping[str, int]
    waiting: bool  # more pages were to be sealed than one checkpoint takes


@dataclass(slots=True)
class Evidence:
    """Leaves by what they are; each with its number."""

    terms: list[tuple[int, Terms]] = field(default_factory=list[tuple[int, Terms]])
    said: list[tuple[int, Statement]] = field(default_factory=list[tuple[int, Statement]])  # all statements
    pages: list[tuple[int, Facts]] = field(default_factory=list[tuple[int, Facts]])
    batches: list[tuple[int, Batch]] = field(default_factory=list[tuple[int, Batch]])
    seals: list[SealLeaf] = field(default_factory=list[SealLeaf])

    def take(self, n: int, content: bytes) -> None:
        """A leaf more, in ascending order. Raises LedgerError, naming it, when it says nothing that can be understood."""
        try:
            leaf = parse(content)
            match leaf:
                case Batch():
                    self.batches.append((n, leaf))
                case Facts():
                    self.pages.append((n, leaf))
                case Statement():
                    self._hear(n, leaf)
        except (LedgerError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise LedgerError(f"leaf {n} cannot be understood: {error}") from None

    @property
    def schemes(self) -> list[Scheme]:
        """In order of time; of two for one slot the later said."""
        found = {terms.scheme.since: terms.scheme for _, terms in self.terms}
        return [found[since] for since in sorted(found)]

    @property
    def vetoes(self) -> list[Veto]:
        """Each as it was said last."""
        return latest_vetoes(self._bodies("veto"))

    @property
    def exemptions(self) -> list[Exemption]:
        """Each as it was said last."""
        return latest_exemptions(self._bodies("exemption"))

    @property
    def simulated(self) -> bool:
        """The record says that its times were told by a simulator."""
        return any("simulated_from" in body for body in self._bodies("configuration"))

    def terms_at(self, slot: int) -> Terms | None:
        """What was in force in a slot; before the first scheme that first one."""
        found = [terms for _, terms in self.terms if terms.scheme.since <= slot]
        return max(found, key=lambda terms: terms.scheme.since) if found else (self.terms[0][1] if self.terms else None)

    def sealed_by(self, n: int) -> SealLeaf | None:
        """The first seal behind a leaf."""
        at = bisect_left(self.seals, n, key=lambda seal: seal.n)
        return self.seals[at] if at < len(self.seals) else None

    def seal_before(self, n: int) -> SealLeaf | None:
        """The last seal before a leaf after which no page waited: what it did not seal was not there then."""
        at = bisect_left(self.seals, n, key=lambda seal: seal.n) - 1
        while at >= 0 and self.seals[at].waiting:
            at -= 1
        return self.seals[at] if at >= 0 else None

    def _bodies(self, kind: str) -> list[Mapping[str, Any]]:
        return [leaf.body for _, leaf in self.said if leaf.kind == kind]

    def _hear(self, n: int, leaf: Statement) -> None:
        body = cast(dict[str, Any], leaf.body)
        match leaf.kind:
            case "scheme":
                self.terms.append((n, hear_scheme(body)))
            case "veto":
                hear_veto(body)
            case "exemption":
                hear_exemption(body)
            case "seal":
                day = None if body["day"] is None else date.fromisoformat(body["day"])
                counts = {str(kind): int(count) for kind, count in body["counts"].items()}
                self.seals.append(SealLeaf(n, leaf.at, day, counts, bool(body["waiting"])))
            case _:
                pass
        self.said.append((n, leaf))
