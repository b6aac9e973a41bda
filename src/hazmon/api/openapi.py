"""The API's description: what every operation can answer, and that what goes wrong is always a Problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from hazmon.api.problems import PROBLEM_JSON
from hazmon.api.views import Problem

_TEXTS = {
    "400": "not decodable, or a cursor that no list gave",
    "401": "no valid token",
    "403": "the token is another box's",
    "404": "no such object",
    "409": "its state does not allow it",
    "413": "the body is too large",
    "422": "a parameter or field is not what it must be",
    "500": "an unforeseen error",
    "503": "not now: the database does not answer or the queue is full; Retry-After says when",
}
_BOX = ("400", "401", "403", "413", "422", "500", "503")
_LIST = ("400", "422", "500")
_COMMAND = ("400", "404", "409", "413", "422", "500", "503")
_ANSWERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("post", "/api/v1/batches"): ("400", "401", "403", "413", "500", "503"),
    ("post", "/api/v1/heartbeats"): _BOX,
    ("get", "/api/v1/enterprises"): _LIST,
    ("get", "/api/v1/enterprises/{enterprise}"): ("404", "500"),
    ("get", "/api/v1/sources"): _LIST,
    ("get", "/api/v1/sources/{source}"): ("404", "500"),
    ("get", "/api/v1/sources/{source}/latest"): ("404", "500"),
    ("get", "/api/v1/points"): _LIST,
    ("get", "/api/v1/points/{enterprise}/{tag}"): ("404", "500"),
    ("get", "/api/v1/points/{enterprise}/{tag}/readings"): ("404", "422", "500", "503"),
    ("get", "/api/v1/alarms"): ("400", "422", "500", "503"),
    ("get", "/api/v1/alarms/stream"): ("422", "500", "503"),
    ("get", "/api/v1/alarms/{alarm}"): ("404", "422", "500", "503"),
    ("get", "/api/v1/alarms/{alarm}/events"): ("400", "404", "422", "500", "503"),
    ("get", "/api/v1/alarms/statistics"): ("422", "500", "503"),
    ("get", "/api/v1/alarms/suppressed"): ("500",),
    ("post", "/api/v1/alarms/acknowledge"): ("400", "413", "422", "500", "503"),
    **{
        ("post", f"/api/v1/alarms/{{alarm}}/{verb}"): _COMMAND
        for verb in ("acknowledge", "comment", "verify", "dispose", "reset")
    },
    **{
        ("post", f"/api/v1/points/{{enterprise}}/{{tag}}/alarms/{{kind}}/{verb}"): _COMMAND
        for verb in ("shelve", "unshelve", "remove", "return")
    },
    ("get", "/api/v1/coverage"): ("404", "409", "422", "500", "503"),
    ("get", "/api/v1/coverage/targets"): ("409", "422", "500", "503"),
    ("get", "/api/v1/coverage/gaps"): ("400", "404", "409", "422", "500", "503"),
    ("get", "/api/v1/coverage/findings"): ("404", "422", "500", "503"),
    ("get", "/api/v1/coverage/report"): ("404", "409", "422", "500", "503"),
    ("get", "/api/v1/exemptions"): ("400", "422", "500", "503"),
    ("post", "/api/v1/exemptions"): _COMMAND,
    ("get", "/api/v1/exemptions/{number}"): ("404", "422", "500", "503"),
    **{("post", f"/api/v1/exemptions/{{number}}/{verb}"): _COMMAND for verb in ("approve", "refuse", "withdraw")},
    ("get", "/api/v1/edges"): _LIST,
    ("get", "/api/v1/configuration"): ("422", "500", "503"),
    ("post", "/api/v1/configuration/reload"): ("409", "413", "422", "500", "503"),
    ("get", "/healthz"): ("500", "503"),
    ("get", "/readyz"): ("500", "503"),
    ("get", "/metrics"): ("500",),
}


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The application's own openapi(): made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _schema(app)
        return app.openapi_schema

    return openapi


def _schema(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas: dict[str, Any] = schema["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            answers: dict[str, Any] = operation["responses"]
            answers.pop("422", None)
            for status in _ANSWERS[method, path]:
                answers[status] = {"description": _TEXTS[status], "content": content}
                if status == "503":
                    answers[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    return schema
