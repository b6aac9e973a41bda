"""`hazmon bundle`: the figures of a time with all that proves them, from the database into a file."""

from __future__ import annotations

from pathlib import Path

from hazmon.bundle.making import Question, build
from hazmon.keys import verifiers
from hazmon.store.pool import connect


async def bundle(url: str, home: Path, question: Question) -> bytes:
    """The bundle; `home` has the service's keys, of which only the public halves are read.

    Raises HazmonError.
    """
    async with await connect(url) as connection:
        return await build(connection, verifiers(home / "keys"), question)
