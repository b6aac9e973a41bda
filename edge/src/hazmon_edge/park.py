"""The park as the box sees it: two requests, each with a deadline, each ending in an answer or an UplinkError."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import cast

import httpx

from hazmon_edge.connection import ConnectionState
from hazmon_edge.errors import UplinkError
from hazmon_edge.store import Entry
from hazmon_edge.wire import Receipt, pack

CONNECT_S = 2.0
ANSWER_S = 5.0  # a black hole sends no reset: this is how it is noticed
MAX_WAIT_S = 60.0
CONTENT_TYPE = "application/vnd.hazmon.batches"
PROBLEM = "application/problem+json"


class Park:
    """One HTTP connection to the park. Each lane has its own, so that none waits for another's."""

    def __init__(self, url: str, token: Callable[[], str], transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._token = token
        self._client = httpx.AsyncClient(
            base_url=url,
            transport=transport,
            verify=_trust(url),
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            trust_env=False,
        )

    async def send(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Ship batches in one body. The receipts are in the order of the batches."""
        body = pack(entry.canonical for entry in entries)
        answer = await self._post("/api/v1/batches", body, CONTENT_TYPE, ANSWER_S + CONNECT_S)
        found = answer.get("receipts")
        try:
            receipts = [_receipt(each) for each in cast("list[dict[str, object]]", found)]
        except (TypeError, KeyError, ValueError) as error:
            raise UplinkError(f"the park's receipts cannot be read: {error!r}", answered=True) from error
        if [(r.boot, r.seq) for r in receipts] != [(e.boot, e.seq) for e in entries]:
            raise UplinkError("the park's receipts are for other batches", answered=True)
        return receipts

    async def beat(self, heartbeat: dict[str, object], timeout_s: float = ANSWER_S) -> int:
        """Send a heartbeat. Returns the park's time in microseconds."""
        answer = await self._post("/api/v1/heartbeats", json.dumps(heartbeat).encode(), "application/json", timeout_s)
        time_us = answer.get("server_time_us")
        if not isinstance(time_us, int):
            raise UplinkError("the park's answer to a heartbeat has no server_time_us", answered=True)
        return time_us

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def _post(self, path: str, body: bytes, content_type: str, timeout_s: float) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": content_type}
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.post(path, content=body, headers=headers)
        except (TimeoutError, httpx.TimeoutException):
            raise UplinkError(f"no answer in {timeout_s:g} s", answered=False) from None
        except (httpx.TransportError, OSError) as error:
            raise UplinkError(str(error) or type(error).__name__, answered=False) from error
        if response.status_code != 200:
            raise _refusal(response)
        try:
            answer = json.loads(response.content)
        except ValueError as error:
            raise UplinkError("the park's answer is not JSON", answered=True, status=200) from error
        if not isinstance(answer, dict):
            raise UplinkError("the park's answer is not a JSON object", answered=True, status=200)
        return cast("dict[str, object]", answer)


def _trust(url: str) -> ssl.SSLContext:
    """Certificates to trust. Loading them costs megabytes, so a plain http address gets an empty set: it trusts nobody."""
    return ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def heartbeat_of(
    edge: str, boot: int, sent_us: int, last_seq: int, connections: Sequence[ConnectionState], **more: object
) -> dict[str, object]:
    """The heartbeat's JSON. boot and last_seq are decimal text: they do not fit a JSON number everywhere."""
    return {
        "edge": edge,
        "boot": str(boot),
        "sent_us": sent_us,
        "last_seq": str(last_seq),
        "connections": [asdict(state) for state in connections],
        **more,
    }


def _receipt(found: dict[str, object]) -> Receipt:
    outcome = str(found["outcome"])
    if outcome not in ("accepted", "duplicate", "rejected"):
        raise ValueError(f"outcome {outcome}")
    reason = found.get("reason")
    return Receipt(
        boot=int(str(found["boot"])),
        seq=int(str(found["seq"])),
        outcome=outcome,
        retry=bool(found.get("retry", False)),
        reason=None if reason is None else str(reason),
        refused=cast("list[dict[str, object]]", found.get("refused") or []),
    )


def _refusal(response: httpx.Response) -> UplinkError:
    """A status other than 200, in words. Only a problem+json is the park's own judgement of the body; a proxy's page is not."""
    status = response.status_code
    words = {401: "the park does not know this token", 403: "this token is not for this enterprise"}.get(status, "")
    is_problem = response.headers.get("content-type", "").startswith(PROBLEM)
    if not words and is_problem:
        try:
            words = str(json.loads(response.content).get("detail", ""))
        except (ValueError, AttributeError):
            words = ""
    text = f"{status} {words or response.reason_phrase}"
    judged = status if is_problem or status in (401, 403, 503) else 0
    return UplinkError(text, answered=True, status=judged, retry_after_s=_retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return min(max(float(response.headers["retry-after"]), 0.0), MAX_WAIT_S)
    except (KeyError, ValueError):
        return None
