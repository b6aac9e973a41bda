"""The way into a running simulator: a unix socket in its home, one JSON line each way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from hazmon_sim.errors import SimulatorError

SOCKET = "sim.sock"
ANSWER_S = 5.0


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault asked for; None where the fault's own default is meant."""

    fault: str
    at: str
    for_s: float | None = None
    value: float | None = None


class Reply(Struct, frozen=True, forbid_unknown_fields=True):
    """What was done, or why not."""

    done: bool
    text: str


async def listen(home: Path, obey: Callable[[Order], Reply]) -> asyncio.Server:
    """Answer orders. Raises SimulatorError when another simulator lives in this home."""
    path = home / SOCKET
    if path.exists():
        if _alive(path):
            raise SimulatorError(f"another simulator runs in {home}")
        path.unlink()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            order = msgspec.json.decode(await reader.readline(), type=Order)
        except msgspec.DecodeError as error:
            reply = Reply(False, f"not an order: {error}")
        else:
            reply = obey(order)
        writer.write(msgspec.json.encode(reply) + b"\n")
        writer.close()

    return await asyncio.start_unix_server(serve, path)


def send(home: Path, order: Order) -> Reply:
    """Give an order to the simulator of this home. Raises SimulatorError when none runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(ANSWER_S)
        try:
            link.connect(str(home / SOCKET))
            link.sendall(msgspec.json.encode(order) + b"\n")
            with link.makefile("rb") as answer:
                return msgspec.json.decode(answer.readline(), type=Reply)
        except (OSError, msgspec.DecodeError) as error:
            raise SimulatorError(f"no simulator answers in {home}: start one with hazmon-sim run ({error})") from error


def _alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        try:
            link.connect(str(path))
        except OSError:
            return False
        return True
