"""Relays the bytes of one TCP connection between a client and a destination."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from hadirector.model.ipvs import DestinationKey
from hadirector.runtime.descriptors import RELAY_RESERVE, is_reserved

CONNECT_SECONDS_MAX = 5.0
IDLE_SECONDS_MAX = 900.0  # the timeout of IPVS for an established TCP connection
PIECE_BYTES_MAX = 16384


class ReservedError(Exception):
    """The free file descriptors are reserved for the director. The message is the reason."""


def open_towards(client: socket.socket, destination: DestinationKey) -> socket.socket:
    """Return a socket for a connection to ``destination``. Raises ReservedError."""
    family = socket.AF_INET6 if ":" in destination.address else socket.AF_INET
    try:
        server = socket.socket(family)
    except OSError as error:
        raise ReservedError(error.strerror) from error
    if is_reserved(max(client.fileno(), server.fileno()), RELAY_RESERVE):
        server.close()
        raise ReservedError(
            "no file descriptor is free for the connection; the rest is reserved for the director"
        )
    server.setblocking(False)
    return server


async def relay(client: socket.socket, server: socket.socket, destination: DestinationKey) -> None:
    """Connect ``server`` to ``destination``, and copy bytes between client and destination.

    The relay ends when both sides have finished. If one side finishes, the other side can still
    send. Both connections are reset after a reset, a refused connection, 5 s without an answer
    to the connect, or 900 s without a byte. Each direction buffers up to 16 KiB, so a slow
    reader makes the writer wait. Both sockets are closed at the end.
    """
    loop = asyncio.get_running_loop()
    with client, server:
        orderly = False
        try:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await loop.sock_connect(server, (destination.address, destination.port))
            await _relay_both_ways(client, server)
            orderly = True
        except* OSError:
            pass  # both connections are reset below; TimeoutError is an OSError too
        finally:
            if not orderly:
                reset(client)
                reset(server)


def reset(connection: socket.socket) -> None:
    """Close a socket with a reset instead of an orderly end (SO_LINGER in socket(7))."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
    connection.close()


async def _relay_both_ways(client: socket.socket, server: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(IDLE_SECONDS_MAX) as idle, asyncio.TaskGroup() as both:

        def restart_idle_timer() -> None:
            idle.reschedule(loop.time() + IDLE_SECONDS_MAX)

        both.create_task(_relay_one_way(client, server, restart_idle_timer))
        both.create_task(_relay_one_way(server, client, restart_idle_timer))


async def _relay_one_way(
    source: socket.socket, target: socket.socket, restart_idle_timer: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    while piece := await loop.sock_recv(source, PIECE_BYTES_MAX):
        restart_idle_timer()
        await loop.sock_sendall(target, piece)
    target.shutdown(socket.SHUT_WR)
