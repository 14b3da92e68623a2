"""Carries the bytes of one TCP connection between a client and a destination."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from hadirector.model.ipvs import DestinationKey

CONNECT_SECONDS_MAX = 5.0
IDLE_SECONDS_MAX = 900.0  # as IPVS: its timeout of an established TCP connection
PIECE_BYTES_MAX = 65536


async def relay(client: socket.socket, destination: DestinationKey) -> None:
    """Connect to ``destination`` and carry bytes both ways until both sides have finished.

    One side's end of data is passed to the other, which may still send. A reset, a refused
    connection, 5 s without an answer or 900 s without a byte resets both. At most 64 KiB a
    direction are held here: a reader who stops makes the writer wait. Closes ``client``.
    """
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in destination.address else socket.AF_INET
    with client, socket.socket(family) as server:
        orderly = False
        try:
            server.setblocking(False)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await loop.sock_connect(server, (destination.address, destination.port))
            await _carry_both_ways(client, server)
            orderly = True
        except* OSError:
            pass  # the peers see it as a reset; TimeoutError is an OSError too
        finally:
            if not orderly:
                reset(client)
                reset(server)


def reset(connection: socket.socket) -> None:
    """Close so that the peer sees a reset and not an orderly end (SO_LINGER in socket(7))."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
    connection.close()


async def _carry_both_ways(client: socket.socket, server: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(IDLE_SECONDS_MAX) as idle, asyncio.TaskGroup() as both:

        def seen() -> None:
            idle.reschedule(loop.time() + IDLE_SECONDS_MAX)

        both.create_task(_carry(client, server, seen))
        both.create_task(_carry(server, client, seen))


async def _carry(source: socket.socket, target: socket.socket, seen: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    while piece := await loop.sock_recv(source, PIECE_BYTES_MAX):
        seen()
        await loop.sock_sendall(target, piece)
    target.shutdown(socket.SHUT_WR)
