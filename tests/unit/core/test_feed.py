"""Snapshot and subscribe: nothing is missed, and a reader that is too slow is told so."""

from __future__ import annotations

import asyncio

import pytest

from hazmon.feed import Cut, Feed


async def test_a_reader_gets_everything_from_its_subscription_on_in_order() -> None:
    feed = Feed[int]()
    feed.publish(0)
    reader = feed.subscribe()
    for item in (1, 2, 3):
        feed.publish(item)
    assert await reader.take() == [1, 2, 3]
    waiting = asyncio.create_task(reader.take())
    await asyncio.sleep(0)
    feed.publish(4)
    assert await waiting == [4]


async def test_a_slow_reader_is_cut_and_what_comes_after_cannot_hide_the_gap() -> None:
    feed = Feed[int](limit=2)
    slow, quick = feed.subscribe(), feed.subscribe()
    for item in (1, 2):
        feed.publish(item)
    assert await quick.take() == [1, 2]
    for item in (3, 4):
        feed.publish(item)
    assert await quick.take() == [3, 4]
    with pytest.raises(Cut):
        await slow.take()
    feed.publish(5)
    with pytest.raises(Cut):
        await slow.take()


async def test_a_closed_feed_cuts_readers_that_wait() -> None:
    feed = Feed[int]()
    waiting = asyncio.create_task(feed.subscribe().take())
    await asyncio.sleep(0)
    feed.close()
    with pytest.raises(Cut):
        await waiting
    assert feed.readers == 0


async def test_an_unsubscribed_reader_is_forgotten() -> None:
    feed = Feed[int]()
    reader = feed.subscribe()
    feed.unsubscribe(reader)
    feed.unsubscribe(reader)
    assert feed.readers == 0
