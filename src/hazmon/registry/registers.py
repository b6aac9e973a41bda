"""Modbus addresses as tags.csv writes them, and the registers that two tags fight over. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

LAST = 65535
WORDS: MappingProxyType[str, int] = MappingProxyType({"bool": 1, "i16": 1, "u16": 1, "i32": 2, "u32": 2, "f32": 2, "f64": 4})
WORD_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
BITS = ("coil", "discrete")

_ADDRESS = re.compile(r"(holding|input|coil|discrete):(0|[1-9]\d{0,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claim:
    """The registers `first` .. `last` of a space that row `row` reads, and how it reads them."""

    row: int
    tag: str
    space: str
    first: int
    last: int
    type: str
    reading: tuple[str, float, float]  # word order, scale, offset


def parse_address(address: str) -> tuple[str, int] | None:
    """`holding:100` as (space, first register from 0); None when it is no such address."""
    match = _ADDRESS.fullmatch(address)
    return (match[1], int(match[2])) if match and int(match[2]) <= LAST else None


def conflicts(claims: Iterable[Claim]) -> list[tuple[Claim, Claim]]:
    """Pairs (later row, earlier row) that share a register of one space; each later row once, with the first that it meets."""
    found: dict[int, tuple[Claim, Claim]] = {}
    open_claims: list[Claim] = []
    for claim in sorted(claims, key=lambda claim: (claim.space, claim.first, claim.row)):
        open_claims = [other for other in open_claims if other.space == claim.space and other.last >= claim.first]
        for other in open_claims:
            later, earlier = (claim, other) if claim.row > other.row else (other, claim)
            found.setdefault(later.row, (later, earlier))
        open_claims.append(claim)
    return list(found.values())
