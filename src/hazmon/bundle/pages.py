"""Sealed pages of facts: merged into one grid a source and hour, and looked through for facts that came too late to be true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hazmon.bundle.evidence import Evidence
from hazmon.clock import MINUTE_US
from hazmon.coverage.facts import GOOD, HOUR_SLOTS, SLOT_US, Bytes
from hazmon.ledger.content import Facts
from hazmon.model import CoverageRules

Key = tuple[str, int]  # source, hour since 1970
SEAL_MARGIN_US = 5 * MINUTE_US  # a batch may have waited for its transaction so long


@dataclass(frozen=True, slots=True)
class Grid:
    """All that was sealed of a source's hour: facts uint8[n,60] of these tags."""

    tags: tuple[str, ...]
    facts: Bytes


@dataclass(frozen=True, slots=True)
class Late:
    """A good fact that was sealed when it could not be good any more."""

    leaf: int
    source: str
    tag: str
    slot: int
    known: int  # microseconds: the seal that did not have it yet


def matrix(page: Facts) -> Bytes:
    """A page's facts, uint8[n,60]."""
    return np.frombuffer(page.body, np.uint8).reshape(len(page.tags), HOUR_SLOTS)


def merged(evidence: Evidence) -> dict[Key, Grid]:
    """Every page that was sealed, the versions of each merged: what was known once is known."""
    found: dict[Key, Grid] = {}
    for _, page in evidence.pages:
        key = (page.source, page.hour)
        found[key] = merge(found.get(key), Grid(page.tags, matrix(page)))
    return found


def merge(one: Grid | None, other: Grid) -> Grid:
    """The greater of each fact, whatever the tags of both."""
    if one is None:
        return other
    tags = tuple(dict.fromkeys((*one.tags, *other.tags)))
    facts = np.zeros((len(tags), HOUR_SLOTS), np.uint8)
    row = {tag: at for at, tag in enumerate(tags)}
    for grid in (one, other):
        rows = [row[tag] for tag in grid.tags]
        facts[rows] = np.maximum(facts[rows], grid.facts)
    return Grid(tags, facts)


def too_late(evidence: Evidence, rules: CoverageRules) -> Iterator[Late]:
    """Good facts that a page has for the first time though the seal before it came after their deadline and did not have them."""
    known: dict[Key, Grid] = {}
    patience = rules.late_deadline_s * 1_000_000 + SEAL_MARGIN_US
    for n, page in evidence.pages:
        key, grid = (page.source, page.hour), Grid(page.tags, matrix(page))
        before = evidence.seal_before(n)
        if before is not None and before.at > page.hour * HOUR_SLOTS * SLOT_US + patience:
            last = (before.at - patience) // SLOT_US - page.hour * HOUR_SLOTS
            fresh = grid.facts >= GOOD
            if key in known:
                seen = known[key]
                for row, tag in enumerate(grid.tags):
                    if tag in seen.tags:
                        fresh[row] &= seen.facts[seen.tags.index(tag)] < GOOD
            cells: list[list[int]] = np.argwhere(fresh[:, : max(0, last)]).tolist()
            for row, column in cells:
                yield Late(n, page.source, page.tags[row], page.hour * HOUR_SLOTS + column, before.at)
        known[key] = merge(known.get(key), grid)
