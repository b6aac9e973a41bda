"""The HTTP server around the application: when it is told to stop, streams end first, so that nothing holds it."""

from __future__ import annotations

import socket

import uvicorn

from hazmon.api.app import create_app
from hazmon.api.room import Room

GRACE_S = 3
STUCK_MS = 20_000  # a peer that takes nothing for so long is dropped by the kernel
BACKLOG = 512


class ParkServer(uvicorn.Server):
    """uvicorn for one room. Streams live as long as their clients: a graceful stop would wait for ever."""

    def __init__(self, room: Room) -> None:
        self._room = room
        super().__init__(
            uvicorn.Config(
                create_app(room),
                log_config=None,
                access_log=False,
                ws_per_message_deflate=False,
                ws_max_size=64 * 1024,
                timeout_graceful_shutdown=GRACE_S,
                server_header=False,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop as uvicorn does."""
        self._room.end_streams()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: any free one). Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_MS)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
