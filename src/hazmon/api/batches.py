"""POST /api/v1/batches: what the boxes deliver."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from hazmon_edge import wire
from pydantic import BaseModel, ConfigDict, Field

from hazmon.api.access import SendingBox
from hazmon.api.room import TheRoom
from hazmon.errors import BatchError

router = APIRouter(tags=["boxes"])
CONTENT_TYPE = "application/vnd.hazmon.batches"
MAX_BATCHES = 10_000  # in one body


class RefusedView(BaseModel):
    """`count` readings of a tag that were refused, the first of them at `at` (microseconds)."""

    tag: str
    at: int
    reason: str
    count: int


class ReceiptView(BaseModel):
    """What became of one batch. accepted and duplicate: it is recorded, forget it. rejected with retry: send it again."""

    boot: str
    seq: str
    outcome: str = Field(pattern="^(accepted|duplicate|rejected)$")
    retry: bool
    reason: str | None
    refused: list[RefusedView]


class Receipts(BaseModel):
    """A receipt for every batch of the body, in its order."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "receipts": [
                    {
                        "boot": "4211",
                        "seq": "77",
                        "outcome": "accepted",
                        "retry": False,
                        "reason": None,
                        "refused": [{"tag": "LT-9", "at": 1767254400000000, "reason": "unknown-tag", "count": 1}],
                    }
                ],
                "server_time_us": 1767254400000000,
            }
        }
    )

    receipts: list[ReceiptView]
    server_time_us: int


_BODY = {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}, "required": True}


@router.post("/batches", response_model=Receipts, openapi_extra={"requestBody": _BODY})
async def take_batches(request: Request, room: TheRoom, edge: SendingBox) -> Response:
    """Deliver batches of wire version 1, packed into one zstd frame. Answers when they are committed.

    400: not decodable; 403: a batch of another enterprise; 413: more than 8 MiB; 503 with Retry-After: nothing is promised,
    the box keeps what it has.
    """
    try:
        bodies = wire.unpack(await request.body())
    except wire.WireError as error:
        raise BatchError(str(error)) from error
    if len(bodies) > MAX_BATCHES:
        raise BatchError(f"{len(bodies)} batches in one body; {MAX_BATCHES} at most")
    receipts = await room.engine.submit(edge, bodies)
    answer = {"receipts": [_receipt_json(receipt) for receipt in receipts], "server_time_us": room.clock.now()}
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _receipt_json(receipt: wire.Receipt) -> dict[str, Any]:
    """boot and seq as decimal text: they do not fit a JSON number everywhere."""
    return {
        "boot": str(receipt.boot),
        "seq": str(receipt.seq),
        "outcome": receipt.outcome,
        "retry": receipt.retry,
        "reason": receipt.reason,
        "refused": receipt.refused,
    }
