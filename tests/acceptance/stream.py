"""A client of the alarm stream, as a control room's would be: it reconnects with the last id it saw and never starts over."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """An alarm event as it came; `received` in Unix seconds."""

    received: float
    alarm: dict[str, Any]
    event: dict[str, Any]

    @property
    def point(self) -> str:
        return self.alarm["point"]

    @property
    def rule(self) -> str:
        """The status that the event is about."""
        return self.event["rule"]

    @property
    def kind(self) -> str:
        """What the alarm's record follows."""
        return self.alarm["kind"]

    @property
    def stimulus(self) -> str:
        return self.event["stimulus"]

    @property
    def at(self) -> float:
        """Unix second of the event."""
        return datetime.fromisoformat(self.event["at"]).timestamp()


class Stream:
    """Listens in a thread until closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._last_id = ""
        self._closing = False
        self.snapshots: list[dict[str, Any]] = []
        self.seen: list[Seen] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self, log: Path | None = None) -> None:
        """Stop listening; what was seen goes into the log, for whoever looks into a failure."""
        self._closing = True
        self._thread.join(10)
        if log is not None:
            log.write_text("".join(json.dumps(asdict(seen), ensure_ascii=False) + "\n" for seen in self.seen), "utf-8")

    def of(self, point: str, rule: str | None = None) -> list[Seen]:
        """Events of a point, of one rule if given, in the order in which they came; each recorded event once."""
        return [seen for seen in list(self.seen) if seen.point == point and rule in (None, seen.rule)]

    def _run(self) -> None:
        while not self._closing:
            try:
                self._listen()
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)

    def _listen(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=3)
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        try:
            connection.request("GET", "/api/v1/alarms/stream", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise http.client.HTTPException(f"{answer.status}")
            fields: dict[str, str] = {}
            while not self._closing and (line := answer.readline()):
                text = line.decode().rstrip("\r\n")
                if text:
                    key, _, value = text.partition(":")
                    fields[key] = value.strip()
                elif fields:
                    self._take(fields)
                    fields = {}
        finally:
            connection.close()

    def _take(self, fields: dict[str, str]) -> None:
        self._last_id = fields.get("id", self._last_id)
        data = json.loads(fields.get("data", "{}"))
        match fields.get("event"):
            case "snapshot":
                self.snapshots.append(data)
            case "alarm":
                self.seen.append(Seen(time.time(), data["alarm"], data["event"]))
            case _:
                pass
