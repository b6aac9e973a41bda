"""A box's way to the park: passes, resets, swallows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hazmon_sim.relay import Mode, Relay

Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """A relay to a park that echoes."""

    served: set[asyncio.Task[None] | None] = set()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(65536):
                writer.write(data)
        await hang_up((reader, writer))

    park = await asyncio.start_server(echo, "127.0.0.1", 0)
    found = Relay("E01", "127.0.0.1", 0, park.sockets[0].getsockname()[:2])
    await found.open()
    yield found
    found.close()
    park.close()
    await asyncio.gather(*(task for task in served if task))


async def hang_up(link: Link) -> None:
    link[1].close()
    with contextlib.suppress(ConnectionError):
        await link[1].wait_closed()


async def dial(relay: Relay) -> Link:
    return await asyncio.open_connection("127.0.0.1", relay.port)


async def say(link: Link, text: bytes) -> bytes:
    link[1].write(text)
    return await asyncio.wait_for(link[0].readexactly(len(text)), 5)


async def is_quiet(link: Link) -> bool:
    try:
        await asyncio.wait_for(link[0].read(1), 0.1)
    except TimeoutError:
        return True
    return False


async def is_reset(link: Link) -> bool:
    try:
        return await asyncio.wait_for(link[0].read(), 5) == b""
    except ConnectionResetError:
        return True
    finally:
        await hang_up(link)


async def test_it_passes_much_in_both_directions(relay: Relay):
    link = await dial(relay)
    assert await say(link, b"x" * 3_000_000) == b"x" * 3_000_000
    await hang_up(link)


async def test_closed_resets_old_and_new_connections_until_it_passes_again(relay: Relay):
    link = await dial(relay)
    await say(link, b"before")
    relay.switch(Mode.CLOSED)
    assert await is_reset(link)
    assert await is_reset(await dial(relay))
    relay.switch(Mode.PASS)
    link = await dial(relay)
    assert await say(link, b"after") == b"after"
    await hang_up(link)


async def test_a_black_hole_swallows_without_a_reset_and_gives_back(relay: Relay):
    old = await dial(relay)
    await say(old, b"before")
    relay.switch(Mode.BLACK_HOLE)
    new = await dial(relay)
    for link in (old, new):
        link[1].write(b"within")
        assert await is_quiet(link)
    relay.switch(Mode.PASS)
    for link in (old, new):
        assert await asyncio.wait_for(link[0].readexactly(6), 5) == b"within"
        await hang_up(link)


async def test_a_park_that_is_not_there_resets_the_box():
    closed = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    park = closed.sockets[0].getsockname()[:2]
    closed.close()
    relay = Relay("E01", "127.0.0.1", 0, park)
    await relay.open()
    assert await is_reset(await dial(relay))
    relay.close()


async def test_the_end_of_one_side_is_the_end_of_the_other(relay: Relay):
    link = await dial(relay)
    await say(link, b"last")
    link[1].write_eof()
    assert await asyncio.wait_for(link[0].read(), 5) == b""
    await hang_up(link)
