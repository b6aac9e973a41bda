"""`hazmon explain`: the record asked about one alarm."""

from __future__ import annotations

from hazmon import explain as question
from hazmon.model import Park
from hazmon.rulebook import Kind
from hazmon.store.pool import connect


async def explain(url: str, park: Park, asked: tuple[str, str, Kind], at: int) -> list[str]:
    """Lines about (subject, word, kind) around that microsecond. Raises NotFound, StoreUnavailable."""
    async with await connect(url) as connection:
        found = await question.explain(connection, park, *asked, at)
    return list(question.report(found, park.settings.timezone))
