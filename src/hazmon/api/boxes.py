"""The newest heartbeat of every box, and what it says of the box now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hazmon.api.alarm_json import iso_or_none
from hazmon.clock import Clock, iso
from hazmon.model import Park
from hazmon.step import BOX_SILENT_US

_MOST_US = 4_102_444_800_000_000  # 2100-01-01
_BIG = 2**63 - 1


class BeatConnection(BaseModel):
    """How a box says that one of its connections is."""

    name: str = Field(max_length=128)
    state: Literal["ok", "connecting", "down"]
    since_us: int = Field(ge=0, le=_MOST_US)
    last_error: str | None = Field(default=None, max_length=4000)
    points: int = Field(default=0, ge=0)


class Beat(BaseModel):
    """A heartbeat. boot and last_seq are decimal text; times in microseconds since 1970."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "edge": "E01",
                "boot": "4211",
                "sent_us": 1767254400000000,
                "outbox_batches": 2,
                "outbox_bytes": 2048,
                "oldest_us": None,
                "last_seq": "77",
                "disk_free_bytes": 80000000000,
                "clock_offset_ms": -3,
                "connections": [{"name": "plc1", "state": "ok", "since_us": 1767250800000000, "last_error": "", "points": 40}],
                "version": "0.1.0",
            }
        }
    )

    edge: str = Field(max_length=64)
    boot: str = Field(pattern=r"^\d{1,20}$")
    sent_us: int = Field(ge=0, le=_MOST_US)
    outbox_batches: int = Field(ge=0, le=_BIG)
    outbox_bytes: int = Field(ge=0, le=_BIG)
    oldest_us: int | None = Field(default=None, ge=0, le=_MOST_US)
    last_seq: str = Field(pattern=r"^-?\d{1,20}$")
    disk_free_bytes: int | None = Field(default=None, ge=0, le=_BIG)
    clock_offset_ms: int | None = Field(default=None, ge=-_MOST_US // 1000, le=_MOST_US // 1000)
    connections: list[BeatConnection] = Field(default_factory=list[BeatConnection], max_length=200)
    version: str = Field(default="", max_length=64)


class BeatAnswer(BaseModel):
    """The park's time, by which a box knows its clock's offset."""

    model_config = ConfigDict(json_schema_extra={"example": {"server_time_us": 1767254400000000}})

    server_time_us: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A heartbeat and when it came."""

    beat: Beat
    at: int


class Boxes:
    """One entry a box of the configuration."""

    def __init__(self, park: Park, clock: Clock) -> None:
        self._clock = clock
        self._newest: dict[str, Heard | None] = {enterprise.id: None for enterprise in park.enterprises}

    def hear(self, beat: Beat) -> int:
        """Keep the heartbeat; answers the park's time in microseconds. The box must be one of the park's."""
        now = self._clock.now()
        self._newest[beat.edge] = Heard(beat, now)
        return now

    def __contains__(self, edge: str) -> bool:
        return edge in self._newest

    def newest(self) -> dict[str, Heard | None]:
        """The newest heartbeat of each box."""
        return self._newest

    def state(self, edge: str) -> Literal["ok", "silent", "never"]:
        """ok, or how long nothing was heard."""
        heard = self._newest[edge]
        if heard is None:
            return "never"
        return "silent" if self._clock.now() - heard.at > BOX_SILENT_US else "ok"

    def views(self) -> list[dict[str, Any]]:
        """The fields of an EdgeView for each box, in the order of the configuration."""
        return [self._view(edge, heard) for edge, heard in self._newest.items()]

    def _view(self, edge: str, heard: Heard | None) -> dict[str, Any]:
        beat = heard.beat if heard else None
        return {
            "edge": edge,
            "state": self.state(edge),
            "last_heartbeat": iso(heard.at) if heard else None,
            "outbox_batches": beat.outbox_batches if beat else 0,
            "outbox_bytes": beat.outbox_bytes if beat else 0,
            "oldest": iso_or_none(beat.oldest_us) if beat else None,
            "disk_free_bytes": beat.disk_free_bytes if beat else None,
            "clock_offset_ms": beat.clock_offset_ms if beat else None,
            "version": beat.version if beat else None,
            "connections": [
                {"name": c.name, "state": c.state, "last_error": c.last_error or None, "since": iso(c.since_us)}
                for c in (beat.connections if beat else [])
            ],
        }
