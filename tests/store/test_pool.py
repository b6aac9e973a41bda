"""One database, one writer."""

from __future__ import annotations

from hazmon.store.pool import claim


async def test_only_one_service_claims_a_database_and_the_next_may_when_it_is_gone(database: str) -> None:
    first = await claim(database)
    assert first is not None
    assert await claim(database) is None
    await first.close()
    second = await claim(database)
    assert second is not None
    await second.close()
