"""What the park knows of each run of each box: the batches evaluated here, and those that are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hazmon_edge import wire

from hazmon.clock import Clock
from hazmon.delivery import ScanGroup
from hazmon.errors import StoreUnavailable
from hazmon.sequences import SeqSet
from hazmon.store.register import Key, Lookups

T = TypeVar("T")
ANSWER_S = 1.0  # how long a question to the database may take
QUIET_S = 2.0  # how long a database that did not answer is not asked again


@dataclass(slots=True)
class _Boot:
    """`before` is the highest number recorded before we met the box's run; None as long as the database did not say."""

    before: int | None = None
    stepped: SeqSet = field(default_factory=SeqSet)
    recorded: SeqSet = field(default_factory=SeqSet)


class Boots:
    """Answers from memory what it can, and asks the record for what was there before this service began."""

    def __init__(self, lookups: Lookups, clock: Clock) -> None:
        self._lookups = lookups
        self._clock = clock
        self._boots: dict[tuple[str, int], _Boot] = {}
        self._ask_again_at = float("-inf")

    async def is_recorded(self, key: Key) -> bool:
        """Whether the ledger has the batch. Of a run first met while the database is silent every batch is taken for new:
        the alarms must not wait, and the ledger itself keeps a batch once. Raises StoreUnavailable.
        """
        edge, number, seq = key
        boot = self._boot(key)
        if seq in boot.recorded or seq in boot.stepped:
            return seq in boot.recorded
        if boot.before is None:
            try:
                boot.before = await self._ask(self._lookups.last_seq(edge, number))
            except StoreUnavailable:
                return False
        return seq <= boot.before and await self._ask(self._lookups.is_recorded(key))

    async def add_group(self, edge: str, group: wire.Group) -> ScanGroup:
        """Record a group version. Raises StoreUnavailable."""
        return await self._ask(self._lookups.add_group(edge, group))

    def is_new(self, key: Key) -> bool:
        """Whether the batch was never evaluated here; from now on it was."""
        stepped = self._boot(key).stepped
        if key[2] in stepped:
            return False
        stepped.add(key[2])
        return True

    def recorded(self, key: Key) -> None:
        """The batch is committed."""
        self._boot(key).recorded.add(key[2])

    def _boot(self, key: Key) -> _Boot:
        return self._boots.setdefault(key[:2], _Boot())

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        """The database's answer, if it comes in time; a body of many batches waits for a silent database once."""
        if self._clock.monotonic() < self._ask_again_at:
            question.close()
            raise StoreUnavailable("the database did not answer a moment ago")
        task = asyncio.ensure_future(question)
        done, _ = await asyncio.wait({task}, timeout=ANSWER_S)
        if not done:
            task.add_done_callback(_forget)
            self._ask_again_at = self._clock.monotonic() + QUIET_S
            raise StoreUnavailable("the database does not answer")
        return task.result()


def _forget(task: asyncio.Future[Any]) -> None:
    """Whatever comes of an answer that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
