"""Instants in queries."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from fastapi import HTTPException

from hazmon.clock import as_us

_EARLIEST, _LATEST = 946_684_800_000_000, 4_102_444_800_000_000  # 2000-01-01 and 2100-01-01


def instant(moment: datetime, name: str) -> int:
    """Microseconds of a parameter; 422 outside of this century."""
    us = as_us(moment)
    if not _EARLIEST <= us <= _LATEST:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: between 2000 and 2100")
    return us
