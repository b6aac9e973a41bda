"""What people do to alarms. Each answers when it is recorded; the event is on the stream by then.

404: no such alarm or point; 409: not allowed, the detail says why; 503: it cannot be recorded.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path

from hazmon.alarms.commands import (
    Acknowledge,
    Command,
    Comment,
    Dispose,
    Remove,
    Reset,
    Return,
    Shelve,
    Unshelve,
    Verify,
)
from hazmon.alarms.states import AlarmState
from hazmon.api.alarm_json import alarm_json
from hazmon.api.alarm_views import (
    AcknowledgeBody,
    AcknowledgeSeveralBody,
    AlarmView,
    CommentBody,
    OutcomeView,
    ShelveBody,
    SwitchBody,
    VerifyBody,
)
from hazmon.api.alarms import AlarmId, find_alarm
from hazmon.api.room import Room, TheRoom
from hazmon.clock import MINUTE_US
from hazmon.errors import CommandRefused, NotFound, StoreUnavailable
from hazmon.rulebook import Kind

router = APIRouter(tags=["alarms"])
Name = Annotated[str, Path(max_length=64, pattern="^[A-Za-z0-9][A-Za-z0-9._#-]*$")]


@router.post("/alarms/acknowledge", response_model=list[OutcomeView])
async def acknowledge_several(body: AcknowledgeSeveralBody, room: TheRoom) -> list[dict[str, Any]]:
    """Say that somebody has seen these alarms, at most 20. Each by itself: one that fails keeps none of the others."""

    async def attempt(name: str) -> dict[str, Any]:
        try:
            await _do(room, Acknowledge(name, body.by, body.note))
        except (NotFound, CommandRefused, StoreUnavailable) as error:
            return {"alarm": name, "done": False, "why": str(error)}
        return {"alarm": name, "done": True, "why": None}

    # all at once, so that the engine takes them in one turn, which is one commit
    return await asyncio.gather(*(attempt(name) for name in dict.fromkeys(body.alarms)))


@router.post("/alarms/{alarm}/acknowledge", response_model=AlarmView)
async def acknowledge(alarm: AlarmId, body: AcknowledgeBody, room: TheRoom) -> dict[str, Any]:
    """Say that somebody has seen the alarm."""
    return await _do(room, Acknowledge(alarm, body.by, body.note))


@router.post("/alarms/{alarm}/comment", response_model=AlarmView)
async def comment(alarm: AlarmId, body: CommentBody, room: TheRoom) -> dict[str, Any]:
    """Add a word to the record of an alarm, also of one that is over."""
    return await _do(room, Comment(alarm, body.by, body.note))


@router.post("/alarms/{alarm}/verify", response_model=AlarmView)
async def verify(alarm: AlarmId, body: VerifyBody, room: TheRoom) -> dict[str, Any]:
    """Say what was found behind the alarm (核实), also of one that is over. A later finding stands in place of an earlier."""
    return await _do(room, Verify(alarm, body.by, body.verdict, body.note))


@router.post("/alarms/{alarm}/dispose", response_model=AlarmView)
async def dispose(alarm: AlarmId, body: CommentBody, room: TheRoom) -> dict[str, Any]:
    """Say what was done about the alarm (处置), also of one that is over."""
    return await _do(room, Dispose(alarm, body.by, body.note))


@router.post("/alarms/{alarm}/reset", response_model=AlarmView)
async def reset(alarm: AlarmId, body: AcknowledgeBody, room: TheRoom) -> dict[str, Any]:
    """Let go of an alarm that latched and whose condition is over."""
    return await _do(room, Reset(alarm, body.by, body.note))


@router.post("/points/{enterprise}/{tag}/alarms/{kind}/shelve", response_model=AlarmView)
async def shelve(enterprise: Name, tag: Name, kind: Kind, body: ShelveBody, room: TheRoom) -> dict[str, Any]:
    """Keep an alarm from being heard for a while (搁置), whether it stands or not; it comes back by itself."""
    until = room.clock.now() + round(body.minutes * MINUTE_US)
    return await _do(room, Shelve(_target(enterprise, tag, kind), body.by, body.role, body.reason, until))


@router.post("/points/{enterprise}/{tag}/alarms/{kind}/unshelve", response_model=AlarmView)
async def unshelve(enterprise: Name, tag: Name, kind: Kind, body: SwitchBody, room: TheRoom) -> dict[str, Any]:
    """Take it from the shelf by hand: who does has seen it."""
    return await _do(room, Unshelve(_target(enterprise, tag, kind), body.by, body.reason))


@router.post("/points/{enterprise}/{tag}/alarms/{kind}/remove", response_model=AlarmView)
async def remove(enterprise: Name, tag: Name, kind: Kind, body: SwitchBody, room: TheRoom) -> dict[str, Any]:
    """Take an alarm out of service (停用), until somebody puts it back."""
    return await _do(room, Remove(_target(enterprise, tag, kind), body.by, body.role, body.reason))


@router.post("/points/{enterprise}/{tag}/alarms/{kind}/return", response_model=AlarmView)
async def put_back(enterprise: Name, tag: Name, kind: Kind, body: SwitchBody, room: TheRoom) -> dict[str, Any]:
    """Put an alarm back into service."""
    return await _do(room, Return(_target(enterprise, tag, kind), body.by, body.role, body.reason))


def _target(enterprise: str, tag: str, kind: Kind) -> str:
    return f"{enterprise}/{tag}.{kind}"


async def _do(room: Room, command: Command) -> dict[str, Any]:
    """Carry a command out. An alarm that is over is fetched from the record first: it may still be spoken of."""
    book = room.engine.plant.book
    if "/" not in command.target and command.target not in book.open and command.target not in book.closed:
        known, recorded = await find_alarm(room, command.target)
        if recorded and known.state is AlarmState.NORMAL:
            room.engine.recall(known)
    outcome = await room.engine.command(command)
    if outcome.event is None:
        raise outcome.refusal or CommandRefused("the alarm does not allow it")
    return alarm_json(outcome.event.alarm, recorded=True)
