"""What a box delivered, decoded and checked: the form in which a batch goes through rules and into the record."""

from __future__ import annotations

from dataclasses import dataclass, field

from hazmon.model import MissCause
from hazmon.rules.frame import Ints, ScanBlock


@dataclass(frozen=True, slots=True)
class ScanGroup:
    """A version of a scan group's membership, as the record knows it.

    points int64[N]: the park's point index of each column, -1 for a tag the configuration does not know.
    """

    id: int
    edge: str
    name: str
    period_us: int
    digest: bytes
    tags: tuple[str, ...]
    points: Ints

    @property
    def connection(self) -> str:
        """The name its connection alarm goes by: parts of one connection share it."""
        return self.name.partition("#")[0]


@dataclass(frozen=True, slots=True)
class GroupMiss:
    """Readings owed and absent: `count` of them, a period apart from `at`; column None = the whole group."""

    group: ScanGroup
    column: int | None
    at: int
    count: int
    cause: MissCause


@dataclass(frozen=True, slots=True)
class Refused:
    """`count` readings of a tag that were refused for the same reason, the first of them at `at`."""

    tag: str
    at: int
    count: int
    reason: str


@dataclass(slots=True)
class Delivery:
    """One batch. `blocks` hold only what is kept: refused readings are holes there and entries in `refused`."""

    edge: str
    boot: int
    seq: int
    digest: bytes
    previous: bytes
    made_at: int
    arrived: int
    groups: dict[int, ScanGroup] = field(default_factory=dict[int, ScanGroup])
    blocks: list[ScanBlock] = field(default_factory=list[ScanBlock])
    misses: list[GroupMiss] = field(default_factory=list[GroupMiss])
    refused: list[Refused] = field(default_factory=list[Refused])
    canonical: bytes = b""  # the batch's own bytes, exactly as received
    offset: int = 0  # microseconds: what its box's clock was off when it came

    @property
    def key(self) -> tuple[str, int, int]:
        """The name under which the ledger knows it."""
        return self.edge, self.boot, self.seq

    @property
    def raw(self) -> bytes | None:
        """The batch's own bytes, when anything in it was refused."""
        return self.canonical if self.refused else None

    @property
    def readings(self) -> int:
        """Readings kept."""
        return sum(block.readings for block in self.blocks)
