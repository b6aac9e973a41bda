"""HTTP to the park: one connection a box, many requests in flight on it, nothing lost when the park closes it between two.

A general HTTP client costs a millisecond a request and a year has eleven million: here a request is a write, and the answers
are parsed by httptools.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import msgspec

from hazmon_sim.errors import SimulatorError

ANSWER_S = 120.0
TRIES = 60
LONGEST_PAUSE_S = 5.0
PAUSE_S = 0.25


class ParkError(SimulatorError):
    """The park refused, or did not answer; the text says what was asked and what came."""


@dataclass(slots=True)
class Answer:
    """Status, and the body's bytes. `again` is true if the request may have reached the park more than once."""

    status: int = 0
    body: bytes = b""
    retry_after_s: float | None = None
    again: bool = False

    def json(self) -> Any:
        """The body. Raises ParkError if it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise ParkError(f"an answer {self.status} that is not JSON: {self.body[:200]!r}") from error


@dataclass(slots=True)
class _Question:
    """So many requests that were written at once; the future has the answers that came, fewer if the connection broke."""

    count: int
    future: asyncio.Future[list[Answer]]
    answers: list[Answer] = field(default_factory=list[Answer])


class _Wire(asyncio.Protocol):
    """One TCP connection; answers come in the order of the requests."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: deque[_Question] = deque()
        self._answer = Answer()
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.is_open = False

    def ask(self, requests: bytes, count: int) -> asyncio.Future[list[Answer]]:
        """Write `count` requests; the answers that come to them."""
        if self._transport is None:
            raise ConnectionResetError("not connected")
        question = _Question(count, asyncio.get_running_loop().create_future())
        self._waiting.append(question)
        self._transport.write(requests)
        return question.future

    def close(self) -> None:
        """No more requests."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio.Protocol: whoever still waits must ask again."""
        self.is_open = False
        while self._waiting:
            question = self._waiting.popleft()
            if not question.future.done():
                question.future.set_result(question.answers)

    def data_received(self, data: bytes) -> None:
        """Of asyncio.Protocol."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.connection_lost(error)
            self.close()

    def on_message_begin(self) -> None:
        """Of httptools."""
        self._answer, self._body = Answer(), []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of httptools."""
        if name.lower() == b"retry-after" and value.isdigit():
            self._answer.retry_after_s = float(value)

    def on_body(self, body: bytes) -> None:
        """Of httptools."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Of httptools."""
        self._answer.status = self._parser.get_status_code()
        self._answer.body = b"".join(self._body)
        if self._waiting:
            question = self._waiting[0]
            question.answers.append(self._answer)
            if len(question.answers) == question.count:
                self._waiting.popleft()
                if not question.future.done():
                    question.future.set_result(question.answers)
        if not self._parser.should_keep_alive():
            self.is_open = False


class Link:
    """A way to the park for one sender. Requests are asked in order; one that got no answer or a 503 is asked again."""

    def __init__(self, url: str, name: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise SimulatorError(f"--park {url}: expected http://host:port")
        self._host, self._port = parts.hostname, parts.port or 80
        self._prefix = parts.path.rstrip("/")
        self._name = name
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        self._common = f" HTTP/1.1\r\nHost: {parts.netloc}\r\n{bearer}".encode()
        self._wire: _Wire | None = None
        self.busy = 0  # how often the park said 503

    def request(
        self, method: str, path: str, now_us: int | None, body: bytes = b"", content_type: str = "application/json"
    ) -> bytes:
        """The bytes of a request; `now_us` is what the simulated clock is set to."""
        clock = b"" if now_us is None else b"Hazmon-Simulated-Now: %d\r\n" % now_us
        start = f"{method} {self._prefix}{path}".encode()
        kind = f"Content-Type: {content_type}\r\n".encode() if body else b""
        return b"%s%s%s%sContent-Length: %d\r\n\r\n%s" % (start, self._common, clock, kind, len(body), body)

    async def ask(self, requests: Sequence[bytes]) -> list[Answer]:
        """All answers, in order. Raises ParkError when the park cannot be had."""
        answers: list[Answer | None] = [None] * len(requests)
        sent_before: set[int] = set()
        for tried in range(TRIES):
            open_ = [at for at, answer in enumerate(answers) if answer is None]
            pause_s = await self._round(requests, open_, answers, sent_before, tried)
            if None not in answers:
                return [answer for answer in answers if answer is not None]
            await asyncio.sleep(pause_s)
        raise ParkError(f"{self._name}: no answer after {TRIES} tries; 503 {self.busy} times")

    async def json(self, method: str, path: str, now_us: int | None, body: Mapping[str, Any] | None = None) -> Any:
        """One request, on a connection of its own, and its JSON. Raises ParkError for all but 200 and 201."""
        self.close()
        self._wire = None
        data = b"" if body is None else msgspec.json.encode(body)
        try:
            async with asyncio.timeout(ANSWER_S):
                (answer,) = await self.ask([self.request(method, path, now_us, data)])
        except TimeoutError:
            raise ParkError(f"{method} {path}: no answer in {ANSWER_S:g} s") from None
        if answer.again and method != "GET":
            raise ParkError(f"{method} {path}: the connection broke before the answer; it may have been done twice")
        if answer.status not in (200, 201):
            raise ParkError(f"{method} {path}: {answer.status} {answer.body[:400].decode(errors='replace')}")
        return answer.json()

    def close(self) -> None:
        """No more requests."""
        if self._wire is not None:
            self._wire.close()

    async def _round(
        self, requests: Sequence[bytes], open_: list[int], answers: list[Answer | None], before: set[int], tried: int
    ) -> float:
        """Ask what is open once. Returns how long to wait before the next round."""
        pause_s = PAUSE_S if tried else 0.0
        try:
            if self._wire is None or not self._wire.is_open:
                _, self._wire = await asyncio.get_running_loop().create_connection(_Wire, self._host, self._port)
            found = await self._wire.ask(b"".join([requests[at] for at in open_]), len(open_))
        except OSError:
            return PAUSE_S
        before.update(open_[len(found) :])
        for at, answer in zip(open_, found, strict=False):
            if answer.status == 503:
                self.busy += 1
                pause_s = max(pause_s, min(answer.retry_after_s or PAUSE_S, LONGEST_PAUSE_S))
            else:
                answer.again = at in before
                answers[at] = answer
        return pause_s
