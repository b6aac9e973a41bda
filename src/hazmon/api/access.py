"""Who may send: a box, by its token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from hazmon.api.room import TheRoom

_bearer = HTTPBearer(auto_error=False, description="a box's token, made by `hazmon token add`")


async def sending_box(room: TheRoom, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """The box that the request's token belongs to; 401 for a token of nobody."""
    edge = None if credentials is None else await room.tokens.edge_of(credentials.credentials)
    if edge is None or edge not in room.boxes:
        raise HTTPException(401, "this token belongs to no box of this park", {"WWW-Authenticate": "Bearer"})
    return edge


SendingBox = Annotated[str, Depends(sending_box)]
