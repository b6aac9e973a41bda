"""A database with the schema, and a hand that writes into it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from store.scribe import Scribe, writing


@pytest.fixture
async def scribe(database: str) -> AsyncGenerator[Scribe]:
    """A scribe on a fresh database."""
    async with writing(database) as found:
        yield found
