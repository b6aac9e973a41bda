"""Snapshot and subscribe: a reader gets the state and then every change after it, with no gap between.

Queues are bounded. A reader that does not keep up is cut and told so; it comes back for a new snapshot.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Cut(Exception):
    """The reader was too slow, or the feed has ended; what it missed is gone."""


class Subscription(Generic[T]):
    """One reader's queue."""

    def __init__(self, limit: int) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()

    def offer(self, item: T) -> None:
        """Put an item in; a full queue cuts the reader instead, and a cut reader gets nothing more."""
        if self._ended.is_set():
            return
        if len(self._items) >= self._limit:
            self.cut()
            return
        self._items.append(item)
        self._wake.set()

    def cut(self) -> None:
        """End the subscription."""
        self._items.clear()
        self._ended.set()
        self._wake.set()

    async def ended(self) -> None:
        """Return when the subscription has ended: a reader that is stuck in sending does not come to `take`."""
        await self._ended.wait()

    async def take(self) -> list[T]:
        """All items that wait, at least one. Raises Cut."""
        while not self._items:
            if self._ended.is_set():
                raise Cut
            self._wake.clear()
            await self._wake.wait()
        items = list(self._items)
        self._items.clear()
        return items


class Feed(Generic[T]):
    """Hands every published item to every subscription; all in one event loop, so nothing falls between."""

    def __init__(self, limit: int = 200) -> None:
        self._limit = limit
        self._readers: set[Subscription[T]] = set()

    @property
    def readers(self) -> int:
        """How many subscriptions there are."""
        return len(self._readers)

    def subscribe(self) -> Subscription[T]:
        """A subscription to everything from now on; take the snapshot before the next await."""
        subscription = Subscription[T](self._limit)
        self._readers.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription[T]) -> None:
        """Forget the reader."""
        self._readers.discard(subscription)

    def publish(self, item: T) -> None:
        """Offer the item to every reader."""
        for reader in self._readers:
            reader.offer(item)

    def close(self) -> None:
        """Cut all readers: the service stops."""
        for reader in self._readers:
            reader.cut()
        self._readers.clear()
