"""Parts of lists: how large, and where the next one begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import HTTPException, Query

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=1000, description="no more items than this")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the part before; without it the first part")]
Only = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$", description="of this one only")]


def page_of(items: Sequence[T], name: Callable[[T], str], cursor: str | None, limit: int) -> tuple[Sequence[T], str | None]:
    """The part after the item named by `cursor`, and the cursor of the next. The list does not change while the service runs."""
    first = 0
    if cursor is not None:
        first = next((index + 1 for index, item in enumerate(items) if name(item) == cursor), -1)
        if first < 0:
            raise bad_cursor()
    part = items[first : first + limit]
    return part, name(part[-1]) if first + limit < len(items) else None


def bad_cursor() -> HTTPException:
    """The answer to a cursor that no list gave."""
    return HTTPException(400, "cursor: not one that this list has given")
