"""One shape for everything that goes wrong: application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hazmon.engine import Busy
from hazmon.errors import BatchError, CommandRefused, ExportUnavailable, NotFound, StoreUnavailable

PROBLEM_JSON = "application/problem+json"
COME_AGAIN_S = "1"
MAX_ERRORS = 20
_STATUS: dict[type[Exception], int] = {
    BatchError: 400,
    PermissionError: 403,
    NotFound: 404,
    CommandRefused: 409,
    StoreUnavailable: 503,
    ExportUnavailable: 503,
    Busy: 503,
}


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, errors: list[dict[str, Any]] | None = None
) -> Response:
    """The answer for something that went wrong."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors is not None:
        body["errors"] = errors
    more = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.setdefault("Retry-After", COME_AGAIN_S)
    return Response(msgspec.json.encode(body), status, more, PROBLEM_JSON)


def handle_problems(app: FastAPI) -> None:
    """Give every error of the application this shape, its own, the framework's and the unforeseen."""
    for kind in _STATUS:
        app.add_exception_handler(kind, _ours)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _unprocessable)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(_: Request, error: Exception) -> Response:
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    return problem(status, str(error))


async def _framework(_: Request, error: Exception) -> Response:
    failure = cast(HTTPException, error)
    return problem(failure.status_code, failure.detail, failure.headers)


async def _unprocessable(_: Request, error: Exception) -> Response:
    found = [
        {"at": "/".join(str(part) for part in entry["loc"]), "expected": str(entry["msg"])}
        for entry in cast(RequestValidationError, error).errors()[:MAX_ERRORS]
    ]
    detail = "; ".join(f"{entry['at']}: {entry['expected']}" for entry in found)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=found)


async def _unforeseen(_: Request, error: Exception) -> Response:
    """The text of an unforeseen error stays in the log: it may hold what is nobody else's business."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"an unforeseen error ({type(error).__name__}); the service's log has it")
