"""Relays the bytes of one TCP connection between a client and a destination."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from functools import partial
from typing import Final, cast

from hadirector.model.ipvs import DestinationKey
from hadirector.runtime.descriptors import RELAY_RESERVE, is_reserved

CONNECT_SECONDS_MAX = 5.0
IDLE_SECONDS_MAX = 900.0  # the timeout of IPVS for an established TCP connection
PIECE_BYTES_MAX = 16384

_piece: Final = bytearray(PIECE_BYTES_MAX)
"""All relays receive into this buffer, one after the other, and leave nothing in it."""


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
    orderly = False
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            await loop.sock_connect(server, (destination.address, destination.port))
        orderly = await _Relay().run(client, server)
    except OSError:
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


class _Relay:
    """The two ends of a relay, and the time of its latest byte.

    The ends are protocols of asyncio. With tasks for the directions, a thousand clients delay the
    other work of the event loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[bool] = self._loop.create_future()
        self._ends: list[_End] = []
        self._closed = 0
        self._latest = self._loop.time()
        self._idle = self._loop.call_later(IDLE_SECONDS_MAX, self._watch_idle)

    async def run(self, client: socket.socket, server: socket.socket) -> bool:
        """Copy bytes until the end; return whether both sides have finished and are closed.

        Otherwise the sockets remain open, and the event loop no longer uses them.
        """
        try:
            for connection in (client, server):
                await self._loop.create_connection(partial(_End, self), sock=connection)
            first, second = self._ends
            first.send_to(second)
            second.send_to(first)
            return await self._ended
        finally:
            self._idle.cancel()
            for end in self._ends:
                end.transport.abort()  # without effect on a connection that is closed
            self._ends.clear()  # the relay and its ends refer to each other

    def add(self, end: _End) -> None:
        """Take an end whose connection is known."""
        self._ends.append(end)

    def note_piece(self) -> None:
        """Restart the idle time."""
        self._latest = self._loop.time()

    def finish(self) -> None:
        """Close both connections if no side sends any more. The last bytes are still sent."""
        if all(end.finished for end in self._ends):
            for end in self._ends:
                end.transport.close()

    def note_loss(self, error: Exception | None) -> None:
        """End the relay after an error, or when both connections are closed."""
        self._closed += 1
        if error is not None or self._closed == len(self._ends):
            self._end(orderly=error is None)

    def _watch_idle(self) -> None:
        left = self._latest + IDLE_SECONDS_MAX - self._loop.time()
        if left > 0:
            self._idle = self._loop.call_later(left, self._watch_idle)
        else:
            self._end(orderly=False)

    def _end(self, *, orderly: bool) -> None:
        if not self._ended.done():
            self._ended.set_result(orderly)


class _End(asyncio.BufferedProtocol):
    """One end of a relay. It sends to the other end what it receives."""

    transport: asyncio.Transport

    def __init__(self, relay: _Relay) -> None:
        self.finished = False
        self._relay = relay
        self._other: asyncio.Transport | None = None

    def send_to(self, other: _End) -> None:
        """Begin to receive, and send what comes to the other end."""
        self._other = other.transport
        self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)
        self.transport.pause_reading()
        self._relay.add(self)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - the size of asyncio.BufferedProtocol is a hint
        return _piece

    def buffer_updated(self, nbytes: int) -> None:
        self._relay.note_piece()
        if self._other is not None:
            self._other.write(bytes(memoryview(_piece)[:nbytes]))

    def eof_received(self) -> bool:
        self.finished = True
        if self._other is not None:
            self._other.write_eof()
        self._relay.finish()
        return True  # this end can still receive

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None:
            self._other.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._other = None
        self._relay.note_loss(error)
