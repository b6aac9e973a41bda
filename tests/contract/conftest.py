"""A running service for each test."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from contract.rooms import Service, running


@pytest.fixture
async def service(database: str) -> AsyncGenerator[Service]:
    """A service of a small park on a fresh database."""
    async with running(database) as service:
        yield service
