"""`hazmon reload`: ask a running service to read its configuration folder again, and tell what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hazmon.errors import Finding, HazmonError
from hazmon.registry.listing import findings_text

PATH = "/api/v1/configuration/reload"
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said, as lines, and whether it took the configuration over (or would)."""

    lines: list[str]
    accepted: bool


def reload(url: str, by: str, why: str, dry_run: bool) -> Answer:
    """Ask the service at that address. Raises HazmonError when there is none, or it answers something else."""
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or place.hostname is None:
        raise HazmonError(f"{url}: expected an address like http://127.0.0.1:8080")
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    connection = kind(place.hostname, place.port, timeout=TIMEOUT_S)
    body = msgspec.json.encode({"by": by, "why": why, "dry_run": dry_run})
    try:
        connection.request("POST", place.path.rstrip("/") + PATH, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        status, text = response.status, response.read()
    except (OSError, HTTPException) as error:
        raise HazmonError(f"{url} does not answer: {error}") from error
    finally:
        connection.close()
    try:
        return _answer(status, msgspec.json.decode(text))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise HazmonError(f"{url} answers {status}, not as a park service does") from error


def _answer(status: int, found: dict[str, Any]) -> Answer:
    if status == HTTPStatus.OK:
        return Answer(list(_taken_over(found)), accepted=True)
    errors: list[dict[str, Any]] = found.get("errors") or []
    if errors and "file" in errors[0]:
        return Answer([findings_text([Finding(**error) for error in errors])], accepted=False)
    return Answer([found["detail"]], accepted=False)


def _taken_over(found: dict[str, Any]) -> Iterator[str]:
    changes: list[dict[str, Any]] = found["changes"]
    width = max((len(change["subject"]) for change in changes), default=0)
    for change in changes:
        yield f"{change['subject']:<{width}}  {change['field']}: {_text(change['old'])} -> {_text(change['new'])}"
    count = f"{len(changes)} change{'' if len(changes) == 1 else 's'}"
    if found["dry_run"]:
        yield f"{count}; a dry run: nothing was taken over."
    else:
        yield f"{count}; configuration {found['number']} is in force."


def _text(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
